"""What every speech-to-text engine promises. To test a new one, add it to ENGINES and LOCAL, or to
SERVERS and SERVED where it is behind an address and has no folder.

An engine whose library or model is not on this machine is skipped, but not in CI: a suite that
skips everything is green and proves nothing.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from stt.web import openai, serving
from stt.whisper_server import whisper_server

from malgwi import plugins
from malgwi.errors import BadOption, EngineError, EngineMissing, ModelBroken, ModelMissing
from malgwi.stt import Piece, Recognition, Transcriber
from malgwi.types import SAMPLE_RATE, Samples, written

MODELS = Path(os.environ.get("MALGWI_MODELS", Path.home() / ".malgwi" / "models"))


def beside_moonshine(name: str) -> Path:
    """A file that comes in the wheel of moonshine-voice."""
    package = find_spec("moonshine_voice")
    origin = package.origin if package else None
    return Path(origin).with_name("assets") / name if origin else Path("moonshine-voice", name)


def smallest_whisper() -> Path:
    here = [MODELS / f"whisper-{size}" for size in ("tiny", "base")]
    return next((folder for folder in here if folder.is_dir()), here[-1])


ENGINES: dict[str, Callable[[], Path]] = {
    "scripted": lambda: MODELS,  # it needs none
    "moonshine": lambda: beside_moonshine("tiny-en"),
    "faster-whisper": smallest_whisper,
    "transformers": smallest_whisper,
}
WHISPER = pytest.param("faster-whisper", marks=pytest.mark.model)
TORCH = pytest.param("transformers", marks=pytest.mark.model)
UNLOCKED = {"transformers"}  # torch is too large for requirements.lock: skipped in CI too
LOCAL = [pytest.param("moonshine", marks=pytest.mark.slow), WHISPER, TORCH]


@contextmanager
def openai_server() -> Iterator[str]:
    with serving(openai(load("faster-whisper"))) as web:
        yield web.address


SERVERS: dict[str, Callable[[], AbstractContextManager[str]]] = {
    "openai-http": openai_server,
    "whisper-cpp": whisper_server,
}
SERVED = [
    pytest.param("openai-http", marks=[pytest.mark.model, pytest.mark.slow]),
    pytest.param("whisper-cpp", marks=pytest.mark.slow),
]
REAL = [*LOCAL, *SERVED]
RUNNING = ExitStack()


@cache
def address(server: str) -> str:
    return RUNNING.enter_context(SERVERS[server]())


@pytest.fixture(autouse=True, scope="module")
def no_server_outlives_its_tests() -> Iterator[None]:
    yield
    RUNNING.close()


def load(name: str) -> Transcriber:
    try:
        adapter: Callable[..., Transcriber] = plugins.load("stt", name)
        engine = adapter(endpoint=address(name)) if name in SERVERS else adapter(ENGINES[name]())
    except EngineError as error:
        if "CI" in os.environ and not (name in UNLOCKED and isinstance(error, EngineMissing)):
            raise
        pytest.skip(str(error))
    return engine


@pytest.fixture(params=["scripted", *REAL], scope="module")
def engine(request: pytest.FixtureRequest) -> Transcriber:
    return load(request.param)


@pytest.fixture(params=REAL, scope="module")
def real_engine(request: pytest.FixtureRequest) -> Transcriber:
    return load(request.param)


@pytest.fixture(scope="module")
def speech() -> Samples:
    """Nine seconds of a novel, read aloud."""
    file = beside_moonshine("two_cities.wav")
    if not file.is_file():
        pytest.skip("moonshine-voice, which brings the sound, is not installed")
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
    with av.open(str(file)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    samples: Samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    return samples[: 9 * SAMPLE_RATE]


def noise(seconds: float, loudness: float = 0.01) -> Piece:
    samples = np.random.default_rng(1).normal(0, loudness, round(seconds * SAMPLE_RATE))
    return Piece(samples.astype(np.float32), language="en")


def test_no_pieces_are_no_recognitions(engine: Transcriber) -> None:
    assert engine.transcribe([]) == []


def test_a_piece_without_samples_has_no_words(engine: Transcriber) -> None:
    assert [each.words for each in engine.transcribe([noise(0.0)])] == [()]


@pytest.mark.parametrize("piece", [noise(0.02), noise(2.0), noise(1.0, loudness=0.0)])
def test_noise_and_silence_are_answered_too(engine: Transcriber, piece: Piece) -> None:
    [answer] = engine.transcribe([piece])

    assert isinstance(answer, Recognition)
    assert answer.no_speech is None or 0 <= answer.no_speech <= 1
    assert answer.attempts >= 1


def test_words_come_in_order_and_lie_inside_their_piece(
    engine: Transcriber, speech: Samples
) -> None:
    pieces = [Piece(speech[: seconds * SAMPLE_RATE], language="en") for seconds in (3, 9, 5)]

    answers = engine.transcribe(pieces)

    for piece, answer in zip(pieces, answers, strict=True):
        spans = [word.span for word in answer.words]
        assert spans
        assert all(0 <= span.start <= span.end <= piece.duration for span in spans)
        assert all(first.start <= second.start for first, second in pairwise(spans))


def test_every_word_has_a_text_and_a_confidence_where_there_is_one(
    engine: Transcriber, speech: Samples
) -> None:
    [answer] = engine.transcribe([Piece(speech, language="en")])

    assert all(word.text.strip() for word in answer.words)
    assert all(word.confidence is None or 0 <= word.confidence <= 1 for word in answer.words)
    assert answer.language == "en"


def test_the_same_pieces_are_heard_the_same_way(engine: Transcriber, speech: Samples) -> None:
    pieces = [Piece(speech, language="en"), noise(1.0)]

    assert engine.transcribe(pieces) == engine.transcribe(pieces)


def test_answers_come_in_the_order_of_the_pieces(real_engine: Transcriber, speech: Samples) -> None:
    empty, full = noise(0.0), Piece(speech, language="en")

    answers = real_engine.transcribe([empty, full, empty, empty])

    assert [bool(answer.words) for answer in answers] == [False, True, False, False]


def test_what_was_said_is_what_is_written(real_engine: Transcriber, speech: Samples) -> None:
    [answer] = real_engine.transcribe([Piece(speech, language="en")])

    text = written(answer.words).lower()
    assert "it was the best of times" in text
    assert "it was the worst of times" in text


def test_an_unknown_language_is_refused(engine: Transcriber) -> None:
    with pytest.raises(BadOption, match="xx"):
        engine.transcribe([Piece(noise(1.0).samples, language="xx")])


def test_an_engine_either_guesses_the_language_or_says_that_it_cannot(
    engine: Transcriber, speech: Samples
) -> None:
    pieces = [Piece(speech), Piece(speech)]

    if engine.capabilities.detects_language:
        guesses = engine.detect_language(pieces)
        assert [guess.language for guess in guesses] == ["en", "en"]
        assert all(0 <= guess.probability <= 1 for guess in guesses)
    else:
        with pytest.raises(BadOption, match="language"):
            engine.detect_language(pieces)


def test_an_engine_says_what_it_is(engine: Transcriber) -> None:
    served = engine.engine.name in SERVERS
    assert served or engine.engine.name in ENGINES
    assert engine.engine.model
    assert engine.engine.device == ("remote" if served else "cpu")
    assert "en" in engine.capabilities.languages
    assert min(engine.capabilities.batch, engine.capabilities.parallel) >= 1
    assert engine.capabilities.longest > 0


@pytest.mark.parametrize("name", ["scripted", *REAL])
def test_an_option_that_it_does_not_know_is_refused(name: str, tmp_path: Path) -> None:
    load(name)

    with pytest.raises(TypeError, match="thraeds"):
        plugins.load("stt", name)(tmp_path, thraeds=2)


@pytest.mark.parametrize("name", LOCAL)
@pytest.mark.parametrize("empty", [False, True])
def test_a_missing_model_is_said_to_be_missing(name: str, empty: bool, tmp_path: Path) -> None:
    load(name)  # skips where the library is missing
    folder = tmp_path / "whisper-base"
    if empty:
        folder.mkdir()

    with pytest.raises(ModelMissing, match="malgwi models pull whisper-base"):
        plugins.load("stt", name)(folder)


@pytest.mark.parametrize("name", LOCAL)
def test_a_truncated_model_is_said_to_be_broken(name: str, tmp_path: Path) -> None:
    load(name)
    for file in ENGINES[name]().iterdir():
        if file.is_file():
            half = file.stat().st_size // 2 if file.suffix in (".bin", ".ort") else None
            with file.open("rb") as source:
                (tmp_path / file.name).write_bytes(source.read(half))

    with pytest.raises(ModelBroken):
        plugins.load("stt", name)(tmp_path)

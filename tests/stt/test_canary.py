"""The canary is heard by whoever can hear, and by nobody who cannot."""

import wave
from dataclasses import replace
from importlib.resources import files
from math import nan
from pathlib import Path

import numpy as np
import pytest

from malgwi import plugins
from malgwi.errors import EngineError, EngineFailed
from malgwi.stt import CANARY_TEXT, Recognition, Transcriber, canary, check_canary, check_heard
from malgwi.testing import ScriptedTranscriber
from malgwi.types import Engine, Span, Word, written

CUDA = Engine("faster-whisper", "whisper-base", "cuda", "float16")
TINY = Path(__file__).parents[3] / "shared" / "weights" / "whisper-tiny-int8"


def heard(text: str, confidence: float = 0.9) -> Recognition:
    words = (Word(f" {each}", Span(0.0, 1.0), confidence) for each in text.split())
    return Recognition(tuple(words), "en")


def test_it_is_three_seconds_of_sound_at_our_rate_in_a_file_of_a_hundred_kilobytes() -> None:
    clip = files("malgwi.stt") / "canary.wav"

    with clip.open("rb") as file, wave.open(file) as opened:
        shape = opened.getframerate(), opened.getnchannels(), opened.getsampwidth()

    assert shape == (16_000, 1, 2)
    assert 2.0 < canary().duration < 3.0
    assert 0.4 < np.abs(canary().samples).max() < 0.6
    assert canary().language == "en"
    assert len(clip.read_bytes()) < 100_000


def test_nobody_can_spoil_it_for_the_next() -> None:
    with pytest.raises(ValueError, match="read-only"):
        canary().samples[:] = 0.0


@pytest.mark.model
def test_whisper_hears_it(whisper: Transcriber) -> None:
    took = check_canary(whisper)

    assert took is not None and took > 0


def test_moonshine_hears_it() -> None:
    assets = Path(pytest.importorskip("moonshine_voice").__file__).parent / "assets"

    assert check_canary(plugins.load("stt", "moonshine")(assets / "tiny-en"))


@pytest.mark.shared
@pytest.mark.skipif(not TINY.is_dir(), reason="the measuring material is not here")
def test_the_smallest_whisper_gets_every_word_right() -> None:
    try:
        engine = plugins.load("stt", "faster-whisper")(TINY)
    except EngineError as error:
        pytest.skip(str(error))

    [answer] = engine.transcribe([canary()])

    assert written(answer.words).casefold() == CANARY_TEXT.casefold()
    assert answer.attempts == 1


def test_an_engine_that_says_the_words_passes_whatever_its_capitals_and_marks() -> None:
    assert check_canary(ScriptedTranscriber()) is not None
    check_heard(heard(CANARY_TEXT.upper().strip(".") + "!"), CUDA)


def test_an_engine_without_english_is_not_asked() -> None:
    korean = ScriptedTranscriber(text="안녕하세요")
    korean.capabilities = replace(korean.capabilities, languages=frozenset({"ko"}))

    assert check_canary(korean) is None
    assert korean.heard == []


def test_three_words_of_ten_may_be_wrong_and_not_four() -> None:
    check_heard(heard("the yellow bird sings in her old warden every mourning"), CUDA)

    with pytest.raises(EngineFailed, match=r"other words \(40% wrong\)"):
        check_heard(heard("the mellow bird sings in her old warden every mourning"), CUDA)


@pytest.mark.parametrize(
    "answer",
    [
        heard(""),
        heard("hello there"),
        heard("!!!!!!!!"),
        heard(CANARY_TEXT, nan),
        replace(heard(CANARY_TEXT), no_speech=nan),
        heard(" ".join([CANARY_TEXT] * 3)),
    ],
    ids=["nothing", "other words", "marks", "no confidence", "no probability", "a loop"],
)
def test_who_hears_something_else_is_not_trusted(answer: Recognition) -> None:
    with pytest.raises(EngineFailed, match="whisper-base on cuda cannot be trusted"):
        check_heard(answer, CUDA)


def test_what_was_heard_instead_is_not_told() -> None:
    with pytest.raises(EngineFailed) as raised:
        check_heard(heard("my secret number is seven"), CUDA)

    assert "secret" not in str(raised.value)

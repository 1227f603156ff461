"""Whisper on torch hears what Whisper on CTranslate2 hears, where that cannot be had."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from malgwi import ops, plugins
from malgwi.errors import BadOption, ModelBroken
from malgwi.stt import Piece, Transcriber
from malgwi.types import SAMPLE_RATE, Samples, written

pytest.importorskip("torch", reason="torch is in no lock file: pip install torch")
pytest.importorskip("transformers", reason="The extra `transformers` is in no lock file.")

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def folder(models: Path) -> Path:
    return ops.find("whisper-base", models)


@pytest.fixture(scope="module")
def ours(folder: Path) -> Transcriber:
    engine: Transcriber = plugins.load("stt", "transformers")(folder)
    return engine


@pytest.fixture(scope="module")
def theirs(folder: Path) -> Transcriber:
    engine: Transcriber = plugins.load("stt", "faster-whisper")(folder, compute_type="float32")
    return engine


@pytest.fixture(scope="module")
def pieces(channels: list[Samples]) -> list[Piece]:
    def stretch(channel: int, begin: float, end: float) -> Samples:
        return channels[channel][round(begin * SAMPLE_RATE) : round(end * SAMPLE_RATE)]

    times = stretch(0, 0.2, 4.4)
    return [
        Piece(stretch(1, 3.4, 7.6), "en"),
        Piece(times, "en"),
        Piece(np.empty(0, np.float32), "en"),
        Piece(times),
        Piece(times, "en", prompt="So. We go on."),
    ]


def test_the_same_words_are_heard_at_the_same_times(
    ours: Transcriber, theirs: Transcriber, pieces: list[Piece]
) -> None:
    expected = theirs.transcribe(pieces)

    heard = ours.transcribe(pieces)

    assert written(heard[1].words).startswith("It was the best of times")
    for one, other in zip(heard, expected, strict=True):
        assert [(word.text, word.span) for word in one.words] == [
            (word.text, word.span) for word in other.words
        ]
        assert (one.language, one.attempts) == (other.language, other.attempts)
        sure = [word.confidence for word in one.words]
        assert sure == pytest.approx([word.confidence for word in other.words], abs=1e-3)


def test_it_says_what_it_is(ours: Transcriber, theirs: Transcriber) -> None:
    assert (ours.engine.name, ours.engine.model) == ("transformers", "whisper-base")
    assert (ours.engine.device, ours.engine.compute_type) == ("cpu", "float32")
    assert ours.capabilities.languages == theirs.capabilities.languages
    assert ours.capabilities.translates


@pytest.mark.parametrize("device", ["cuda:7", "tpu", "xpu"])
def test_a_device_that_torch_cannot_use_is_refused_in_its_words(folder: Path, device: str) -> None:
    with pytest.raises(BadOption, match=f"cannot use {device}: .+") as caught:
        plugins.load("stt", "transformers")(folder, device=device)

    assert caught.value.__cause__


def test_a_type_that_it_does_not_compute_in_is_refused(folder: Path) -> None:
    with pytest.raises(BadOption, match=r"int8_float16.*float32, float16, bfloat16"):
        plugins.load("stt", "transformers")(folder, compute_type="int8_float16")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_another_models_files_are_said_to_be_broken(
    folder: Path, name: str, tmp_path: Path
) -> None:
    copy = shutil.copytree(folder, tmp_path / folder.name)
    (copy / name).write_text("{}")

    with pytest.raises(ModelBroken, match=name):
        plugins.load("stt", "transformers")(copy)

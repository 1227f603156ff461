"""The sample shows what several channels are, and is the same on every machine."""

import hashlib
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from malgwi.ops.sample import NAME, RATE, READING, make_sample


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made from a reading of noise without a pause, which is the same on every machine too."""
    folder = tmp_path_factory.mktemp("sample")
    noise = (np.arange(45 * 48_000, dtype=np.int64) ** 2 * 7919 % 4001 - 2000).astype("<i2")
    with wave.open(str(folder / READING), "wb") as reading:
        reading.setparams((1, 2, 48_000, 0, "NONE", ""))
        reading.writeframes(noise.tobytes())
    make_sample(folder)
    return folder / NAME


def _sound(path: Path) -> NDArray[np.int16]:
    with wave.open(str(path), "rb") as sound:
        assert (sound.getnchannels(), sound.getframerate()) == (4, RATE)
        return np.frombuffer(sound.readframes(sound.getnframes()), "<i2").reshape(-1, 4)


def test_every_channel_speaks_and_some_speak_at_once(sample: Path) -> None:
    seconds = np.abs(_sound(sample).reshape(-1, RATE, 4)).max(axis=1) > 0

    assert seconds.any(axis=0).all()
    assert 10 < (seconds.sum(axis=1) > 1).sum() < len(seconds) - 10


def test_it_is_the_same_everywhere(sample: Path) -> None:
    found = hashlib.sha256(sample.read_bytes()).hexdigest()

    assert found.startswith("91e77b873c25945f")


def test_nothing_is_clipped(sample: Path) -> None:
    assert np.abs(_sound(sample).astype(int)).max() < 2**15 - 1

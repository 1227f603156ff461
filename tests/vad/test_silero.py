"""Silero in two graphs says what it says in one."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

if "CI" not in os.environ:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")

import onnxruntime

from malgwi.errors import ModelBroken
from malgwi.types import SAMPLE_RATE
from malgwi.vad.silero import WEIGHTS, SileroDetector

Sound = NDArray[np.float32]


def voiced(seconds: int) -> Sound:
    """Something like two voices, vowels of changing colour, and a channel of noise."""
    generator = np.random.default_rng(5)
    time = np.arange(seconds * SAMPLE_RATE) / SAMPLE_RATE
    channels = [generator.normal(0, 0.02, time.size)]
    for pitch, colour in ((120, 3.0), (210, 1.3)):
        phase = 2 * np.pi * np.cumsum(pitch + 15 * np.sin(2 * np.pi * 0.7 * time)) / SAMPLE_RATE
        formant = 600 + 350 * np.sin(2 * np.pi * colour * time)
        voice = np.zeros_like(time)
        for k in range(1, 25):
            voice += np.sin(k * phase) / (1 + ((k * pitch - formant) / 150) ** 2)
        channels.append(0.2 * voice * (np.sin(2 * np.pi * 1.9 * time) > -0.3))
    return np.stack(channels).astype(np.float32)


def as_shipped(channel: Sound) -> Sound:
    """What the untouched model says of a channel."""
    padded = np.concatenate([np.zeros(64, np.float32), channel])
    nothing = np.zeros((1, 1, 128), np.float32)
    windows = np.ascontiguousarray(sliding_window_view(padded, 576)[::512])
    session = onnxruntime.InferenceSession(str(WEIGHTS))
    return np.asarray(session.run(None, {"input": windows, "h": nothing, "c": nothing})[0])


def test_it_agrees_with_the_model_as_shipped() -> None:
    sound = voiced(8)

    found = SileroDetector().probabilities(sound)

    expected = np.stack([as_shipped(channel) for channel in sound])
    assert np.ptp(expected) > 0.3  # or agreement would prove little
    assert np.abs(found - expected).max() < 1e-3


@pytest.mark.parametrize("content", [None, b"", b"not a network"])
def test_broken_weights_are_said_to_be_broken(content: bytes | None, tmp_path: Path) -> None:
    weights = tmp_path / "weights.onnx"
    if content is not None:
        weights.write_bytes(content)

    with pytest.raises(ModelBroken, match=r"weights\.onnx"):
        SileroDetector(weights)


def test_nobody_is_told_that_it_is_used(tmp_path: Path) -> None:
    look = "import numpy as np; from malgwi.vad.silero import SileroDetector as D\n"
    look += "D().probabilities(np.zeros((1, 5120), np.float32))"

    subprocess.run([sys.executable, "-c", look], env={"HOME": str(tmp_path)}, check=True)

    assert not list(tmp_path.iterdir())  # where it would keep what it has not sent yet

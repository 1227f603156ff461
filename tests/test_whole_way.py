"""The whole way: a WAV file of two channels becomes a transcript, in a moment.

Read this test first. Everything in it is the real thing but the engine, which says what it was
told to wherever there is sound.
"""

import json
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from malgwi.apps.transcription import write
from malgwi.audio import open_recording
from malgwi.errors import BadAudio
from malgwi.pipeline import Engines, Request, transcribe
from malgwi.testing import ScriptedTranscriber
from malgwi.types import SAMPLE_RATE
from malgwi.vad.energy import EnergyDetector

VOICE = np.full(SAMPLE_RATE, 8_000, np.int16)
PAUSE = np.zeros(3 * SAMPLE_RATE, np.int16)


def wav(path: Path, *channels: NDArray[np.int16]) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((len(channels), 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes(np.stack(channels, axis=1).tobytes())
    return path


def test_two_channels_become_one_conversation_in_the_order_of_speaking(tmp_path: Path) -> None:
    tower = np.concatenate([VOICE, PAUSE, PAUSE, VOICE])
    pilot = np.concatenate([PAUSE, VOICE, PAUSE, VOICE])
    file = wav(tmp_path / "radio.wav", tower, pilot)
    engines = Engines(EnergyDetector, ScriptedTranscriber(text="go ahead"))

    recording = open_recording([file], labels=["tower", "pilot"])
    transcript = transcribe(recording, engines, Request(languages=["en"]))
    [written] = write(transcript, ["json"], tmp_path, "radio")

    lines = json.loads(written.read_text())["utterances"]
    assert [(line["channel_label"], line["text"]) for line in lines] == [
        ("tower", "go ahead"),
        ("pilot", "go ahead"),
        ("tower", "go ahead"),
        ("pilot", "go ahead"),
    ]
    assert [line["start"] for line in lines] == pytest.approx([0.0, 2.9, 6.9, 6.9], abs=0.05)


def test_what_is_no_sound_is_refused_in_our_own_words(tmp_path: Path) -> None:
    file = tmp_path / "radio.wav"
    file.write_text("hello")

    with pytest.raises(BadAudio, match=r"radio\.wav"):
        open_recording([file])

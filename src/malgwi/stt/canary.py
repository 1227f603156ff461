"""A clip whose words are known: an engine that hears them right is fit to hear anything.

Asked before an engine is trusted with a device, and again by the health check. A wrong library
may fail only at the first piece, and a card without usable float16 answers with exclamation
marks; a process can be alive and deaf. canary.wav is a synthetic voice, and ours:
tools/make_canary.py makes it.
"""

import math
import re
import time
import wave
from difflib import SequenceMatcher
from functools import cache
from importlib.resources import files

import numpy as np

from malgwi.errors import EngineFailed
from malgwi.stt.base import Piece, Recognition, Transcriber
from malgwi.types import Engine, Samples, written

CANARY_TEXT = "The yellow bird sings in the old garden every morning."
"""Of sixteen clips one that the smallest Whisper needs but one attempt for, whatever its window."""
MOST_WRONG = 0.34
"""Part of the words that may be wrong; the smallest models get all of them right."""


@cache
def canary() -> Piece:
    """The clip, three seconds of English."""
    with (files("malgwi.stt") / "canary.wav").open("rb") as file, wave.open(file) as clip:
        packed = np.frombuffer(clip.readframes(clip.getnframes()), "<i2")
    samples: Samples = np.asarray(packed / 32768, np.float32)
    samples.flags.writeable = False  # everybody gets the same
    return Piece(samples, "en")


def check_canary(transcriber: Transcriber) -> float | None:
    """Seconds that the engine took to hear the canary's words.

    None where it knows no English: it is not asked, and nothing is known of it. Raises
    EngineFailed where it hears something else, and whatever else `transcribe` raises.
    """
    if "en" not in transcriber.capabilities.languages:
        return None
    began = time.monotonic()
    [heard] = transcriber.transcribe([canary()])
    took = time.monotonic() - began
    check_heard(heard, transcriber.engine)
    return took


def check_heard(heard: Recognition, engine: Engine) -> None:
    """For whoever had the canary recognised elsewhere. Raises EngineFailed where `heard` is
    something else than its words."""
    if amiss := _amiss(heard):
        raise EngineFailed(
            f"{engine.model} on {engine.device} cannot be trusted: the canary {amiss}."
        )


def _amiss(heard: Recognition) -> str | None:
    """What is wrong with what came back. What it was is not said: it could be somebody's words,
    from a piece that was mixed up with this one."""
    numbers = [heard.no_speech, *(word.confidence for word in heard.words)]
    if any(each is not None and math.isnan(each) for each in numbers):
        return "came back with no number for a probability"
    text = written(heard.words)
    if text and not re.search(r"\w", text):
        return "came back as marks without a word"
    wrong = _part_wrong(text)
    return f"came back as other words ({wrong:.0%} wrong)" if wrong > MOST_WRONG else None


def _part_wrong(text: str) -> float:
    """Words that differ, against those that there should be."""
    said, heard = (re.findall(r"\w+", each.casefold()) for each in (CANARY_TEXT, text))
    alike = SequenceMatcher(None, said, heard, autojunk=False).get_matching_blocks()
    right = sum(block.size for block in alike)
    return (max(len(said), len(heard)) - right) / len(said)

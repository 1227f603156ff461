"""A transcription that was broken off goes on where it was, and ends as it would have ended."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pipeline.engines import Polyglot, Worker
from pipeline.recordings import Turns, taking_turns

from malgwi.errors import EngineGone
from malgwi.pipeline import Engines, Remembering, Request, transcribe
from malgwi.stt import Transcriber
from malgwi.testing import ScriptedTranscriber
from malgwi.types import Transcript
from malgwi.vad.energy import EnergyDetector


class Voices(Turns):
    """Turns no two of which sound alike."""

    def _sound(self, first: int, size: int) -> NDArray[np.float32]:
        rising = np.linspace(first, first + size, size, dtype=np.float32) / np.float32(1e7)
        louder: NDArray[np.float32] = super()._sound(first, size) * (np.float32(0.5) + rising)
        return louder


Kept = dict[str, Mapping[str, Any]]


def run(stt: Transcriber, request: Request | None = None) -> Transcript:
    asked = request or Request(languages=["en"])
    turns = taking_turns(minutes=6)
    voices = Voices(turns.turns, channels=4, duration=360.0)
    return transcribe(voices, Engines(EnergyDetector, stt), asked)


def written_down(kept: Kept) -> Kept:
    """As it comes back from a table of JSON."""
    read: Kept = json.loads(json.dumps(kept))
    return read


def test_after_a_kill_only_what_is_missing_is_recognised_and_the_result_is_the_same() -> None:
    def dies(call: int) -> None:
        if call == 7:
            raise EngineGone("gone")

    whole, kept = ScriptedTranscriber(), Kept()
    undisturbed = run(whole)
    with pytest.raises(EngineGone):
        run(Remembering(Worker(dies, parallel=1), {}, kept.__setitem__))
    rest = ScriptedTranscriber()

    resumed = run(Remembering(rest, written_down(kept), kept.__setitem__))

    assert resumed.utterances == undisturbed.utterances
    assert 0 < len(rest.heard) < len(whole.heard)
    assert len(rest.heard) == len(whole.heard) - 6 * 2


def test_the_language_of_a_channel_is_not_told_again() -> None:
    kept, first, second = Kept(), Polyglot(), Polyglot()
    before = run(Remembering(first, {}, kept.__setitem__), Request())

    after = run(Remembering(second, written_down(kept), kept.__setitem__), Request())

    assert after.channels == before.channels
    assert first.asked and not second.asked


def test_what_was_asked_differently_is_recognised_again() -> None:
    kept = Kept()
    run(Remembering(ScriptedTranscriber(), {}, kept.__setitem__))
    korean = ScriptedTranscriber()

    run(Remembering(korean, kept, kept.__setitem__), Request(languages=["ko"]))

    assert korean.heard and {piece.language for piece in korean.heard} == {"ko"}


def test_nothing_is_kept_where_nothing_is_new() -> None:
    kept = Kept()
    run(Remembering(ScriptedTranscriber(), {}, kept.__setitem__))

    def never(name: str, data: Mapping[str, Any]) -> None:
        raise AssertionError(name)

    run(Remembering(ScriptedTranscriber(), written_down(kept), never))

"""What is spoken in recordings, as clips: the voices of the test."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from malgwi import audio
from malgwi.audio import Recording
from malgwi.errors import BadInput
from malgwi.types import SAMPLE_RATE, Span
from malgwi.vad import Gate, GateRule, VoiceDetector

LOOKED_THROUGH = 300.0
"""Seconds, from its start, of each recording."""
ENOUGH = 1200.0
"""Seconds of speech in all; more would only take memory."""
SHORTEST, LONGEST = 1.0, 15.0
MARGIN = 0.2
"""Seconds kept before and after."""
SURE = GateRule(open_at=0.5, shut_below=0.35)
"""Only what is speech beyond doubt: what is said to be lost has to have been there."""

Pcm = NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """Somebody speaking, at SAMPLE_RATE."""

    samples: Pcm
    spoken: Span
    """Where in the clip."""

    @property
    def duration(self) -> float:
        return len(self.samples) / SAMPLE_RATE


def clips_of(files: Sequence[Path], new_vad: Callable[[], VoiceDetector]) -> list[Clip]:
    """In the order of the files. Raises BadInput where nobody speaks, BadAudio for what is no
    recording."""
    clips: list[Clip] = []
    for file in files:
        recording = audio.open_recording([file])
        clips += _spoken(recording, new_vad())
        if sum(each.spoken.duration for each in clips) > ENOUGH:
            break
    if not clips:
        named = ", ".join(file.name for file in files[:3])
        raise BadInput(
            f"Nobody speaks for a second on end in the first {LOOKED_THROUGH / 60:.0f} minutes of "
            f"{named}. Give recordings with speech by --from."
        )
    return clips


def _spoken(recording: Recording, detector: VoiceDetector) -> Iterable[Clip]:
    gates = [Gate(detector.window, SURE) for _ in recording.labels]
    spans: list[list[Span]] = [[] for _ in gates]
    read: list[Pcm] = []
    for block in recording.blocks():
        for gate, found, row in zip(
            gates, spans, detector.probabilities(block.samples), strict=True
        ):
            found += [span for each in row if (span := gate.push(float(each)))]
        read.append((np.clip(block.samples, -1.0, 1.0) * 32767).astype(np.int16))
        if block.start + block.duration > LOOKED_THROUGH:
            break
    sound = np.concatenate(read, axis=1)
    for gate, found, row in zip(gates, spans, sound, strict=True):
        found += [last for last in [gate.close()] if last]
        yield from (_cut(row, part) for span in found for part in _parts(span))


def _parts(span: Span) -> Iterable[Span]:
    """Of those that talk on and on several clips."""
    start = span.start
    while span.end - start >= SHORTEST:
        yield Span(start, min(span.end, start + LONGEST))
        start += LONGEST


def _cut(sound: Pcm, span: Span) -> Clip:
    first = max(0, round((span.start - MARGIN) * SAMPLE_RATE))
    last = min(len(sound), round((span.end + MARGIN) * SAMPLE_RATE))
    return Clip(sound[first:last].copy(), span.later(-first / SAMPLE_RATE))

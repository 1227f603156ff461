"""The nouns of the platform: what flows from the recording to the transcript.

Every value is immutable, and every time is in seconds from the start of the recording.
This module imports no other room of the package, so every other room can import it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000  # Hz. audio/ converts once, at the door; behind it all is this rate.

Samples = NDArray[np.float32]
"""Mono sound in [-1, 1] at SAMPLE_RATE, shaped [samples]."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of time, from `start` up to but not including `end`."""

    start: float
    end: float

    @property
    def duration(self) -> float:
        return self.end - self.start

    def apart(self, other: "Span") -> float:
        """Seconds between the two; negative where they overlap, by as much as they do."""
        return max(self.start, other.start) - min(self.end, other.end)

    def later(self, seconds: float) -> "Span":
        return Span(self.start + seconds, self.end + seconds)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """What all channels of a recording carry in the same stretch of time.

    `samples` is float32 in [-1, 1] at SAMPLE_RATE, shaped [channels, samples]; `first` is the
    place of its first sample in the recording. Blocks follow each other without a gap.
    """

    first: int
    samples: NDArray[np.float32]

    @property
    def start(self) -> float:
        return self.first / SAMPLE_RATE

    @property
    def duration(self) -> float:
        return float(self.samples.shape[1] / SAMPLE_RATE)


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a recording. `index` counts from 0; `label` is what people call it."""

    index: int
    label: str
    language: str | None = None
    """ISO 639-1 code, given by the user or detected; None while it is not known."""
    language_probability: float | None = None
    """How sure the engine was; None where the language was given, not detected."""


@dataclass(frozen=True, slots=True)
class Word:
    """A recognised word. `text` keeps its leading space where the language writes one."""

    text: str
    span: Span
    confidence: float | None = None
    """The engine's probability, 0 to 1; None where it gives none."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What did the recognising, and on what; said in every transcript."""

    name: str
    model: str
    device: str
    compute_type: str | None = None
    fallback_reason: str | None = None
    """Why this is not the device or the model that was asked for; None where it is."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one text rule did to an utterance: `before` at [start, end) became `after`.

    The offsets count characters of the text as it was when the rule ran, so that applying an
    utterance's changes to `raw_text`, in order, gives `text`.
    """

    rule: str
    start: int
    end: int
    before: str
    after: str

    def apply(self, text: str) -> str:
        return text[: self.start] + self.after + text[self.end :]


@dataclass(frozen=True, slots=True)
class Utterance:
    """A line of the transcript: what was said on one channel without a pause."""

    id: str
    """Unique in its transcript, the same at every run: channel and count, as in `03-0042`."""
    channel: int
    span: Span
    raw_text: str
    """As the engine gave it."""
    text: str
    """As it is written: `raw_text` after the text rules."""
    words: tuple[Word, ...]
    """Of `text`, with times; their texts joined and stripped are `text`."""
    language: str
    speaker: str | None = None
    confidence: float | None = None
    """Mean probability of the words, 0 to 1."""
    no_speech: float | None = None
    """The engine's probability that nobody spoke, 0 to 1."""
    attempts: int = 1
    """How often the engine had to decode it; more than 1 after a loop or low confidence."""
    level: float | None = None
    """Root mean square of the sound in dBFS."""
    changes: tuple[Change, ...] = ()
    suppressed: str | None = None
    """The rule that took it for something nobody said. It is kept, and left out of the text."""
    duplicate_of: str | None = None
    """The id of the same words heard better on another channel."""

    @property
    def counts(self) -> bool:
        """False where it is suppressed or a duplicate: kept, and not shown by default."""
        return self.suppressed is None and self.duplicate_of is None


def written(words: Iterable[Word]) -> str:
    """The text that the words make up."""
    return "".join(word.text for word in words).strip()


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the user should know about the result: a break in the file, a fall back."""

    code: str
    """Stable, for programs: `audio-truncated`, `channels-unequal`, ..."""
    message: str
    """For people."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time went. Stages overlap, so they add up to more than `wall`."""

    wall: float
    """Seconds from the first block to the last utterance, models already loaded."""
    decoding: float
    vad: float
    recognition: float
    audio: float
    """Seconds of sound, all channels added up."""
    speech: float
    """Seconds of it that were recognised."""

    @property
    def real_time_factor(self) -> float | None:
        """Wall seconds a second of sound, all channels added up; None where there is no sound."""
        return self.wall / self.audio if self.audio else None


@dataclass(frozen=True, slots=True)
class Transcript:
    """Everything that was said in a recording, in the order in which it was said."""

    sources: tuple[str, ...]
    duration: float
    channels: tuple[Channel, ...]
    utterances: tuple[Utterance, ...]
    """Of all channels, sorted by start; suppressed ones and duplicates included and marked."""
    engine: Engine
    timings: Timings
    notices: tuple[Notice, ...] = ()
    complete: bool = True
    """False where the user broke it off: what is here is whole, what comes after is missing."""

    def of_channel(self, channel: int) -> tuple[Utterance, ...]:
        return tuple(each for each in self.utterances if each.channel == channel)


class Lane(StrEnum):
    """How urgent work is; the first lane goes first."""

    LIVE = "live"
    """Somebody is speaking now and reads along."""
    INTERACTIVE = "interactive"
    """Somebody waits for the answer."""
    BATCH = "batch"
    """It is wanted, but nobody waits."""


class JobState(StrEnum):
    """Where a job is. It ends as done, dead or cancelled, and leaves that only where somebody has
    a dead one tried again."""

    WAITING = "waiting"
    """For the jobs that it needs."""
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"
    """It was tried as often as it may be, or cannot be done at all; `Job.error` says why."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Job:
    """Work for later, as the ledger has it."""

    id: str
    kind: str
    """What is to be done: the name of a handler."""
    lane: Lane
    queue: str
    """Which workers do it: `realtime`, `analysis` or `batch`."""
    payload: Mapping[str, Any]
    """What with, as JSON; ids and options, never sound and never text that was said."""
    state: JobState
    attempt: int
    """How often it was claimed. Also the fencing token: only the holder of the last one counts."""
    max_attempts: int
    created: datetime
    needs: tuple[str, ...] = ()
    """Ids of the jobs that have to be done before."""
    progress: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    """A sentence; of the last attempt while there are more to come."""
    worker: str | None = None
    lease_until: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    cancel_asked: bool = False
    key: str | None = None
    """Idempotency key: a second job of this key is the first one."""

"""What is looked for, and what is found, as values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Order(StrEnum):
    """Which hits come first."""

    RELEVANCE = "relevance"
    """The best of the latest five hundred, then the best of the five hundred before."""
    TIME = "time"
    """The latest."""


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """Where to look; each that is given has to be true."""

    since: datetime | None = None
    """It was said then or later, by the wall clock. Where nobody knows when a recording started,
    it counts as if it had when it came."""
    until: datetime | None = None
    """It was said before."""
    after: float | None = None
    """It starts at this second of its recording or later."""
    before: float | None = None
    """It starts before this second."""
    channel: int | None = None
    speaker: str | None = None
    label: str | None = None
    """Of the recording."""
    recording: str | None = None
    transcript: str | None = None
    hidden: bool = False
    """Whether what is suppressed or a duplicate is found as well."""


@dataclass(frozen=True, slots=True)
class Line:
    """What was said beside a hit, on any channel."""

    utterance: str
    channel: int
    channel_label: str
    """As the recording calls it now."""
    speaker: str | None
    start: float
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """An utterance in which it is, as the current revision has it."""

    recording: str
    recording_name: str
    transcript: str
    revision: int
    utterance: str
    channel: int
    channel_label: str
    """As the recording calls it now."""
    speaker: str | None
    start: float
    """The second of the recording to play from."""
    end: float
    at: datetime | None
    """The wall clock then; None where nobody knows when the recording started."""
    text: str
    parts: tuple[tuple[int, int], ...]
    """What is to be marked: from which code point of `text` to which."""
    before: Line | None
    after: Line | None
    score: float
    """0 to 1; comparable among the hits of a query."""

"""The outline of a transcript, as a value: what a page draws before anybody reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntFlag

from malgwi.types import Channel, Engine, Notice

LOW_CONFIDENCE = 0.6
"""Below it an utterance, or a word, is worth listening to again.

With Whisper base about half of the words below it are wrong, in English (read and spontaneous) and
in Korean, and one in eight of all words; it marks 4 to 19 % of the words.
"""


class Flag(IntFlag):
    """What is to be seen of an utterance from afar."""

    LOW_CONFIDENCE = 1
    DUPLICATE = 2
    SUPPRESSED = 4
    CORRECTED = 8
    """Somebody wrote the text as it is, or gave it this speaker alone; not where it was undone."""
    RULED = 16
    """A rule has changed the text."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A revision of a transcript in columns, each as long as it has utterances, in their order."""

    transcript_id: str
    recording_id: str
    recording_name: str
    revision: int
    duration: float
    started: datetime | None
    channels: tuple[Channel, ...]
    speakers: tuple[str, ...]
    """In the order in which they speak first; `speaker` counts in it, -1 where nobody knows."""
    languages: tuple[str, ...]
    engine: Engine
    notices: tuple[Notice, ...]
    id: Sequence[str]
    channel: Sequence[int]
    start: Sequence[float]
    """Seconds, to the millisecond."""
    end: Sequence[float]
    speaker: Sequence[int]
    flags: Sequence[int]

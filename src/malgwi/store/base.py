"""What is kept, as values, and what a store promises.

What was said is only ever added to: a correction makes a revision, and every revision can be read
as it was.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import Any, Generic, Protocol, TypeVar

from malgwi.store.ids import new_id
from malgwi.store.outline_base import Outline
from malgwi.types import Channel, Engine, JobState, Transcript, Utterance

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page of a list."""

    cursor: str | None = None
    """`Page.next_cursor` of the page before; None for the first one."""
    limit: int = 50
    """1 to 1000."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some of a list."""

    items: tuple[Item, ...]
    next_cursor: str | None
    """None where there is no more. What is added meanwhile neither repeats nor hides an item."""


class Source(StrEnum):
    """How a recording came."""

    UPLOAD = "upload"
    WATCH = "watch"
    """It fell into a folder."""
    REFERENCE = "reference"
    """Somebody named a file that was here."""


@dataclass(frozen=True, slots=True)
class Media:
    """A file, known by what is in it."""

    sha256: str
    size: int
    content_type: str | None
    stored: datetime


@dataclass(frozen=True, slots=True)
class MediaPart:
    """A file as part of a recording."""

    sha256: str
    name: str
    """As it was called where it came from, without any folders."""
    offset: float = 0.0
    """Seconds from the start of the recording to its first sample."""


@dataclass(frozen=True, slots=True)
class LatestTranscript:
    """The newest of a recording."""

    id: str
    revision: int
    """The current one."""


@dataclass(frozen=True, slots=True)
class LastJob:
    """The one that was made for a recording last."""

    id: str
    state: JobState


@dataclass(frozen=True, slots=True)
class NewRecording:
    """What is known of a recording when it comes."""

    name: str
    media: tuple[MediaPart, ...] = ()
    started: datetime | None = None
    """The wall clock at its first sample."""
    duration: float | None = None
    """Seconds."""
    channel_labels: tuple[str, ...] = ()
    labels: frozenset[str] = frozenset()
    metadata: Mapping[str, str] = field(default_factory=dict)
    source: Source = Source.UPLOAD
    owner: str | None = None
    """Id of the API key that it came with."""
    key: str | None = None
    """Idempotency key: a second recording of this key is the first one."""
    id: str = field(default_factory=new_id)
    """What it will be called if it is no second one."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording as it is kept."""

    id: str
    name: str
    media: tuple[MediaPart, ...]
    created: datetime
    started: datetime | None
    duration: float | None
    channel_labels: tuple[str, ...]
    labels: frozenset[str]
    metadata: Mapping[str, str]
    source: Source
    owner: str | None
    transcript: LatestTranscript | None
    job: LastJob | None


@dataclass(frozen=True, slots=True)
class RecordingChanges:
    """What shall be other; None leaves it as it is."""

    name: str | None = None
    started: datetime | None = None
    duration: float | None = None
    channel_labels: tuple[str, ...] | None = None
    labels: frozenset[str] | None = None
    metadata: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class RecordingFilter:
    """Which recordings; each that is given has to be true."""

    label: str | None = None
    name: str | None = None
    """It is part of the name; letters of the Latin alphabet count the same in both cases."""
    since: datetime | None = None
    """They started then or later, or came then where nobody knows when they started."""
    until: datetime | None = None
    """They started, or came, before."""
    state: JobState | None = None
    """Of the job that was made for it last."""
    owner: str | None = None


class RecordingOrder(StrEnum):
    """Which recordings come first. Of those that are alike the newer, by name the older."""

    NEWEST = "newest"
    """Those that came last."""
    OLDEST = "oldest"
    NAME = "name"
    """By its first sixty characters; letters of the Latin alphabet count the same in both cases."""
    DURATION = "duration"
    """The longest; those last of which nobody knows it."""
    STARTED = "started"
    """Those that started last, or came last where nobody knows when they started."""


@dataclass(frozen=True, slots=True)
class TranscriptRecord:
    """What is known about a transcript without reading it."""

    id: str
    recording_id: str
    created: datetime
    revision: int
    """The current one, from 1."""
    duration: float
    channels: tuple[Channel, ...]
    engine: Engine
    complete: bool


class RevisionKind(StrEnum):
    """Why a transcript has become another."""

    RECOGNISED = "recognised"
    CORRECTION = "correction"
    SPEAKERS = "speakers"
    """Speakers were renamed, wherever they speak."""
    GLOSSARY = "glossary"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Revision:
    """A state of a transcript, and how it came about."""

    transcript_id: str
    number: int
    created: datetime
    author: str | None
    note: str | None
    kind: RevisionKind


@dataclass(frozen=True, slots=True)
class Authorship:
    """Who makes a revision, and why."""

    author: str | None = None
    note: str | None = None
    kind: RevisionKind = RevisionKind.CORRECTION


@dataclass(frozen=True, slots=True)
class Correction:
    """What an utterance shall say, or who shall have said it; None leaves it as it is."""

    utterance: str
    text: str | None = None
    speaker: str | None = None
    """"" for nobody that is known."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An utterance in two revisions; None where it is not in that one."""

    utterance: str
    before: Utterance | None
    after: Utterance | None


@dataclass(frozen=True, slots=True)
class Placed:
    """An utterance, and its place in the transcript: the same in all revisions."""

    position: int
    """From 0, of all channels."""
    utterance: Utterance


@dataclass(frozen=True, slots=True)
class UtteranceFilter:
    """Which utterances of a transcript."""

    revision: int | None = None
    """None for the current one."""
    position: int | None = None
    """They stand there or later."""
    channel: int | None = None
    after: float | None = None
    """They start at this second or later."""


class Role(StrEnum):
    """What somebody may do. Each may do what those after it may."""

    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without what opens: that is known only to whom it was given."""

    id: str
    name: str
    role: Role
    created: datetime
    expires: datetime | None
    revoked: datetime | None
    last_used: datetime | None
    """To the minute."""

    @property
    def is_valid(self) -> bool:
        """Whether it opens anything now."""
        ended = self.expires is not None and self.expires <= datetime.now(UTC)
        return not ended and self.revoked is None

    @property
    def administers(self) -> bool:
        return self.role is Role.ADMIN and self.is_valid


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something that was done."""

    id: str
    at: datetime
    actor: str | None
    action: str
    target: str | None
    details: Mapping[str, Any]


class Store(Protocol):
    """Recordings, transcripts and who may see them.

    Any thread of any process may call it. Each call is a transaction: what it says is done is on
    disk, and nothing of it is where it raises. Everywhere: NotFound for an id that is not here or
    not any more, BadInput for what no database can keep, StoreFull and StoreGone for the database
    and the disk. Times have a time zone and come back in UTC.
    """

    def add_recording(self, new: NewRecording) -> Recording:
        """Its media are kept before. With a key that is taken, gives back the recording that has
        it, whatever else is new. Raises NotFound where one of the media is not here."""

    def recording(self, recording_id: str) -> Recording: ...

    def recordings(
        self, which: RecordingFilter = ..., paging: Paging = ..., order: RecordingOrder = ...
    ) -> Page[Recording]:
        """Those that came last first. Raises BadOption for a cursor that is none of ours, or of
        another order."""

    def update_recording(self, recording_id: str, changes: RecordingChanges) -> Recording: ...

    def delete_recording(self, recording_id: str) -> None:
        """It and its transcripts are not found any more; nothing is removed yet."""

    def purge_recording(self, recording_id: str) -> None:
        """Removes it, deleted before or not, with its transcripts, and its media where no other
        recording has them. Those that came within the hour stay for a sweep: somebody else may
        have brought the same, and not yet said what for."""

    def keep_media(
        self, content: Iterable[bytes], content_type: str | None = None, size: int = 0
    ) -> Media:
        """Takes it in as it comes: memory does not grow with it. What is here already is not kept
        twice. It can be swept after an hour if no recording has it by then. Where its `size` is
        known, StoreFull is raised before it fills the disk."""

    def take_media(self, path: Path, content_type: str | None = None) -> Media:
        """As `keep_media`, for a file of our own beside them: it is moved, not copied."""

    def media(self, sha256: str) -> Media: ...

    def media_path(self, sha256: str) -> Path:
        """Where to read it."""

    def reading_media(
        self, sums: Sequence[str], stop: Event
    ) -> AbstractContextManager[Sequence[Path]]:
        """Where to read them for as long as the block lasts; what another node keeps is fetched
        first. Raises NotFound, NetworkError, StoreError, StoreFull, Overloaded where there is no
        room just now, and Cancelled once `stop` is set."""

    def media_faults(self) -> Iterable[tuple[str, str]]:
        """Of all that should be here, the sum and a sentence for what is missing or not what it
        was. Reads every file."""

    def sweep_media(self) -> int:
        """Removes what no recording has, and what a kill has left half written. How many."""

    def save_transcript(
        self, recording_id: str, transcript: Transcript, key: str | None = None
    ) -> TranscriptRecord:
        """As revision 1. With a key that is taken, gives back the one that has it: the job that
        is done again after a kill makes no second one. Raises Conflict where that is of another
        recording."""

    def saving(
        self, recording_id: str, transcript: Transcript, key: str
    ) -> tuple[str, Callable[[Any], None]]:
        """The id that the transcript gets, and what saves it as `save_transcript` does, but in a
        transaction of this database that it is called in: that of the job's end."""

    def transcripts(self, recording_id: str) -> tuple[TranscriptRecord, ...]:
        """Newest first."""

    def transcript_record(self, transcript_id: str) -> TranscriptRecord: ...

    def transcript(self, transcript_id: str, revision: int | None = None) -> Transcript:
        """As it was saved, or as the revision has it; here and in its record the channels are
        called as the recording calls them now."""

    def outline(self, transcript_id: str, revision: int | None = None) -> Outline:
        """The same without its words."""

    def utterances(
        self, transcript_id: str, which: UtteranceFilter = ..., paging: Paging = ...
    ) -> Page[Placed]:
        """In the order of the transcript."""

    def correct(
        self,
        transcript_id: str,
        base_revision: int,
        corrections: Sequence[Correction],
        by: Authorship = ...,
    ) -> Revision:
        """A new revision, or the current one where nothing would be other. Words that stay keep
        their times; those that are new share the time of those they stand for. Raises Stale where
        `base_revision` is not the current one: of two that correct at once, one has to look again.
        """

    def revise(
        self,
        transcript_id: str,
        base_revision: int,
        utterances: Sequence[Utterance],
        by: Authorship,
    ) -> Revision:
        """As `correct`, with utterances as they shall be, by their ids."""

    def rename_speakers(
        self,
        transcript_id: str,
        base_revision: int,
        names: Mapping[str, str],
        channel: int | None,
        by: Authorship,
    ) -> Revision:
        """As `correct`, of all that they say, on all channels or on one: who is called as the key
        is called as the value from then on, all at once. "" is nobody that is known; as a key it
        wants a channel: raises BadOption."""

    def undo(
        self, transcript_id: str, base_revision: int, to: int, by: Authorship = ...
    ) -> Revision:
        """A new revision that says what revision `to` says."""

    def revisions(self, transcript_id: str) -> tuple[Revision, ...]:
        """Oldest first."""

    def diff(self, transcript_id: str, before: int, after: int) -> tuple[Difference, ...]:
        """What is other, in the order of the transcript."""

    def new_key(self, name: str, role: Role, expires: datetime | None = None) -> tuple[ApiKey, str]:
        """The second is what opens; it is shown this once and never kept."""

    def key(self, presented: str) -> ApiKey | None:
        """None where it opens nothing: it is unknown, expired or revoked."""

    def keys(self) -> tuple[ApiKey, ...]: ...

    def revoke_key(self, key_id: str) -> ApiKey: ...

    def note(
        self,
        action: str,
        target: str | None = None,
        actor: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> AuditEntry:
        """Adds to the audit trail. `details` hold ids and numbers, nothing that was said."""

    def trail(self, target: str | None = None, paging: Paging = ...) -> Page[AuditEntry]:
        """Newest first."""

    def close(self) -> None: ...

"""From files that came in, whichever way, to a recording with a job.

Whoever sends the same again gets what is here: by the idempotency key that they gave, or else by
what is in the files.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, field_validator

from malgwi.apps.transcription.api.access import Caller
from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.fields import Label, Metadata, Moment, Seconds, Truth
from malgwi.apps.transcription.api.work import Wanted, asked_key, check_wanted, transcription
from malgwi.errors import Conflict
from malgwi.gateway import BadField
from malgwi.store import Media, MediaPart, NewRecording, Recording, Source
from malgwi.types import Job


class Described(Wanted):
    """What is said of a recording when it comes, and how it is to be transcribed."""

    name: Annotated[str, Field(max_length=300)] = ""
    """Without one the name of the first file."""
    labels: Annotated[tuple[Label, ...], Field(max_length=64)] = ()
    channel_labels: Annotated[tuple[Label, ...], Field(max_length=64)] = ()
    """In the order of the channels, over all files."""
    offsets: Annotated[tuple[Seconds, ...], Field(max_length=64)] = ()
    """Seconds from the start of the recording to the first sample of each file."""
    started: Moment | None = None
    """The wall clock at the first sample of the recording."""
    metadata: Metadata = Field(default_factory=dict)
    transcribe: Truth = True

    @field_validator("metadata", mode="before")
    @classmethod
    def _from_json(cls, value: Any) -> Any:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except (ValueError, RecursionError) as error:
            raise ValueError("it is not JSON") from error

    @field_validator("labels", "channel_labels", "offsets", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return value if isinstance(value, list | tuple) else [value]


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file that is kept, and what it was called."""

    media: Media
    name: str


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What has come of it."""

    recording: Recording
    job: Job | None
    duplicate: bool
    """It was here already: nothing new is kept, whatever was said of it."""


def check(doors: ApiDoors, described: Described, files: int) -> None:
    """Before anything is kept. Raises BadField."""
    if described.offsets and len(described.offsets) != files:
        raise BadField("offsets", f"there are {len(described.offsets)} for {files} files")
    if described.transcribe:
        check_wanted(doors, described)


def take_in(  # noqa: PLR0913 - each stands for itself
    doors: ApiDoors,
    caller: Caller,
    arrived: list[Arrived],
    described: Described,
    *,
    source: Source,
    asked: str | None,
) -> TakenIn:
    """Raises Conflict where `asked`, an idempotency key, is that of other files."""
    offsets = described.offsets or (0.0,) * len(arrived)
    parts = tuple(
        MediaPart(each.media.sha256, each.name, offset)
        for each, offset in zip(arrived, offsets, strict=True)
    )
    new = NewRecording(
        name=described.name or arrived[0].name,
        media=parts,
        started=described.started,
        channel_labels=described.channel_labels,
        labels=frozenset(described.labels),
        metadata=described.metadata,
        source=source,
        owner=caller.id,
        key=_key(caller, parts, asked),
    )
    recording = doors.store.add_recording(new)
    duplicate = recording.id != new.id  # also where another came in the same moment
    if _content(recording.media) != _content(parts):
        raise Conflict("The Idempotency-Key is that of a recording of other files. Take a new one.")
    if not duplicate:
        facts = {"media": [each.sha256 for each in parts], "source": source.value}
        doors.store.note("recording.create", recording.id, caller.id, facts)
    if not described.transcribe:
        return TakenIn(recording, None, duplicate)
    job = transcription(doors, caller, recording.id, described, f"transcribe:{recording.id}")
    return TakenIn(doors.store.recording(recording.id), job, duplicate)  # which has a job now


def _key(caller: Caller, parts: tuple[MediaPart, ...], asked: str | None) -> str:
    given = asked_key(caller, asked)
    if given is not None:
        return f"asked:{given}"
    sums = json.dumps(_content(parts)).encode()
    return f"content:{hashlib.sha256(sums).hexdigest()}"


def _content(parts: tuple[MediaPart, ...]) -> list[tuple[str, float]]:
    return [(each.sha256, each.offset) for each in parts]

"""/v1/transcripts: what was said, every state of it, and corrections."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from malgwi.apps.transcription.api.access import SCHEMES, Editor, Viewer
from malgwi.apps.transcription.api.bodies import BoundedRoute
from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.fields import (
    ChannelIndex,
    Cursor,
    Limit,
    Note,
    Position,
    RevisionNumber,
    Seconds,
)
from malgwi.apps.transcription.api.kept import Kept, kept
from malgwi.apps.transcription.api.pages import PageOf
from malgwi.apps.transcription.api.problems import problems
from malgwi.apps.transcription.formats import FORMATS
from malgwi.apps.transcription.formats.json import (
    ChannelRow,
    EngineRow,
    TranscriptRow,
    UtteranceRow,
    channel_row,
    utterance_row,
)
from malgwi.store import (
    Authorship,
    Correction,
    Difference,
    Paging,
    Revision,
    RevisionKind,
    TranscriptRecord,
    UtteranceFilter,
)
from malgwi.types import Utterance

_MOST = 1000  # corrections at once

Text = Annotated[str, StringConstraints(max_length=20_000)]
SpeakerName = Annotated[str, StringConstraints(max_length=300, strip_whitespace=True)]
"""Empty for nobody that is known."""


class TranscriptOut(BaseModel):
    """What is known about a transcript without reading it."""

    id: str
    recording: str
    created: datetime
    revision: int
    """The current one."""
    duration: float
    channels: list[ChannelRow]
    engine: EngineRow
    complete: bool


class RevisionOut(BaseModel):
    """A state of a transcript, and how it came about."""

    transcript: str
    number: int
    created: datetime
    author: str | None
    """Id of a user or a key."""
    author_name: str | None
    """While there is one."""
    note: str | None
    kind: RevisionKind


class DifferenceOut(BaseModel):
    """An utterance in two revisions."""

    utterance: str
    before: UtteranceRow | None
    after: UtteranceRow | None


@dataclass(frozen=True)
class PlacedRow(UtteranceRow):
    """A line of the transcript, and where it stands."""

    position: int
    """From 0, of all channels; the same in all revisions, and in the outline."""


class CorrectionIn(BaseModel):
    """What an utterance shall say, or who shall have said it. What is left out stays."""

    model_config = ConfigDict(extra="forbid")

    utterance: Annotated[str, StringConstraints(max_length=100)]
    text: Text | None = None
    speaker: SpeakerName | None = None


class Corrections(BaseModel):
    """Several at once: all of them are made, or none."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "base_revision": 1,
                    "corrections": [{"utterance": "03-0042", "text": "북문에서 만나자"}],
                    "note": "listened again",
                }
            ]
        },
    )

    base_revision: RevisionNumber
    """The one that was read. Where it is not the current one any more the answer is 409 and
    `revision` the one that is."""
    corrections: Annotated[list[CorrectionIn], Field(min_length=1, max_length=_MOST)]
    note: Note | None = None


class Renaming(BaseModel):
    """Speakers as they are called, and as they shall be called from now on."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"base_revision": 3, "names": {"SPEAKER_00": "김 기장"}}]},
    )

    base_revision: RevisionNumber
    names: Annotated[dict[SpeakerName, SpeakerName], Field(min_length=1, max_length=_MOST)]
    """All at once, so that two can be exchanged. Empty is nobody that is known: as an old name it
    wants a `channel`."""
    channel: ChannelIndex | None = None
    """Without it everywhere."""
    note: Note | None = None


class Undo(BaseModel):
    """A new revision that says what an older one says."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"base_revision": 2}]}
    )

    base_revision: RevisionNumber
    to: RevisionNumber | None = None
    """Without it the one before."""
    note: Note | None = None


class UtteranceQuery(BaseModel):
    """Which utterances."""

    model_config = ConfigDict(extra="forbid")

    revision: RevisionNumber | None = None
    """The current one without it."""
    channel: ChannelIndex | None = None
    after: Seconds | None = None
    """They start at this second or later."""
    position: Position | None = None
    """They stand there or later; the outline counts from 0."""
    cursor: Cursor = None
    limit: Limit = 50


def router(doors: ApiDoors) -> APIRouter:
    routes = APIRouter(
        prefix="/v1/transcripts",
        tags=["transcripts"],
        responses=problems(),
        dependencies=SCHEMES,
        route_class=BoundedRoute,
    )

    @routes.get("/{transcript_id}", responses={200: {"model": TranscriptRow}})
    def read_transcript(
        caller: Viewer,
        transcript_id: str,
        revision: Annotated[RevisionNumber | None, Query()] = None,
        channel: Annotated[ChannelIndex | None, Query()] = None,
    ) -> Response:
        """All channels in one, or one of them: `malgwi.transcript/1`, as in the file. The header
        `X-Malgwi-Revision` has the number that a correction is made against."""
        found = kept(doors.store, transcript_id, revision, channel)
        written = StringIO()
        FORMATS["json"].write(found.transcript, written)
        body = written.getvalue().encode()
        return Response(body, media_type="application/json", headers=_headers(found))

    @routes.get("/{transcript_id}/utterances")
    def list_utterances(
        caller: Viewer, transcript_id: str, query: Annotated[UtteranceQuery, Query()]
    ) -> PageOf[PlacedRow]:
        """In the order in which they were said."""
        which = UtteranceFilter(**query.model_dump(exclude={"cursor", "limit"}))
        page = doors.store.utterances(transcript_id, which, Paging(query.cursor, query.limit))
        labels = _labels(doors, transcript_id)
        items = [
            PlacedRow(**vars(_row(each.utterance, labels)), position=each.position)
            for each in page.items
        ]
        return PageOf(items=items, next_cursor=page.next_cursor)

    @routes.get("/{transcript_id}/revisions")
    def list_revisions(caller: Viewer, transcript_id: str) -> list[RevisionOut]:
        """Oldest first."""
        revisions, names = doors.store.revisions(transcript_id), doors.people.names()
        return [_revision_out(each, names) for each in revisions]

    @routes.get("/{transcript_id}/diff")
    def compare_revisions(
        caller: Viewer,
        transcript_id: str,
        before: Annotated[RevisionNumber, Query()],
        after: Annotated[RevisionNumber, Query()],
    ) -> list[DifferenceOut]:
        """The utterances that are other."""
        labels = _labels(doors, transcript_id)
        found = doors.store.diff(transcript_id, before, after)
        return [_difference_out(each, labels) for each in found]

    @routes.post("/{transcript_id}/corrections")
    def correct_transcript(caller: Editor, transcript_id: str, wanted: Corrections) -> RevisionOut:
        """A new revision, or the current one where nothing would be other."""
        corrections = [
            Correction(each.utterance, each.text, each.speaker) for each in wanted.corrections
        ]
        by = Authorship(caller.id, wanted.note)
        revision = doors.store.correct(transcript_id, wanted.base_revision, corrections, by)
        facts = {"revision": revision.number, "utterances": len(corrections)}
        doors.store.note("transcript.correct", transcript_id, caller.id, facts)
        return _revision_out(revision, doors.people.names())

    @routes.post("/{transcript_id}/speakers")
    def rename_speakers(caller: Editor, transcript_id: str, wanted: Renaming) -> RevisionOut:
        """A new revision, or the current one where nobody is called so."""
        by = Authorship(caller.id, wanted.note)
        revision = doors.store.rename_speakers(
            transcript_id, wanted.base_revision, wanted.names, wanted.channel, by
        )
        facts = {"revision": revision.number, "names": len(wanted.names)}
        doors.store.note("transcript.speakers", transcript_id, caller.id, facts)
        return _revision_out(revision, doors.people.names())

    @routes.post("/{transcript_id}/undo")
    def undo_revision(caller: Editor, transcript_id: str, wanted: Undo) -> RevisionOut:
        """Back to what an older revision says, by a new one."""
        to = wanted.to or max(1, wanted.base_revision - 1)
        by = Authorship(caller.id, wanted.note, RevisionKind.UNDO)
        revision = doors.store.undo(transcript_id, wanted.base_revision, to, by)
        facts = {"revision": revision.number, "to": to}
        doors.store.note("transcript.undo", transcript_id, caller.id, facts)
        return _revision_out(revision, doors.people.names())

    return routes


def transcript_out(record: TranscriptRecord) -> TranscriptOut:
    engine = record.engine
    return TranscriptOut(
        id=record.id,
        recording=record.recording_id,
        created=record.created,
        revision=record.revision,
        duration=record.duration,
        channels=list(map(channel_row, record.channels)),
        engine=EngineRow(
            engine.name, engine.model, engine.device, engine.compute_type, engine.fallback_reason
        ),
        complete=record.complete,
    )


def _headers(found: Kept) -> dict[str, str]:
    return {
        "x-malgwi-revision": str(found.number),
        "x-malgwi-recording": found.record.recording_id,
    }


def _labels(doors: ApiDoors, transcript_id: str) -> dict[int, str]:
    record = doors.store.transcript_record(transcript_id)
    return {each.index: each.label for each in record.channels}


def _row(each: Utterance, labels: dict[int, str]) -> UtteranceRow:
    return utterance_row(each, labels[each.channel])


def _difference_out(each: Difference, labels: dict[int, str]) -> DifferenceOut:
    return DifferenceOut(
        utterance=each.utterance,
        before=None if each.before is None else _row(each.before, labels),
        after=None if each.after is None else _row(each.after, labels),
    )


def _revision_out(revision: Revision, names: Mapping[str, str]) -> RevisionOut:
    return RevisionOut(
        transcript=revision.transcript_id,
        number=revision.number,
        created=revision.created,
        author=revision.author,
        author_name=names.get(revision.author) if revision.author else None,
        note=revision.note,
        kind=revision.kind,
    )

"""/v1/transcripts/{id}/outline: all of a transcript but its words, for pages that draw it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response

from malgwi.apps.transcription.api.access import SCHEMES, Viewer
from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.fields import RevisionNumber
from malgwi.apps.transcription.api.problems import problems
from malgwi.store import LOW_CONFIDENCE, Outline, Recording, TranscriptRecord

_RESPONSES: dict[int | str, dict[str, Any]] = {304: {"description": "It is as the tag says."}}


@dataclass(frozen=True)
class LabelRow:
    """A channel, as it is called now."""

    index: int
    label: str


@dataclass(frozen=True)
class ColumnsRow:
    """A column a fact, each as long as there are utterances: a position stands for one of them."""

    id: Sequence[str]
    channel: Sequence[int]
    start: Sequence[float]
    end: Sequence[float]
    speaker: Sequence[int]
    """A place in `speakers`; -1 where nobody knows."""
    flags: Sequence[int]
    """The sum of 1 low confidence, 2 duplicate of another channel, 4 suppressed, 8 corrected by
    somebody, 16 changed by a rule."""


@dataclass(frozen=True)
class NoticeRow:
    """What to know about the recording or how it was recognised."""

    code: str
    message: str


@dataclass(frozen=True)
class OutlineRow:
    """A revision of a transcript without its words."""

    transcript_id: str
    recording_id: str
    recording_name: str
    revision: int
    duration: float
    started: datetime | None
    channels: Sequence[LabelRow]
    speakers: Sequence[str]
    languages: Sequence[str]
    low_confidence: float
    """Below it an utterance has flag 1; a page may mark words below it alike."""
    model: str
    device: str
    fallback_reason: str | None
    """Why it is not the device or the model that was asked for; null where it is."""
    notices: Sequence[NoticeRow]
    utterances: ColumnsRow


def router(doors: ApiDoors) -> APIRouter:
    routes = APIRouter(
        tags=["transcripts"], responses={**problems(), **_RESPONSES}, dependencies=SCHEMES
    )

    @routes.get("/v1/transcripts/{transcript_id}/outline", responses={200: {"model": OutlineRow}})
    def read_outline(
        caller: Viewer,
        transcript_id: str,
        revision: Annotated[RevisionNumber | None, Query()] = None,
        known: Annotated[str | None, Header(alias="If-None-Match", max_length=1000)] = None,
    ) -> Response:
        """All utterances in columns, in the order in which they were said, without their words.
        With the tag of the answer before as `If-None-Match` the answer is 304 where nothing is
        other."""
        record = doors.store.transcript_record(transcript_id)
        number = record.revision if revision is None else revision
        tag = _tag(record, number, doors.store.recording(record.recording_id))
        headers = {"etag": tag, "cache-control": "private, no-cache"}
        if known is not None and tag in (each.strip() for each in known.split(",")):
            return Response(status_code=304, headers=headers)
        body = _written(doors.store.outline(transcript_id, number))
        return Response(body, media_type="application/json", headers=headers)

    return routes


def _tag(record: TranscriptRecord, number: int, recording: Recording) -> str:
    """Of all that an outline says: a revision never changes, but what is called how may."""
    labels = [each.label for each in record.channels]
    said = json.dumps([labels, recording.name, str(recording.started), version("malgwi")])
    return f'"{record.id}-{number}-{blake2b(said.encode(), digest_size=8).hexdigest()}"'


def _written(outline: Outline) -> bytes:
    row = OutlineRow(
        transcript_id=outline.transcript_id,
        recording_id=outline.recording_id,
        recording_name=outline.recording_name,
        revision=outline.revision,
        duration=round(outline.duration, 3),
        started=outline.started,
        channels=[LabelRow(each.index, each.label) for each in outline.channels],
        speakers=outline.speakers,
        languages=outline.languages,
        low_confidence=LOW_CONFIDENCE,
        model=outline.engine.model,
        device=outline.engine.device,
        fallback_reason=outline.engine.fallback_reason,
        notices=[NoticeRow(each.code, each.message) for each in outline.notices],
        utterances=ColumnsRow(
            id=outline.id,
            channel=outline.channel,
            start=outline.start,
            end=outline.end,
            speaker=outline.speaker,
            flags=outline.flags,
        ),
    )
    return json.dumps(vars(row), default=_plain, ensure_ascii=False, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else vars(value)

"""/v1/recordings: what came in, by upload or by name, and what people call it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from malgwi.apps.transcription.api import references
from malgwi.apps.transcription.api.access import SCHEMES, Caller, Editor, Viewer
from malgwi.apps.transcription.api.bodies import BoundedRoute, read_body
from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.fields import Cursor, Label, Limit, Metadata, Moment, Name
from malgwi.apps.transcription.api.file_names import bare
from malgwi.apps.transcription.api.intake import Arrived, Described, TakenIn, check, take_in
from malgwi.apps.transcription.api.jobs import JobOut, job_out
from malgwi.apps.transcription.api.pages import PageOf
from malgwi.apps.transcription.api.problems import problems
from malgwi.apps.transcription.api.transcripts import TranscriptOut, transcript_out
from malgwi.apps.transcription.api.whole import OfUploads, join
from malgwi.apps.transcription.api.work import WantedAgain, asked_key, check_wanted, transcription
from malgwi.errors import BadInput, BadOption
from malgwi.gateway import BadField, Form, form_openapi, read_form, unknown_fields
from malgwi.store import (
    LastJob,
    LatestTranscript,
    MediaPart,
    Paging,
    Recording,
    RecordingChanges,
    RecordingFilter,
    RecordingOrder,
    Role,
    Source,
)
from malgwi.types import JobState

_FILE = "file"
_ENDED = (JobState.DONE, JobState.DEAD, JobState.CANCELLED)
_JSON_BYTES = 256 * 1024

D = TypeVar("D", bound=Described)
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]


class ByReference(Described):
    """A file of this machine, in one of the folders that its operator named."""

    model_config = ConfigDict(extra="forbid")

    path: Annotated[str, Field(min_length=1, max_length=4096)]


class MediaOut(BaseModel):
    """A file of a recording."""

    position: int
    name: str
    sha256: str
    offset: float
    """Seconds from the start of the recording to its first sample."""


class LatestTranscriptOut(BaseModel):
    """The newest transcript of a recording."""

    id: str
    revision: int
    """The current one."""


class LastJobOut(BaseModel):
    """The job that was made for a recording last."""

    id: str
    state: JobState


class RecordingOut(BaseModel):
    """A recording."""

    id: str
    name: str
    created: datetime
    started: datetime | None
    duration: float | None
    """Seconds; null until it was transcribed."""
    channel_labels: list[str]
    labels: list[str]
    metadata: dict[str, str]
    source: Source
    owner: str | None
    """Id of the key that it came with."""
    media: list[MediaOut]
    transcript: LatestTranscriptOut | None
    """Null until there is one."""
    job: LastJobOut | None


class TakenInOut(BaseModel):
    """A recording that came, and the job that transcribes it."""

    recording: RecordingOut
    job: JobOut | None
    duplicate: bool
    """It was here already: nothing new is kept."""


class RecordingPatch(BaseModel):
    """What shall be other. What is left out stays."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "야간 무전", "labels": ["night"]}]},
    )

    name: Name = ""
    started: Moment = Field(default_factory=datetime.now)
    channel_labels: Annotated[list[Label], Field(max_length=64)] = []
    labels: Annotated[list[Label], Field(max_length=64)] = []
    metadata: Metadata = {}


class RecordingQuery(BaseModel):
    """Which recordings; each that is given has to be true."""

    model_config = ConfigDict(extra="forbid")

    label: Annotated[str | None, Field(max_length=200)] = None
    name: Annotated[str | None, Field(max_length=300)] = None
    """A part of the name."""
    since: Moment | None = None
    """They started, or came, then or later."""
    until: Moment | None = None
    state: JobState | None = None
    """Of the job that was made for it last."""
    owner: Annotated[str | None, Field(max_length=100)] = None
    order: RecordingOrder = RecordingOrder.NEWEST
    """By `name` from the beginning of the alphabet; by `duration` the longest first, by `started`
    the last."""
    cursor: Cursor = None
    limit: Limit = 50


@dataclass(frozen=True, slots=True)
class _Received:
    """The body of a POST: a form with files, or the names of files that are here."""

    form: Form = field(default_factory=Form)
    body: bytes | None = None


def routers(doors: ApiDoors) -> list[APIRouter]:
    return [_uploading(doors), _keeping(doors)]


def _uploading(doors: ApiDoors) -> APIRouter:
    """Apart from the others as its body may be large."""
    routes = APIRouter(tags=["recordings"], responses=problems(), dependencies=SCHEMES)

    async def received(request: Request, caller: Editor) -> AsyncIterator[_Received]:
        if request.headers.get("content-type", "").lower().startswith("application/json"):
            yield _Received(body=await read_body(request, _JSON_BYTES))
            return
        async with doors.spool.form(request) as form:
            yield _Received(form)

    @routes.post(
        "/v1/recordings",
        status_code=201,
        responses={200: {"model": TakenInOut, "description": "It was here already."}},
        openapi_extra=_create_openapi(),
    )
    async def create_recording(
        request: Request,
        response: Response,
        caller: Editor,
        received: Annotated[_Received, Depends(received)],
        idempotency_key: IdempotencyKey = None,
    ) -> TakenInOut:
        """Keep a recording, and have it transcribed.

        A form with the files, in fields whose names begin with `file`, in the order of the
        recording's channels; or as JSON the ids of `uploads` that are parts of it, or the `path`
        of a file that is on this machine.
        """

        def work(_: object) -> TakenIn:
            if received.body is not None:
                return _take_named(doors, caller, received.body, idempotency_key)
            return _take_form(doors, caller, received.form, idempotency_key)

        taken = await doors.crossing.run(request, work)
        response.status_code = 200 if taken.duplicate else 201
        response.headers["location"] = f"/v1/recordings/{taken.recording.id}"
        return TakenInOut(
            recording=recording_out(taken.recording),
            job=None if taken.job is None else job_out(taken.job),
            duplicate=taken.duplicate,
        )

    return routes


def _keeping(doors: ApiDoors) -> APIRouter:
    routes = APIRouter(
        prefix="/v1/recordings",
        tags=["recordings"],
        responses=problems(),
        dependencies=SCHEMES,
        route_class=BoundedRoute,
    )

    @routes.get("")
    def list_recordings(
        caller: Viewer, query: Annotated[RecordingQuery, Query()]
    ) -> PageOf[RecordingOut]:
        """Those that came last first, or in the order that is asked for. A cursor goes on in the
        order in which it was given out."""
        which = RecordingFilter(**query.model_dump(exclude={"order", "cursor", "limit"}))
        page = doors.store.recordings(which, Paging(query.cursor, query.limit), query.order)
        return PageOf(items=list(map(recording_out, page.items)), next_cursor=page.next_cursor)

    @routes.get("/{recording_id}")
    def read_recording(caller: Viewer, recording_id: str) -> RecordingOut:
        return recording_out(doors.store.recording(recording_id))

    @routes.patch("/{recording_id}")
    def change_recording(caller: Editor, recording_id: str, patch: RecordingPatch) -> RecordingOut:
        changed = patch.model_dump(exclude_unset=True)
        recording = doors.store.update_recording(recording_id, _changes(changed))
        facts = {"fields": sorted(changed)}
        doors.store.note("recording.update", recording_id, caller.id, facts)
        return recording_out(recording)

    @routes.delete("/{recording_id}", status_code=204)
    def delete_recording(
        caller: Editor, recording_id: str, purge: Annotated[bool, Query()] = False
    ) -> None:
        """It is not found any more, and its jobs are called off. Only `purge`, for which one has
        to be an administrator, removes it, its transcripts and its sound from the disk, deleted
        before or not."""
        if purge:
            caller.must_be(Role.ADMIN)
            doors.store.purge_recording(recording_id)
        else:
            doors.store.delete_recording(recording_id)
        _call_off(doors, recording_id)
        action = "recording.purge" if purge else "recording.delete"
        doors.store.note(action, recording_id, caller.id)

    @routes.post("/{recording_id}/transcribe", status_code=202)
    def transcribe_recording(
        caller: Editor,
        recording_id: str,
        wanted: WantedAgain,
        idempotency_key: IdempotencyKey = None,
    ) -> JobOut:
        """Once more, perhaps by another model. What there is stays."""
        doors.store.recording(recording_id)
        check_wanted(doors, wanted)
        given = asked_key(caller, idempotency_key)
        key = None if given is None else f"transcribe:{recording_id}:{given}"
        job = transcription(doors, caller, recording_id, wanted, key)
        doors.store.note("recording.transcribe", recording_id, caller.id, {"job": job.id})
        return job_out(job)

    @routes.get("/{recording_id}/transcripts")
    def list_transcripts(caller: Viewer, recording_id: str) -> list[TranscriptOut]:
        """Newest first."""
        return list(map(transcript_out, doors.store.transcripts(recording_id)))

    return routes


def recording_out(recording: Recording) -> RecordingOut:
    transcript, job = recording.transcript, recording.job
    return RecordingOut(
        id=recording.id,
        name=recording.name,
        created=recording.created,
        started=recording.started,
        duration=recording.duration,
        channel_labels=list(recording.channel_labels),
        labels=sorted(recording.labels),
        metadata=dict(recording.metadata),
        source=recording.source,
        owner=recording.owner,
        media=[_media_out(position, part) for position, part in enumerate(recording.media)],
        transcript=None if transcript is None else _latest_out(transcript),
        job=None if job is None else _last_out(job),
    )


def _latest_out(latest: LatestTranscript) -> LatestTranscriptOut:
    return LatestTranscriptOut(id=latest.id, revision=latest.revision)


def _last_out(job: LastJob) -> LastJobOut:
    return LastJobOut(id=job.id, state=job.state)


def _media_out(position: int, part: MediaPart) -> MediaOut:
    return MediaOut(position=position, name=part.name, sha256=part.sha256, offset=part.offset)


def _take_form(doors: ApiDoors, caller: Caller, form: Form, asked: str | None) -> TakenIn:
    described = read_form(Described, form)
    for name, upload in form.files:
        if not name.startswith(_FILE):
            raise BadField(name, f"it came as a file; those are called {_FILE}, {_FILE}2, ...")
        if not upload.size:
            raise BadField(name, "the file is empty")
    if not form.files:
        raise BadField(_FILE, "it is missing; send the recording in it, as a file")
    if unknown := unknown_fields(Described, form):
        raise BadOption(f"The form has fields that are none of ours: {', '.join(unknown)[:200]}.")
    check(doors, described, len(form.files))
    arrived = [
        Arrived(doors.store.take_media(each.path, each.content_type or None), each.name or name)
        for name, each in form.files
    ]
    return take_in(doors, caller, arrived, described, source=Source.UPLOAD, asked=asked)


def _take_named(doors: ApiDoors, caller: Caller, body: bytes, asked: str | None) -> TakenIn:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise BadInput("The body is not JSON.") from None
    if isinstance(said, dict) and "uploads" in said:
        return join(doors, caller, _read(OfUploads, said), asked)
    return _take_reference(doors, caller, _read(ByReference, said), asked)


def _take_reference(
    doors: ApiDoors, caller: Caller, described: ByReference, asked: str | None
) -> TakenIn:
    check(doors, described, 1)
    with references.opened(described.path, doors.reference_folders) as file:
        media = doors.store.keep_media(references.blocks(file, doors.limits.upload_bytes))
    arrived = [Arrived(media, bare(described.path))]
    return take_in(doors, caller, arrived, described, source=Source.REFERENCE, asked=asked)


def _read(model: type[D], said: Any) -> D:
    try:
        return model.model_validate(said)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = str(fault["loc"][0]) if fault["loc"] else "body"
        raise BadField(where, fault["msg"].removeprefix("Value error, ")) from None


def _changes(changed: dict[str, Any]) -> RecordingChanges:
    if "labels" in changed:
        changed["labels"] = frozenset(changed["labels"])
    if "channel_labels" in changed:
        changed["channel_labels"] = tuple(changed["channel_labels"])
    return RecordingChanges(**changed)


def _call_off(doors: ApiDoors, recording_id: str) -> None:
    """All jobs that it has, however many."""
    before: str | None = None
    while jobs := doors.ledger.list(recording_id=recording_id, before=before):
        for job in jobs:
            if job.state not in _ENDED:
                doors.ledger.cancel(job.id)
        before = jobs[-1].id


def _create_openapi() -> dict[str, Any]:
    extra = form_openapi(Described, _FILE)
    form = extra["requestBody"]["content"]["multipart/form-data"]["schema"]
    moment = {"type": "string", "format": "date-time"}
    form["properties"]["started"] = {"anyOf": [moment, {"const": ""}]}  # as forms say nothing
    for name, each in form["properties"].items():
        if "items" in each:  # one is sent alone, and none as nothing
            form["properties"][name] = {"anyOf": [each, each["items"], {"const": ""}]}
    uploads = {"uploads": ["0190a1b2-0000-7000-8000-000000000000"], "channel_labels": ["Tower"]}
    path = {"path": "/srv/radio/2026-03-01.wav", "labels": ["radio"]}
    named = {
        "schema": {"anyOf": [each.model_json_schema() for each in (OfUploads, ByReference)]},
        "examples": {"uploads": {"value": uploads}, "path": {"value": path}},
    }
    extra["requestBody"]["content"]["application/json"] = named
    return extra

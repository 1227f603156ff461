"""/v1/jobs: the work that there is, how far it is, and what can still be done about it."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from malgwi.apps.transcription.api import events
from malgwi.apps.transcription.api.access import SCHEMES, Editor, Viewer
from malgwi.apps.transcription.api.bodies import BoundedRoute
from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.every_job import EveryJob
from malgwi.apps.transcription.api.fields import Cursor, Limit, Truth
from malgwi.apps.transcription.api.pages import PageOf, job_cursor, job_of
from malgwi.apps.transcription.api.problems import problems
from malgwi.apps.transcription.api.work import told
from malgwi.types import Job, JobState, Lane

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {events.MEDIA_TYPE: {"schema": events.SCHEMA}}},
    204: {"description": "The job has ended, and `Last-Event-ID` is that of its end."},
}

_STREAM_OF_ALL: dict[int | str, dict[str, Any]] = {200: _STREAM[200]}


class JobOut(BaseModel):
    """A job."""

    id: str
    kind: str
    lane: Lane
    queue: str
    state: JobState
    recording: str | None
    """Its id."""
    payload: dict[str, Any]
    """What with: ids and options."""
    progress: dict[str, Any]
    attempt: int
    """How often it was begun."""
    max_attempts: int
    error: str | None
    """Why it is dead, or why its last attempt came to nothing."""
    cancel_asked: bool
    needs: list[str]
    """Jobs that have to be done before."""
    created: datetime
    started: datetime | None
    ended: datetime | None


class JobQuery(BaseModel):
    """Which jobs; each that is given has to be true."""

    model_config = ConfigDict(extra="forbid")

    state: JobState | None = None
    kind: Annotated[str | None, Field(max_length=100)] = None
    lane: Lane | None = None
    recording: Annotated[str | None, Field(max_length=100)] = None
    cursor: Cursor = None
    limit: Limit = 50


def router(doors: ApiDoors) -> APIRouter:
    routes = APIRouter(
        prefix="/v1/jobs",
        tags=["jobs"],
        responses=problems(),
        dependencies=SCHEMES,
        route_class=BoundedRoute,
    )
    listeners = events.Listeners(doors)
    every_job = EveryJob(doors, _said)

    @routes.get("")
    def list_jobs(caller: Viewer, query: Annotated[JobQuery, Query()]) -> PageOf[JobOut]:
        """The newest first."""
        found = doors.ledger.list(
            state=query.state,
            kind=query.kind,
            lane=query.lane,
            recording_id=query.recording,
            before=job_of(query.cursor),
            limit=query.limit + 1,
        )
        jobs = found[: query.limit]
        after = job_cursor(jobs[-1].id) if len(found) > len(jobs) else None
        return PageOf(items=list(map(job_out, jobs)), next_cursor=after)

    @routes.get("/events", response_class=StreamingResponse, responses=_STREAM_OF_ALL)
    async def all_job_events(
        caller: Viewer,
        request: Request,
        follow: Truth = True,
        last: Annotated[str | None, Header(alias="Last-Event-ID", max_length=100)] = None,
    ) -> Response:
        """Server-sent events of all jobs: `state`, and `end`, each with the job as JSON, and of a
        job one a second at most. `reset` says that some may be missing: read the list anew.
        Without `follow` it ends with what there was since `Last-Event-ID`."""
        return await every_job.answer(request, last, follow)

    @routes.get("/{job_id}")
    def read_job(caller: Viewer, job_id: str) -> JobOut:
        return job_out(doors.ledger.get(job_id))

    @routes.post("/{job_id}/cancel")
    def cancel_job(caller: Editor, job_id: str) -> JobOut:
        """Call it off. Whoever is doing it is asked to stop: see `cancel_asked`. One that has
        ended stays as it is."""
        job = doors.ledger.cancel(job_id)
        doors.store.note("job.cancel", job_id, caller.id)
        return job_out(job)

    @routes.post("/{job_id}/retry")
    def retry_job(caller: Editor, job_id: str) -> JobOut:
        """Try a dead one again, from where it stopped. Any other is a conflict, 409."""
        job = told(doors, doors.ledger.retry(job_id))
        doors.store.note("job.retry", job_id, caller.id)
        return job_out(job)

    @routes.get("/{job_id}/events", response_class=StreamingResponse, responses=_STREAM)
    async def job_events(
        caller: Viewer,
        request: Request,
        job_id: str,
        last: Annotated[str | None, Header(alias="Last-Event-ID", max_length=100)] = None,
    ) -> Response:
        """Server-sent events: `state` and `progress` as they change, and `end`, each with the job
        as JSON."""
        return await listeners.answer(request, job_id, last, _said)

    return routes


def job_out(job: Job) -> JobOut:
    recording = job.payload.get("recording")
    return JobOut(
        id=job.id,
        kind=job.kind,
        lane=job.lane,
        queue=job.queue,
        state=job.state,
        recording=recording if isinstance(recording, str) else None,
        payload=dict(job.payload),
        progress=dict(job.progress),
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        error=job.error,
        cancel_asked=job.cancel_asked,
        needs=list(job.needs),
        created=job.created,
        started=job.started,
        ended=job.ended,
    )


def _said(job: Job) -> str:
    return job_out(job).model_dump_json()

"""What becomes of a job, as it becomes it: server-sent events, as the HTML standard has them.

The ledger tells nobody of a change, so it is asked now and then, in a thread. An event's id stands
for all that it said: who comes back with it hears of nothing twice.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.errors import NotFound, Overloaded, StoreGone
from malgwi.types import Job, JobState

MEDIA_TYPE = "text/event-stream"
SCHEMA = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("event", "id", "data")},
}
"""Of an event, in the OpenAPI document."""
PACE = 0.5
"""Seconds between two questions to the ledger."""
ALIVE = 15.0  # seconds after which a comment keeps proxies from closing the line
MOST = 256  # who listen at once
RETRY_AFTER = 10  # seconds
ENDED = (JobState.DONE, JobState.DEAD, JobState.CANCELLED)

Said = Callable[[Job], str]
"""A job as the data of an event, on one line."""


class Listeners:
    """Those who listen, and how many they are."""

    def __init__(self, doors: ApiDoors) -> None:
        self._doors = doors
        self._count = 0

    async def answer(self, request: Request, job_id: str, last: str | None, said: Said) -> Response:
        """Raises NotFound, Overloaded."""
        job = await run_in_threadpool(self._doors.ledger.get, job_id)
        if job.state in ENDED and last == _id(said(job)):
            return Response(status_code=204)  # what tells a browser not to come again
        if self._count >= MOST:
            raise Overloaded(f"{MOST} listen to jobs, the most at a time.", RETRY_AFTER)
        return StreamingResponse(self._counted(request, job, last, said), media_type=MEDIA_TYPE)

    async def _counted(
        self, request: Request, job: Job, last: str | None, said: Said
    ) -> AsyncIterator[str]:
        self._count += 1
        try:
            async for each in self._events(request, job, last, said):
                yield each
        finally:
            self._count -= 1

    async def _events(
        self, request: Request, job: Job, last: str | None, said: Said
    ) -> AsyncIterator[str]:
        yield "retry: 2000\n\n"
        before: Job | None = None
        spoke = time.monotonic()
        while True:
            data = said(job)
            if _id(data) != last:
                yield f"event: {_name(before, job)}\nid: {_id(data)}\ndata: {data}\n\n"
                before, last, spoke = job, _id(data), time.monotonic()
            if job.state in ENDED or self._doors.ending() or await request.is_disconnected():
                return
            if time.monotonic() - spoke > ALIVE:
                yield ": still here\n\n"
                spoke = time.monotonic()
            await asyncio.sleep(PACE)
            try:
                job = await run_in_threadpool(self._doors.ledger.get, job.id)
            except StoreGone:
                pass  # it is asked again, and the line stays
            except NotFound:
                return


def _name(before: Job | None, job: Job) -> str:
    if job.state in ENDED:
        return "end"
    if before and (before.state, before.attempt) == (job.state, job.attempt):
        return "progress"
    return "state"


def _id(data: str) -> str:
    return hashlib.sha256(data.encode()).hexdigest()[:24]

"""What becomes of all jobs, for a page that shows a list of them: server-sent events.

One question to the ledger serves all who listen. It finds out what has changed since the question
before it, whenever that was, and remembers of each job the last change: who comes back with the id
of an event hears what there was since, or `reset` where that is not known any more.
"""

import asyncio
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.events import ALIVE, ENDED, MEDIA_TYPE, MOST, RETRY_AFTER, Said
from malgwi.errors import Overloaded, StoreGone
from malgwi.types import Job

PACE = 1.0
"""Seconds between two questions to the ledger, and so between two events of a job."""
_NEWEST = 100  # jobs looked at for those that came and ended between two questions
_AT_ONCE = 500  # changed jobs a question; the others are found by the next one
_REMEMBERED = 2000  # jobs whose last change is known


@dataclass(frozen=True, slots=True)
class _Change:
    number: int
    event: str
    data: str


class EveryJob:
    """Those who listen to all jobs."""

    def __init__(self, doors: ApiDoors, said: Said) -> None:
        self._doors = doors
        self._said = said
        self._run = secrets.token_hex(4)  # numbers of another process are not ours
        self._number = 0
        self._forgotten = 0  # the number up to which changes may be missing
        self._changes: OrderedDict[str, _Change] = OrderedDict()
        self._states: dict[str, str] | None = None  # of jobs that have not ended
        self._newest = ""
        self._asked = 0.0
        self._asking = asyncio.Lock()
        self._count = 0

    async def answer(self, request: Request, last: str | None, follow: bool) -> Response:
        """Raises Overloaded, StoreGone."""
        if self._count >= MOST:
            raise Overloaded(f"{MOST} listen to jobs, the most at a time.", RETRY_AFTER)
        await self._ask()
        return StreamingResponse(self._counted(request, last, follow), media_type=MEDIA_TYPE)

    async def _counted(
        self, request: Request, last: str | None, follow: bool
    ) -> AsyncIterator[str]:
        self._count += 1
        try:
            async for each in self._events(request, last, follow):
                yield each
        finally:
            self._count -= 1

    async def _events(self, request: Request, last: str | None, follow: bool) -> AsyncIterator[str]:
        yield "retry: 2000\n\n"
        heard = self._number if last is None else self._place(last)
        spoke = time.monotonic()
        while True:
            if heard is None or heard < self._forgotten:
                heard = self._number
                yield f"event: reset\nid: {self._run}-{heard}\ndata: {{}}\n\n"
            for each in self._since(heard):
                yield f"event: {each.event}\nid: {self._run}-{each.number}\ndata: {each.data}\n\n"
                heard, spoke = each.number, time.monotonic()
            if not follow or self._doors.ending() or await request.is_disconnected():
                return
            if time.monotonic() - spoke > ALIVE:
                yield ": still here\n\n"
                spoke = time.monotonic()
            await asyncio.sleep(PACE / 2)
            with suppress(StoreGone):  # it is asked again, and the line stays
                await self._ask()

    def _place(self, last: str) -> int | None:
        run, _, number = last.partition("-")
        known = run == self._run and number.isdecimal() and int(number) <= self._number
        return int(number) if known else None

    def _since(self, heard: int) -> list[_Change]:
        found = []
        for each in reversed(self._changes.values()):
            if each.number <= heard:
                break
            found.append(each)
        return found[::-1]

    async def _ask(self) -> None:
        """Unless somebody has within the last moment. Raises StoreGone."""
        async with self._asking:
            if time.monotonic() - self._asked < PACE:
                return
            for job in await run_in_threadpool(self._changed):
                self._number += 1
                change = _Change(self._number, _name(job), self._said(job))
                self._changes[job.id] = change
                self._changes.move_to_end(job.id)
            while len(self._changes) > _REMEMBERED:
                self._forgotten = self._changes.popitem(last=False)[1].number
            self._asked = time.monotonic()

    def _changed(self) -> list[Job]:
        """Those that are not as they were at the question before; none at the first."""
        ledger, before = self._doors.ledger, self._states
        newest = ledger.list(limit=_NEWEST)
        running = {job.id: job for job in ledger.running()}
        now = {**ledger.waiting(), **{id: self._print(job) for id, job in running.items()}}
        first_seen, self._newest = self._newest, max([self._newest, *(job.id for job in newest)])
        if before is None:
            self._states = now
            return []
        came = {job.id for job in newest if job.id > first_seen}
        other = {id for id in now.keys() | before.keys() if now.get(id) != before.get(id)}
        changed = sorted(came | other)
        for late in changed[_AT_ONCE:]:
            now[late] = before.get(late, "")
        self._states = now
        return [running.get(job.id, job) for job in ledger.some(changed[:_AT_ONCE])]

    def _print(self, job: Job) -> str:
        return hashlib.sha256(self._said(job).encode()).hexdigest()


def _name(job: Job) -> str:
    return "end" if job.state in ENDED else "state"

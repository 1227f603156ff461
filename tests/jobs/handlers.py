"""Jobs that leave a trace, stop, break, and kill whoever does them.

Each writes a line for every step into a file that is only added to, with its attempt, and its
result into the database with its end: a second result of a job would be refused there.
"""

import json
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from malgwi.errors import EngineGone, Overloaded
from malgwi.jobs import Context, Final, Handler, Running, Write
from malgwi.store import Database
from malgwi.store.ledger import Ledger
from malgwi.store.schema import meta

SAID = "what somebody said"
TIME_LIMIT = 10.0  # seconds; no other test comes near it


@dataclass(frozen=True, slots=True)
class Line:
    """A step that was done."""

    job: str
    attempt: int
    step: int | None
    at: float


class Trace:
    """What was done, in order; whole lines, whoever is killed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, running: Running, step: int | None = None) -> None:
        line = [running.job.id, running.job.attempt, step, time.time()]
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, json.dumps(line).encode() + b"\n")
        os.close(file)

    def lines(self) -> list[Line]:
        if not self.path.exists():
            return []
        return [Line(*json.loads(line)) for line in self.path.read_text("utf-8").splitlines()]


def results(database: Database) -> Mapping[str, str]:
    """The attempt that made each job's result."""
    query = sa.select(meta).where(meta.c.key.like("job %"))
    rows = database.read(lambda connection: connection.execute(query).all())
    return {row.key.removeprefix("job "): row.value for row in rows}


def context(database: Database, trace: Path, *, lease: float) -> Context:
    handlers = Handlers(Trace(trace)).all()
    return Context(
        Ledger(database), handlers, lease=lease, grace=1.0, pause=0.05, time_limit=TIME_LIMIT
    )


class Handlers:
    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def all(self) -> Mapping[str, Handler]:
        kinds = (self.note, self.steps, self.deaf, self.mortal, self.final, self.broken, self.busy)
        return {each.__name__: each for each in (*kinds, self.flaky, self.often_busy)}

    def note(self, running: Running) -> Write:
        self._trace.add(running)
        return _result(running)

    def steps(self, running: Running) -> Write:
        """`count` of them, of `seconds` each; those that are kept are not done again."""
        count = int(running.payload["count"])
        for step in range(count):
            if f"step-{step}" in running.checkpoints:
                continue
            running.stop.wait(running.payload["seconds"])
            running.check()
            self._trace.add(running, step)
            running.checkpoint(f"step-{step}", {"done": step})
            running.progress(done=step + 1, of=count)
        return _result(running)

    def deaf(self, running: Running) -> Write:
        """Does not stop when it is told to."""
        self._trace.add(running)
        time.sleep(running.payload["seconds"])
        return _result(running)

    def mortal(self, running: Running) -> None:
        """As a job does for which there is no memory."""
        self._trace.add(running)
        os.kill(os.getpid(), signal.SIGKILL)

    def final(self, running: Running) -> None:
        self._trace.add(running)
        raise Final("There is no sound in it.")

    def broken(self, running: Running) -> None:
        self._trace.add(running)
        raise ValueError(SAID)

    def busy(self, running: Running) -> Write:
        """The engine takes nothing the first four times."""
        self._trace.add(running)
        if running.job.attempt <= 4:
            raise Overloaded("Too much is waiting.", retry_after=0)
        return _result(running)

    def often_busy(self, running: Running) -> Write:
        """The engine takes nothing the first eight times, and breaks at the ninth."""
        self._trace.add(running)
        if running.job.attempt <= 8:
            raise Overloaded("Too much is waiting.", retry_after=0)
        if running.job.attempt == 9:
            raise EngineGone("The engine died.")
        return _result(running)

    def flaky(self, running: Running) -> Write:
        self._trace.add(running)
        if running.job.attempt == 1:
            raise EngineGone("The engine died.")
        return _result(running)


def _result(running: Running) -> Write:
    job = running.job

    def write(connection: Any) -> None:
        connection.execute(sa.insert(meta).values(key=f"job {job.id}", value=str(job.attempt)))

    return write

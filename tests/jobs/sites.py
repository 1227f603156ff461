"""A place where jobs are done: a ledger, a queue, and workers that are started, told and killed."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
from jobs.handlers import Line, Trace, context, results

from malgwi.jobs import Queue, Reaper, send_unsent
from malgwi.jobs.celery import CeleryQueue
from malgwi.jobs.inprocess import InProcess
from malgwi.store import Database
from malgwi.store.ledger import Ledger
from malgwi.types import Job, JobState, Lane

LEASE = 2.0
UNDELIVERED = 3.0
QUEUES = ("realtime", "analysis", "batch")
TESTS = Path(__file__).parents[1]
ENDED = (JobState.DONE, JobState.DEAD, JobState.CANCELLED)


def eventually(holds: Callable[[], Any], within: float = 20.0) -> Any:
    """What it gives, once that is true."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        if found := holds():
            return found
        time.sleep(0.01)
    raise AssertionError(f"not within {within} s")


class Process:
    """A worker or a reaper of its own."""

    def __init__(self, log: Path, **options: Any) -> None:
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jobs.process", json.dumps(options)],
                cwd=TESTS,
                stdout=file,
                stderr=file,
            )

    def children(self) -> Sequence[psutil.Process]:
        return psutil.Process(self._process.pid).children()

    def is_connected(self) -> bool:
        """To a database, or to Redis."""
        connections = psutil.Process(self._process.pid).net_connections("tcp")
        return any(each.status == psutil.CONN_ESTABLISHED for each in connections)

    def kill(self) -> None:
        """As the kernel would: without a word."""
        self._process.kill()
        self._process.wait()

    def suspend(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def tell_to_stop(self) -> None:
        self._process.terminate()

    def wait(self, within: float = 30.0) -> int:
        return self._process.wait(within)

    def end(self) -> None:
        if self._process.poll() is None:
            family = [*self.children(), psutil.Process(self._process.pid)]
            for each in family:
                each.kill()
            self._process.wait()


class Site(AbstractContextManager["Site"]):
    """What tests ask of it is the same wherever the jobs are done."""

    queue: Queue

    def __init__(self, database: Database, url: str, folder: Path) -> None:
        self.database = database
        self.url = url
        self.ledger = Ledger(database)
        self.trace = Trace(folder / "trace")
        self.log = folder / "log"
        self.processes: list[Process] = []

    def start(self, workers: int = 1) -> None:
        """Workers, each of which does one job at a time."""
        raise NotImplementedError

    def add(self, kind: str, payload: dict[str, Any] | None = None, **options: Any) -> Job:
        options = {"lane": Lane.BATCH, "queue": "batch"} | options
        job = self.ledger.add(kind, payload or {}, **options)
        send_unsent(self.ledger, self.queue)
        return job

    def state(self, job: Job) -> JobState:
        return self.ledger.get(job.id).state

    def ended(self, *jobs: Job, within: float = 20.0) -> Sequence[Job]:
        def all_ended() -> Sequence[Job] | None:
            now = [self.ledger.get(each.id) for each in jobs]
            return now if all(each.state in ENDED for each in now) else None

        found: Sequence[Job] = eventually(all_ended, within)
        return found

    def lines(self, job: Job) -> list[Line]:
        return [line for line in self.trace.lines() if line.job == job.id]

    def steps(self, job: Job) -> list[tuple[int, int | None]]:
        """The attempt that did it, and which it was."""
        return [(line.attempt, line.step) for line in self.lines(job)]

    def results(self) -> dict[str, str]:
        return dict(results(self.database))

    def process(self, role: str, **options: Any) -> Process:
        process = Process(self.log, **{"role": role, "url": self.url, "lease": LEASE} | options)
        self.processes.append(process)
        return process

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for each in self.processes:
            each.end()


class Embedded(Site):
    """All of it in this process."""

    def __init__(self, database: Database, url: str, folder: Path) -> None:
        super().__init__(database, url, folder)
        self._context = context(database, self.trace.path, lease=LEASE)
        self._make(1)

    def start(self, workers: int = 1) -> None:
        self._make(workers)
        self._embedded.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._embedded.close()
        super().__exit__(kind, error, traceback)

    def _make(self, workers: int) -> None:
        self._embedded = InProcess(self._context, QUEUES, name="here", workers=workers)
        self.queue = self._embedded


class Distributed(Site):
    """Workers are processes of Celery; the reaper is here, unless a test brings its own."""

    def __init__(self, database: Database, url: str, folder: Path, broker: str) -> None:
        super().__init__(database, url, folder)
        self.broker = broker
        self._celery = CeleryQueue(broker)
        self.queue = self._celery
        self._stop = threading.Event()
        reaper = Reaper(self.ledger, self.queue, lease=LEASE, undelivered=UNDELIVERED)
        self._reaper = threading.Thread(target=reaper.run, args=[self._stop])

    def start(self, workers: int = 1) -> None:
        self.start_worker(workers)
        self.start_reaper()

    def start_reaper(self) -> None:
        self._reaper.start()

    def start_worker(self, processes: int = 1) -> Process:
        return self.process(
            "celery", trace=str(self.trace.path), broker=self.broker, processes=processes
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, traceback)
        self._stop.set()
        if self._reaper.ident is not None:
            self._reaper.join()
        self._celery.app.close()

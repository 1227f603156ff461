"""The embedded worker: threads of this process that ask the ledger. Nothing else to start.

It needs no queue, so that none can lose anything; but whoever adds a job in this process wakes
them, and then it starts within milliseconds.

A thread cannot be ended. Where a job hangs, its thread is left behind, with what it holds, until
the process ends; another one takes its place.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from malgwi.jobs.base import Context
from malgwi.jobs.execution import execute
from malgwi.jobs.reaper import Reaper
from malgwi.types import Job

_POLL = 1.0  # seconds until a job is seen that another process added, or whose time has come

logger = logging.getLogger(__name__)


class InProcess:
    """A Queue, and the workers at its end. It reaps, too: there may be nobody else to."""

    def __init__(
        self, context: Context, queues: Sequence[str], *, name: str, workers: int = 1
    ) -> None:
        """`name` is that of this instance, the same at each start, and no other's: what it had
        when it was killed goes on at once."""
        self._context = context
        self._queues = tuple(queues)
        self._name = name
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._changes = 0
        reaper = Reaper(context.ledger, self, lease=context.lease)
        self._threads = [
            threading.Thread(target=self._work, name=f"job-{number}", daemon=True)
            for number in range(workers)
        ]
        self._threads.append(
            threading.Thread(target=reaper.run, args=[self._stop], name="reaper", daemon=True)
        )

    def start(self) -> None:
        if lost := self._context.ledger.reclaim(self._name):
            logger.warning("jobs of the process before go on", extra={"jobs": lost})
        for each in self._threads:
            each.start()

    def close(self) -> None:
        """Jobs under way are told to stop, and given back; those waiting stay in the ledger."""
        self._stop.set()
        self._wake()
        until = time.monotonic() + self._context.grace + 1
        for each in self._threads:
            if each.ident is not None:
                each.join(max(0.0, until - time.monotonic()))

    def send(self, job: Job) -> None:
        self._wake()

    def has_lost(self, queue: str, sent: int) -> bool:
        return False

    def _wake(self) -> None:
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    def _work(self) -> None:
        replaced = threading.Event()
        this = threading.current_thread()

        def replace() -> None:
            replaced.set()
            new = threading.Thread(target=self._work, name=this.name, daemon=True)
            self._threads[self._threads.index(this)] = new
            new.start()

        while not self._stop.is_set() and not replaced.is_set():
            before = self._changes
            if not self._do_one(replace):
                self._wait_for_change(before)

    def _wait_for_change(self, before: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._changes != before, _POLL)

    def _do_one(self, on_hang: Callable[[], object]) -> bool:
        """Whether there was one."""
        try:
            job = self._context.ledger.claim_next(self._queues, self._name, self._context.lease)
            if job is None:
                return False
            execute(self._context, job, self._stop, on_hang)
        except Exception as error:
            logger.warning("no job could be claimed", exc_info=error)
            return False
        self._wake()  # others may have waited for it
        return True

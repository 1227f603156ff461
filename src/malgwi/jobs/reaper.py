"""Sees after what nobody else sees after: workers that died, ids that were lost, jobs that wait.

Any node may run it, and several at a time: the ledger lets one of them act. What one of them has
seen dies with it, so that a lease may last once more as long where a reaper dies.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from malgwi.errors import StoreError
from malgwi.jobs.base import Ledger, Queue
from malgwi.jobs.sending import UNDELIVERED, send_lost, send_unsent
from malgwi.jobs.watch import Watch
from malgwi.types import Job

EVERY = 1.0
"""Seconds. A job goes on at most two of these after its lease has run out."""

logger = logging.getLogger(__name__)


class Reaper:
    """`round` does all of it once; `run` again and again."""

    def __init__(
        self,
        ledger: Ledger,
        queue: Queue,
        *,
        lease: float,
        undelivered: float = UNDELIVERED,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`lease` is that of the workers; `now` must never fall, and not be a machine's clock."""
        self._ledger = ledger
        self._queue = queue
        self._undelivered = undelivered
        self._now = now
        self._look_again = float("-inf")
        self._watch = Watch(lease)

    def round(self) -> None:
        """Raises StoreGone and its kin."""
        silent = self._watch.silent(self._look(), self._now())
        did = self._ledger.reap(silent)
        if any(did.values()):
            logger.warning("jobs reaped", extra=dict(did))
        self._send_lost()
        send_unsent(self._ledger, self._queue)

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set, whatever happens."""
        while not stop.is_set():
            try:
                self.round()
            except Exception as error:
                logger.warning("the reaper could not do its round", exc_info=error)
            stop.wait(EVERY)

    def _look(self) -> Sequence[Job]:
        try:
            return self._ledger.running()
        except StoreError:
            self._watch.forget()  # no heart could beat either
            raise

    def _send_lost(self) -> None:
        """Not every time: all that is queued is counted for it."""
        if self._now() < self._look_again:
            return
        self._look_again = self._now() + self._undelivered / 4
        if again := send_lost(self._ledger, self._queue, self._undelivered):
            logger.warning("jobs are sent again", extra={"jobs": again})


def run_reaper(ledger: Ledger, queue: Queue, *, lease: float, stop: threading.Event) -> None:
    """Until `stop` is set, as by a signal."""
    Reaper(ledger, queue, lease=lease).run(stop)

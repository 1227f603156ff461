"""A job as its handler sees it."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

from malgwi.errors import Cancelled
from malgwi.types import Job

Reason = Literal["cancel", "fenced", "shutdown", "overdue"]

_SELDOM = 0.5  # seconds between two notes of progress; people do not see more


class Running:
    """A job that this process holds. The handler's thread calls it, and those that watch it."""

    def __init__(
        self,
        job: Job,
        checkpoints: Mapping[str, Any],
        note: Callable[[Mapping[str, Any]], None],
        keep: Callable[[str, Any], None],
    ) -> None:
        self.job = job
        self.checkpoints = dict(checkpoints)
        """What attempts before this one kept, and this one so far, by name."""
        self.stop = threading.Event()
        """Set when it was called off, is somebody else's, takes too long, or the process ends."""
        self.reason: Reason | None = None
        self._note = note
        self._keep = keep
        self._facts = dict(job.progress)
        self._noted = (float("-inf"), self._facts)
        self._lock = threading.Lock()

    @property
    def payload(self) -> Mapping[str, Any]:
        return self.job.payload

    def check(self) -> None:
        """Raises Cancelled where it is to stop."""
        if self.stop.is_set():
            raise Cancelled(f"Job {self.job.id} is to stop: {self.reason}.")

    def progress(self, **facts: Any) -> None:
        """What people are to see of it, as JSON; never what was said. Call it as often as you
        like: few of the notes are written down, the last one always."""
        self.check()
        self._facts = self._facts | facts
        if time.monotonic() - self._noted[0] >= _SELDOM:
            self.note_last()

    def checkpoint(self, name: str, data: Any) -> None:
        """Keep `data`, as JSON, so that another attempt need not make it again. Raises Cancelled
        where the job is somebody else's now: nothing is kept then."""
        self.check()
        self._keep(name, data)
        self.check()
        self.checkpoints[name] = data

    def tell(self, reason: Reason) -> None:
        """To stop, and why. The first reason counts, but that it is lost outdoes all others."""
        with self._lock:
            if self.reason is None or reason == "fenced":
                self.reason = reason
            self.stop.set()

    def note_last(self) -> None:
        """Write down the progress that is not yet."""
        if self._noted[1] is not self._facts:
            self._noted = (time.monotonic(), self._facts)
            self._note(self._facts)

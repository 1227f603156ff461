"""One job, from its claim to its end: the same code wherever it runs.

A heart beats beside the handler, in a thread of its own. What the ledger answers stops the handler:
the job was called off, or taken away. While the database does not answer the handler goes on, for
whoever might take its job away cannot either; what it made is offered until there is an answer.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

from malgwi.errors import BadInput, MalgwiError, Overloaded, StoreFull, StoreGone
from malgwi.jobs.base import Answer, Context, Final, Write
from malgwi.jobs.running import Running
from malgwi.types import Job

Result = TypeVar("Result")

PATIENCE = 120.0
"""Seconds that a worker goes on without a word from the ledger."""
_BEATS = 3  # a lease
_TICK = 0.1  # seconds after which it is seen that the process is to end
_AGAIN = 0.3  # seconds between two questions to a database that does not answer

logger = logging.getLogger(__name__)


def execute(context: Context, job: Job, shutdown: threading.Event) -> None:
    """Do a job that was claimed. Raises nothing that its handler raises."""
    began = time.monotonic()
    facts = {"job": job.id, "kind": job.kind, "attempt": job.attempt}
    logger.info("job started", extra=facts)
    try:
        ended = _Attempt(context, job, shutdown).run()
    except (StoreGone, StoreFull) as error:  # nobody could be told: the lease runs out
        logger.error("job left to its lease", extra=facts, exc_info=error)
        return
    logger.info("job ended", extra={**facts, "how": ended, "seconds": time.monotonic() - began})


class _Attempt:
    def __init__(self, context: Context, job: Job, shutdown: threading.Event) -> None:
        self._context = context
        self._job = job
        self._shutdown = shutdown
        first = job.attempt == 1
        checkpoints = {} if first else self._insist(lambda: context.ledger.checkpoints(job.id))
        self._running = Running(job, checkpoints, self._note, self._keep)

    def run(self) -> str:
        """How it ended, in a word for the log."""
        with _Heart(self._context, self._running, self._shutdown):
            try:
                write = self._handle()
                self._running.note_last()
                finished = self._insist(lambda: self._finish(write))
                return "done" if finished else "taken away"
            except (KeyboardInterrupt, SystemExit):
                self._insist(lambda: self._context.ledger.release(*self._token))
                raise
            except Exception as error:  # noqa: BLE001 - whatever handlers raise
                return self._insist(partial(self._end, error))

    @property
    def _token(self) -> tuple[str, int]:
        return self._job.id, self._job.attempt

    def _handle(self) -> Write | None:
        handler = self._context.handlers.get(self._job.kind)
        if handler is None:  # an older version runs here, or a newer one; another worker may know
            raise MalgwiError(f"This worker knows no jobs of the kind {self._job.kind!r}.")
        return handler(self._running)

    def _finish(self, write: Write | None) -> bool:
        return self._context.ledger.finish(*self._token, write)

    def _end(self, error: Exception) -> str:
        ledger, reason = self._context.ledger, self._running.reason
        if reason == "fenced":
            return "taken away"
        if reason == "shutdown":
            ledger.release(*self._token)
            return "given back"
        if reason == "cancel":
            ledger.called_off(*self._token)
            return "called off"
        if isinstance(error, Overloaded):  # nothing is known against the job
            ledger.release(*self._token, again_in=error.retry_after)
            return "put off"
        final = isinstance(error, Final | BadInput)
        extra = {"job": self._job.id, "kind": self._job.kind, "final": final}
        logger.warning("job failed", extra=extra, exc_info=error)
        pause = self._context.pause * 4 ** (self._job.attempt - 1)
        ledger.fail(*self._token, _sentence(error), final=final, again_in=pause)
        return "failed"

    def _note(self, facts: Mapping[str, Any]) -> None:
        try:
            self._obey(self._context.ledger.progress(*self._token, facts))
        except (StoreGone, StoreFull) as error:  # the next note has all that this one has
            logger.warning("no progress noted", extra={"job": self._job.id}, exc_info=error)

    def _keep(self, name: str, data: Any) -> None:
        ledger = self._context.ledger
        self._obey(self._insist(lambda: ledger.checkpoint(*self._token, name, data)))

    def _obey(self, answer: Answer) -> None:
        if answer != "fine":
            self._running.tell(answer)

    def _insist(self, ask: Callable[[], Result]) -> Result:
        """What the ledger answers, asked again for as long as the database does not."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return ask()
            except (StoreGone, StoreFull):
                if time.monotonic() > until or self._shutdown.is_set():
                    raise
                time.sleep(_AGAIN)


class _Heart:
    """Beats while a job runs, and passes on what it hears."""

    def __init__(self, context: Context, running: Running, shutdown: threading.Event) -> None:
        self._context = context
        self._running = running
        self._shutdown = shutdown
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        every = self._context.lease / _BEATS
        answered = time.monotonic()
        due = answered + every
        leave: float | None = None
        while not self._over.wait(min(_TICK, every)):
            now = time.monotonic()
            if self._shutdown.is_set() and leave is None:
                self._running.tell("shutdown")
                leave = now + self._context.grace
            if leave is not None and now >= leave:
                self._give_back()
                return
            if now >= due:
                due = now + every
                if self._ask():
                    answered = now
                elif now - answered > PATIENCE:
                    self._running.tell("fenced")
            if self._running.reason == "fenced":
                return

    def _ask(self) -> bool:
        """Whether there was an answer."""
        job = self._running.job
        try:
            answer = self._context.ledger.heartbeat(job.id, job.attempt, self._context.lease)
        except Exception as error:
            logger.warning("no heartbeat", extra={"job": job.id}, exc_info=error)
            return False
        if answer != "fine":
            self._running.tell(answer)
        return True

    def _give_back(self) -> None:
        """Without its handler, which does not stop: what it may still make is discarded."""
        job = self._running.job
        try:
            self._context.ledger.release(job.id, job.attempt)
        except Exception as error:
            logger.warning("job left to its lease", extra={"job": job.id}, exc_info=error)
        self._running.tell("fenced")


def _sentence(error: Exception) -> str:
    """Ours promise not to quote what was said; of another only its type is told."""
    if isinstance(error, MalgwiError):
        return str(error)
    return f"It broke by a {type(error).__name__}; the log of its worker says where."

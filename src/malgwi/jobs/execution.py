"""One job, from its claim to its end: the same code wherever it runs.

A heart beats beside the handler, in a thread of its own. What the ledger answers stops the handler:
the job was called off, or taken away. While the database does not answer the handler goes on, for
whoever might take its job away cannot either; what it made is offered until there is an answer.

A handler that hangs would keep its job for ever, as its heart beats. So an attempt has a limit.
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


def execute(
    context: Context, job: Job, shutdown: threading.Event, on_hang: Callable[[], object]
) -> None:
    """Do a job that was claimed. Raises nothing that its handler raises.

    `on_hang` is called, by another thread, where the handler took too long and does not stop. The
    job is somebody else's then; whoever called this may wait for ever.
    """
    began = time.monotonic()
    facts = {"job": job.id, "kind": job.kind, "attempt": job.attempt}
    logger.info("job started", extra=facts)
    try:
        ended = _Attempt(context, job, shutdown, on_hang).run()
    except (StoreGone, StoreFull) as error:  # nobody could be told: the lease runs out
        logger.error("job left to its lease", extra=facts, exc_info=error)
        return
    logger.info("job ended", extra={**facts, "how": ended, "seconds": time.monotonic() - began})


class _Attempt:
    def __init__(
        self,
        context: Context,
        job: Job,
        shutdown: threading.Event,
        on_hang: Callable[[], object],
    ) -> None:
        self._context = context
        self._job = job
        self._shutdown = shutdown
        self._on_hang = on_hang
        first = job.attempt == 1
        checkpoints = {} if first else self._insist(lambda: context.ledger.checkpoints(job.id))
        self._running = Running(job, checkpoints, self._note, self._keep)

    def run(self) -> str:
        """How it ended, in a word for the log."""
        with _Heart(self._context, self._running, self._shutdown, self._stopped, self._on_hang):
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
        ledger = self._context.ledger
        if stopped := self._stopped():
            return stopped
        if isinstance(error, Overloaded):  # nothing is known against the job
            ledger.release(*self._token, again_in=error.retry_after)
            return "put off"
        final = isinstance(error, Final | BadInput)
        extra = {"job": self._job.id, "kind": self._job.kind, "final": final}
        logger.warning("job failed", extra=extra, exc_info=error)
        ledger.fail(*self._token, _sentence(error), final=final, again_in=self._pause)
        return "failed"

    def _stopped(self) -> str | None:
        """Tell the ledger why it was to stop; None where it was not."""
        ledger, reason = self._context.ledger, self._running.reason
        if reason == "fenced":
            return "taken away"
        if reason == "shutdown":
            ledger.release(*self._token)
            return "given back"
        if reason == "cancel":
            ledger.called_off(*self._token)
            return "called off"
        if reason == "overdue":
            limit = f"{self._context.time_limit:,.0f} seconds"
            error = f"It did not end within the {limit} that an attempt may take."
            ledger.fail(*self._token, error, final=False, again_in=self._pause)
            return "stopped"
        return None

    @property
    def _pause(self) -> float:
        """Attempts are not errors: it may have been put off, or given back, any number of times."""
        return self._context.pause * (1 if self._job.attempt == 1 else 4)

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

    def __init__(
        self,
        context: Context,
        running: Running,
        shutdown: threading.Event,
        stopped: Callable[[], object],
        on_hang: Callable[[], object],
    ) -> None:
        self._context = context
        self._running = running
        self._shutdown = shutdown
        self._stopped = stopped
        self._on_hang = on_hang
        self._limit = context.time_limit or float("inf")
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
        began = answered = time.monotonic()
        due = answered + every
        leave: float | None = None
        while not self._over.wait(min(_TICK, every)):
            now = time.monotonic()
            is_overdue = now - began >= self._limit
            if leave is None and (is_overdue or self._shutdown.is_set()):
                self._running.tell("overdue" if is_overdue else "shutdown")
                leave = now + self._context.grace
            if leave is not None and now >= leave:
                self._leave_behind(is_overdue)
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

    def _leave_behind(self, hangs: bool) -> None:
        """The handler, which does not stop: what it may still make is discarded."""
        job = self._running.job
        try:
            self._stopped()
        except Exception as error:
            logger.warning("job left to its lease", extra={"job": job.id}, exc_info=error)
        self._running.tell("fenced")
        if hangs and not self._over.is_set():
            logger.error("a job hangs", extra={"job": job.id, "kind": job.kind})
            self._on_hang()


def _sentence(error: Exception) -> str:
    """Ours promise not to quote what was said; of another only its type is told."""
    if isinstance(error, MalgwiError):
        return str(error)
    return f"It broke by a {type(error).__name__}; the log of its worker says where."

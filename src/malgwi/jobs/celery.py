"""Celery on Redis as the way that ids take to workers on other machines.

Celery alone loses jobs and doubles them; docs/why/jobs.md has the measurements. So it carries ids
and is trusted with nothing: whoever gets one asks the ledger for the job, a message that is lost
is sent again by the reaper, and one that comes twice finds nothing to claim. Celery's own retries
and redeliveries are off, or they would run what the ledger gave to somebody else.

Workers fork: only a process can be killed by one job without the others, and of Celery's pools
only this one gives its tasks back when it is told to stop. They need Linux.
"""

import os

os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")  # soft shutdown; billiard reads it once

import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import kombu.exceptions
import redis.exceptions
from celery import Celery, signals
from celery.apps.worker import Worker
from celery.concurrency.prefork import TaskPool

from malgwi.errors import NetworkError
from malgwi.jobs.base import Context
from malgwi.jobs.execution import execute
from malgwi.jobs.sending import send_unsent
from malgwi.jobs.tether import Tether
from malgwi.types import Job, Lane

TASK = "malgwi.job"
_LANES = list(Lane)
_VISIBILITY = 7 * 24 * 3600
"""Seconds. Redis hands out again what took longer, without end; no job comes near it."""
_LOST = 1.0
"""Seconds that Celery waits for the word of a process that is gone. It never has one to say."""
_UNREACHABLE = (kombu.exceptions.OperationalError, redis.exceptions.RedisError, OSError)

logger = logging.getLogger(__name__)


class CeleryQueue:
    """A Queue. Any thread may use it, also after a fork."""

    def __init__(self, broker: str) -> None:
        """`broker` is an address as `redis://:password@host:6379/0`."""
        self.app = _app(broker)

    def send(self, job: Job) -> None:
        try:
            self.app.send_task(
                TASK,
                [job.id],
                queue=job.queue,
                priority=_LANES.index(job.lane),
                retry_policy={"max_retries": 1, "interval_start": 0, "interval_max": 0.1},
            )
        except _UNREACHABLE as error:
            raise _unreachable() from error

    def has_lost(self, queue: str, sent: int) -> bool:
        try:
            with self.app.pool.acquire(block=True) as connection:
                carried = connection.default_channel.queue_declare(queue=queue).message_count
        except _UNREACHABLE as error:
            raise _unreachable() from error
        return bool(carried < sent)


def run_worker(
    build: Callable[[], Context],
    queue: CeleryQueue,
    queues: Sequence[str],
    processes: int,
    soft_shutdown: float,
) -> int:
    """See `worker.run_worker`."""
    app = queue.app
    app.conf.worker_soft_shutdown_timeout = soft_shutdown
    tether = Tether()
    child = _Child(build, queue, tether)
    app.task(child.do, name=TASK)
    signals.setup_logging.connect(_leave_logging_alone)
    signals.worker_process_init.connect(child.begin)
    worker = app.subclass_with_self(_Worker)(
        queues=list(queues),
        concurrency=processes,
        pool=_Pool,
        hostname=f"{'-'.join(queues)}-{os.getpid()}@{socket.gethostname()}",
        without_mingle=True,
        without_gossip=True,
        quiet=True,
        loglevel="WARNING",
    )
    worker.tether = tether
    worker.start()
    return 0 if worker.was_asked else int(worker.exitcode or 0)


class _Worker(Worker):  # type: ignore[misc]  # Celery has no types
    """Tells its children that they are to stop, and waits for them and not a second longer."""

    tether: Tether
    was_asked = False

    def wait_for_soft_shutdown(self) -> None:
        self.was_asked = True
        self.tether.let_go()
        until = time.monotonic() + self.app.conf.worker_soft_shutdown_timeout
        while self.tether.any_at_work() and time.monotonic() < until:
            time.sleep(0.05)


class _Pool(TaskPool):  # type: ignore[misc]  # Celery has no types
    """Sees soon that a process is gone: while it does not, the next job waits behind the lost one.

    On its own it looks every five seconds.
    """

    def register_with_event_loop(self, hub: Any) -> None:
        super().register_with_event_loop(hub)
        hub.call_repeatedly(_LOST / 2, self._pool.maintain_pool)


class _Child:
    """What a process does with the ids that it gets, one at a time."""

    def __init__(self, build: Callable[[], Context], queue: CeleryQueue, tether: Tether) -> None:
        self._build = build
        self._queue = queue
        self._tether = tether
        self._context: Context | None = None
        self._stop = threading.Event()

    def begin(self, **_: Any) -> None:
        """The process is new, and has no job yet."""
        self._stop = self._tether.watched()

    def do(self, job_id: str) -> None:
        """Raises nothing: Celery is to know of no failures, or it has its own ideas about them."""
        self._tether.begin()
        try:
            self._do(job_id)
        except Exception as error:
            logger.error("a job is left to the reaper", extra={"job": job_id}, exc_info=error)
        finally:
            self._tether.end()

    def _do(self, job_id: str) -> None:
        if self._stop.is_set():
            return
        if self._context is None:
            self._context = self._build()
        ledger, worker = self._context.ledger, f"{socket.gethostname()}:{os.getpid()}"
        job = ledger.claim(job_id, worker, self._context.lease)
        if job is not None:
            execute(self._context, job, self._stop, _end_this_process)
            send_unsent(ledger, self._queue)  # others may have waited for it


def _end_this_process() -> None:
    """Nothing less ends a handler that hangs. The pool makes another."""
    os.kill(os.getpid(), signal.SIGKILL)


def _app(broker: str) -> Celery:
    app = Celery("malgwi", broker=broker, set_as_current=False)
    transport: dict[str, Any] = {
        "visibility_timeout": _VISIBILITY,
        "unacked_restore_interval": 1,  # or what is given back waits for up to 100 s
        "unacked_restore_throttle": 1,
        "priority_steps": list(range(len(_LANES))),
        "queue_order_strategy": "priority",
        "health_check_interval": 10,
        "socket_timeout": 10,
        "socket_connect_timeout": 3,
        "socket_keepalive": True,
    }
    app.conf.update(
        task_acks_late=True,
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_serializer="json",
        accept_content=["json"],
        broker_transport_options=transport,
        result_backend_transport_options={"visibility_timeout": _VISIBILITY},
        visibility_timeout=_VISIBILITY,
        broker_connection_retry=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=3,
        worker_prefetch_multiplier=1,
        worker_lost_wait=_LOST,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_pool_start_method="fork",
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
    )
    return app


def _leave_logging_alone(**_: Any) -> None:
    """Celery sets up logging where nobody says that it was done."""


def _unreachable() -> NetworkError:
    return NetworkError(
        "The broker of the job queue does not answer. Is Redis running, and is the address right?"
    )

"""A worker or a reaper as a process of its own: `python -m jobs.process JSON`."""

import json
import logging
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jobs.handlers import context
from jobs.sites import QUEUES

from malgwi import logs
from malgwi.jobs import Context, run_reaper, run_worker
from malgwi.jobs.celery import CeleryQueue
from malgwi.jobs.inprocess import InProcess
from malgwi.store import connect
from malgwi.store.ledger import Ledger


def celery(url: str, trace: str, lease: float, broker: str, processes: int = 1) -> int:
    def build() -> Context:
        return context(connect(url), Path(trace), lease=lease)

    return run_worker(build, broker, QUEUES, processes=processes, soft_shutdown=lease + 2)


def inprocess(url: str, trace: str, lease: float, name: str, workers: int = 1) -> int:
    worker = InProcess(
        context(connect(url), Path(trace), lease=lease), QUEUES, name=name, workers=workers
    )
    worker.start()
    _until_told()
    worker.close()
    return 0


def reaper(url: str, lease: float, broker: str) -> int:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    run_reaper(Ledger(connect(url)), CeleryQueue(broker), lease=lease, stop=stop)
    return 0


def _until_told() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    signal.sigwait({signal.SIGTERM})


def main(role: str, **options: Any) -> int:
    logs.set_up("WARNING")
    logging.getLogger("malgwi.jobs").setLevel("INFO")
    roles: dict[str, Callable[..., int]]
    roles = {"celery": celery, "inprocess": inprocess, "reaper": reaper}
    return roles[role](**options)


if __name__ == "__main__":
    sys.exit(main(**json.loads(sys.argv[1])))

"""What the machine and the store know, as numbers for `/metrics`: cards, jobs, disk and so on.

All of it is asked for when somebody scrapes, and costs some milliseconds. What could stand still,
as a driver that hangs, is looked at beside.
"""

import math
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Event, Lock, Thread

from malgwi import devices
from malgwi.apps.transcription.watch import Scan
from malgwi.devices import Inventory
from malgwi.errors import StoreError
from malgwi.gateway import Measured, Metrics
from malgwi.store import JobCount, Ledger, Outbox, SqlStore
from malgwi.types import Job, JobState, Lane

LOOK = 10.0
"""Seconds between two looks at the cards."""
STALE = 60.0
"""Seconds after which what was seen of them is not told any more."""
_WAITING = (JobState.WAITING, JobState.QUEUED)
_COUNTED = (*_WAITING, JobState.RUNNING, JobState.DEAD)


def watch_store(metrics: Metrics, store: SqlStore, folder: Path) -> None:
    """`folder` is that of the data."""
    outbox, ledger = Outbox(store.database), Ledger(store.database)
    metrics.pull_all(partial(_of_store, store, ledger, outbox))
    metrics.pull_all(partial(_of_disk, folder))


class Cards:
    """The memory of the cards that this process may use; where there is none, nothing is done."""

    def __init__(self, look: Callable[[], Inventory] = devices.inventory) -> None:
        self._look = look
        self._stop, self._lock = Event(), Lock()
        self._seen, self._at = Inventory(), -math.inf
        self._thread = Thread(target=self._run, name="watch the cards", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Nobody waits for a driver that does not answer."""
        self._stop.set()

    def measured(self) -> Measured:
        with self._lock:
            seen, age = self._seen, time.monotonic() - self._at
        return {} if age > STALE else _of_cards(seen)

    def _run(self) -> None:
        seen = self._look()
        if not seen.cards:
            return  # none is put in while the machine runs
        while not self._stop.is_set():
            with self._lock:
                self._seen, self._at = seen, time.monotonic()
            self._stop.wait(LOOK)
            seen = self._look()


class Looks:
    """What has become of the files of a watched folder."""

    def __init__(self) -> None:
        self._files = Counter(taken=0, known=0, rejected=0)
        self._waiting = 0
        self._last = time.time()

    def add(self, scan: Scan) -> None:
        self._files.update(taken=len(scan.taken), known=scan.known, rejected=scan.rejected)
        self._waiting, self._last = scan.waiting, time.time()

    def measured(self) -> Measured:
        return {
            "malgwi_watch_files_total": {(end,): float(n) for end, n in self._files.items()},
            "malgwi_watch_files_waiting": {(): float(self._waiting)},
            "malgwi_watch_last_look_timestamp_seconds": {(): self._last},
        }


def _of_cards(seen: Inventory) -> Measured:
    memory = [(each, each.memory_free, each.memory_total) for each in seen.cards]
    return {
        "malgwi_gpu_info": {
            (each.uuid, each.name, seen.driver or "unknown"): 1.0 for each in seen.cards
        },
        "malgwi_gpu_memory_free_bytes": {
            (each.uuid,): float(free) for each, free, _ in memory if free is not None
        },
        "malgwi_gpu_memory_total_bytes": {
            (each.uuid,): float(total) for each, _, total in memory if total is not None
        },
    }


def _of_store(store: SqlStore, ledger: Ledger, outbox: Outbox) -> Measured:
    try:
        jobs, deliveries = _of_jobs(ledger.counts(), ledger.running()), outbox.undelivered()
        backup = store.last_backup()
    except StoreError:  # whoever wanted something of it has logged why
        return {"malgwi_store_up": {(): 0.0}}
    measured: dict[str, Mapping[tuple[str, ...], float]] = {
        "malgwi_store_up": {(): 1.0},
        "malgwi_webhook_deliveries": {(state,): float(n) for state, n in deliveries.items()},
        **jobs,
    }
    if backup:
        measured["malgwi_backup_last_success_timestamp_seconds"] = {(): backup.timestamp()}
    return measured


def _of_jobs(counts: Sequence[JobCount], running: Sequence[Job]) -> Measured:
    now = time.time()
    waiting = [each for each in counts if each.state in _WAITING]
    silent = [
        each for each in running if not each.lease_until or each.lease_until.timestamp() < now
    ]
    delays = [
        (each.lane, (each.started - each.created).total_seconds())
        for each in running
        if each.started and each.attempt == 1
    ]
    return {
        "malgwi_jobs": {
            (lane, state): float(sum(n.jobs for n in counts if (n.lane, n.state) == (lane, state)))
            for lane in Lane
            for state in _COUNTED
        },
        "malgwi_jobs_tried_again": {
            (lane,): float(sum(n.again for n in counts if n.lane is lane)) for lane in Lane
        },
        "malgwi_jobs_silent": {
            (lane,): float(sum(each.lane is lane for each in silent)) for lane in Lane
        },
        "malgwi_job_oldest_age_seconds": {
            (lane,): max(
                [now - n.oldest.timestamp() for n in waiting if n.lane is lane], default=0.0
            )
            for lane in Lane
        },
        "malgwi_job_start_delay_seconds": {
            (lane,): max([delay for of, delay in delays if of is lane], default=0.0)
            for lane in Lane
        },
    }


def _of_disk(folder: Path) -> Measured:
    try:
        disk = shutil.disk_usage(folder)
    except OSError:  # it is not mounted
        return {}
    return {
        "malgwi_disk_free_bytes": {(): float(disk.free)},
        "malgwi_disk_size_bytes": {(): float(disk.total)},
    }

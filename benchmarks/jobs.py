"""How soon a job begins: `python -m benchmarks.jobs`, embedded on SQLite and by Celery.

A thousand jobs that do nothing are in the queue; then each comes alone, to workers that wait for
it. Needs no measuring material. PostgreSQL and Redis are those of the tests, from wheels.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import work
from malgwi.jobs import Context, Queue, Running, run_worker, send_unsent
from malgwi.jobs.inprocess import InProcess
from malgwi.store import Database, connect, upgrade
from malgwi.store.ledger import Ledger
from malgwi.types import Job, Lane

TESTS = Path(__file__).parents[1] / "tests"
TARGETS = {"embedded": 0.1, "celery": 0.2}  # seconds from claim to start, p95
ALONE = 100
QUEUES = ("batch",)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        sys.exit(_celery_worker(**json.loads(given.worker)))
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        rows["embedded"] = _embedded(Path(folder), given.jobs)
        rows["celery"] = _celery(Path(folder), given.jobs)
    result = {"kind": "jobs", "jobs": given.jobs, "load": os.getloadavg()[0], "rows": rows}
    path = work.save("jobs", result)
    print("\n".join(lines(result)))
    print(f"\n{path}")


def lines(result: dict[str, Any]) -> list[str]:
    table = [
        "| workers | claim to start p50, p95 ms | target | added to start, alone p50, p95 ms "
        "| jobs a second |",
        "|---|---|---|---|---|",
    ]
    for name, row in result["rows"].items():
        claim, alone = (_shown(row[each]) for each in ("claim_to_start", "added_to_start"))
        target = f"{TARGETS[name] * 1000:.0f}"
        table.append(f"| {name} | {claim} | {target} | {alone} | {row['rate']:.0f} |")
    return table


class TimedLedger(Ledger):
    """Knows when this process last asked for a job."""

    asked = 0.0

    def claim(self, job_id: str, worker: str, lease: float) -> Job | None:
        self.asked = time.time()
        return super().claim(job_id, worker, lease)

    def claim_next(self, queues: Any, worker: str, lease: float) -> Job | None:
        self.asked = time.time()
        return super().claim_next(queues, worker, lease)


def _context(database: Database, log: Path) -> Context:
    ledger = TimedLedger(database)
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def nothing(running: Running) -> None:
        now = time.time()
        line = {"job": running.job.id, "started": now, "claimed": ledger.asked}
        os.write(file, json.dumps(line).encode() + b"\n")

    return Context(ledger, {"nothing": nothing})


def _embedded(folder: Path, jobs: int) -> dict[str, Any]:
    database = connect(f"sqlite:///{folder / 'malgwi.db'}")
    upgrade(database)
    log = folder / "embedded"
    queue = InProcess(_context(database, log), QUEUES, name="benchmark")

    @contextmanager
    def worker() -> Iterator[None]:
        queue.start()
        try:
            yield
        finally:
            queue.close()

    return _measure(Ledger(database), queue, worker, log, jobs)


def _celery(folder: Path, jobs: int) -> dict[str, Any]:
    sys.path.insert(0, str(TESTS))
    from jobs.servers import redis_server
    from store.postgresql import postgresql

    from malgwi.jobs.celery import CeleryQueue

    log = folder / "celery"
    with postgresql() as server, redis_server() as redis:
        url = server.create("benchmark")
        upgrade(connect(url))
        options = json.dumps({"url": url, "broker": redis.url, "log": str(log)})

        @contextmanager
        def worker() -> Iterator[None]:
            command = [sys.executable, "-m", "benchmarks.jobs", "--worker", options]
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            try:
                yield
            finally:
                process.terminate()
                process.wait()

        return _measure(Ledger(connect(url)), CeleryQueue(redis.url), worker, log, jobs)


def _celery_worker(url: str, broker: str, log: str) -> int:

    return run_worker(lambda: _context(connect(url), Path(log)), broker, QUEUES)


def _measure(
    ledger: Ledger, queue: Queue, worker: Callable[[], Any], log: Path, jobs: int
) -> dict[str, Any]:
    for _ in range(jobs):
        ledger.add("nothing", {}, lane=Lane.BATCH, queue="batch")
    send_unsent(ledger, queue)
    with worker():
        queued = _started(log, jobs)
        added = {}
        for number in range(ALONE):
            began = time.time()
            job = ledger.add("nothing", {}, lane=Lane.INTERACTIVE, queue="batch")
            send_unsent(ledger, queue)
            added[job.id] = began
            _started(log, jobs + number + 1)
        alone = _started(log, jobs + ALONE)[jobs:]
    span = queued[-1]["started"] - queued[0]["claimed"]
    return {
        "claim_to_start": _percentiles([each["started"] - each["claimed"] for each in queued]),
        "added_to_start": _percentiles([each["started"] - added[each["job"]] for each in alone]),
        "rate": jobs / span,
    }


def _started(log: Path, jobs: int) -> Sequence[dict[str, Any]]:
    """The jobs in the order in which they began, once there are so many."""
    while True:
        found = log.read_text("utf-8").splitlines() if log.exists() else []
        if len(found) >= jobs:
            return [json.loads(line) for line in found]
        time.sleep(0.005)


def _percentiles(seconds: Sequence[float]) -> dict[str, float]:
    ranked = sorted(seconds)
    return {f"p{share}": ranked[int(len(ranked) * share / 100)] for share in (50, 95)}


def _shown(percentiles: dict[str, float]) -> str:
    return ", ".join(f"{each * 1000:.1f}" for each in percentiles.values())


if __name__ == "__main__":
    main()

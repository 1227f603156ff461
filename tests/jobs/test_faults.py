"""Whatever is killed, restarted or put wrong: each job is done once, or dead with a reason.

Workers, reapers, Redis and PostgreSQL are real, and are killed without a word. Handlers write their
steps into a file and their results into the database, where a second one would be refused.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa
from jobs.servers import RedisServer
from jobs.sites import LEASE, Distributed, Process, Site, eventually
from store.postgresql import TEMPLATE, NoPostgreSQL, PostgreSQL, postgresql

from malgwi.jobs import Reaper, send_unsent
from malgwi.store import Database, upgrade
from malgwi.types import Job, JobState, Lane

RESUME = LEASE + 3  # seconds after a kill within which the job goes on

pytestmark = pytest.mark.slow


@pytest.fixture
def place() -> str:
    return "celery-postgresql"


@pytest.fixture
def there(
    url: str, connections: Callable[[str], Database], redis: RedisServer, tmp_path: Path
) -> Iterator[Distributed]:
    """Workers of Celery on PostgreSQL; none is started yet."""
    redis.forget_all()
    site = Distributed(connections(url), url, tmp_path, redis.url)
    with site:
        yield site


def long_job(site: Site, count: int = 12, seconds: float = 0.3) -> Job:
    return site.add("steps", {"count": count, "seconds": seconds})


def under_way(site: Site, job: Job, steps: int = 2) -> None:
    eventually(lambda: len(site.lines(job)) >= steps)


def resumed(site: Site, job: Job, after: float, attempt: int = 2) -> float:
    """Seconds until another attempt had its first step done."""
    since = eventually(
        lambda: [line.at for line in site.lines(job) if line.attempt >= attempt], RESUME + 10
    )
    return float(since[0]) - after


def all_done_once(site: Site, *jobs: Job, within: float = 40) -> None:
    ended = site.ended(*jobs, within=within)

    assert [each.state for each in ended] == [JobState.DONE] * len(jobs)
    assert {each.id for each in jobs} <= set(site.results())
    for job in ended:
        if "count" in job.payload:
            done = [step for _, step in site.steps(job) if step is not None]
            # A step that was done may be done again where its checkpoint was not kept yet.
            assert sorted(set(done)) == list(range(job.payload["count"]))
            assert len(done) <= job.payload["count"] + job.attempt - 1


def working(worker: Process) -> psutil.Process:
    """The child of a worker with one."""
    [child] = worker.children()
    return child


def two_workers_and_a_job(site: Distributed, job: Job) -> tuple[Process, psutil.Process]:
    """The one that has the job, and its child that does it; the other one is there as well."""
    workers = [site.start_worker(), site.start_worker()]
    site.start_reaper()
    under_way(site, job, 1)
    site.ended(site.add("note", lane=Lane.LIVE))  # who else could have done it?
    pid = int((site.ledger.get(job.id).worker or "").rpartition(":")[2])
    [holder] = [each for each in workers if pid in {child.pid for child in each.children()}]
    return holder, psutil.Process(pid)


def is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_a_child_is_killed(there: Distributed) -> None:
    worker = there.start_worker()
    there.start_reaper()
    job, others = long_job(there), [there.add("note") for _ in range(5)]
    under_way(there, job)

    working(worker).kill()
    took = resumed(there, job, time.time())

    all_done_once(there, job, *others)
    assert took <= RESUME
    assert there.ledger.get(job.id).attempt == 2


def test_a_worker_is_killed_with_its_children(there: Distributed) -> None:
    job = long_job(there, 20)
    first, child = two_workers_and_a_job(there, job)
    others = [there.add("note") for _ in range(5)]

    first.suspend()
    child.kill()
    first.kill()
    took = resumed(there, job, time.time())

    all_done_once(there, job, *others)
    assert took <= RESUME


def test_children_give_back_their_jobs_and_end_where_the_worker_is_killed(
    there: Distributed,
) -> None:
    job = long_job(there, 20)
    first, child = two_workers_and_a_job(there, job)

    first.kill()
    took = resumed(there, job, time.time())

    all_done_once(there, job)
    assert took <= RESUME
    eventually(lambda: not is_alive(child))


def test_the_reaper_is_killed_and_another_takes_over(there: Distributed) -> None:
    worker = there.start_worker()
    reapers = [there.process("reaper", broker=there.broker) for _ in range(2)]
    eventually(lambda: all(each.is_connected() for each in reapers))
    job = long_job(there)
    under_way(there, job)

    reapers[0].kill()
    working(worker).kill()
    took = resumed(there, job, time.time())

    all_done_once(there, job)
    assert took <= RESUME


def test_redis_is_killed_and_starts_again(there: Distributed, redis: RedisServer) -> None:
    there.start()
    job, queued = long_job(there), [there.add("note") for _ in range(5)]
    under_way(there, job)

    redis.kill()
    unsent = there.add("note")  # the ledger takes it all the same
    under_way(there, job, 6)
    redis.start()
    later = there.add("note")

    all_done_once(there, job, *queued, unsent, later, within=60)
    assert there.ledger.get(job.id).attempt == 1


def test_redis_forgets_everything(there: Distributed, redis: RedisServer) -> None:
    there.start()
    job, queued = long_job(there), [there.add("note") for _ in range(5)]
    under_way(there, job)

    redis.forget_all()

    all_done_once(there, job, *queued)
    assert there.ledger.get(job.id).attempt == 1


def test_postgresql_is_killed_and_starts_again(
    connections: Callable[[str], Database], redis: RedisServer, tmp_path: Path
) -> None:
    try:
        server = postgresql()
        with server as running:
            _postgresql_is_killed(running, connections, redis, tmp_path)
    except NoPostgreSQL as error:
        pytest.skip(str(error))


def _postgresql_is_killed(
    server: PostgreSQL,
    connections: Callable[[str], Database],
    redis: RedisServer,
    tmp_path: Path,
) -> None:
    redis.forget_all()
    url = server.create(TEMPLATE)
    database = connections(url)
    upgrade(database)
    there = Distributed(database, url, tmp_path, redis.url)
    with there:
        there.start()
        job, queued = long_job(there, 20), [there.add("note") for _ in range(5)]
        under_way(there, job)

        server.kill()
        time.sleep(LEASE + 1)  # longer than a lease, and no heart can beat
        server.start()

        all_done_once(there, job, *queued)
        assert there.ledger.get(job.id).attempt == 1


def test_a_worker_that_is_told_to_stop_gives_back_its_job(there: Distributed) -> None:
    job = long_job(there, 20)
    first, _ = two_workers_and_a_job(there, job)
    queued = [there.add("note") for _ in range(5)]

    first.tell_to_stop()
    took = resumed(there, job, time.time())
    code = first.wait()

    all_done_once(there, job, *queued)
    ended = there.ledger.get(job.id)
    assert code == 0
    assert took <= 3
    assert ended.attempt == 2
    assert ended.max_attempts - ended.attempt == 2  # as many as before


def test_a_job_that_does_not_stop_is_given_back_without_its_handler(there: Distributed) -> None:
    job = there.add("deaf", {"seconds": 6})
    first, _ = two_workers_and_a_job(there, job)

    first.tell_to_stop()
    took = resumed(there, job, time.time())

    all_done_once(there, job)
    assert took <= RESUME
    assert there.results()[job.id] == "2"
    assert first.wait() == 0


def test_a_job_that_kills_its_worker_is_dead_with_a_reason(there: Distributed) -> None:
    there.start()
    job = there.add("mortal")
    others = [there.add("note") for _ in range(5)]

    [dead] = there.ended(job, within=60)

    assert dead.state is JobState.DEAD
    assert dead.error == "Its worker died, or was cut off, at the last of 3 attempts."
    assert there.steps(job) == [(1, None), (2, None), (3, None)]
    all_done_once(there, *others)


def test_a_worker_that_was_taken_for_dead_and_was_not_changes_nothing(there: Distributed) -> None:
    job = long_job(there, 20)
    _, child = two_workers_and_a_job(there, job)

    child.suspend()
    took = resumed(there, job, time.time())
    child.resume()

    all_done_once(there, job)
    assert took <= RESUME
    assert there.results()[job.id] == "2"
    eventually(lambda: "taken away" in there.log.read_text("utf-8"))


def put_the_clock(site: Distributed, by: timedelta) -> None:
    """As the moments in the database look once its clock was put forward, or back."""
    change = "UPDATE job SET lease_until = lease_until - :by, dispatched = dispatched - :by"
    site.database.write(lambda connection: connection.execute(sa.text(change), {"by": by}))


@pytest.mark.parametrize("hours", [-24, 24])
def test_the_clock_jumps_and_nobody_loses_a_job(there: Distributed, hours: int) -> None:
    there.start()
    job, queued = long_job(there), [there.add("note") for _ in range(3)]
    under_way(there, job)

    for _ in range(10):
        put_the_clock(there, timedelta(hours=hours))
        time.sleep(0.3)

    all_done_once(there, job, *queued)
    assert there.ledger.get(job.id).attempt == 1


@pytest.mark.parametrize("hours", [-24, 24])
def test_the_clock_jumps_and_no_job_stays_with_the_dead(there: Distributed, hours: int) -> None:
    worker = there.start_worker()
    there.start_reaper()
    job = long_job(there)
    under_way(there, job)

    working(worker).kill()
    killed = time.time()
    put_the_clock(there, timedelta(hours=hours))
    took = resumed(there, job, killed)

    all_done_once(there, job)
    assert took <= RESUME


def test_an_embedded_worker_is_killed_and_goes_on_at_once(there: Distributed) -> None:
    options = {"trace": str(there.trace.path), "name": "here", "lease": 600}
    first = there.process("inprocess", **options)
    job, queued = long_job(there), [there.add("note") for _ in range(3)]
    under_way(there, job)

    first.kill()
    there.process("inprocess", **options)

    all_done_once(there, job, *queued)
    assert there.ledger.get(job.id).attempt == 2


def test_an_embedded_worker_that_is_told_to_stop_gives_back_its_job(there: Distributed) -> None:
    first = there.process("inprocess", trace=str(there.trace.path), name="here")
    job = long_job(there)
    under_way(there, job)

    first.tell_to_stop()

    assert first.wait() == 0
    given_back = there.ledger.get(job.id)
    assert given_back.state is JobState.QUEUED
    assert given_back.max_attempts - given_back.attempt == 3
    there.process("inprocess", trace=str(there.trace.path), name="here")
    all_done_once(there, job)


def test_a_long_queue_is_not_sent_again_and_again(there: Distributed, redis: RedisServer) -> None:
    jobs = [there.add("note") for _ in range(50)]
    reaper = Reaper(there.ledger, there.queue, lease=LEASE, undelivered=-1)

    for _ in range(5):
        reaper.round()

    with redis.client() as client:
        carried = sum(client.llen(key) for key in client.scan_iter("batch*"))
    assert carried == len(jobs)
    there.start()
    all_done_once(there, *jobs)


def test_many_jobs_go_through_all_of_it(there: Distributed, redis: RedisServer) -> None:
    workers = [there.start_worker(2), there.start_worker(2)]
    there.start_reaper()
    jobs = [long_job(there, 6, 0.1) for _ in range(40)]

    for kill in range(6):
        under_way(there, jobs[kill * 3], 1)
        worker = workers[kill % 2]
        if kill == 2:
            redis.forget_all()
        elif kill == 4:
            os.kill(worker.children()[0].pid, signal.SIGKILL)
            worker.tell_to_stop()
            workers[0] = there.start_worker(2)
        elif children := worker.children():
            children[0].kill()
    send_unsent(there.ledger, there.queue)

    all_done_once(there, *jobs, within=60)

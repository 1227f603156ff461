"""What holds wherever jobs are done: in this process or by Celery, on SQLite or on PostgreSQL."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from jobs.handlers import SAID
from jobs.sites import Site, eventually

from malgwi.types import Job, JobState, Lane


@pytest.mark.slow
def test_each_of_many_jobs_is_done_once(site: Site) -> None:
    jobs = [site.add("note") for _ in range(200)]

    site.start(workers=2)

    assert {each.state for each in site.ended(*jobs, within=60)} == {JobState.DONE}
    assert sorted(line.job for line in site.trace.lines()) == sorted(each.id for each in jobs)
    assert site.results() == {each.id: "1" for each in jobs}


def test_the_most_urgent_is_done_first(site: Site) -> None:
    batch = [site.add("note") for _ in range(3)]
    asked = [site.add("note", lane=Lane.INTERACTIVE) for _ in range(3)]
    live = [site.add("note", lane=Lane.LIVE) for _ in range(3)]

    site.start()
    site.ended(*batch, *asked, *live)

    done = [line.job for line in site.trace.lines()]
    assert done == [each.id for each in (*live, *asked, *batch)]


def test_a_second_job_of_a_key_is_not_done(site: Site) -> None:
    first = site.add("note", key="upload-1")
    again = site.add("note", key="upload-1")

    site.start()
    site.ended(first)
    after = site.add("note", key="upload-1")

    assert first.id == again.id == after.id
    assert site.steps(first) == [(1, None)]


def test_a_job_begins_when_all_it_needs_is_done(site: Site) -> None:
    site.start()
    first = site.add("steps", {"count": 2, "seconds": 0.1})
    other = site.add("note")
    last = site.add("note", needs=[first.id, other.id])

    site.ended(last)

    assert [line.job for line in site.trace.lines()][-1] == last.id
    assert len(site.lines(last)) == 1
    assert site.state(first) is site.state(other) is JobState.DONE


def test_a_job_that_nobody_has_is_called_off(site: Site) -> None:
    job, after = site.add("note"), site.add("note")
    site.ledger.cancel(job.id)

    site.start()
    site.ended(after)

    assert site.state(job) is JobState.CANCELLED
    assert site.lines(job) == []


def test_a_job_under_way_is_called_off(site: Site) -> None:
    site.start()
    job = site.add("steps", {"count": 1000, "seconds": 0.1})
    eventually(lambda: site.lines(job))

    site.ledger.cancel(job.id)

    [ended] = site.ended(job, within=5)
    assert ended.state is JobState.CANCELLED
    assert site.results() == {}


@pytest.mark.slow
def test_progress_can_be_read_while_it_goes_on_and_afterwards(site: Site) -> None:
    site.start()
    job = site.add("steps", {"count": 8, "seconds": 0.15})

    seen = eventually(lambda: site.ledger.get(job.id).progress)

    assert seen["of"] == 8
    assert 1 <= seen["done"] <= 8
    [ended] = site.ended(job)
    assert ended.progress == {"done": 8, "of": 8}


def test_another_attempt_goes_on_where_the_last_one_stopped(site: Site) -> None:
    job = site.add("steps", {"count": 4, "seconds": 0.01})
    held = site.ledger.claim(job.id, "somebody who dies", 1)
    assert held is not None
    for step in range(2):
        site.ledger.checkpoint(job.id, held.attempt, f"step-{step}", {"done": step})

    site.start()

    [ended] = site.ended(job)
    assert ended.state is JobState.DONE
    assert site.steps(job) == [(2, 2), (2, 3)]


def test_a_job_whose_time_has_not_come_waits_for_it(site: Site) -> None:
    site.start()
    site.ended(site.add("note"))  # its workers are there
    due = datetime.now(UTC) + timedelta(seconds=1)
    later = site.add("note", not_before=due)
    now = site.add("note")

    site.ended(now, later)

    assert site.lines(now)[0].at < due.timestamp() <= site.lines(later)[0].at


def test_an_error_of_the_moment_is_tried_again(site: Site) -> None:
    site.start()
    job = site.add("flaky")

    [ended] = site.ended(job)

    assert ended.state is JobState.DONE
    assert site.steps(job) == [(1, None), (2, None)]
    assert site.results() == {job.id: "2"}


def test_an_error_that_stays_is_not(site: Site) -> None:
    site.start()
    job = site.add("final")

    [ended] = site.ended(job)

    assert (ended.state, ended.error) == (JobState.DEAD, "There is no sound in it.")
    assert len(site.lines(job)) == 1


def test_nothing_that_was_said_is_in_the_error(site: Site) -> None:
    site.start()
    job = site.add("broken", max_attempts=2)

    [ended] = site.ended(job)

    assert ended.state is JobState.DEAD
    assert ended.error == "It broke by a ValueError; the log of its worker says where."
    assert len(site.lines(job)) == 2
    assert not site.log.exists() or SAID not in site.log.read_text("utf-8")


@pytest.mark.slow
def test_a_job_of_a_kind_that_nobody_knows_is_dead_in_the_end(site: Site) -> None:
    site.start()
    job = site.add("unheard-of", max_attempts=2)

    [ended] = site.ended(job)

    assert ended.state is JobState.DEAD
    assert ended.error == "This worker knows no jobs of the kind 'unheard-of'."


def test_an_engine_that_is_busy_costs_no_attempt(site: Site) -> None:
    site.start()
    job = site.add("busy")

    [ended] = site.ended(job)

    assert ended.state is JobState.DONE
    assert len(site.lines(job)) == 5


def test_what_was_put_off_often_does_not_wait_the_longer_after_its_first_error(site: Site) -> None:
    site.start()
    job = site.add("often_busy")

    [ended] = site.ended(job)

    assert ended.state is JobState.DONE
    assert len(site.lines(job)) == 10


@pytest.mark.slow
def test_a_job_that_takes_too_long_is_stopped_and_dead_with_a_reason(site: Site) -> None:
    site.start()
    job = site.add("steps", {"count": 1, "seconds": 1000}, max_attempts=1)

    [ended] = site.ended(job)

    assert ended.state is JobState.DEAD
    assert ended.error == "It did not end within the 10 seconds that an attempt may take."
    site.ended(site.add("note"))


@pytest.mark.slow
def test_a_job_that_hangs_is_dead_and_holds_up_no_other(site: Site) -> None:
    site.start()
    job = site.add("deaf", {"seconds": 40}, max_attempts=1)

    [ended] = site.ended(job)

    assert ended.state is JobState.DEAD
    assert ended.error == "It did not end within the 10 seconds that an attempt may take."
    [after] = site.ended(site.add("note"), within=10)
    assert after.state is JobState.DONE
    assert job.id not in site.results()


def test_a_dead_job_is_done_when_somebody_has_it_tried_again(site: Site) -> None:
    job = site.add("note")
    held = site.ledger.claim(job.id, "worker", 10)
    assert held is not None
    site.ledger.fail(job.id, held.attempt, "There was no model.", final=True)

    site.start()
    site.ledger.retry(job.id)

    eventually(lambda: site.state(job) is JobState.DONE)
    assert site.steps(job) == [(2, None)]


@pytest.mark.slow
def test_a_lease_is_kept_for_as_long_as_the_job_takes(site: Site) -> None:
    site.start(workers=2)
    job = site.add("deaf", {"seconds": 3.5})

    [ended] = site.ended(job)

    assert ended.state is JobState.DONE
    assert site.steps(job) == [(1, None)]


def test_two_workers_that_claim_at_once_do_not_both_get_it(site: Site) -> None:
    job = site.add("note")
    got: list[Job | None] = []
    ready = threading.Barrier(4)

    def claim() -> None:
        ready.wait()
        got.append(site.ledger.claim(job.id, "worker", 10))

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sum(each is not None for each in got) == 1


@pytest.mark.parametrize("times", [3])
def test_an_id_that_comes_again_is_done_once(site: Site, times: int) -> None:
    job = site.add("note")
    for _ in range(times):
        site.queue.send(job)
    after = site.add("note")

    site.start()
    site.ended(job, after)

    assert site.steps(job) == [(1, None)]

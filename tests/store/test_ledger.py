"""What the ledger says of a job, whoever asks and however often."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from store.conftest import quickly_in_both

from malgwi.errors import BadOption, Conflict, NotFound
from malgwi.store import Database, NewRecording, RecordingFilter, SqlStore
from malgwi.store.ledger import Ledger
from malgwi.store.schema import meta
from malgwi.types import Job, JobState, Lane

LEASE = 30.0


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


def add(ledger: Ledger, kind: str = "count", **options: object) -> Job:
    return ledger.add(
        kind,
        {"n": 1},
        **{"lane": Lane.BATCH, "queue": "batch"} | options,  # type: ignore[arg-type]
    )


def claimed(ledger: Ledger, **options: object) -> Job:
    job = ledger.claim(add(ledger, **options).id, "worker", LEASE)  # type: ignore[arg-type]
    assert job is not None
    return job


def lose(ledger: Ledger) -> None:
    """The worker of whatever runs died, as the reaper sees it."""
    ledger.reap(ledger.running())


def test_what_is_added_can_be_read(ledger: Ledger) -> None:
    job = add(ledger, lane=Lane.LIVE, queue="realtime", recording_id="r-1")

    assert ledger.get(job.id) == job
    assert (job.state, job.attempt, job.lane) == (JobState.QUEUED, 0, Lane.LIVE)
    assert job.payload == {"n": 1}
    assert ledger.list(recording_id="r-1") == [job]


def test_nothing_is_found_of_a_job_that_is_not_there(ledger: Ledger) -> None:
    for ask in (ledger.get, ledger.cancel, ledger.retry):
        with pytest.raises(NotFound):
            ask("no-such-job")
    assert ledger.claim("no-such-job", "worker", LEASE) is None


def test_jobs_are_listed_newest_first_by_pages(ledger: Ledger) -> None:
    jobs = [add(ledger, kind="a" if number % 2 else "b") for number in range(5)]

    first = ledger.list(limit=2)
    second = ledger.list(limit=2, before=first[-1].id)

    assert [*first, *second] == [jobs[4], jobs[3], jobs[2], jobs[1]]
    assert ledger.list(kind="a") == [jobs[3], jobs[1]]
    assert ledger.list(state=JobState.DONE) == []


def test_jobs_are_counted_with_those_that_were_begun_before(ledger: Ledger) -> None:
    add(ledger)
    back, dead = claimed(ledger), claimed(ledger)
    ledger.fail(back.id, back.attempt, "no engine", final=False)
    ledger.fail(dead.id, dead.attempt, "no sound", final=True)
    claimed(ledger, lane=Lane.LIVE)

    counts = {(each.lane, each.state): (each.jobs, each.again) for each in ledger.counts()}

    assert counts == {
        (Lane.BATCH, JobState.QUEUED): (2, 1),
        (Lane.BATCH, JobState.DEAD): (1, 0),
        (Lane.LIVE, JobState.RUNNING): (1, 0),
    }


def test_a_second_job_of_a_key_is_the_first(ledger: Ledger) -> None:
    first = add(ledger, key="upload-1")

    again = add(ledger, key="upload-1", kind="other")

    assert again == first
    assert len(ledger.list()) == 1


def test_of_many_that_add_a_key_at_once_all_get_the_same_job(ledger: Ledger) -> None:
    got: list[Job] = []
    threads = [
        threading.Thread(target=lambda: got.append(add(ledger, key="one"))) for _ in range(8)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert len(got) == 8
    assert len({job.id for job in got}) == 1


@quickly_in_both
def test_the_most_urgent_goes_first_and_the_oldest_of_those(ledger: Ledger) -> None:
    batch, first = add(ledger), add(ledger, lane=Lane.INTERACTIVE)
    second, live = add(ledger, lane=Lane.INTERACTIVE), add(ledger, lane=Lane.LIVE)
    add(ledger, lane=Lane.LIVE, queue="elsewhere")

    order = [ledger.claim_next(["batch"], "worker", LEASE) for _ in range(5)]

    assert [each and each.id for each in order] == [live.id, first.id, second.id, batch.id, None]


@quickly_in_both
def test_of_many_who_claim_a_job_one_gets_it(ledger: Ledger) -> None:
    jobs = [add(ledger) for _ in range(5)]
    got: list[str] = []

    def claim_all() -> None:
        for each in jobs:
            if job := ledger.claim(each.id, "worker", LEASE):
                got.append(job.id)
            if job := ledger.claim_next(["batch"], "worker", LEASE):
                got.append(job.id)

    threads = [threading.Thread(target=claim_all) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(got) == [each.id for each in jobs]


@quickly_in_both
def test_an_older_token_changes_nothing(ledger: Ledger) -> None:
    old = claimed(ledger)
    lose(ledger)
    new = ledger.claim(old.id, "other", LEASE)
    assert new is not None
    assert new.attempt > old.attempt
    before = ledger.get(old.id)

    assert ledger.heartbeat(old.id, old.attempt, LEASE) == "fenced"
    assert ledger.progress(old.id, old.attempt, {"done": 1}) == "fenced"
    assert ledger.checkpoint(old.id, old.attempt, "piece", 1) == "fenced"
    assert not ledger.finish(old.id, old.attempt, lambda _: pytest.fail("nothing is written"))
    assert not ledger.fail(old.id, old.attempt, "no", final=True)
    assert not ledger.release(old.id, old.attempt)
    assert not ledger.called_off(old.id, old.attempt)

    assert ledger.get(old.id) == before
    assert ledger.checkpoints(old.id) == {}


def test_what_a_job_made_is_kept_with_its_end_or_not_at_all(
    ledger: Ledger, database: Database
) -> None:
    def write(connection: sa.Connection) -> None:
        connection.execute(sa.insert(meta).values(key="made", value="1"))

    def break_down(connection: sa.Connection) -> None:
        write(connection)
        raise BadOption("It breaks.")

    def made() -> int:
        query = sa.select(sa.func.count()).where(meta.c.key == "made").select_from(meta)
        return database.read(lambda connection: connection.scalar(query) or 0)

    job = claimed(ledger)
    with pytest.raises(BadOption):
        ledger.finish(job.id, job.attempt, break_down)
    assert (made(), ledger.get(job.id).state) == (0, JobState.RUNNING)

    assert ledger.finish(job.id, job.attempt, write)
    assert (made(), ledger.get(job.id).state) == (1, JobState.DONE)

    assert ledger.finish(job.id, job.attempt, write)  # there was no answer, so it is asked again
    assert made() == 1


def test_checkpoints_outlive_attempts_and_end_with_the_job(ledger: Ledger) -> None:
    first = claimed(ledger)
    ledger.checkpoint(first.id, first.attempt, "piece-0", {"words": ["a"]})
    ledger.checkpoint(first.id, first.attempt, "piece-1", 1)
    ledger.checkpoint(first.id, first.attempt, "piece-1", 2)
    lose(ledger)

    assert ledger.checkpoints(first.id) == {"piece-0": {"words": ["a"]}, "piece-1": 2}

    second = ledger.claim(first.id, "worker", LEASE)
    assert second is not None
    ledger.finish(second.id, second.attempt)
    assert ledger.checkpoints(first.id) == {}


def test_a_job_that_failed_is_tried_again_and_then_dead(ledger: Ledger) -> None:
    job = add(ledger, max_attempts=2)

    for expected in (JobState.QUEUED, JobState.DEAD):
        held = ledger.claim(job.id, "worker", LEASE)
        assert held is not None
        assert ledger.fail(held.id, held.attempt, "It broke.", final=False)
        assert ledger.get(job.id).state is expected

    assert ledger.get(job.id).error == "It broke."
    assert ledger.claim(job.id, "worker", LEASE) is None


def test_an_error_that_is_final_spares_the_other_attempts(ledger: Ledger) -> None:
    job = claimed(ledger)

    ledger.fail(job.id, job.attempt, "No audio in it.", final=True)

    assert ledger.get(job.id).state is JobState.DEAD


def test_an_attempt_that_is_put_off_waits(ledger: Ledger) -> None:
    job = claimed(ledger)

    ledger.fail(job.id, job.attempt, "Later.", final=False, again_in=60)

    assert ledger.get(job.id).state is JobState.QUEUED
    assert ledger.claim(job.id, "worker", LEASE) is None
    assert ledger.unsent() == ()


def test_what_is_given_back_costs_no_attempt_and_gets_a_new_token(ledger: Ledger) -> None:
    job = add(ledger, max_attempts=1)
    tokens = []
    for _ in range(3):
        held = ledger.claim(job.id, "worker", LEASE)
        assert held is not None
        tokens.append(held.attempt)
        assert ledger.release(held.id, held.attempt)

    assert tokens == [1, 2, 3]
    last = ledger.claim(job.id, "worker", LEASE)
    assert last is not None
    ledger.fail(last.id, last.attempt, "It broke.", final=False)
    assert ledger.get(job.id).state is JobState.DEAD


def test_a_job_that_nobody_has_is_cancelled_at_once(ledger: Ledger) -> None:
    job = add(ledger)

    assert ledger.cancel(job.id).state is JobState.CANCELLED
    assert ledger.claim(job.id, "worker", LEASE) is None
    assert ledger.cancel(job.id).state is JobState.CANCELLED


def test_who_has_a_cancelled_job_hears_it_with_every_call(ledger: Ledger) -> None:
    job = claimed(ledger)

    asked = ledger.cancel(job.id)

    assert (asked.state, asked.cancel_asked) == (JobState.RUNNING, True)
    assert ledger.heartbeat(job.id, job.attempt, LEASE) == "cancel"
    assert ledger.progress(job.id, job.attempt, {}) == "cancel"
    assert ledger.checkpoint(job.id, job.attempt, "piece", 1) == "cancel"
    assert ledger.called_off(job.id, job.attempt)
    assert ledger.get(job.id).state is JobState.CANCELLED


@pytest.mark.parametrize("how", ["fail", "release", "lose"])
def test_a_job_that_nobody_wants_is_not_tried_again(ledger: Ledger, how: str) -> None:
    job = claimed(ledger)
    ledger.cancel(job.id)

    if how == "fail":
        ledger.fail(job.id, job.attempt, "It broke.", final=False)
    elif how == "release":
        ledger.release(job.id, job.attempt)
    else:
        lose(ledger)

    assert ledger.get(job.id).state is JobState.CANCELLED


def test_a_heartbeat_saves_a_job_that_was_taken_for_dead(ledger: Ledger) -> None:
    job = claimed(ledger)
    seen = ledger.running()
    ledger.heartbeat(job.id, job.attempt, LEASE)

    ledger.reap(seen)

    assert ledger.get(job.id).state is JobState.RUNNING


def test_a_job_whose_workers_die_is_dead_and_says_so(ledger: Ledger) -> None:
    job = add(ledger)

    for _ in range(3):
        assert ledger.claim(job.id, "worker", LEASE)
        lose(ledger)

    dead = ledger.get(job.id)
    assert dead.state is JobState.DEAD
    assert dead.error == "Its worker died, or was cut off, at the last of 3 attempts."


def test_a_process_that_starts_again_gets_back_what_it_had_and_nothing_else(
    ledger: Ledger,
) -> None:
    mine, others = add(ledger), add(ledger)
    ledger.claim(mine.id, "me", LEASE)
    ledger.claim(others.id, "somebody", LEASE)

    assert ledger.reclaim("me") == 1

    assert ledger.get(mine.id).state is JobState.QUEUED
    assert ledger.get(others.id).state is JobState.RUNNING


def test_a_job_waits_until_all_it_needs_is_done(ledger: Ledger) -> None:
    needs = [add(ledger), add(ledger)]
    last = add(ledger, needs=[each.id for each in needs])
    assert last.state is JobState.WAITING
    assert set(last.needs) == {each.id for each in needs}
    assert ledger.claim(last.id, "worker", LEASE) is None

    for each in needs:
        assert ledger.get(last.id).state is JobState.WAITING
        held = ledger.claim(each.id, "worker", LEASE)
        assert held is not None
        ledger.finish(held.id, held.attempt)

    assert ledger.get(last.id).state is JobState.QUEUED


def test_a_job_whose_needs_are_done_already_waits_for_nothing(ledger: Ledger) -> None:
    done = claimed(ledger)
    ledger.finish(done.id, done.attempt)

    assert add(ledger, needs=[done.id]).state is JobState.QUEUED


def test_a_job_cannot_need_what_is_not_there(ledger: Ledger) -> None:
    with pytest.raises(NotFound):
        add(ledger, needs=["no-such-job"])

    assert ledger.list() == []


def test_what_needs_a_job_that_will_not_be_done_is_dead_all_the_way(ledger: Ledger) -> None:
    first = add(ledger)
    second = add(ledger, needs=[first.id])
    third = add(ledger, needs=[second.id])

    ledger.cancel(first.id)

    for job, needed in ((second, first), (third, second)):
        dead = ledger.get(job.id)
        assert dead.state is JobState.DEAD
        assert dead.error == f"It needs job {needed.id}, which will not be done."
    assert add(ledger, needs=[third.id]).state is JobState.DEAD


def test_a_dead_job_can_be_tried_again_with_what_died_of_it(ledger: Ledger) -> None:
    job = claimed(ledger)
    after = add(ledger, needs=[job.id])
    ledger.checkpoint(job.id, job.attempt, "piece", 1)
    ledger.fail(job.id, job.attempt, "It broke.", final=True)
    assert ledger.get(after.id).state is JobState.DEAD

    again = ledger.retry(job.id)

    assert (again.state, again.error) == (JobState.QUEUED, None)
    assert ledger.get(after.id).state is JobState.WAITING
    assert ledger.checkpoints(job.id) == {"piece": 1}
    held = ledger.claim(job.id, "worker", LEASE)
    assert held is not None
    assert held.attempt == job.attempt + 1
    assert held.max_attempts - job.attempt == 3


def test_only_a_dead_job_can_be_tried_again(ledger: Ledger) -> None:
    job = add(ledger)

    with pytest.raises(Conflict):
        ledger.retry(job.id)
    ledger.cancel(job.id)
    with pytest.raises(Conflict):
        ledger.retry(job.id)


def test_an_end_is_the_end(ledger: Ledger) -> None:
    job = claimed(ledger)
    ledger.finish(job.id, job.attempt)
    done = ledger.get(job.id)

    ledger.cancel(job.id)
    ledger.fail(job.id, job.attempt, "no", final=True)
    ledger.release(job.id, job.attempt)
    ledger.called_off(job.id, job.attempt)
    lose(ledger)

    assert ledger.get(job.id) == done


def test_each_job_is_to_be_sent_once_the_most_urgent_first(ledger: Ledger) -> None:
    batch, live = add(ledger), add(ledger, lane=Lane.LIVE)
    waiting = add(ledger, needs=[batch.id])

    assert [each.id for each in ledger.unsent()] == [live.id, batch.id]
    assert ledger.unsent() == ()

    held = ledger.claim(batch.id, "worker", LEASE)
    assert held is not None
    ledger.finish(held.id, held.attempt)
    assert [each.id for each in ledger.unsent()] == [waiting.id]


def test_what_was_sent_long_ago_and_nobody_has_is_sent_again(ledger: Ledger) -> None:
    jobs = [add(ledger), add(ledger)]
    ledger.unsent()
    ledger.claim(jobs[0].id, "worker", LEASE)

    assert ledger.overdue(20) == {}
    assert ledger.overdue(-1) == {"batch": 1}
    assert ledger.send_again("batch", -1) == 1
    assert [each.id for each in ledger.unsent()] == [jobs[1].id]


def test_a_job_whose_time_has_not_come_is_not_to_be_had(ledger: Ledger) -> None:
    job = add(ledger, not_before=datetime.now(UTC) + timedelta(hours=1))

    assert ledger.claim(job.id, "worker", LEASE) is None
    assert ledger.claim_next(["batch"], "worker", LEASE) is None
    assert ledger.unsent() == ()


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.mark.parametrize("hours", [-24, 24])
@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_clock_that_jumps_loses_no_job_and_takes_none_away(
    database: Database, hours: int
) -> None:
    clock = Clock()
    ledger = Ledger(database, clock)
    running, sent = claimed(ledger), add(ledger)
    assert [each.id for each in ledger.unsent()] == [sent.id]

    clock.now += timedelta(hours=hours)

    ledger.reap([])
    assert ledger.get(running.id).state is JobState.RUNNING
    assert ledger.heartbeat(running.id, running.attempt, LEASE) == "fine"
    assert ledger.overdue(20) == {"batch": 1}
    assert ledger.send_again("batch", 20) == 1
    assert [each.id for each in ledger.unsent()] == [sent.id]
    assert ledger.overdue(20) == {}
    assert ledger.claim(sent.id, "worker", LEASE) is not None


@pytest.mark.parametrize("pause", [60, 10_000_000_000])
@pytest.mark.parametrize("kind", ["sqlite"])
def test_an_attempt_that_is_put_off_before_the_clock_is_put_back_does_not_wait_for_years(
    database: Database, pause: float
) -> None:
    clock = Clock()
    ledger = Ledger(database, clock)
    clock.now += timedelta(days=4 * 365)
    job = claimed(ledger)
    ledger.fail(job.id, job.attempt, "Later.", final=False, again_in=pause)
    assert ledger.claim(job.id, "worker", LEASE) is None

    clock.now -= timedelta(days=4 * 365)

    assert ledger.claim(job.id, "worker", LEASE) is not None


def test_a_job_for_a_moment_years_ahead_waits_for_it(ledger: Ledger) -> None:
    job = add(ledger, not_before=datetime.now(UTC) + timedelta(days=4 * 365))

    assert ledger.claim(job.id, "worker", LEASE) is None


def ended(ledger: Ledger, **options: object) -> Job:
    job = claimed(ledger, **options)
    assert ledger.finish(job.id, job.attempt)
    return ledger.get(job.id)


def test_jobs_that_ended_long_ago_are_forgotten_with_what_they_kept(ledger: Ledger) -> None:
    dead = claimed(ledger)
    ledger.checkpoint(dead.id, dead.attempt, "piece", 1)
    ledger.fail(dead.id, dead.attempt, "It broke.", final=True)
    gone = [ended(ledger), ledger.cancel(add(ledger).id), dead]
    queued, running = add(ledger), claimed(ledger)

    assert ledger.forget(timedelta(days=1)) == 0
    assert ledger.forget(timedelta(0)) == 3

    assert {each.id for each in ledger.list()} == {queued.id, running.id}
    assert all(ledger.checkpoints(each.id) == {} for each in gone)


def test_a_job_is_not_forgotten_while_another_needs_it(ledger: Ledger) -> None:
    first = ended(ledger)
    after = add(ledger, needs=[first.id])

    assert ledger.forget(timedelta(0)) == 0

    held = ledger.claim(after.id, "worker", LEASE)
    assert held is not None
    ledger.finish(held.id, held.attempt)
    assert ledger.forget(timedelta(0)) == 2


def test_the_last_job_of_a_recording_and_those_with_a_key_are_forgotten_when_it_is(
    store: SqlStore,
) -> None:
    ledger = Ledger(store.database)
    recording = store.add_recording(NewRecording("call.wav"))
    with_key = ended(ledger, recording_id=recording.id, key="watch")
    _, last = (ended(ledger, recording_id=recording.id) for _ in range(2))
    done = RecordingFilter(state=JobState.DONE)

    assert ledger.forget(timedelta(0)) == 1
    assert [each.id for each in ledger.list()] == [last.id, with_key.id]
    assert [each.id for each in store.recordings(done).items] == [recording.id]

    store.delete_recording(recording.id)
    assert ledger.forget(timedelta(0)) == 2


def test_the_key_of_a_job_that_was_forgotten_is_free(ledger: Ledger) -> None:
    first = ended(ledger, key="upload-1")
    ledger.forget(timedelta(0))

    assert add(ledger, key="upload-1").id != first.id


@pytest.fixture
def on_postgresql(kind: str) -> None:
    if kind != "postgresql":
        pytest.skip("SQLite has one writer at a time, on one machine.")


@pytest.mark.slow
@pytest.mark.usefixtures("on_postgresql")
def test_who_is_frozen_in_the_middle_of_a_word_holds_up_nobody_for_long(
    ledger: Ledger, connections: Callable[[str], Database], url: str
) -> None:
    stuck, other = claimed(ledger), claimed(ledger)
    frozen, thawed = threading.Event(), threading.Event()
    elsewhere = connections(url)

    def freeze(*statement: object) -> None:
        if "FOR UPDATE" in str(statement[2]):
            frozen.set()
            thawed.wait(20)

    sa.event.listen(elsewhere.engine, "after_cursor_execute", freeze)
    somebody = Ledger(elsewhere)
    thread = threading.Thread(target=somebody.release, args=[stuck.id, stuck.attempt])
    thread.start()
    frozen.wait(20)

    ledger.reap(ledger.running())
    assert ledger.get(other.id).state is JobState.QUEUED

    assert ledger.cancel(stuck.id).cancel_asked
    ledger.reap(ledger.running())
    assert ledger.get(stuck.id).state is JobState.CANCELLED

    thawed.set()
    thread.join()
    assert ledger.get(stuck.id).state is JobState.CANCELLED

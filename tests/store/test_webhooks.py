"""What is to be told is kept with what happened, and taken by one sender at a time."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from store.conftest import quickly_in_both
from store.kept import transcribed

from malgwi.errors import BadOption, NotFound
from malgwi.store import Correction, Database, Paging, SqlStore
from malgwi.store.ledger import Ledger
from malgwi.store.schema import delivery
from malgwi.store.webhooks import (
    DeliveryState,
    Event,
    Outbox,
    Outgoing,
    job_ended,
    transcript_corrected,
    transcript_ready,
)
from malgwi.types import Job, JobState, Lane

LEASE = 60.0
URL = "https://hooks.example.org/malgwi"


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database)


def claimed(database: Database) -> tuple[Ledger, Job]:
    ledger = Ledger(database)
    added = ledger.add("transcribe", {}, lane=Lane.BATCH, queue="batch", recording_id="r-1")
    job = ledger.claim(added.id, "worker", LEASE)
    assert job is not None
    return ledger, job


def tell(database: Database, recording: str = "r-1") -> None:
    database.write(lambda it: transcript_ready(it, "t-1", recording))


def only(outbox: Outbox) -> Outgoing:
    (taken,) = outbox.take(10, LEASE)
    return taken


def test_a_webhook_is_shown_without_what_signs(outbox: Outbox) -> None:
    made, secret = outbox.add(URL, [Event.JOB_DEAD, Event.JOB_DONE], "key-1")

    assert outbox.webhooks() == (made,) == (outbox.webhook(made.id),)
    assert (made.url, made.owner) == (URL, "key-1")
    assert made.events == (Event.JOB_DONE, Event.JOB_DEAD)
    assert secret not in repr(made)
    assert len(secret) > 40


def test_a_webhook_for_nothing_is_refused(outbox: Outbox) -> None:
    with pytest.raises(BadOption, match=r"job\.done"):
        outbox.add(URL, [])


def test_what_is_not_there_is_not_found(outbox: Outbox) -> None:
    made, _ = outbox.add(URL, [Event.JOB_DONE])

    for ask in (outbox.webhook, outbox.remove, outbox.deliveries):
        with pytest.raises(NotFound):
            ask("no-such")
    with pytest.raises(NotFound):
        outbox.send_again(made.id, "no-such")


def test_a_webhook_hears_what_it_asked_for_and_nothing_else(
    outbox: Outbox, database: Database
) -> None:
    ready, _ = outbox.add(URL, [Event.TRANSCRIPT_READY])
    corrected, _ = outbox.add(URL, [Event.TRANSCRIPT_CORRECTED])

    tell(database)
    database.write(lambda it: transcript_corrected(it, "t-1", "r-1", 2))

    first, second = outbox.deliveries(ready.id).items, outbox.deliveries(corrected.id).items
    assert [each.event for each in (*first, *second)] == [
        Event.TRANSCRIPT_READY,
        Event.TRANSCRIPT_CORRECTED,
    ]
    assert first[0].payload["data"] == {
        "transcript_id": "t-1",
        "recording_id": "r-1",
        "revision": 1,
    }
    assert second[0].payload["data"]["revision"] == 2


def test_the_end_of_a_job_and_the_word_of_it_are_kept_together(
    outbox: Outbox, database: Database
) -> None:
    hook, _ = outbox.add(URL, [Event.JOB_DONE])
    ledger, job = claimed(database)

    def break_down(connection: sa.Connection) -> None:
        job_ended(connection, job.id, JobState.DONE)
        raise BadOption("It breaks.")

    with pytest.raises(BadOption):
        ledger.finish(job.id, job.attempt, break_down)
    assert outbox.deliveries(hook.id).items == ()

    for _ in range(2):  # there was no answer, so it is asked again
        assert ledger.finish(job.id, job.attempt)
    (told,) = outbox.deliveries(hook.id).items
    assert told.payload["data"] == {
        "job_id": job.id,
        "state": "done",
        "kind": "transcribe",
        "recording_id": "r-1",
        "attempt": 1,
    }


def test_of_a_dead_job_one_hears_and_of_a_cancelled_one_not(
    outbox: Outbox, database: Database
) -> None:
    hook, _ = outbox.add(URL, list(Event))
    _, job = claimed(database)

    database.write(lambda it: job_ended(it, job.id, JobState.CANCELLED))
    database.write(lambda it: job_ended(it, job.id, JobState.DEAD))
    database.write(lambda it: job_ended(it, "no-such", JobState.DEAD))

    assert [each.event for each in outbox.deliveries(hook.id).items] == [Event.JOB_DEAD]


def test_what_is_taken_is_nobody_elses_until_its_lease_ends(
    outbox: Outbox, database: Database
) -> None:
    _, secret = outbox.add(URL, [Event.TRANSCRIPT_READY])
    tell(database)

    taken = only(outbox)

    assert (taken.url, taken.secret, taken.delivery.attempts) == (URL, secret, 1)
    assert outbox.take(10, LEASE) == ()
    database.write(lambda it: it.execute(delivery.update().values(next_at=long_ago())))
    assert only(outbox).delivery.attempts == 2


@quickly_in_both
def test_of_many_senders_one_gets_it(outbox: Outbox, database: Database) -> None:
    outbox.add(URL, [Event.TRANSCRIPT_READY])
    tell(database)
    taken: list[Outgoing] = []
    threads = [
        threading.Thread(target=lambda: taken.extend(outbox.take(1, LEASE))) for _ in range(6)
    ]

    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert len(taken) == 1


def test_each_webhook_gets_its_oldest_first_and_none_twice_at_a_time(
    outbox: Outbox, database: Database
) -> None:
    hooks = [outbox.add(URL, [Event.TRANSCRIPT_READY])[0] for _ in range(2)]
    tell(database, "r-1")
    tell(database, "r-2")

    taken = outbox.take(10, LEASE)

    assert sorted(each.delivery.webhook_id for each in taken) == [each.id for each in hooks]
    assert {each.delivery.payload["data"]["recording_id"] for each in taken} == {"r-1"}
    assert outbox.take(10, LEASE, besides=[each.id for each in hooks]) == ()
    assert len(outbox.take(1, LEASE, besides=[hooks[0].id])) == 1


def test_what_was_delivered_is_not_due_any_more(outbox: Outbox, database: Database) -> None:
    hook, _ = outbox.add(URL, [Event.TRANSCRIPT_READY])
    tell(database)

    outbox.delivered(only(outbox))

    (told,) = outbox.deliveries(hook.id).items
    assert (told.state, told.next_at, told.last_error) == (DeliveryState.DELIVERED, None, None)
    assert outbox.take(10, LEASE) == ()


def test_what_failed_is_due_again_later_or_given_up_and_shown(
    outbox: Outbox, database: Database
) -> None:
    hook, _ = outbox.add(URL, [Event.TRANSCRIPT_READY])
    tell(database)

    outbox.failed(only(outbox), "It answered 500.", 3600)
    (told,) = outbox.deliveries(hook.id).items
    assert (told.state, told.last_error) == (DeliveryState.PENDING, "It answered 500.")
    assert outbox.undelivered() == {DeliveryState.PENDING: 1, DeliveryState.GIVEN_UP: 0}
    assert outbox.take(10, LEASE) == ()

    outbox.failed(outgoing(outbox, told.id), "It answered 501.", None)
    (told,) = outbox.deliveries(hook.id).items
    assert (told.state, told.last_error) == (DeliveryState.GIVEN_UP, "It answered 501.")
    assert outbox.undelivered() == {DeliveryState.PENDING: 0, DeliveryState.GIVEN_UP: 1}

    again = outbox.send_again(hook.id, told.id)
    assert (again.state, again.attempts) == (DeliveryState.PENDING, 0)
    assert only(outbox).delivery.id == told.id


def test_who_took_too_long_says_nothing_over_the_head_of_the_next(
    outbox: Outbox, database: Database
) -> None:
    hook, _ = outbox.add(URL, [Event.TRANSCRIPT_READY])
    tell(database)
    slow = only(outbox)
    database.write(lambda it: it.execute(delivery.update().values(next_at=long_ago())))
    quick = only(outbox)

    outbox.failed(slow, "It did not answer.", None)
    outbox.delivered(quick)
    outbox.failed(slow, "It did not answer.", None)

    assert outbox.deliveries(hook.id).items[0].state is DeliveryState.DELIVERED


def test_what_a_clock_that_was_put_back_left_in_the_far_future_is_due(
    outbox: Outbox, database: Database
) -> None:
    outbox.add(URL, [Event.TRANSCRIPT_READY])
    tell(database)
    future = datetime.now(UTC) + timedelta(days=30)
    database.write(lambda it: it.execute(delivery.update().values(next_at=future)))

    assert len(outbox.take(10, LEASE)) == 1


def test_with_its_webhook_goes_what_it_was_to_hear(outbox: Outbox, database: Database) -> None:
    hook, _ = outbox.add(URL, [Event.TRANSCRIPT_READY])
    tell(database)

    outbox.remove(hook.id)

    assert outbox.webhooks() == ()
    assert outbox.take(10, LEASE) == ()
    tell(database)  # and nobody minds


def test_deliveries_are_listed_by_pages(outbox: Outbox, database: Database) -> None:
    hook, _ = outbox.add(URL, [Event.TRANSCRIPT_READY])
    for number in range(3):
        tell(database, f"r-{number}")

    first = outbox.deliveries(hook.id, Paging(limit=2))
    second = outbox.deliveries(hook.id, Paging(first.next_cursor, 2))

    found = [each.payload["data"]["recording_id"] for each in (*first.items, *second.items)]
    assert found == ["r-2", "r-1", "r-0"]
    assert second.next_cursor is None


def test_what_ended_long_ago_is_forgotten_and_what_waits_is_not(
    outbox: Outbox, database: Database, old: Callable[[str], None]
) -> None:
    hook, _ = outbox.add(URL, [Event.TRANSCRIPT_READY])
    for _ in range(3):
        tell(database)
    newest, waiting, done = (each.id for each in outbox.deliveries(hook.id).items)
    for each in (done, newest):
        outbox.delivered(outgoing(outbox, each))
    old(waiting)
    old(done)

    assert outbox.sweep() == 1

    left = outbox.deliveries(hook.id).items
    assert [each.state for each in left] == [DeliveryState.DELIVERED, DeliveryState.PENDING]


@pytest.fixture
def old(database: Database) -> Callable[[str], None]:
    """Makes a delivery one of 2001: its id says when it was made."""

    def make(delivery_id: str) -> None:
        then = f"00e7{delivery_id[4:]}"
        change = delivery.update().where(delivery.c.id == delivery_id).values(id=then)
        database.write(lambda it: it.execute(change))

    return make


def outgoing(outbox: Outbox, delivery_id: str) -> Outgoing:
    """As whoever has it would hold it."""
    found = [
        each
        for hook in outbox.webhooks()
        for each in outbox.deliveries(hook.id).items
        if each.id == delivery_id
    ]
    return Outgoing(found[0], URL, "")


def long_ago() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=1)


def test_a_ledger_and_a_store_tell_of_all_that_happens(
    outbox: Outbox, database: Database, url: str, tmp_path: Path
) -> None:
    hook, _ = outbox.add(URL, list(Event))
    store = SqlStore(url, tmp_path / "data")
    ledger, job = claimed(database)
    needs_it = ledger.add("x", {}, lane=Lane.BATCH, queue="batch", needs=[job.id])

    ledger.fail(job.id, job.attempt, "It broke.", final=True)
    saved = transcribed(store)
    store.correct(saved.id, 1, [Correction("00-0000", "again")])
    store.undo(saved.id, 2, 1)
    store.close()

    told = [(each.event, each.payload["data"]) for each in outbox.deliveries(hook.id).items]
    assert [event for event, _ in reversed(told)] == [
        Event.JOB_DEAD,
        Event.JOB_DEAD,
        Event.TRANSCRIPT_READY,
        Event.TRANSCRIPT_CORRECTED,
        Event.TRANSCRIPT_CORRECTED,
    ]
    assert {data.get("job_id") for _, data in told} == {job.id, needs_it.id, None}
    assert [data["revision"] for _, data in told[:3]] == [3, 2, 1]
    assert "again" not in str(told)


def test_of_a_job_that_ends_well_one_hears_from_the_ledger(
    outbox: Outbox, database: Database
) -> None:
    hook, _ = outbox.add(URL, list(Event))
    ledger, job = claimed(database)

    for _ in range(2):
        ledger.finish(job.id, job.attempt)

    assert [each.event for each in outbox.deliveries(hook.id).items] == [Event.JOB_DONE]

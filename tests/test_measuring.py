"""What a store and a machine tell `/metrics`, asked of real ones."""

import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import deadline
import pytest
from store.kept import SAID, with_media

from malgwi.apps.transcription.watch import Scan
from malgwi.devices import Inventory
from malgwi.devices.inventory import Card
from malgwi.gateway import METRICS, Metrics
from malgwi.measuring import Cards, Looks, watch_store
from malgwi.store import Event as Happening
from malgwi.store import Ledger, Outbox, Place, SqlStore
from malgwi.types import Lane

UUID = "GPU-7ad3b2f0-0000-0000-0000-000000000000"
CARD = Card(0, "NVIDIA GeForce RTX 5090", UUID, (12, 0), 34_190_917_632, 20_000_000_000)
Found = dict[tuple[str, ...], float]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = SqlStore(f"sqlite:///{tmp_path / 'malgwi.db'}", tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def metrics(store: SqlStore, tmp_path: Path) -> Metrics:
    made = Metrics("1")
    watch_store(made, store, tmp_path)
    return made


def found(metrics: Metrics, name: str) -> Found:
    samples = [each for family in metrics.registry.collect() for each in family.samples]
    return {tuple(each.labels.values()): each.value for each in samples if each.name == name}


def test_jobs_are_counted_by_lane_and_state(metrics: Metrics, store: SqlStore) -> None:
    ledger = Ledger(store.database)
    for lane in (Lane.BATCH, Lane.BATCH, Lane.BATCH, Lane.LIVE):
        ledger.add("x", {}, lane=lane, queue=lane.value)
    held = ledger.claim_next(("batch",), "worker", 60)
    assert held
    ledger.fail(held.id, held.attempt, "It cannot be read.", final=True)
    assert ledger.claim_next(("batch",), "worker", 60)

    jobs = found(metrics, "malgwi_jobs")

    assert {what: n for what, n in jobs.items() if n} == {
        ("batch", "queued"): 1,
        ("batch", "running"): 1,
        ("batch", "dead"): 1,
        ("live", "queued"): 1,
    }
    assert jobs["interactive", "dead"] == 0, "an alert needs what it compares with"


def test_a_job_that_waits_grows_old_and_is_late_when_it_begins(
    metrics: Metrics, store: SqlStore
) -> None:
    now = datetime.now(UTC)
    Ledger(store.database, lambda: now - timedelta(hours=2)).add(
        "x", {}, lane=Lane.BATCH, queue="batch"
    )
    waited = found(metrics, "malgwi_job_oldest_age_seconds")
    assert Ledger(store.database).claim_next(("batch",), "worker", 60)

    assert waited["batch",] == pytest.approx(7200, abs=30)
    assert waited["live",] == 0
    assert found(metrics, "malgwi_job_oldest_age_seconds")["batch",] == 0
    assert found(metrics, "malgwi_job_start_delay_seconds")["batch",] == pytest.approx(7200, abs=30)


def test_a_job_is_tried_again_once_it_was_given_back_and_not_before(
    metrics: Metrics, store: SqlStore
) -> None:
    ledger = Ledger(store.database)
    ledger.add("x", {}, lane=Lane.BATCH, queue="batch")
    held = ledger.claim_next(("batch",), "worker", 60)
    assert held
    first = found(metrics, "malgwi_jobs_tried_again")["batch",]
    ledger.fail(held.id, held.attempt, "The engine has gone.", final=False)
    waiting = found(metrics, "malgwi_jobs_tried_again")["batch",]
    assert ledger.claim_next(("batch",), "worker", 60)

    assert (first, waiting) == (0, 1)
    assert found(metrics, "malgwi_jobs_tried_again")["batch",] == 1
    assert found(metrics, "malgwi_job_start_delay_seconds")["batch",] == 0, "it began long ago"


def test_a_job_whose_worker_is_not_heard_of_is_silent(metrics: Metrics, store: SqlStore) -> None:
    ledger = Ledger(store.database)
    ledger.add("x", {}, lane=Lane.BATCH, queue="batch")
    assert ledger.claim_next(("batch",), "gone", -1)

    assert found(metrics, "malgwi_jobs_silent")["batch",] == 1


def test_webhooks_that_were_given_up_are_counted(metrics: Metrics, store: SqlStore) -> None:
    outbox = Outbox(store.database)
    outbox.add("https://example.org/hook", list(Happening))
    store.save_transcript(with_media(store, b"sound").id, SAID)
    before = found(metrics, "malgwi_webhook_deliveries")
    (taken,) = outbox.take(1, 60)
    outbox.failed(taken, "It answered 500.", None)

    assert before == {("pending",): 1, ("given_up",): 0}
    assert found(metrics, "malgwi_webhook_deliveries") == {("pending",): 0, ("given_up",): 1}


def test_the_last_backup_has_a_time_and_none_has_none(
    metrics: Metrics, store: SqlStore, tmp_path: Path
) -> None:
    none = found(metrics, "malgwi_backup_last_success_timestamp_seconds")
    Place(f"sqlite:///{tmp_path / 'malgwi.db'}", tmp_path).note_backup(
        datetime(2026, 3, 1, tzinfo=UTC)
    )

    assert none == {}
    assert found(metrics, "malgwi_backup_last_success_timestamp_seconds") == {(): 1772323200.0}


def test_a_disk_that_is_not_mounted_has_no_room_and_no_size(
    store: SqlStore, tmp_path: Path
) -> None:
    metrics = Metrics("1")
    watch_store(metrics, store, tmp_path / "gone")

    assert found(metrics, "malgwi_disk_free_bytes") == {}


def test_a_database_that_is_gone_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    store = SqlStore(f"sqlite:///{tmp_path / 'malgwi.db'}", tmp_path)
    metrics = Metrics("1")
    watch_store(metrics, store, tmp_path)
    well = found(metrics, "malgwi_store_up")
    store.close()
    (tmp_path / "malgwi.db").write_bytes(b"no database" * 1000)
    for each in tmp_path.glob("malgwi.db-*"):
        each.unlink()

    assert well == {(): 1}
    assert found(metrics, "malgwi_store_up") == {(): 0}
    assert found(metrics, "malgwi_jobs") == {}
    assert found(metrics, "malgwi_disk_free_bytes")[()] > 0


def test_the_memory_of_each_card_is_told(request: pytest.FixtureRequest) -> None:
    metrics, cards = Metrics("1"), Cards(lambda: Inventory("570.86", (CARD,)))
    metrics.pull_all(cards.measured)
    request.addfinalizer(cards.close)
    cards.start()

    deadline.until(lambda: bool(found(metrics, "malgwi_gpu_info")))

    assert found(metrics, "malgwi_gpu_info") == {(UUID, CARD.name, "570.86"): 1}
    assert found(metrics, "malgwi_gpu_memory_free_bytes") == {(UUID,): CARD.memory_free}
    assert found(metrics, "malgwi_gpu_memory_total_bytes") == {(UUID,): CARD.memory_total}


def test_a_driver_that_hangs_keeps_nobody_from_being_measured(
    request: pytest.FixtureRequest,
) -> None:
    hangs = Event()
    cards = Cards(lambda: Inventory(evidence=(str(hangs.wait(20)),)))
    request.addfinalizer(hangs.set)
    cards.start()

    began = time.monotonic()

    assert cards.measured() == {}
    assert time.monotonic() - began < 1


def test_files_of_a_watched_folder_are_counted_by_what_became_of_them() -> None:
    metrics, looks = Metrics("1"), Looks()
    metrics.pull_all(looks.measured)
    looks.add(Scan(taken=("a", "b"), rejected=1, waiting=3))
    looks.add(Scan(known=1, rejected=1, waiting=2))

    assert found(metrics, "malgwi_watch_files_total") == {
        ("taken",): 2,
        ("known",): 1,
        ("rejected",): 2,
    }
    assert found(metrics, "malgwi_watch_files_waiting") == {(): 2}
    last = found(metrics, "malgwi_watch_last_look_timestamp_seconds")[()]
    assert math.isclose(last, time.time(), abs_tol=20)


def test_all_that_is_measured_is_in_the_list(metrics: Metrics) -> None:
    names = {family.name for family in metrics.registry.collect()}

    assert names <= {each.name.removesuffix("_total") for each in METRICS}

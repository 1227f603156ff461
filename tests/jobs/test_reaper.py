"""When a job is taken away from who has it, and when not."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from jobs.handlers import context
from jobs.sites import QUEUES

from malgwi.errors import StoreGone
from malgwi.jobs import Reaper
from malgwi.jobs.inprocess import InProcess
from malgwi.store import Database
from malgwi.store.ledger import Ledger
from malgwi.types import Job, JobState, Lane

LEASE = 10.0


class Interrupted(Ledger):
    """There are times at which its database does not answer."""

    answers = True

    def running(self) -> Sequence[Job]:
        if not self.answers:
            raise StoreGone("The database does not answer.")
        return super().running()


class Watched:
    """A job that somebody has, and a reaper whose watch stands still until it is told."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.ledger = Interrupted(database)
        self.now = 0.0
        queue = InProcess(context(database, folder, lease=LEASE), QUEUES, name="nobody")
        self.reaper = Reaper(self.ledger, queue, lease=LEASE, now=lambda: self.now)
        job = self.ledger.add("note", {}, lane=Lane.BATCH, queue="batch")
        self.job = self.ledger.claim(job.id, "somebody", LEASE) or job

    def state_after(self, seconds: float) -> JobState:
        self.now += seconds
        self.reaper.round()
        return self.ledger.get(self.job.id).state


@pytest.fixture
def kind() -> str:
    return "sqlite"


@pytest.fixture
def watched(url: str, connections: Callable[[str], Database], tmp_path: Path) -> Watched:
    return Watched(connections(url), tmp_path / "trace")


def test_a_job_whose_worker_fell_silent_is_queued_again(watched: Watched) -> None:
    assert watched.state_after(0) is JobState.RUNNING
    assert watched.state_after(LEASE - 1) is JobState.RUNNING
    assert watched.state_after(1) is JobState.QUEUED


def test_a_job_whose_heart_beats_stays_with_its_worker(watched: Watched) -> None:
    for _ in range(5):
        assert watched.state_after(LEASE - 1) is JobState.RUNNING
        watched.ledger.heartbeat(watched.job.id, watched.job.attempt, LEASE)


def test_a_lease_does_not_run_while_no_heart_can_beat(watched: Watched) -> None:
    watched.state_after(0)
    watched.ledger.answers = False
    with pytest.raises(StoreGone):
        watched.state_after(LEASE)
    watched.ledger.answers = True

    assert watched.state_after(LEASE) is JobState.RUNNING
    assert watched.state_after(LEASE) is JobState.QUEUED

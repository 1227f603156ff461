"""The shape that a company runs: PostgreSQL, Redis, a gateway, two workers and a reaper, each a
process of its own, and Whisper on real speech. Whoever is killed, the transcript is the one that
a single undisturbed process makes."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from pathlib import Path

import deadline
import numpy as np
import psutil
import pytest
import sqlalchemy as sa
from audio.soundfiles import write
from jobs.servers import RedisServer
from store.postgresql import PostgreSQL
from test_library import Library, library
from test_serving import ENGINE, alive, environment

from malgwi.store import connect
from malgwi.store.ids import new_id
from malgwi.store.ledger import Ledger
from malgwi.store.schema import checkpoint
from malgwi.types import Samples

LEASE = 2.0
RESUME = LEASE + 3
"""Seconds after a kill within which the job goes on."""
TIMES = 4

until = partial(deadline.until, seconds=200.0)

pytestmark = [pytest.mark.slow, pytest.mark.model, pytest.mark.timeout(600)]


class Process:
    """A worker or a reaper, and all that it has started."""

    def __init__(self, role: str, folder: Path, env: dict[str, str]) -> None:
        with (folder / f"{role}.log").open("a") as log:
            self._process = psutil.Popen(
                [sys.executable, "-c", ENGINE, role], env=env, stdout=log, stderr=log
            )

    def family(self) -> Sequence[psutil.Process]:
        return [self._process, *self._process.children(recursive=True)]

    def kill(self) -> None:
        """As the kernel would: without a word, and with its children, who would tell."""
        family = self.family()
        self._process.suspend()
        for each in reversed(family):
            each.kill()
        self._process.wait()

    def end(self) -> None:
        if self._process.poll() is None:
            self.kill()


class Production:
    """All of it but the gateway, which a test starts, kills and starts again."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder, self.settings = folder, settings
        self.database = connect(settings["MALGWI_STORE__URL"])
        self.ledger = Ledger(self.database)
        self.workers: list[Process] = []
        self._processes: list[Process] = []

    def gateway(self) -> AbstractContextManager[Library]:
        return library(self.folder, **self.settings)

    def start(self) -> None:
        """Two workers, of a job at a time, and the reaper; the gateway has made the tables."""
        env = environment(self.folder, self.settings)
        self.workers = [Process("worker", self.folder, env) for _ in range(2)]
        self._processes = [*self.workers, Process("reaper", self.folder, env)]

    def checkpoints(self, job: str) -> dict[str, datetime]:
        """By name, when each was kept last."""
        query = sa.select(checkpoint.c.name, checkpoint.c.created)
        return self.database.read(
            lambda connection: {
                each.name: each.created
                for each in connection.execute(query.where(checkpoint.c.job_id == job))
            }
        )

    def holder(self, job: str) -> Process:
        """The worker that does the job."""
        pid = int((self.ledger.get(job).worker or "").rpartition(":")[2])
        [found] = [each for each in self.workers if pid in {one.pid for one in each.family()}]
        return found

    def end(self) -> None:
        for each in self._processes:
            each.end()
        self.database.close()


@pytest.fixture(scope="module")
def recognising(models: Path) -> dict[str, str]:
    """Settings for Whisper, which leaves a core to the others."""
    return {
        "MALGWI_MODELS": str(models),
        "MALGWI_STT__ENGINE": "faster-whisper",
        "MALGWI_STT__OPTIONS": '{"threads": 1}',
        "MALGWI_VAD__ENGINE": "silero",
        "MALGWI_ENGINE__PRELOAD": "[]",
    }


@pytest.fixture
def production(
    tmp_path: Path, recognising: dict[str, str], server: PostgreSQL, redis: RedisServer
) -> Iterator[Production]:
    redis.forget_all()
    name = f"production_{new_id()}"
    settings = {
        "MALGWI_STORE__URL": server.create(name),
        "MALGWI_STORE__DATA": str(tmp_path / "data"),
        "MALGWI_JOBS__QUEUE": "celery",
        "MALGWI_JOBS__BROKER": redis.url,
        "MALGWI_JOBS__LEASE": str(LEASE),
        "MALGWI_JOBS__WORKERS": "1",
    }
    made = Production(tmp_path, recognising | settings)
    try:
        yield made
    finally:
        made.end()
        server.drop(name)


@pytest.fixture(scope="module")
def long(channels: list[Samples], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four minutes of four people, each time less loud, so that nothing is known from before."""
    sound = np.concatenate([np.stack(channels) * 0.95**turn for turn in range(TIMES)], axis=1)
    return write(tmp_path_factory.mktemp("long") / "long.wav", sound, 16_000)


@pytest.fixture(scope="module")
def undisturbed(
    long: Path, recognising: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[int, float, str]]:
    """What one process with a file for a database makes of it."""
    with library(tmp_path_factory.mktemp("embedded"), **recognising) as embedded:
        made = embedded.submit(long, languages="en")
        until(lambda: embedded.job(made["job"]["id"])["state"] == "done")
        return embedded.said(made["recording"]["id"])


def test_a_worker_makes_the_transcript_that_one_process_makes(
    production: Production, long: Path, undisturbed: list[tuple[int, float, str]]
) -> None:
    with production.gateway() as gateway:
        production.start()

        made = gateway.submit(long, languages="en")

        until(lambda: gateway.job(made["job"]["id"])["state"] == "done")
        assert gateway.said(made["recording"]["id"]) == undisturbed
        assert len(undisturbed) > 4 * TIMES


def test_where_a_worker_is_killed_the_other_ends_its_job_and_nothing_is_doubled(
    production: Production,
    long: Path,
    sample: Path,
    undisturbed: list[tuple[int, float, str]],
) -> None:
    with production.gateway() as gateway:
        production.start()
        made = gateway.submit(long, languages="en")
        job = made["job"]["id"]
        until(lambda: heard(gateway, job) > 5)
        other = gateway.submit(sample, languages="en")["job"]["id"]
        until(lambda: gateway.job(other)["state"] == "done")  # so the other one is there
        holder = production.holder(job)
        family = holder.family()

        holder.kill()
        killed, before = time.monotonic(), production.checkpoints(job)

        until(lambda: gateway.job(job)["attempt"] == 2)
        assert time.monotonic() - killed <= RESUME
        until(lambda: len(production.checkpoints(job)) > len(before) > 0)
        assert before.items() <= production.checkpoints(job).items()  # none was made again
        until(lambda: gateway.job(job)["state"] == "done")
        assert gateway.said(made["recording"]["id"]) == undisturbed
        until(lambda: not alive(family))


def test_where_the_gateway_is_killed_the_work_goes_on_and_the_next_one_knows_of_it(
    production: Production, long: Path, undisturbed: list[tuple[int, float, str]]
) -> None:
    with production.gateway() as gateway:
        production.start()
        made = gateway.submit(long, languages="en")
        job = made["job"]["id"]
        until(lambda: heard(gateway, job) > 5)

        gateway.process.kill()

    with production.gateway() as again:
        until(lambda: again.job(job)["state"] == "done")

        assert again.job(job)["attempt"] == 1
        assert again.said(made["recording"]["id"]) == undisturbed


def heard(gateway: Library, job: str) -> float:
    """Seconds of speech that were recognised."""
    seconds: float = gateway.job(job)["progress"].get("speech_done", 0.0)
    return seconds

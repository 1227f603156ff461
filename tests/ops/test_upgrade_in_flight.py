"""From the program of before to this one with jobs under way: each is done once, none is lost.

The program of before is the real one: the commit before that which added the newest migration,
taken out of the history. PostgreSQL and Redis are real, and so are the processes.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import deadline
import numpy as np
import psutil
import pytest
from audio.soundfiles import tone, write
from jobs.servers import RedisServer
from store.postgresql import PostgreSQL
from test_library import Library, library
from test_serving import ENGINE, environment

from malgwi.store import connect, migration
from malgwi.store.ids import new_id
from malgwi.types import Samples

ROOT = Path(__file__).parents[2]
STEPS = "src/malgwi/store/migrations/versions"
TURNS = 12  # somebody speaks for a second and a half every four
RECORDINGS = 3

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
until = partial(deadline.until, seconds=180.0)


def git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"There is no history here to take the program of before from: {arguments[0]}")
    return done.stdout


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source of the program of before."""
    newest = max(each.name for each in (ROOT / STEPS).glob("r*.py"))
    added = git("log", "--diff-filter=A", "--format=%H", "-1", "--", f"{STEPS}/{newest}")
    if not added.strip():
        pytest.skip("The newest migration is not in the history yet.")
    archive = git("archive", f"{added.decode().strip()}^", "src/malgwi")
    folder = tmp_path_factory.mktemp("before")
    subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
    assert not (folder / STEPS / newest).exists()
    return folder / "src"


@pytest.fixture
def settings(tmp_path: Path, server: PostgreSQL, redis: RedisServer) -> Iterator[dict[str, str]]:
    redis.forget_all()
    name = f"upgraded_{new_id()}"
    yield {
        "MALGWI_STORE__URL": server.create(name),
        "MALGWI_STORE__DATA": str(tmp_path / "data"),
        "MALGWI_JOBS__QUEUE": "celery",
        "MALGWI_JOBS__BROKER": redis.url,
        "MALGWI_JOBS__LEASE": "5",
        "MALGWI_JOBS__WORKERS": "1",
        "MALGWI_ENGINE__PRELOAD": "[]",
        "MALGWI_STT__OPTIONS": '{"seconds": 0.5, "text": "before"}',
    }
    server.drop(name)


@pytest.fixture
def watches(tmp_path: Path) -> list[Path]:
    """Recordings on which no two turns sound alike, nor two recordings."""
    return [write(tmp_path / f"{each}.wav", turns(each), 16_000) for each in range(RECORDINGS)]


def turns(recording: int) -> Samples:
    hertz = [300.0 + 20 * (recording * TURNS + turn) for turn in range(TURNS)]
    each = [np.pad(tone(one, 1.5, 16_000), ((0, 0), (0, 40_000))) for one in hertz]
    return np.concatenate(each, axis=1)


class Services:
    """A worker and a reaper."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        env = environment(folder, settings)
        with (folder / "services.log").open("a") as log:
            self._started = [
                psutil.Popen([sys.executable, "-c", ENGINE, each], env=env, stdout=log, stderr=log)
                for each in ("worker", "reaper")
            ]

    def end(self) -> list[int]:
        """As `docker stop` and systemd do."""
        for each in self._started:
            each.terminate()
        return [each.wait(60) for each in self._started]

    def kill(self) -> None:
        for each in self._started:
            for one in [*each.children(recursive=True), each] if each.is_running() else []:
                one.kill()
            each.wait()


def test_jobs_under_way_are_done_once_by_the_program_of_after(
    tmp_path: Path, before: Path, settings: dict[str, str], watches: list[Path]
) -> None:
    with library(_folder(tmp_path, "embedded")) as undisturbed:
        made = [undisturbed.submit(each, languages="en") for each in watches]
        until(lambda: all(is_done(undisturbed, each["job"]["id"]) for each in made))
        expected = [undisturbed.said(each["recording"]["id"]) for each in made]
    folder = _folder(tmp_path, "production")
    environment(folder, settings)  # the engine is plugged in
    old = settings | {"PYTHONPATH": f"{before}{os.pathsep}{folder / 'site'}"}

    with library(folder, **old) as gateway:
        services = Services(folder, old)
        try:
            made = [gateway.submit(each, languages="en") for each in watches]
            ids = [each["job"]["id"] for each in made]
            until(lambda: gateway.job(ids[0])["progress"].get("speech_done", 0.0) > 5)
            assert services.end() == [0, 0]
        finally:
            services.kill()
        states = [gateway.job(each)["state"] for each in ids]
    assert states == ["queued"] * RECORDINGS
    assert step_of(settings) != migration.newest()

    upgraded = subprocess.run(
        [sys.executable, "-c", ENGINE, "upgrade"],
        env=environment(folder, settings),
        capture_output=True,
        text=True,
        check=False,
    )

    assert upgraded.returncode == 0, upgraded.stderr
    assert step_of(settings) == migration.newest()
    new = settings | {"MALGWI_STT__OPTIONS": '{"text": "after"}'}
    with library(folder, **new) as gateway:
        services = Services(folder, new)
        try:
            until(lambda: all(is_done(gateway, each) for each in ids))
        finally:
            services.kill()
        said = [gateway.said(each["recording"]["id"]) for each in made]
        assert [places(each) for each in said] == [places(each) for each in expected]
        assert words(said[0]) == {"before", "after"}  # it went on from its checkpoints
        assert words(said[1]) == words(said[2]) == {"after"}
        assert len(gateway.http.get("/v1/recordings").json()["items"]) == RECORDINGS
        assert len(gateway.http.get("/v1/jobs").json()["items"]) == RECORDINGS


def places(said: list[tuple[int, float, str]]) -> list[tuple[int, float]]:
    return [(channel, start) for channel, start, _ in said]


def words(said: list[tuple[int, float, str]]) -> set[str]:
    return {text for _, _, text in said}


def is_done(gateway: Library, job: str) -> bool:
    found = gateway.job(job)
    assert found["state"] not in ("dead", "cancelled"), found["error"]
    return bool(found["state"] == "done")


def step_of(settings: dict[str, str]) -> str | None:
    database = connect(settings["MALGWI_STORE__URL"])
    try:
        return migration.version(database)
    finally:
        database.close()


def _folder(parent: Path, name: str) -> Path:
    (parent / name).mkdir()
    return parent / name

"""The containers are taken to another image, and back where it does not serve.

The image of before is this source. That of after is the same with a migration more, so that the
one of before refuses what it migrated; and there is one that passes its own test and yet does not
serve here. The images of others may be stand-ins; see engine.py.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from audio.soundfiles import write
from deploy.composed import DEPLOY
from deploy.engine import Environment
from deploy.stack import Stack, free_port, until

from malgwi.store import migration
from malgwi.types import Samples

ROOT = DEPLOY.parent
PROJECT = "malgwi-upgraded"
BEFORE, AFTER, BROKEN = (f"malgwi:upgraded-{each}" for each in ("before", "after", "broken"))
PACKAGE = "/opt/malgwi/lib/python3.11/site-packages/malgwi"
STEP = "9999"
MIGRATION = f'''
import sqlalchemy as sa
from alembic import op

revision = "{STEP}"
down_revision = "{migration.newest()}"


def upgrade() -> None:
    op.create_table("tomorrow", sa.Column("id", sa.Text(), primary_key=True))
    op.add_column("recording", sa.Column("mood", sa.Text(), nullable=True))
'''
IT_DOES_NOT_SERVE_HERE = (
    'import os; assert os.environ.get(\\"MALGWI_JOBS__QUEUE\\") != \\"celery\\", \\"not today\\"'
)

pytestmark = [pytest.mark.slow, pytest.mark.model, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def images(engine: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    def build(tag: str, *arguments: str) -> None:
        command = ["docker", "build", "--quiet", "--tag", tag, *arguments]
        done = subprocess.run(command, env=engine, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    folder = tmp_path_factory.mktemp("images")
    for each in ("src", "deploy"):
        ignored = shutil.ignore_patterns(".env", "secrets", "__pycache__")
        shutil.copytree(ROOT / each, folder / each, ignore=ignored)
    for each in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / each, folder)
    build(BEFORE, "--target", "cpu", "-f", f"{folder}/deploy/image/Dockerfile", str(folder))
    (folder / "r9999_tomorrow.py").write_text(MIGRATION)
    (folder / "after").write_text(
        f"FROM {BEFORE}\nCOPY r9999_tomorrow.py {PACKAGE}/store/migrations/versions/\n"
    )
    (folder / "broken").write_text(
        f"FROM {AFTER}\nUSER root\n"
        f'RUN echo "{IT_DOES_NOT_SERVE_HERE}" >> {PACKAGE}/workers.py'
        f" && rm {PACKAGE}/__pycache__/workers.*\nUSER 10001:10001\n"
    )
    build(AFTER, "-f", str(folder / "after"), str(folder))
    build(BROKEN, "-f", str(folder / "broken"), str(folder))
    yield
    command = ["docker", "image", "rm", "--force", BEFORE, AFTER, BROKEN]
    subprocess.run(command, env=engine, capture_output=True, check=False)


@pytest.fixture(scope="module")
def stack(
    engine: Environment,
    images: None,
    models: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    """With the image of before."""
    ignored = shutil.ignore_patterns(".env", "secrets")
    folder = shutil.copytree(DEPLOY, tmp_path_factory.mktemp("clone") / "deploy", ignore=ignored)
    port = free_port()
    made = Stack(Path(folder), {**engine, "COMPOSE_PROJECT_NAME": PROJECT})
    (made.folder / ".env").write_text(
        f"STACK_HTTP_PORT={port}\nSTACK_IMAGE={BEFORE}\nSTACK_MODELS={models}\n"
        "MALGWI_OFFLINE=1\nMALGWI_JOBS__WORKERS=1\n"
    )
    try:
        done = made.run("./up.sh", "--no-build", "--pull", "never")
        assert done.returncode == 0, done.stderr
        made.http.base_url = httpx.URL(f"http://127.0.0.1:{port}")
        key = (made.folder / "secrets" / "admin_key").read_text().strip()
        made.http.headers["authorization"] = f"Bearer {key}"
        yield made
    finally:
        made.http.close()
        made.run("docker", "compose", "down", "--volumes", "--timeout", "20")


def image_of(stack: Stack, service: str) -> str:
    return str(stack.state(service)["Config"]["Image"])


def step_of(stack: Stack) -> str:
    ask = "psql -h 127.0.0.1 -U malgwi -d malgwi -qtAc 'select version_num from alembic_version'"
    with_password = f"PGPASSWORD=$(cat /run/secrets/postgres_password) {ask}"
    return stack.compose("exec", "-T", "postgres", "sh", "-c", with_password).strip()


def test_an_image_that_is_not_here_is_said_and_nothing_is_stopped(stack: Stack) -> None:
    done = stack.run("./upgrade.sh", "malgwi:of-nobody")

    assert done.returncode == 2
    assert "There is no image malgwi:of-nobody here. Carry it over" in done.stderr
    assert stack.healthy("api")


def test_where_the_new_image_does_not_serve_the_one_of_before_does_with_its_database(
    stack: Stack, sample: Path
) -> None:
    recording, job = stack.submit(sample, languages="en")
    settings = (stack.folder / ".env").read_text()

    done = stack.run("./upgrade.sh", BROKEN)

    assert done.returncode == 1, done.stderr
    assert f"Migrating from step {migration.newest()} to {STEP}" in done.stderr
    assert "not today" in done.stderr  # why it does not
    assert f"All is as before, with {BEFORE}." in done.stderr
    assert (stack.folder / ".env").read_text() == settings
    assert {image_of(stack, each) for each in ("api", "worker", "reaper", "engine")} == {BEFORE}
    assert step_of(stack) == migration.newest()
    until(lambda: stack.is_done(job))
    assert "it was the worst of times" in stack.said(recording).lower()


def test_a_job_under_way_is_gone_on_with_by_the_new_image(
    stack: Stack,
    channels: list[Samples],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    known = len(stack.http.get("/v1/recordings").json()["items"])
    sound = write(tmp_path / "x.wav", np.stack(channels) * 0.9, 16_000)
    recording, job = stack.submit(sound, languages="en")
    until(lambda: stack.progress(job) > 0 or stack.is_done(job))
    began = time.monotonic()

    done = stack.run("./upgrade.sh", AFTER)

    record_property("upgrade_seconds", round(time.monotonic() - began, 1))
    assert done.returncode == 0, done.stderr
    assert {image_of(stack, each) for each in ("api", "worker", "reaper", "engine")} == {AFTER}
    assert re.findall("STACK_IMAGE=.*", (stack.folder / ".env").read_text()) == [
        f"STACK_IMAGE={AFTER}"
    ]
    assert not list(stack.folder.glob(".upgrade*")) and not (stack.folder / ".env.before").exists()
    assert step_of(stack) == STEP
    until(lambda: stack.is_done(job))
    assert "it was the worst of times" in stack.said(recording).lower()
    assert len(stack.http.get("/v1/recordings").json()["items"]) == known + 1


def test_the_image_of_before_refuses_what_the_new_one_has_migrated(stack: Stack) -> None:
    """So that going back is more than to start it."""
    done = subprocess.run(
        ["docker", "compose", "run", "--rm", "--no-deps", "-T", "migrate"],
        cwd=stack.folder,
        env={**stack.environment, "STACK_IMAGE": BEFORE},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "The database is of a newer Malgwi" in done.stderr

"""All of it in containers, brought up as people bring it up: the image is built, the model is
fetched, recordings go in by the door, and whoever is killed, the job is done.

The images of others may be stand-ins; see engine.py.
"""

import json
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import numpy as np
import pytest
from audio.soundfiles import write
from deploy.composed import DEPLOY
from deploy.engine import Environment
from deploy.stack import Stack, free_port, until
from websockets.sync.client import connect

from malgwi.types import Samples

ROOT = DEPLOY.parent
PROJECT = "malgwi-tried"
LIMIT = 20 * 2**20
"""Bytes of an upload that this one takes."""
LARGEST = 480_000_000
"""Bytes that the image may add to its base, of which the official one has some 130 million."""
BACK = 60
"""Seconds within which what was killed works again; the engine loads its model in it."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

SERVICES = ("worker", "engine", "api", "reaper", "redis", "postgres", "nginx")


@pytest.fixture(scope="module")
def stack(engine: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A clone of its own, brought up by one command."""
    clone = tmp_path_factory.mktemp("clone")
    ignored = shutil.ignore_patterns(".env", "secrets", "__pycache__")
    for each in ("src", "deploy"):
        shutil.copytree(ROOT / each, clone / each, ignore=ignored)
    for each in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / each, clone)
    port = free_port()
    made = Stack(clone / "deploy", {**engine, "COMPOSE_PROJECT_NAME": PROJECT})
    (made.folder / ".env").write_text(
        f"STACK_HTTP_PORT={port}\nMALGWI_JOBS__WORKERS=1\nMALGWI_ENGINE__UPLOAD_BYTES={LIMIT}\n"
    )
    try:
        done = made.run("./up.sh", "--build")
        assert done.returncode == 0, done.stderr
        made.http.base_url = httpx.URL(f"http://127.0.0.1:{port}")
        key = (made.folder / "secrets" / "admin_key").read_text().strip()
        made.http.headers["authorization"] = f"Bearer {key}"
        yield made
    finally:
        made.http.close()
        made.run("docker", "compose", "down", "--volumes", "--timeout", "20")


def test_a_recording_becomes_a_transcript(stack: Stack, sample: Path) -> None:
    recording, job = stack.submit(sample, languages="en")

    until(lambda: stack.is_done(job))

    assert "it was the worst of times" in stack.said(recording).lower()


def test_what_runs_is_nobody_in_particular_and_cannot_write_to_its_root(stack: Stack) -> None:
    for service in ("api", "worker", "engine", "reaper"):
        within = partial(stack.run, "docker", "compose", "exec", "-T", service)
        assert within("id", "-u").stdout.strip() == "10001"
        assert "Read-only" in within("touch", "/opt/malgwi/x").stderr
        assert within("sh", "-c", "command -v gcc cc c++ make").stdout == ""


def test_the_image_is_small_and_says_what_it_is(stack: Stack) -> None:
    asked = ("malgwi:cpu-0.1.0", "python:3.11-slim-bookworm")
    image, base = json.loads(stack.run("docker", "image", "inspect", *asked).stdout)

    assert image["Size"] - base["Size"] < LARGEST
    assert image["Config"]["Labels"]["malgwi.device"] == "cpu"
    assert image["Config"]["Labels"]["org.opencontainers.image.revision"] == "unknown"
    assert image["Config"]["User"] == "10001:10001"


def test_an_image_that_lacks_a_package_is_not_made(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM malgwi:cpu-0.1.0\n"
        "USER root\n"
        'RUN python3.11 -c "import shutil, python_multipart as it; shutil.rmtree(it.__path__[0])"\n'
        "USER 10001:10001\n"
        "RUN --network=none python /opt/malgwi/share/check.py\n"
    )

    done = stack.run("docker", "build", str(tmp_path))

    assert done.returncode != 0
    assert "python_multipart" in done.stderr


def test_nothing_behind_the_door_reaches_out_or_is_published(stack: Stack) -> None:
    reach = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=3)"
    for service in ("api", "worker", "engine"):
        done = stack.run("docker", "compose", "exec", "-T", service, "python", "-c", reach)
        assert "unreachable" in done.stderr, done.stderr
    published = re.findall(r"0\.0\.0\.0|127\.0\.0\.1:\d+->\d+", stack.compose("ps"))
    assert len(published) == 1


def test_the_door_gives_out_pages_sockets_and_events(stack: Stack) -> None:
    address = str(stack.http.base_url).replace("http", "ws", 1).rstrip("/")

    page = stack.http.get("/sign-in")
    with connect(f"{address}/_nicegui_ws/socket.io/?EIO=4&transport=websocket") as line:
        hello = line.recv(timeout=20)
    with stack.http.stream("GET", "/v1/jobs/events") as events:
        assert events.headers["content-type"].startswith("text/event-stream")

    assert page.status_code == 200 and "Malgwi" in page.text
    assert str(hello).startswith('0{"sid"')


def test_an_upload_that_is_too_large_hears_so_from_the_api(stack: Stack) -> None:
    answer = stack.http.post("/v1/recordings", files={"file": b"x" * (LIMIT + 2**20)})

    assert answer.status_code == 413
    assert "error" in answer.json() or "detail" in answer.json()


def test_who_asks_is_known_by_the_address_that_the_door_sees(stack: Stack) -> None:
    who = {"key": "mg_nobody-has-this-key-at-all"}
    claimed = {"x-forwarded-for": "203.0.113.7", "authorization": ""}

    stack.http.post("/v1/session", json=who, headers=claimed)
    trail = stack.http.get("/v1/audit").text

    assert "203.0.113.7" not in trail


@pytest.mark.parametrize("service", SERVICES)
def test_whoever_is_killed_comes_back_and_the_job_is_done(
    stack: Stack,
    channels: list[Samples],
    tmp_path: Path,
    service: str,
    record_property: Callable[[str, object], None],
) -> None:
    loudness = 0.9 ** (1 + SERVICES.index(service))  # so that none is known from before
    sound = np.concatenate([np.stack(channels) * loudness * turn for turn in (1.0, 0.98)], axis=1)
    until(lambda: stack.healthy(service))
    recording, job = stack.submit(write(tmp_path / "x.wav", sound, 16_000), languages="en")
    until(lambda: stack.progress(job) > 0)

    stack.kill(service)
    killed = time.monotonic()

    until(lambda: stack.pid(service) > 0)
    until(lambda: stack.healthy(service))
    back = time.monotonic() - killed
    until(lambda: stack.is_done(job))
    done = time.monotonic() - killed
    record_property("works_again_seconds", round(back, 1))
    record_property("job_done_seconds", round(done, 1))
    assert back < BACK
    assert stack.said(recording).lower().count("it was the worst of times") >= 4


def test_a_port_that_is_taken_is_said_before_anything_is_started(stack: Stack) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        other = stack.another("port", port)

        done = other.up()

    assert done.returncode == 2
    assert f"Something else listens on port {port}." in done.stderr
    assert "STACK_HTTP_PORT" in done.stderr
    assert not other.run("docker", "compose", "ps", "--all", "--quiet").stdout


def test_without_a_network_an_empty_volume_of_models_is_said_in_a_sentence(stack: Stack) -> None:
    offline = stack.another("offline", free_port())
    settings = (stack.folder / ".env").read_text()
    (stack.folder / ".env").write_text(f"{settings}MALGWI_OFFLINE=1\n")
    try:
        done = offline.up()
    finally:
        offline.run("docker", "compose", "down", "--volumes", "--timeout", "5")
        (stack.folder / ".env").write_text(settings)

    assert done.returncode == 2
    assert "models does not work" in done.stderr
    assert "MALGWI_OFFLINE is set, and fetching model whisper-base needs the network" in done.stderr

"""Three nodes, each a compose project at an address of its own, and then one of them is dead.

They are on one machine: what stands between them are the ports that each publishes at its address,
and Docker's networks, through which no project sees another. The images of others may be
stand-ins; see engine.py.
"""

import shutil
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import deadline
import httpx
import numpy as np
import pytest
from audio.soundfiles import write
from conftest import missing
from deploy.composed import DEPLOY
from deploy.engine import Environment
from deploy.stack import Stack

from malgwi.ops.nodes import read_inventory, render
from malgwi.types import SAMPLE_RATE, Samples

IMAGE = "malgwi:nodes-tried"
LOGOS, PATHOS, ETHOS, STRANGER = (f"198.51.100.{number}" for number in (11, 12, 13, 99))
NETWORK = "198.51.100.0/24"
"""One that is for examples only."""
INVENTORY = f"""
schema: 1
name: malgwi-nodes-tried
settings:
  STACK_IMAGE: {IMAGE}
  STACK_MODELS: FOLDER
  STACK_HTTP_PORT: 8080
  STACK_HTTPS_PORT: 8443
  MALGWI_OFFLINE: 1
  MALGWI_JOBS__LEASE: 10
  MALGWI_JOBS__WORKERS: 1
nodes:
  logos: {{address: {LOGOS}, roles: [web]}}
  pathos: {{address: {PATHOS}, roles: [analysis]}}
  ethos: {{address: {ETHOS}, roles: [data], queues: [batch]}}
"""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
until = partial(deadline.until, seconds=600.0)
"""What takes long here is this machine, on which three of them are."""
Note = Callable[[str, object], None]
_ONCE = {"migrate", "models"}


class Node(Stack):
    """A machine."""

    def kill(self, service: str = "") -> None:
        """All at once, as when the power goes; Docker starts nothing again."""
        self.compose("kill", *([service] if service else []))

    def start(self, *services: str) -> None:
        """As Docker does when the power is back: in no order, and without what runs only once."""
        running = services or sorted({*self.compose("config", "--services").split()} - _ONCE)
        ids = self.compose("ps", "--all", "--quiet", *running).split()
        done = self.run("docker", "start", *ids)
        assert done.returncode == 0, done.stderr


class Cluster:
    """All machines; `logos` is the one with the door."""

    def __init__(self, folder: Path, environment: Environment) -> None:
        self.folder = folder
        self.logos, self.pathos, self.ethos = self.nodes = [
            Node(folder / name, environment) for name in ("logos", "pathos", "ethos")
        ]
        self.logos.http = httpx.Client(
            base_url=f"https://{LOGOS}:8443",
            headers={"authorization": f"Bearer {self.secret('admin_key')}"},
            verify=self.trusting(),
            timeout=300,
            trust_env=False,
        )

    def trusting(self) -> ssl.SSLContext:
        """Nobody but the authority of the nodes."""
        return ssl.create_default_context(cafile=self.logos.folder / "secrets" / "authority")

    def secret(self, name: str) -> str:
        return (self.folder / ".secrets" / name).read_text().strip()

    def up(self) -> None:
        """The database first; who comes before what it needs waits for it."""
        self._up(self.ethos, "postgres")
        with ThreadPoolExecutor() as threads:
            list(threads.map(self._up, self.nodes))

    def _up(self, node: Node, *services: str) -> None:
        done = node.run("./up.sh", *services)
        assert done.returncode == 0, done.stderr

    def down(self) -> None:
        with ThreadPoolExecutor() as threads:
            down = ("docker", "compose", "down", "--volumes", "--timeout", "5")
            list(threads.map(lambda node: node.run(*down), self.nodes))
        self.logos.http.close()

    def is_under_way(self, job: str) -> bool:
        """Whether its sound has come to where it is recognised."""
        return bool(self.logos.http.get(f"/v1/jobs/{job}").json()["progress"].get("audio_done"))

    def again(self, recording: str) -> str:
        """The id of a job that transcribes it anew."""
        answer = self.logos.http.post(f"/v1/recordings/{recording}/transcribe", json={})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def words(self, recording: str) -> list[list[dict[str, Any]]]:
        """Of each transcript of the recording what was said, when, on which channel."""
        found = self.logos.http.get(f"/v1/recordings/{recording}/transcripts").json()
        return [
            [
                {key: each[key] for key in ("channel", "start", "end", "text")}
                for each in self.logos.http.get(f"/v1/transcripts/{record['id']}").json()[
                    "utterances"
                ]
            ]
            for record in found
        ]


@pytest.fixture(scope="module")
def addresses() -> Iterator[None]:
    """More of them for this machine: what three machines have on their network. What is sent to
    one that it does not have leads nowhere: nothing of this ever leaves the machine."""
    nowhere = ("route", "unreachable", NETWORK)
    mine = [("address", f"{each}/32", "dev", "lo") for each in (LOGOS, PATHOS, ETHOS, STRANGER)]
    given: list[tuple[str, ...]] = []
    try:
        for each in (nowhere, *mine):
            if _ip("add", *each):
                pytest.skip("This machine can be given no further address: not root, or no ip.")
            given.append(each)
        yield
    except FileNotFoundError:
        pytest.skip("There is no ip here to give this machine further addresses.")
    finally:
        for each in reversed(given):
            _ip("del", *each)


def _ip(what: str, kind: str, *which: str) -> int:
    """The exit code."""
    return subprocess.run(["ip", kind, what, *which], capture_output=True, check=False).returncode


@pytest.fixture(scope="module")
def cluster(
    engine: Environment,
    addresses: None,
    models: Path,
    tmp_path_factory: pytest.TempPathFactory,
    record_testsuite_property: Note,
) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("nodes")
    if not (models / "whisper-base").is_dir():
        missing("There is no whisper-base. Run: malgwi models pull whisper-base")
    shutil.copytree(models / "whisper-base", folder / "models" / "whisper-base")
    for path in (folder / "models").rglob("*"):  # for the user in the containers
        path.chmod(0o755 if path.is_dir() else 0o644)
    dockerfile = str(DEPLOY / "image" / "Dockerfile")
    build = ["docker", "build", "-f", dockerfile, "--target", "cpu", "-t", IMAGE]
    subprocess.run([*build, str(DEPLOY.parent)], env=engine, check=True)
    inventory = folder / "nodes.yaml"
    inventory.write_text(INVENTORY.replace("FOLDER", str(folder / "models")))
    render(read_inventory(inventory), DEPLOY, folder / "rendered")
    made = Cluster(folder / "rendered", engine)
    try:
        begun = time.monotonic()
        made.up()
        record_testsuite_property("nodes_up_seconds", round(time.monotonic() - begun, 1))
        yield made
    finally:
        made.down()


_TURNS = count(1)


@pytest.fixture
def sound(channels: list[Samples], tmp_path: Path) -> Path:
    """Half a minute, in a loudness of its own: no test has a recording that another has."""
    loudness = 0.95 ** next(_TURNS)
    return write(tmp_path / "x.wav", channels[0][None, : 30 * SAMPLE_RATE] * loudness, SAMPLE_RATE)


@pytest.fixture
def long_sound(channels: list[Samples], tmp_path: Path) -> Path:
    """Two channels of a minute: long enough to be in the middle of it."""
    return write(tmp_path / "x.wav", np.stack(channels[:2]), SAMPLE_RATE)


def test_a_recording_taken_in_at_one_node_is_transcribed_by_another(
    cluster: Cluster, sound: Path
) -> None:
    cluster.ethos.kill("worker")
    recording, job = cluster.logos.submit(sound, languages="en")

    until(lambda: cluster.logos.is_done(job))

    cluster.ethos.start("worker")
    assert "it was the worst of times" in cluster.logos.said(recording).lower()
    assert job in cluster.pathos.compose("logs", "worker")


def test_the_api_asks_the_engine_of_another_node(cluster: Cluster, sound: Path) -> None:
    with sound.open("rb") as file:
        answer = cluster.logos.http.post(
            "/v1/audio/transcriptions", files={"file": file}, data={"language": "en"}
        )

    assert "times" in answer.json()["text"].lower(), answer.text


def test_a_node_that_dies_with_a_job_loses_it_to_another(
    cluster: Cluster, long_sound: Path, record_property: Note
) -> None:
    cluster.ethos.kill("worker")
    recording, job = cluster.logos.submit(long_sound, languages="en")
    until(lambda: cluster.is_under_way(job))

    cluster.pathos.kill()
    killed = time.monotonic()
    cluster.ethos.start("worker")
    until(lambda: cluster.logos.is_done(job))

    record_property("done_seconds_after_pathos_died", round(time.monotonic() - killed, 1))
    assert cluster.logos.http.get(f"/v1/jobs/{job}").json()["attempt"] > 1
    cluster.pathos.start()
    undisturbed = cluster.again(recording)
    until(lambda: cluster.logos.is_done(undisturbed))
    one, other = cluster.words(recording)
    assert one == other
    until(lambda: cluster.pathos.healthy("worker"))


def test_without_the_database_the_api_says_so_and_then_everything_is_whole(
    cluster: Cluster, sound: Path, record_property: Note
) -> None:
    http = cluster.logos.http
    recording, job = cluster.logos.submit(sound, languages="en")
    until(lambda: cluster.is_under_way(job))
    before = http.get("/v1/recordings").json()

    cluster.ethos.kill()
    answer = http.get("/v1/recordings")
    assert answer.status_code == 503 and "retry-after" in answer.headers
    assert "database" in answer.text
    back = time.monotonic()
    cluster.ethos.start()
    until(lambda: http.get("/v1/recordings").status_code == 200)
    record_property("answers_seconds_after_ethos_is_back", round(time.monotonic() - back, 1))

    until(lambda: cluster.logos.is_done(job))
    record_property("done_seconds_after_ethos_is_back", round(time.monotonic() - back, 1))
    after = http.get("/v1/recordings").json()
    ids = [[each["id"] for each in found["items"]] for found in (before, after)]
    assert ids[0] == ids[1]
    assert "it was the worst of times" in cluster.logos.said(recording).lower()


def test_the_node_with_the_door_comes_back_with_its_queue(
    cluster: Cluster, sound: Path, record_property: Note
) -> None:
    for node in (cluster.pathos, cluster.ethos):
        node.kill("worker")
    recording, job = cluster.logos.submit(sound, languages="en")
    until(lambda: _queued(cluster) >= 1)

    cluster.logos.kill()
    back = time.monotonic()
    cluster.logos.start()
    until(lambda: _queued(cluster) >= 1)
    until(lambda: _answers(cluster))
    record_property("answers_seconds_after_logos_is_back", round(time.monotonic() - back, 1))
    for node in (cluster.pathos, cluster.ethos):
        node.start("worker")

    until(lambda: cluster.logos.is_done(job))
    record_property("done_seconds_after_logos_is_back", round(time.monotonic() - back, 1))
    assert "it was the worst of times" in cluster.logos.said(recording).lower()


def _answers(cluster: Cluster) -> bool:
    try:
        return cluster.logos.http.get("/v1/recordings").status_code == 200
    except httpx.TransportError:
        return False


def _queued(cluster: Cluster) -> int:
    """How many ids of jobs Redis has for the queue `batch`, over all priorities. One that nobody
    takes is sent anew after a while."""
    command = (
        "export REDISCLI_AUTH=$(cut -d' ' -f2 /run/secrets/redis_password.conf);"
        " ask='redis-cli --tls --cacert /run/secrets/authority';"
        " for each in $($ask --scan --pattern 'batch*'); do $ask llen $each; done"
    )
    done = cluster.logos.run("docker", "compose", "exec", "-T", "redis", "sh", "-c", command)
    return sum(int(line) for line in done.stdout.split() if line.isdigit())


def test_what_is_open_between_nodes_opens_nothing_else(cluster: Cluster, sound: Path) -> None:
    recording, job = cluster.logos.submit(sound, languages="en")
    [media] = cluster.logos.http.get(f"/v1/recordings/{recording}").json()["media"]
    path = f"/v1/media/{media['sha256']}"
    keys = {name: cluster.secret(name) for name in ("media_key", "admin_key")}

    def ask(port: int, path: str, key: str) -> int:
        url = f"https://{LOGOS}:{port}{path}"
        headers = {"authorization": f"Bearer {keys[key]}"} if key else {}
        found = httpx.get(url, headers=headers, verify=cluster.trusting(), trust_env=False)
        return found.status_code

    assert ask(8444, path, "media_key") == 200
    assert ask(8444, path, "") == 401
    assert ask(8444, "/v1/recordings", "admin_key") == 404
    assert ask(8443, "/v1/recordings", "media_key") in (401, 403)
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"https://{LOGOS}:8444{path}", trust_env=False)
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://{LOGOS}:6379", trust_env=False)
    until(lambda: cluster.logos.is_done(job))


def test_the_database_knows_the_nodes_and_speaks_to_nobody_else(cluster: Cluster) -> None:
    assert "no pg_hba.conf entry" in _turned_away(STRANGER, cluster.trusting())
    assert "no encryption" in _turned_away(LOGOS, None)
    assert _turned_away(LOGOS, cluster.trusting()) == ""


def _turned_away(source: str, tls: ssl.SSLContext | None) -> str:
    """What PostgreSQL says to whoever comes from this address, if it does not ask for a
    password."""
    line = socket.create_connection((ETHOS, 5432), timeout=20, source_address=(source, 0))
    with line:
        if tls:
            line.sendall(struct.pack("!II", 8, 80877103))
            assert line.recv(1) == b"S"
            line = tls.wrap_socket(line, server_hostname=ETHOS)
        wish = struct.pack("!I", 3 << 16) + b"user\0malgwi\0database\0malgwi\0\0"
        line.sendall(struct.pack("!I", len(wish) + 4) + wish)
        answer = line.recv(1000)
        line.close()
    return answer.decode(errors="replace") if answer[:1] == b"E" else ""

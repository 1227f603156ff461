"""Images by digest: a registry of our own has one, and Docker pulls it from there."""

import json
import subprocess
import tarfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import copytree
from threading import Thread

import pytest
from deploy.composed import DEPLOY
from deploy.engine import Environment

pytestmark = pytest.mark.slow

REDIS = "STACK_REDIS_IMAGE"


class Registry(ThreadingHTTPServer):
    """Gives out one image, of `docker save`, under every name."""

    def __init__(self, saved: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.blobs = saved / "blobs" / "sha256"
        [entry] = json.loads((saved / "index.json").read_text("utf-8"))["manifests"]
        self.manifest = entry["digest"]

    @property
    def image(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}/library/redis:7.0"


class Answers(BaseHTTPRequestHandler):
    """Of Docker's registry, what a pull asks for."""

    server: Registry

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        digest = self.path.rpartition("/")[2]
        content, kind = b"{}", "application/json"
        if "/manifests/" in self.path:
            digest, kind = self.server.manifest, "application/vnd.oci.image.manifest.v1+json"
        if self.path != "/v2/":
            content = (self.server.blobs / digest.removeprefix("sha256:")).read_bytes()
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.send_header("docker-content-digest", digest)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def registry(engine: Environment, tmp_path: Path) -> Iterator[Registry]:
    with tarfile.open(tmp_path / "root.tar", "w") as root:
        root.add(__file__, "it.py")
    docker(engine, "import", str(tmp_path / "root.tar"), "malgwi-pinned:1")
    docker(engine, "save", "--output", str(tmp_path / "image.tar"), "malgwi-pinned:1")
    with tarfile.open(tmp_path / "image.tar") as image:
        image.extractall(tmp_path / "saved", filter="data")
    with Registry(tmp_path / "saved") as made:
        thread = Thread(target=made.serve_forever)
        thread.start()
        try:
            yield made
        finally:
            made.shutdown()
            thread.join()
            images = [made.image, f"{made.image}@{made.manifest}", "malgwi-pinned:1"]
            docker(engine, "image", "rm", "--force", *images)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(copytree(DEPLOY, tmp_path / "deploy"))


def pin(folder: Path, engine: Environment, settings: str) -> "subprocess.CompletedProcess[str]":
    (folder / ".env").write_text(settings)
    return subprocess.run(
        [folder / "pin.sh"], env=engine, capture_output=True, text=True, check=False
    )


def docker(engine: Environment, *arguments: str) -> str:
    done = subprocess.run(
        ["docker", *arguments], env=engine, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_was_pulled_is_started_by_its_digest_from_then_on(
    engine: Environment, registry: Registry, folder: Path
) -> None:
    docker(engine, "pull", registry.image)
    settings = f"{REDIS}={registry.image}\n"

    said = pin(folder, engine, settings).stdout.splitlines()

    pinned = f"{registry.image}@{registry.manifest}"
    assert f"{REDIS}={pinned}" in said
    again = pin(folder, engine, settings + "".join(f"{line}\n" for line in said))
    assert REDIS not in again.stdout + again.stderr
    compose = ["compose", "--project-directory", str(folder), "-f", str(folder / "compose.yaml")]
    assert pinned in docker(engine, *compose, "config", "--images").splitlines()


def test_what_came_from_no_registry_is_said(
    engine: Environment, registry: Registry, folder: Path
) -> None:
    done = pin(folder, engine, f"{REDIS}=malgwi-pinned:1\nCOMPOSE_FILE=compose.yaml\n")

    assert done.returncode == 1
    assert "malgwi: malgwi-pinned:1 has no digest here" in done.stderr
    assert "docker pull malgwi-pinned:1" in done.stderr
    assert "malgwi:cpu" not in done.stderr + done.stdout

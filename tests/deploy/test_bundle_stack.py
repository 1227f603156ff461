"""All images of a stack in a bundle, brought up where no network leads out, and rehearsed so.

The containers are of an image that is built here; the images of others may be stand-ins, see
engine.py.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from deploy.composed import DEPLOY
from deploy.engine import Environment
from deploy.stack import Stack, until
from ops.bundles import changed_manifest, flip, git, new_key, new_signers

from malgwi.errors import BadInput, BadOption
from malgwi.ops import bundle as bundles
from malgwi.ops.bundle import Order, signers_line
from malgwi.ops.bundle.manifest import blob_name
from malgwi.ops.bundle.signature import signer
from malgwi.ops.bundle.stack import BUNDLED
from malgwi.ops.digest import sha256_of

ROOT = DEPLOY.parent
PROJECT = "malgwi-carried"
OURS, REDIS = "malgwi:carried", "malgwi-carried-redis:1"
MALGWI = (sys.executable, "-c", "from malgwi.cli import main; main()", "bundle")
CUT = {"networks": {"edge": {"internal": True}}}
CURIOUS = """
services:
  reaper:
    entrypoint: [sh, -c, 'python -c "$$ASKING"; exec malgwi reaper']
    environment:
      ASKING: |
        import contextlib, socket
        with contextlib.suppress(OSError):
            socket.getaddrinfo("telemetry.example.org", 443)
        with contextlib.suppress(OSError):
            socket.create_connection(("192.0.2.1", 443), timeout=3)
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@dataclass(frozen=True)
class Carried:
    """A bundle, what it was made of, and who signed it."""

    bundle: Path
    source: Path
    models: Path
    key: Path
    signers: Path
    environment: Environment

    def ran(self, *arguments: object) -> "subprocess.CompletedProcess[str]":
        command = [*MALGWI, *map(str, arguments)]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )

    def docker(self, *arguments: str) -> str:
        command = ["docker", *arguments]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        return done.stdout

    def image(self, name: str) -> str:
        """Its id; nothing where the engine has none of that name."""
        return self.docker("image", "inspect", "--format", "{{.Id}}", name).strip()

    def copy(self, into: Path) -> Path:
        """Of the same blobs; what is changed has to be put in the place of one."""
        return Path(shutil.copytree(self.bundle, into, copy_function=os.link))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone, with a compose file by which one of the services reaches out."""
    clone = tmp_path_factory.mktemp("clone")
    ignored = shutil.ignore_patterns(".env", "secrets", "__pycache__")
    for each in ("src", "deploy"):
        shutil.copytree(ROOT / each, clone / each, ignore=ignored)
    for each in ("pyproject.toml", "README.md", "LICENSE", "requirements.lock"):
        shutil.copy(ROOT / each, clone)
    (clone / "deploy" / "compose" / "curious.yaml").write_text(CURIOUS)
    git(clone, "init", "-q")
    git(clone, "add", ".")
    return clone


@pytest.fixture(scope="module")
def carried(
    engine: Environment, source: Path, models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Carried]:
    folder = tmp_path_factory.mktemp("carried")
    key = new_key(folder / "key")
    signers = new_signers(folder / "signers", signers_line(key))
    chosen = {"STACK_IMAGE": OURS, "STACK_REDIS_IMAGE": REDIS, "MALGWI_MODELS": str(models)}
    made = Carried(folder / "b", source, models, key, signers, {**engine, **chosen})
    dockerfile = source / "deploy" / "image" / "Dockerfile"
    (folder / "Dockerfile").write_text("FROM redis:7.0\nLABEL malgwi.of=a-test\n")
    made.docker("build", "-q", "--target", "cpu", "-t", OURS, "-f", str(dockerfile), str(source))
    made.docker("build", "-q", "-t", REDIS, str(folder))
    pinned: list[str] = []
    try:
        files = "compose.yaml:compose/curious.yaml"
        what = ["--source", source, "--compose", files, "--extras", "", "--model", "whisper-base"]
        done = made.ran("create", made.bundle, *what, "--key", key)
        assert done.returncode == 0, done.stderr
        pinned += [each.pinned for each in bundles.inspect(made.bundle).images]
        yield made
    finally:
        made.docker("image", "rm", OURS, REDIS, *pinned)


def test_all_images_of_the_compose_files_are_in_it_byte_by_byte(carried: Carried) -> None:
    manifest = bundles.inspect(carried.bundle)

    assert manifest.stack is not None
    assert manifest.stack.files == ("compose.yaml", "compose/curious.yaml")
    assert manifest.stack.images["STACK_IMAGE"] == OURS
    assert set(manifest.stack.images) >= {"STACK_NGINX_IMAGE", "STACK_POSTGRES_IMAGE"}
    for each in manifest.images:
        held = {f"sha256:{digest}" for digest in each.blobs}
        assert carried.image(each.reference) in held


def test_an_image_that_docker_does_not_have_is_named_before_anything_is_fetched(
    carried: Carried, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in carried.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STACK_NGINX_IMAGE", "nginx:0-nobody-has")
    order = Order(carried.source, carried.models, compose=("compose.yaml",), key=carried.key)

    with pytest.raises(BadOption, match=r"does not have nginx:0-nobody-has for .*docker pull"):
        bundles.create(tmp_path / "b", order)

    assert not [*tmp_path.iterdir()]


def test_an_image_that_was_exchanged_is_refused_before_any_is_loaded(
    carried: Carried, tmp_path: Path
) -> None:
    copy = carried.copy(tmp_path / "copy")
    [redis] = [each for each in bundles.inspect(copy).images if each.reference == REDIS]
    config = copy / blob_name(redis.blobs[1])
    content = config.read_bytes()
    config.unlink()
    config.write_bytes(content)
    flip(config, 40)

    with pytest.raises(BadInput, match=r"is not what it was.*Nothing was installed"):
        bundles.install(
            copy, tmp_path / "opt", signers=carried.signers, wishes=bundles.Wishes(up=True)
        )

    assert not (tmp_path / "opt").exists()
    assert not carried.image(redis.pinned)


class Place:
    """Where it is installed: a folder, and containers on networks that lead nowhere."""

    def __init__(self, folder: Path, carried: Carried) -> None:
        self.opt, self.carried = folder / "opt", carried
        cut = folder / "cut.yaml"
        cut.write_text(json.dumps(CUT))
        (self.opt / "settings").mkdir(parents=True)
        (self.opt / "settings" / ".env").write_text(
            f"COMPOSE_PROJECT_NAME={PROJECT}\nCOMPOSE_FILE=compose.yaml:{cut}:{BUNDLED}\n"
            "STACK_HTTP_PORT=0\nSTACK_MODELS=../models\nMALGWI_OFFLINE=1\n"
        )

    @property
    def command(self) -> list[str]:
        return ["--into", str(self.opt), "--signers", str(self.carried.signers), "--up"]

    def noted(self, step: str) -> bool:
        journal = self.opt / "journal.jsonl"
        return journal.is_file() and step in journal.read_text()

    @property
    def stack(self) -> Stack:
        """Of the release in use."""
        return Stack((self.opt / "current" / "deploy").resolve(), self.carried.environment)


@pytest.fixture(scope="module")
def place(carried: Carried, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """It was killed in the middle, and run again."""
    made = Place(tmp_path_factory.mktemp("place"), carried)
    carried.docker("image", "rm", REDIS)  # so that there is one that has to be loaded
    command = [*MALGWI, "install", str(carried.bundle), *made.command]
    try:
        with subprocess.Popen(
            command, env=carried.environment, stderr=subprocess.DEVNULL, start_new_session=True
        ) as running:
            until(lambda: made.noted("loaded malgwi-carried-redis") or running.poll() is not None)
            os.killpg(running.pid, signal.SIGKILL)
        assert not (made.opt / "current").exists()
        done = carried.ran("install", carried.bundle, *made.command)
        assert done.returncode == 0, done.stderr
        assert "By the door of the stack the canary was heard rightly." in done.stdout
        yield made
    finally:
        of_ours = ("--quiet", "--filter", f"label=com.docker.compose.project={PROJECT}")
        containers = carried.docker("ps", "--all", *of_ours).split()
        carried.docker("rm", "--force", "--volumes", *containers)
        for kind in ("volume", "network"):
            for each in carried.docker(kind, "ls", *of_ours).split():
                carried.docker(kind, "rm", each)


def test_where_the_network_is_cut_it_comes_up_with_what_was_carried_and_nothing_else(
    place: Place,
) -> None:
    stack = place.stack
    meant = {f"sha256:{each.blobs[1]}" for each in bundles.inspect(place.carried.bundle).images}

    ids = stack.compose("ps", "--quiet", "--all").split()
    used = json.loads(stack.run("docker", "inspect", *ids).stdout)
    networks = {name for each in used for name in each["NetworkSettings"]["Networks"]}
    inside = stack.run("docker", "network", "inspect", "--format", "{{.Internal}}", *networks)

    assert len(used) == 9
    assert {each["Image"] for each in used} == meant
    assert set(inside.stdout.split()) == {"true"}
    assert (stack.folder / "secrets").resolve() == place.opt / "settings" / "secrets"


STEP_BACK = """
from malgwi.config import database_address, read_config
from malgwi.store import connect, migration
migration.downgrade(connect(database_address(read_config({}))))
"""


def test_where_a_new_version_does_not_come_up_the_one_before_is_up_again_with_its_database(
    place: Place, tmp_path: Path
) -> None:
    carried, before = place.carried, place.stack.folder
    secret = (place.opt / "settings" / "secrets" / "postgres_password").read_text()
    copy = carried.copy(tmp_path / "copy")
    text = (before / "compose.yaml").read_text().replace("[models, pull,", "[models, pulled,")
    (tmp_path / "compose.yaml").write_text(text)
    digest = sha256_of(tmp_path / "compose.yaml")
    shutil.move(tmp_path / "compose.yaml", copy / blob_name(digest))
    for each in ("bundle.json", "SHA256SUMS"):  # of the copy alone
        content = (copy / each).read_bytes()
        (copy / each).unlink()
        (copy / each).write_bytes(content)

    def exchange(manifest: dict[str, object]) -> None:
        files = manifest["files"]
        assert isinstance(files, list)
        [file] = [each for each in files if each["path"] == "deploy/compose.yaml"]
        blobs = manifest["blobs"]
        assert isinstance(blobs, dict)
        (copy / blob_name(file["digest"])).unlink()
        del blobs[file["digest"]]
        file["digest"] = digest
        blobs[digest] = len(text.encode())

    changed_manifest(copy, carried.key, exchange)
    place.stack.compose("stop", "nginx", "api", "worker", "reaper")
    once = ("run", "--rm", "--no-deps", "-T", "--entrypoint", "python", "migrate", "-c")
    place.stack.compose(*once, STEP_BACK)

    done = carried.ran("install", copy, *place.command)

    assert done.returncode == 1, done.stderr
    assert "models does not work" in done.stderr
    assert "Those of the release before are up again." in done.stderr
    assert place.stack.folder == before
    kept = place.stack.compose("exec", "-T", "api", "ls", "/data/upgrades")
    assert "journal.json" in kept and not [*(place.opt / "settings").glob("step-before*")]
    assert place.stack.healthy("api")
    assert (place.opt / "settings" / "secrets" / "postgres_password").read_text() == secret


def test_a_rehearsal_names_the_container_that_reached_out_and_leaves_nothing_behind(
    carried: Carried, tmp_path: Path
) -> None:
    def there() -> set[str]:
        """Of it, and of its images; others may come and go."""
        asked = {"ps": ".Names", "volume": ".Name", "network": ".Name", "image": ".Repository"}
        found = set()
        for kind, name in asked.items():
            command = ["ps", "--all"] if kind == "ps" else [kind, "ls"]
            tag = "}}:{{.Tag" if kind == "image" else ""
            found |= {*carried.docker(*command, "--format", f"{{{{{name}{tag}}}}}").split()}
        return {each for each in found if "malgwi-rehearsal" in each or "carried" in each}

    before, report = there(), tmp_path / "report.json"
    options = ["--signers", carried.signers, "--compose", "--report", report, "--key", carried.key]

    done = carried.ran("rehearse", carried.bundle, *options)

    assert done.returncode == 1, done.stderr
    told = json.loads(report.read_text())
    assert [(each["who"], each["event"]) for each in told["attempts"]] == [
        ("container reaper", "dns"),
        ("container reaper", "no route"),
    ]
    assert "FAIL container reaper wanted telemetry.example.org" in done.stdout
    assert "By the door of the stack the canary was heard rightly." in told["steps"]
    assert told["steps"][-1].startswith("Restored into an empty place: ")
    assert told["bundle"] == sha256_of(carried.bundle / "bundle.json")
    assert there() == before
    signature = report.with_name("report.json.sig").read_bytes()
    assert signer(report.read_bytes(), signature, carried.signers) == "malgwi"

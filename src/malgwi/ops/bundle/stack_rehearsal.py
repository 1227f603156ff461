"""Rehearsing the containers: all of them on networks that lead nowhere, with a name server that
writes down who asks for what. They transcribe, are backed up, and restored into an empty place.

What is seen: every name that a container asks for, and, of those that run at the end, how many
packets to addresses had nowhere to go. Not seen is which addresses these were, and what a container
that runs once wanted without asking for a name.
"""

import inspect
import json
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from malgwi.errors import BadInput, MalgwiError
from malgwi.ops.bundle import sinkhole, stack
from malgwi.ops.bundle.compose import Service, pins, services
from malgwi.ops.bundle.counters import FILES, unreachable_in
from malgwi.ops.bundle.manifest import MANIFEST, Manifest, read_manifest
from malgwi.ops.bundle.process import ran, run
from malgwi.ops.bundle.stack import BUNDLED, Containers

_OF = "label=com.docker.compose.project="
_SECOND = "rehearsed"
"""The database that is restored into."""
_MAKE_SECOND = (
    "PGPASSWORD=$(cat /run/secrets/postgres_password) createdb -h 127.0.0.1 -U malgwi " + _SECOND
)
_COPY = "/tmp/rehearsal.tar"


@dataclass
class Played:
    """What was done with the containers, and who wanted to reach out."""

    steps: list[str] = field(default_factory=list)
    wanted: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Service, `dns` or `no route`, and what it asked for."""
    failed: str | None = None
    """Why it broke off."""


def play(installed: Path, engine: str, settings: str) -> Played:
    """With what is installed in a folder, and settings as in `.env` beside those of the rehearsal.

    Leaves no container, volume or network behind, and no image that was not there. Raises BadInput
    and OutputError where it cannot begin.
    """
    release = (installed / "current").resolve()
    manifest = read_manifest((release / MANIFEST).read_bytes())
    if said := stack.hindrance(manifest, engine):
        raise BadInput(said)
    if manifest.stack is None:
        raise BadInput(stack.without_stack())
    stage = _Stage(installed, Containers(release / "deploy", engine), manifest)
    found = services(release / "deploy", manifest.stack.files, engine)
    if astray := [name for name, each in found.items() if each.on_the_host]:
        raise BadInput(f"{', '.join(astray)} has the network of the machine, which stays uncut.")
    played = Played()
    with stage.images(), stage.set_up(found, settings):
        try:
            for step in stage.played():
                played.steps.append(step)
        except MalgwiError as error:
            played.failed = str(error)
        played.wanted = stage.wanted(found)
    return played


class _Stage:
    """A compose project of its own."""

    def __init__(self, installed: Path, containers: Containers, manifest: Manifest) -> None:
        self._installed, self._containers, self._manifest = installed, containers, manifest
        self._engine = containers.engine
        self.project = f"malgwi-rehearsal-{secrets.token_hex(4)}"
        self._sinkhole = f"{self.project}-sinkhole"

    @contextmanager
    def images(self) -> Iterator[None]:
        new = []
        try:
            for each in stack.load(self._manifest, self._blob, self._engine, self._installed):
                new.append(each)
            yield
        finally:
            for each in new:
                ran([self._engine, "image", "rm", each])

    def _blob(self, digest: str) -> Path:
        return self._installed / "blobs" / "sha256" / digest

    @contextmanager
    def set_up(self, found: Mapping[str, Service], settings: str) -> Iterator[None]:
        """Before anything is started: the networks are cut, and every name is asked of us."""
        try:
            address = self._open_sinkhole(found)
            cut = self._installed / "rehearsal.yaml"
            cut.write_text(json.dumps(self._cutting(found, address)))
            kept = self._installed / stack.SETTINGS
            kept.mkdir()
            (kept / ".env").write_text(f"{settings}\n{self._settings(cut)}")
            self._containers.settle(kept, self._manifest)
            yield
        finally:
            self._clear()

    def _open_sinkhole(self, found: Mapping[str, Service]) -> str:
        of_ours = pins(found, self._manifest)["api"]
        run([self._engine, "network", "create", "--internal", self._sinkhole], "make a network")
        start = ["--detach", "--name", self._sinkhole, "--network", self._sinkhole]
        script = ["--entrypoint", "python", of_ours, "-u", "-c", inspect.getsource(sinkhole)]
        run([self._engine, "run", "--pull", "never", *start, *script], "start a name server")
        asked = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        command = [self._engine, "inspect", "--format", asked, self._sinkhole]
        return run(command, "say where the name server is").strip()

    def _cutting(self, found: Mapping[str, Service], address: str) -> dict[str, object]:
        of_services = {
            name: {"dns": [address], "networks": [*(each.networks or ["default"]), "sinkhole"]}
            for name, each in found.items()
        }
        named = {network for each in found.values() for network in each.networks or ("default",)}
        return {
            "services": of_services,
            "networks": {
                **{each: {"internal": True} for each in sorted(named)},
                "sinkhole": {"name": self._sinkhole, "external": True},
            },
        }

    def _settings(self, cut: Path) -> str:
        files = [*(self._manifest.stack.files if self._manifest.stack else ()), str(cut), BUNDLED]
        ports = ("STACK_HTTP_PORT", "STACK_HTTPS_PORT", "STACK_GRAFANA_PORT")
        return (
            f"COMPOSE_PROJECT_NAME={self.project}\nCOMPOSE_FILE={':'.join(files)}\n"
            "STACK_MODELS=../models\nMALGWI_OFFLINE=1\nSTACK_BIND=127.0.0.1\n"
            + "".join(f"{each}=0\n" for each in ports)
        )

    def played(self) -> Iterator[str]:
        self._containers.up()
        yield "Brought up the containers, on networks that lead nowhere."
        yield self._containers.hear(keep=True)
        within = self._containers.within
        made = within("api", "malgwi", "backup", "create", _COPY).splitlines()
        yield f"Backed up: {made[0] if made else 'without a word'}"
        within("postgres", "sh", "-c", _MAKE_SECOND)
        other = f"MALGWI_STORE__URL=postgresql://malgwi@postgres/{_SECOND}"
        place = ("env", other, "MALGWI_STORE__DATA=/tmp/rehearsed")
        restored = within("api", *place, "malgwi", "backup", "restore", _COPY).splitlines()
        yield f"Restored into an empty place: {restored[0] if restored else 'without a word'}"

    def wanted(self, found: Mapping[str, Service]) -> Counter[tuple[str, str, str]]:
        seen: Counter[tuple[str, str, str]] = Counter()
        for line in ran([self._engine, "logs", self._sinkhole]).stdout.splitlines():
            with suppress(ValueError):
                told = json.loads(line)
                if told["where"] not in found:  # one of ours that is not there yet
                    seen[self._service(told["who"]), "dns", told["where"]] += 1
        for name in self._running():
            counted = ran([self._engine, "exec", name, "cat", *FILES])
            if packets := unreachable_in(counted.stdout):
                seen[self._service(name), "no route", "an address"] += packets
        return seen

    def _service(self, container: str) -> str:
        return container.removeprefix(f"{self.project}-").rpartition("-")[0] or container

    def _running(self) -> list[str]:
        command = [self._engine, "ps", "--format", "{{.Names}}", "--filter", _OF + self.project]
        return run(command, "list its containers").split()

    def _clear(self) -> None:
        """By the name of the project alone: nothing else is touched."""
        of_ours = ("--quiet", "--filter", _OF + self.project)
        engine = self._engine
        containers = ran([engine, "ps", "--all", *of_ours]).stdout.split()
        ran([engine, "rm", "--force", "--volumes", self._sinkhole, *containers])
        for kind in ("volume", "network"):
            for each in ran([engine, kind, "ls", *of_ours]).stdout.split():
                ran([engine, kind, "rm", each])
        ran([engine, "network", "rm", self._sinkhole])

"""Rehearsing an installation in a place without a network, and telling who wanted one.

What is seen: every attempt of a Python program, with its name, by an audit hook; and, where the
network is cut, that something else tried, by the counters of the kernel. What a program of another
language wanted, and which one it was, is not seen. What is seen of containers stack_rehearsal.py
says.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from malgwi.errors import BadInput, BadOption
from malgwi.ops.bundle import guard, shelves, signature
from malgwi.ops.bundle.manifest import MANIFEST
from malgwi.ops.bundle.process import GUARD
from malgwi.ops.bundle.stack import hindrance
from malgwi.ops.bundle.stack_rehearsal import Played, play
from malgwi.ops.bundle.verification import inspect
from malgwi.ops.disk import translated, write

_MOST_ATTEMPTS = 1000


@dataclass(frozen=True, slots=True)
class Attempt:
    """Something wanted to reach out."""

    who: str
    event: str
    where: str


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What was done, and who wanted to reach out."""

    cut: bool
    """Whether there was no network at all."""
    steps: tuple[str, ...]
    """Sentences."""
    attempts: tuple[Attempt, ...]
    unnamed: int
    """Packets that programs without the guard wanted to send; 0 where the network was not cut."""
    seconds: float
    bundle: str
    """Sum of the bundle.json that was rehearsed."""
    at: datetime

    @property
    def passed(self) -> bool:
        return not self.attempts and not self.unnamed

    def text(self) -> str:
        """As JSON."""
        content = {**asdict(self), "at": self.at.isoformat(), "passed": self.passed}
        return json.dumps(content, ensure_ascii=False, indent=1)


@dataclass(frozen=True, slots=True)
class InContainers:
    """That the containers are rehearsed, too."""

    engine: str
    """The program of the container engine."""
    settings: str = ""
    """As in `.env`: what the compose files have to be told."""


def in_containers(settings: Path | None) -> InContainers:
    """With the engine of this machine. Raises BadOption."""
    engine = shutil.which("docker")
    if engine is None:
        raise BadOption("There is no docker here. Install Docker Engine with its compose plugin.")
    if settings and not settings.is_file():
        raise BadOption(f"There is no file {settings}.")
    return InContainers(engine, settings.read_text("utf-8") if settings else "")


def write_report(report: Rehearsal, path: Path, key: Path | None) -> None:
    """With a signature beside it, where there is a key: `PATH.sig`. Raises OutputError."""
    with translated(path):
        write(path, f"{report.text()}\n".encode())
    if key:
        signature.sign(path, key)


def rehearse(
    bundle: Path,
    *,
    signers: Path | None,
    base: Path | None = None,
    with_network: bool = False,
    containers: InContainers | None = None,
) -> Rehearsal:
    """Installs the bundle into a folder that goes again, uses it, and installs it once more.

    Raises BadOption where the network cannot be cut here, unless `with_network`, and BadInput
    where the installation fails.
    """
    began = time.monotonic()
    if containers and (said := hindrance(inspect(bundle), containers.engine)):
        raise BadInput(said)
    cutting = () if with_network else _cutting()
    with tempfile.TemporaryDirectory(prefix="malgwi-rehearsal-") as name:
        folder = Path(name)
        (folder / "guard").mkdir()
        shutil.copyfile(guard.__file__, folder / "guard" / "sitecustomize.py")
        log = folder / "attempts.jsonl"
        order = {
            "bundle": str(bundle.absolute()),
            "signers": str(signers.absolute()) if signers else None,
            "base": str(base.absolute()) if base else None,
            "folder": name,
        }
        path = os.pathsep.join([str(folder / "guard"), *filter(None, sys.path)])
        environ = {GUARD: str(folder / "guard"), guard.LOG: str(log), "PYTHONPATH": path}
        module = [sys.executable, "-m", "malgwi.ops.bundle.isolation", json.dumps(order)]
        done = subprocess.run(
            [*cutting, *module],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **environ},
        )
        attempts = _attempts(log)
        told = _told(done, attempts)
        if containers:
            played = play(folder / "installed", containers.engine, containers.settings)
            of_containers = tuple(_attempts_of(played))
            attempts += of_containers
            if played.failed:
                raise _failed(played.failed, of_containers)
            told["steps"] += played.steps
    return Rehearsal(
        cut=bool(cutting),
        steps=tuple(told["steps"]),
        attempts=attempts,
        unnamed=told["unnamed"] if cutting else 0,
        seconds=round(time.monotonic() - began, 1),
        bundle=_sum_of(bundle),
        at=datetime.now(UTC).replace(microsecond=0),
    )


def _sum_of(bundle: Path) -> str:
    with shelves.opened(bundle) as shelf, shelf.open(MANIFEST) as file:
        return hashlib.sha256(file.read()).hexdigest()


def _attempts_of(played: Played) -> Iterator[Attempt]:
    for (service, event, where), count in sorted(played.wanted.items()):
        yield Attempt(f"container {service}", event, f"{where} ({count} times)")


def _cutting() -> tuple[str, ...]:
    """What a command has to begin with to have no network."""
    program = shutil.which("unshare")
    for options in (("-n",), ("-r", "-n")):
        if program and not _fails([program, *options, "true"]):
            return (program, *options)
    raise BadOption(
        "The network cannot be cut here: there is no unshare, or it is not allowed (run it as "
        "root, or in a container with --cap-add SYS_ADMIN). With --with-network only what Python "
        "programs ask for is seen and refused."
    )


def _fails(command: list[str]) -> bool:
    return bool(subprocess.run(command, capture_output=True, check=False).returncode)


def _attempts(log: Path) -> tuple[Attempt, ...]:
    if not log.is_file():
        return ()
    lines = log.read_text("utf-8").splitlines()[:_MOST_ATTEMPTS]
    return tuple(dict.fromkeys(Attempt(**json.loads(line)) for line in lines))


def _told(
    done: "subprocess.CompletedProcess[str]", attempts: tuple[Attempt, ...]
) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError) as error:
        last = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise BadInput(f"The rehearsal broke off: {last}") from error
    if "failed" in told:
        raise _failed(told["failed"], attempts)
    return told


def _failed(said: str, attempts: tuple[Attempt, ...]) -> BadInput:
    asked = "; ".join(f"{each.who} wanted {each.where}" for each in attempts[:5])
    because = f" Before that {asked}." if asked else ""
    return BadInput(f"The rehearsal failed: {said}{because}")

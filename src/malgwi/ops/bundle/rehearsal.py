"""Rehearsing an installation in a place without a network, and telling who wanted one.

What is seen: every attempt of a Python program, with its name, by an audit hook; and, where the
network is cut, that something else tried, by the counters of the kernel. What a program of another
language wanted, and which one it was, is not seen.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from malgwi.errors import BadInput, BadOption
from malgwi.ops.bundle import guard
from malgwi.ops.bundle.process import GUARD

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

    @property
    def passed(self) -> bool:
        return not self.attempts and not self.unnamed

    def text(self) -> str:
        """As JSON."""
        return json.dumps({**asdict(self), "passed": self.passed}, ensure_ascii=False, indent=1)


def rehearse(
    bundle: Path,
    *,
    signers: Path | None,
    base: Path | None = None,
    with_network: bool = False,
) -> Rehearsal:
    """Installs the bundle into a folder that goes again, uses it, and installs it once more.

    Raises BadOption where the network cannot be cut here, unless `with_network`, and BadInput
    where the installation fails.
    """
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
    return Rehearsal(
        cut=bool(cutting),
        steps=tuple(told["steps"]),
        attempts=attempts,
        unnamed=told["unnamed"] if cutting else 0,
        seconds=told["seconds"],
    )


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
        asked = "; ".join(f"{each.who} wanted {each.where}" for each in attempts[:5])
        because = f" Before that {asked}." if asked else ""
        raise BadInput(f"The rehearsal failed: {told['failed']}{because}")
    return told

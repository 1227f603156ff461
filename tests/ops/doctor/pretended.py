"""Machines that are pretended by data: files in the place of /, programs in the place of docker's.

Nothing of the code under test is replaced: the checks read these files, run these programs, and
connect to real servers.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from devices.machines import NOTHING

from malgwi.config import Config
from malgwi.devices import Inventory
from malgwi.ops.doctor import CHECKS, Machine, Result, State, Subject, chosen, examine
from malgwi.ops.doctor.machine import Disk

GB = 1_000_000_000
ROOMY = Disk(500 * GB, 300 * GB, 1_000_000, 900_000)
CPU = "processor\t: {}\nflags\t\t: fpu sse4_2 avx avx2 fma\n"
FILES = {
    "/proc/sys/kernel/osrelease": "6.8.0-45-generic\n",
    "/proc/cpuinfo": "".join(CPU.format(each) for each in range(8)),
    "/proc/loadavg": "0.52 0.71 0.64 2/512 4711\n",
    "/proc/meminfo": "MemTotal: 32000000 kB\nMemAvailable: 24000000 kB\n"
    "SwapTotal: 4000000 kB\nSwapFree: 4000000 kB\n",
    "/proc/self/limits": "Limit                     Soft Limit           Hard Limit\n"
    "Max processes             127000               127000               processes\n"
    "Max open files            65536                524288               files\n",
    "/proc/modules": "nvidia 56827904 0 - Live\n",
    "/proc/mounts": "/dev/vda1 / ext4 rw 0 0\n",
    "/proc/vmstat": "nr_free_pages 1\noom_kill 0\n",
}
"""Of a server that is well."""


def pretend(  # noqa: PLR0913  (by keyword, and each stands for itself)
    tmp_path: Path,
    files: Mapping[str, str | None] | None = None,
    programs: Mapping[str, str] | None = None,
    *,
    cards: Inventory = NOTHING,
    packages: Mapping[str, str] | None = None,
    libraries: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    room: Disk = ROOMY,
    **facts: Any,
) -> Machine:
    """One that is well but for what is said; None instead of a file takes it away. `programs` are
    the bodies of shell scripts."""
    root, bin, folder = (tmp_path / each for each in ("root", "bin", "folder"))
    for place in (root, bin, folder):
        place.mkdir(exist_ok=True)
    for name, content in {**FILES, **(files or {})}.items():
        if content is not None:
            path = root / name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    for name, body in (programs or {}).items():
        (bin / name).write_text(f"#!/bin/sh\n{body}\n")
        (bin / name).chmod(0o755)
    there = packages or {}
    given: dict[str, Any] = {
        "root": root,
        "folder": folder,
        "environ": {"PATH": str(bin), **(environ or {})},
        "system": "Linux",
        "processor": "x86_64",
        "libc": "glibc 2.36",
        "inventory": lambda: cards,
        "installed": there.get,
        "loads": lambda library: library in libraries,
        "disk": lambda _: room,
    }
    return Machine(**{**given, **facts})


def subject(
    machine: Machine, tmp_path: Path, settings: Mapping[str, Any] | None = None, **given: Any
) -> Subject:
    """With a home in `tmp_path`; nothing runs at the ports of the settings."""
    home = {"home": tmp_path / "home", "models": tmp_path / "models"}
    closed = {"client": {"address": "http://127.0.0.1:9"}}
    return Subject(Config(**{**home, **closed, **(settings or {})}), machine, **given)


def look(id: str, patient: Subject) -> Result:
    """What the check of that id finds."""
    [result] = examine(patient, chosen(CHECKS, [id])).results
    return result


def assert_amiss(result: Result, state: State | str, *said: str) -> None:
    """It is in that state, says so in sentences, and knows a remedy."""
    told = " ".join((result.symptom, result.evidence, result.cause))
    assert result.state == state, told
    assert result.symptom.endswith("."), result.symptom
    assert result.remedy
    for each in said:
        assert each in told

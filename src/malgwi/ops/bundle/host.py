"""The machine that a bundle is installed on, and what keeps it from being installed there."""

import importlib.util
import os
import platform
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from malgwi.ops.bundle.manifest import Manifest
from malgwi.ops.bundle.wheels import python_version

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_SWELLING = 4  # times the size of the wheels: what they unpack to, and what Python makes of it
_SPARE = 100_000_000  # bytes


def _platform() -> str:
    machine = platform.machine().lower()
    return f"{platform.system().lower()}/{_ARCHITECTURES.get(machine, machine)}"


def _glibc() -> str:
    name, number = platform.libc_ver()
    return number if name == "glibc" else ""


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True)
class Host:
    """This machine, unless something else is said."""

    platform: str = field(default_factory=_platform)
    python: str = field(default_factory=python_version)
    glibc: str = field(default_factory=_glibc)
    """Empty where it has another C library."""
    makes_environments: bool = field(
        default_factory=lambda: importlib.util.find_spec("ensurepip") is not None
    )
    engine: str | None = field(default_factory=lambda: shutil.which("docker"))
    """The program of the container engine; None where there is none."""
    free: Callable[[Path], int] = _free
    """Bytes on the disk of a folder."""


def hindrances(
    manifest: Manifest, into: Path, host: Host, missing: int, *, with_images: bool
) -> Iterator[str]:
    """Sentences; none where it can be installed. `missing` are bytes that are to be copied."""
    if host.platform != manifest.platform:
        yield f"The bundle is for {manifest.platform}, and this machine is {host.platform}."
    if host.python != manifest.python:
        yield (
            f"The bundle is for Python {manifest.python}, and this is {host.python}. Run it with "
            f"python{manifest.python}."
        )
    if _numbers(host.glibc) < _numbers(manifest.glibc):
        yield (
            f"The packages want glibc {manifest.glibc}, and this machine has "
            f"{host.glibc or 'another C library, such as musl'}."
        )
    if not host.makes_environments:
        yield "Python cannot make environments here (on Debian: apt install python3-venv)."
    if with_images and host.engine is None:
        yield (
            "The bundle has container images, and there is no docker here. Install it, or leave "
            "the images out: --without-images."
        )
    needed, free = _needed(manifest, missing, with_images), host.free(into)
    if free < needed:
        yield (
            f"It needs {needed / 1e6:,.0f} MB in {into}, and {free / 1e6:,.0f} MB are free. Make "
            "room, or name a folder on another disk."
        )


def may_write(folder: Path) -> bool:
    """Whether it, or what it would be made in, may be written to."""
    while not folder.exists():
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def is_older(version: str, than: str) -> bool:
    return _numbers(version) < _numbers(than)


def _needed(manifest: Manifest, missing: int, with_images: bool) -> int:
    wheels = sum(manifest.blobs[each.digest] for each in manifest.wheels)
    layers = (sum(map(manifest.blobs.__getitem__, each.blobs)) for each in manifest.images)
    return missing + _SWELLING * wheels + max([0, *layers]) * with_images + _SPARE


def _numbers(version: str) -> list[int]:
    return [int(each) for each in re.findall(r"\d+", version)]

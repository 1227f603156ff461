"""What it was measured on: without that, a speed is no figure."""

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "malgwi",
    "faster-whisper",
    "ctranslate2",
    "onnxruntime",
    "av",
    "numpy",
    "jiwer",
    "meeteval",
    "whisper-normalizer",
)


@dataclass(frozen=True, slots=True)
class Machine:
    """The facts that a figure depends on."""

    processor: str
    cores: int
    """That this process may use."""
    system: str
    python: str
    packages: dict[str, str]
    """Of those that matter to the figures, the ones that are installed."""
    revision: str | None
    """Of the source, with `-dirty` where files were changed; None outside a checkout."""


def this_machine() -> Machine:
    return Machine(
        processor=_processor(),
        cores=_cores(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        packages={name: found for name in PACKAGES if (found := _version(name))},
        revision=_revision(Path(__file__).parent),
    )


def peak_memory() -> int:
    """Bytes that this process held at most since it began, models and libraries included."""
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # bytes there, KiB on Linux


def _processor() -> str:
    if sys.platform == "darwin":
        return _said("sysctl", "-n", "machdep.cpu.brand_string") or platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _revision(folder: Path) -> str | None:
    """Of the checkout that the folder is part of; site-packages may lie in another's."""
    if _said("git", "-C", str(folder), "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    return _said("git", "-C", str(folder), "describe", "--always", "--dirty", "--exclude=*")


def _said(*command: str) -> str | None:
    """What a program prints; None where it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()

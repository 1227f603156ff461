"""The Python packages of a bundle: what the lock names, for one platform and one Python.

Our own is built from the checkout; pip fetches the others, and the sums in the lock decide.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from email.parser import HeaderParser
from pathlib import Path
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile, ZipInfo

from malgwi.errors import BadInput, BadOption, NetworkError
from malgwi.ops.bundle.manifest import Wheel, is_safe
from malgwi.ops.digest import sha256_of
from malgwi.ops.package_index import pip_command

LOCK = "requirements.lock"
_ARCHITECTURES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
_OLDER = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
_GLIBC = re.compile(r"manylinux_2_(\d+)_")
_MOST = 20 << 30  # bytes that a wheel unpacks to: torch has four thousand million
_SWELLING = 200  # times its size; our own and others' have up to six
_FREE = 64 << 20  # bytes that a wheel may unpack to whatever its size


def check_source(source: Path) -> None:
    """Raises BadOption where it is no checkout of ours."""
    project = source / "pyproject.toml"
    if not project.is_file() or 'name = "malgwi"' not in project.read_text("utf-8"):
        raise BadOption(
            f"{source} is no checkout of Malgwi. A bundle is made of one: --source DIR."
        )
    if not (source / LOCK).is_file():
        raise BadOption(f"{source} has no {LOCK}, which says which packages are the right ones.")


def own_wheel(source: Path, into: Path) -> Path:
    """Builds the package of the checkout."""
    command = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(into), str(source)]
    _pip(into, command, "build the package of the checkout")
    return next(into.glob("malgwi-*.whl"))


def fetch(  # noqa: PLR0913 - each stands for itself
    own: Path, lock: Path, into: Path, *, extras: Sequence[str], platform: str, glibc: str
) -> None:
    """Has pip put all that `own` with its extras needs into the folder, for the Python that runs
    this. Raises NetworkError, and BadInput for a wheel that the lock does not have."""
    pins, sums = read_lock(lock)
    constraints = into.parent / "constraints.txt"
    constraints.write_text("".join(f"{pin}\n" for pin in pins))
    command = ["download", "--quiet", "--no-input", "--only-binary=:all:", "--dest", str(into)]
    for tag in platform_tags(platform, glibc):
        command += ["--platform", tag]
    command += ["--implementation", "cp", "--python-version", python_version()]
    wanted = f"malgwi[{','.join(extras)}]" if extras else "malgwi"
    command += ["--constraint", str(constraints), f"{wanted} @ {own.resolve().as_uri()}"]
    _pip(into.parent, command, "bring the packages")
    for path in into.glob("*.whl"):
        if path.name != own.name and sha256_of(path) not in sums:
            raise BadInput(
                f"pip brought {path.name}, whose sum {lock.name} does not have. Run make lock, or "
                "see what the index serves."
            )


def read_lock(lock: Path) -> tuple[list[str], frozenset[str]]:
    """What it pins, and all sums that it has."""
    text = lock.read_text("utf-8").replace("\\\n", " ")
    pins = [line.partition(" --hash")[0].strip() for line in text.splitlines()]
    sums = frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})", text))
    return [pin for pin in pins if "==" in pin and not pin.startswith("#")], sums


def python_version() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def platform_tags(platform: str, glibc: str) -> Iterator[str]:
    """As wheels are called that such a machine can use, the newest first."""
    architecture = _ARCHITECTURES[platform]
    for minor in range(int(glibc.partition(".")[2]), 4, -1):
        yield f"manylinux_2_{minor}_{architecture}"
        if minor in _OLDER:
            yield f"{_OLDER[minor]}_{architecture}"


def described(path: Path) -> Wheel:
    """What a wheel says of itself. Raises BadInput."""
    name, metadata = path.name, {}
    with _opened(path, name) as packed:
        about = next((each for each in packed.namelist() if _is_metadata(each)), None)
        if about is None:
            raise BadInput(f"{name} is no wheel: it says nothing of itself.")
        metadata = dict(HeaderParser().parsestr(packed.read(about).decode("utf-8", "replace")))
    return Wheel(
        name=metadata["Name"],
        version=metadata["Version"],
        file=name,
        digest=sha256_of(path),
        licence=_licence(metadata),
    )


def needed_glibc(wheels: Sequence[Wheel]) -> str:
    """The oldest with which all of them work."""
    found = [min(map(int, _GLIBC.findall(each.file)), default=0) for each in wheels]
    return f"2.{max([17, *found])}"


def fits(file: str, platform: str, python: str) -> bool:
    """Whether a wheel of that name is for such a machine."""
    *_, pythons, abis, platforms = file.removesuffix(".whl").split("-")
    own = f"cp{python.replace('.', '')}"
    newer_abi = abis == "abi3" or own in abis.split(".") or abis == "none"
    known = pythons.startswith(("py3", "py2.py3", own)) or abis == "abi3"
    there = platforms == "any" or all(
        each.endswith(_ARCHITECTURES[platform]) for each in platforms.split(".")
    )
    return newer_abi and known and there


def fault(file: BinaryIO, size: int, name: str) -> str | None:
    """Why unpacking the wheel would harm, as a sentence; None where it would not."""
    try:
        with _opened(file, name) as packed:
            return _contents_fault(packed.infolist(), size, name)
    except BadInput as error:
        return str(error)


def _contents_fault(contents: Sequence[ZipInfo], size: int, name: str) -> str | None:
    unpacked = sum(each.file_size for each in contents)
    if unpacked > min(_MOST, max(_FREE, size * _SWELLING)):
        return f"{name} would swell from {size:,} to {unpacked:,} bytes."
    for each in contents:
        if not is_safe(each.filename.removesuffix("/")):
            return f"{name} has a file {each.filename!r}, whose name leads out of it."
    return None


def _opened(file: Path | BinaryIO, name: str) -> ZipFile:
    try:
        return ZipFile(file)
    except (BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise BadInput(f"{name} is no wheel, or not a whole one.") from error


def _is_metadata(name: str) -> bool:
    return name.count("/") == 1 and name.endswith(".dist-info/METADATA")


def _licence(metadata: Mapping[str, str]) -> str | None:
    said = metadata.get("License-Expression") or metadata.get("License") or ""
    first = "".join(filter(str.isprintable, said.strip().split("\n")[0]))[:100]
    return first or None


def _pip(folder: Path, arguments: Sequence[str], doing: str) -> None:
    environ = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [*pip_command(folder), "--python", sys.executable, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=environ,
    )
    if done.returncode:
        lines = [
            line for line in done.stderr.splitlines() if "ERROR" in line or "No module" in line
        ]
        said = re.sub(r"\S+://\S+", "(address)", lines[-1] if lines else "it gave no reason")
        raise NetworkError(f"pip could not {doing}: {said.removeprefix('ERROR: ').rstrip('.')}.")

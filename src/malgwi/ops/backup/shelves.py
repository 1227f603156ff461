"""Where a backup lies: a folder, or one file of the format tar. Reading does not unpack it."""

import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from malgwi.errors import BadInput

TAR = ".tar"


class Shelf(Protocol):
    """Its files, by names with `/`."""

    def names(self) -> set[str]: ...

    def open(self, name: str) -> BinaryIO:
        """Raises BadInput where there is no such file, and OSError."""
        ...


@contextmanager
def opened(path: Path) -> Iterator[Shelf]:
    """Raises BadInput for what is neither a folder nor a tar file that can be read."""
    if path.is_dir():
        yield _Folder(path)
        return
    with _tar(path) as file:
        yield _Tar(file)


def pack(folder: Path, into: Path) -> None:
    """All files of the folder, in the order of their names. Only its owner can read the tar."""
    handle = os.open(into, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with (
        os.fdopen(handle, "wb") as packed,
        tarfile.open(fileobj=packed, mode="w:", format=tarfile.PAX_FORMAT) as file,
    ):
        for name in sorted(_names(folder)):
            file.add(folder / name, name, recursive=False, filter=_nobodys)


class _Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> set[str]:
        return set(_names(self._folder))

    def open(self, name: str) -> BinaryIO:
        try:
            return (self._folder / name).open("rb")
        except (FileNotFoundError, IsADirectoryError) as error:
            raise _lacks(name) from error


class _Tar:
    def __init__(self, file: tarfile.TarFile) -> None:
        self._file = file
        self._members = {each.name: each for each in _members(file) if each.isreg()}

    def names(self) -> set[str]:
        return set(self._members)

    def open(self, name: str) -> BinaryIO:
        member = self._members.get(name)
        found = member and self._file.extractfile(member)
        if not found:
            raise _lacks(name)
        return cast(BinaryIO, found)


def _tar(path: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(path, "r:")
    except FileNotFoundError as error:
        raise BadInput(f"There is no backup {path}.") from error
    except (tarfile.TarError, OSError) as error:
        raise BadInput(f"{path} is no backup, or it is damaged: {error}.") from error


def _names(folder: Path) -> Iterator[str]:
    for at, _, files in os.walk(folder):
        for each in files:
            yield (Path(at) / each).relative_to(folder).as_posix()


def _members(file: tarfile.TarFile) -> list[tarfile.TarInfo]:
    try:
        return file.getmembers()
    except (tarfile.TarError, OSError) as error:
        raise BadInput(f"The backup is damaged: {error}.") from error


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


def _lacks(name: str) -> BadInput:
    return BadInput(f"The backup has no {name}: it is not whole.")

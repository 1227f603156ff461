"""Where a bundle lies: a folder, one tar file, or that file in parts. Reading does not unpack it.

Nothing but plain files with plain names is taken: no link, no device, no name that leads out.
"""

import io
import os
import re
import stat
import tarfile
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from malgwi.errors import BadInput
from malgwi.ops.bundle.manifest import is_safe
from malgwi.ops.digest import SUMS, read_sums, sha256_of, sums_text
from malgwi.ops.disk import flush

TAR = ".tar"
_PART = re.compile(r"(.+\.tar)(?:\.\d{3,5}|\.SHA256SUMS)")
_BUFFER = 1 << 20


class Shelf(Protocol):
    """Its files, by names with `/`."""

    def sizes(self) -> dict[str, int]: ...

    def open(self, name: str) -> BinaryIO:
        """Raises BadInput where there is no such file, and OSError."""
        ...


@contextmanager
def opened(path: Path) -> Iterator[Shelf]:
    """Raises BadInput for what is no bundle, for parts that are not whole, and for what is in it
    and is not a plain file."""
    if path.is_dir():
        yield _Folder(path)
        return
    match = _PART.fullmatch(path.name)
    whole = path.with_name(match[1]) if match else path
    if match or (not path.exists() and _listing(whole).exists()):
        with io.BufferedReader(_Joined(_parts(whole)), _BUFFER) as file:
            yield _opened_tar(whole, cast(BinaryIO, file))
    elif not path.exists():
        raise BadInput(f"There is no bundle {path}.")
    else:
        with path.open("rb", _BUFFER) as file:
            yield _opened_tar(path, file)


def pack(folder: Path, into: Path) -> None:
    """All files of the folder as a tar; the same for the same folder."""
    with into.open("xb") as file:
        _write_tar(folder, file)
    flush(into)


def pack_in_parts(folder: Path, into: Path, part_size: int) -> list[Path]:
    """The same in files of at most so many bytes, called `INTO.001` and on; the list of their sums
    is the last of those returned."""
    writer = _Splitting(into, part_size)
    try:
        _write_tar(folder, cast(BinaryIO, writer))
    finally:
        writer.close()
    listing = _listing(into)
    listing.write_text(sums_text({each.name: sha256_of(each) for each in writer.parts}))
    flush(listing)
    return [*writer.parts, listing]


class _Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def sizes(self) -> dict[str, int]:
        return dict(self._walked(self._folder))

    def _walked(self, folder: Path) -> Iterator[tuple[str, int]]:
        for each in folder.iterdir():
            name = each.relative_to(self._folder).as_posix()
            kind = each.lstat()
            if stat.S_ISDIR(kind.st_mode):
                yield from self._walked(each)
            elif stat.S_ISREG(kind.st_mode):
                yield _checked(name), kind.st_size
            else:
                raise _no_file(name)

    def open(self, name: str) -> BinaryIO:
        path = self._folder / _checked(name)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise _lacks(name) from error
        return os.fdopen(handle, "rb", _BUFFER)


class _Tar:
    def __init__(self, file: tarfile.TarFile) -> None:
        self._file = file
        self._members = dict(map(_checked_member, file.getmembers()))
        if len(self._members) != len(file.getmembers()):
            raise BadInput("The bundle has two files of one name. It was not made by Malgwi.")

    def sizes(self) -> dict[str, int]:
        return {name: each.size for name, each in self._members.items()}

    def open(self, name: str) -> BinaryIO:
        member = self._members.get(name)
        found = member and self._file.extractfile(member)
        if not found:
            raise _lacks(name)
        return cast(BinaryIO, found)


class _Joined(io.RawIOBase):
    """Parts as one file."""

    def __init__(self, parts: list[Path]) -> None:
        self._files = [each.open("rb", 0) for each in parts]
        sizes = [each.stat().st_size for each in parts]
        self._starts = [0, *accumulate(sizes)]
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._starts[-1]}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._at >= self._starts[-1]:
            return 0
        number = bisect_right(self._starts, self._at) - 1
        file = self._files[number]
        file.seek(self._at - self._starts[number])
        count = cast(int, file.readinto(buffer))
        self._at += count
        return count

    def close(self) -> None:
        for each in self._files:
            each.close()
        super().close()


class _Splitting:
    """Writes on into the next part where one is full."""

    def __init__(self, into: Path, part_size: int) -> None:
        self._into, self._part_size = into, part_size
        self.parts: list[Path] = []
        self._file: BinaryIO | None = None
        self._room = 0

    def write(self, content: bytes) -> int:
        left = memoryview(content)
        while left:
            if not self._room:
                self._next()
            assert self._file is not None
            count = self._file.write(left[: self._room])
            self._room -= count
            left = left[count:]
        return len(content)

    def _next(self) -> None:
        self.close()
        self.parts.append(self._into.with_name(f"{self._into.name}.{len(self.parts) + 1:03}"))
        self._file, self._room = self.parts[-1].open("xb"), self._part_size

    def close(self) -> None:
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None


def _parts(whole: Path) -> list[Path]:
    """All parts in their order, of which every byte is what it was. Raises BadInput."""
    listing = _listing(whole)
    if not listing.is_file():
        raise BadInput(f"{listing.name} is missing; it says which parts there are. Carry it over.")
    sums = read_sums(listing.read_bytes())
    names = [f"{whole.name}.{number:03}" for number in range(1, len(sums) + 1)]
    if not sums or {*sums} != {*names}:
        raise BadInput(f"{listing.name} is damaged: it does not name parts from 001 on.")
    for name in names:
        part = whole.with_name(name)
        if not part.is_file():
            raise BadInput(f"{name} is missing: part {names.index(name) + 1} of {len(names)}.")
        if (found := sha256_of(part)) != sums[name]:
            other = next((each for each, digest in sums.items() if digest == found), None)
            is_other = f"it is {other}" if other else "it is damaged, or was cut off"
            raise BadInput(f"{name} is not what it was: {is_other}. Carry it over again.")
    return [whole.with_name(name) for name in names]


def _listing(whole: Path) -> Path:
    return whole.with_name(f"{whole.name}.{SUMS}")


def _opened_tar(path: Path, file: BinaryIO) -> _Tar:
    try:
        return _Tar(tarfile.open(fileobj=file, mode="r:"))  # never a packed one, which may swell
    except (tarfile.TarError, OSError, ValueError) as error:
        raise BadInput(
            f"{path} is no bundle, or it is damaged. A bundle is a folder or a tar file that is "
            "not packed with gzip or another."
        ) from error


def _write_tar(folder: Path, file: BinaryIO) -> None:
    with tarfile.open(
        fileobj=file, mode="w|", bufsize=_BUFFER, format=tarfile.PAX_FORMAT
    ) as packed:
        for name in sorted(_Folder(folder).sizes()):
            packed.add(folder / name, name, recursive=False, filter=_nobodys)


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    member.mode = 0o644
    return member


def _checked_member(member: tarfile.TarInfo) -> tuple[str, tarfile.TarInfo]:
    if not member.isreg() or member.issparse():
        raise _no_file(member.name)
    return _checked(member.name), member


def _checked(name: str) -> str:
    if not is_safe(name):
        raise BadInput(
            f"The bundle has a file {name!r}, whose name leads out of it. Do not install it."
        )
    return name


def _no_file(name: str) -> BadInput:
    return BadInput(
        f"The bundle has {name!r}, which is a link or no plain file. Do not install it; none that "
        "Malgwi makes has such."
    )


def _lacks(name: str) -> BadInput:
    return BadInput(f"The bundle has no {name}: it is not whole.")

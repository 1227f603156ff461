"""What lies in a watched folder: its files, and whether somebody still writes on one.

Links are not followed, not even on the way to a file, and what is no file is not seen: nothing
outside the folder can be reached by what somebody puts into it.
"""

import errno
import fcntl
import os
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from malgwi.errors import BadInput

REJECTED = "rejected"
REASON = ".reason.txt"
_UNDER_WAY = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".filepart", "~")
_OF_SYSTEMS = ("thumbs.db", "desktop.ini")
_DEEPEST = 16  # folders in folders
_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it is now."""

    name: str
    """The path from the watched folder on, with `/`."""
    size: int
    modified: int
    """Nanoseconds, by whatever clock."""


class Changed(Exception):
    """It is not what it was a moment ago."""


def look(folder: Path) -> dict[str, Seen]:
    """All files that could be whole, by name. Raises BadInput where the folder cannot be read."""
    try:
        with os.scandir(folder):
            pass
    except OSError as error:
        raise BadInput(
            f"The watched folder {folder} cannot be read: {error.strerror}. Is the disk mounted, "
            "and may this user read it?"
        ) from error
    return {each.name: each for each in _files(folder, "", 0)}


def _files(folder: Path, within: str, depth: int) -> Iterator[Seen]:
    try:
        with os.scandir(folder / within) as found:
            entries = list(found)
    except OSError:  # gone, or not for us; the next look may see it
        return
    for entry in entries:
        if _left_alone(entry.name, depth):
            continue
        name = f"{within}/{entry.name}" if within else entry.name
        try:
            if entry.is_dir(follow_symlinks=False):
                if depth < _DEEPEST:
                    yield from _files(folder, name, depth + 1)
            elif entry.is_file(follow_symlinks=False):
                there = entry.stat(follow_symlinks=False)
                yield Seen(name, there.st_size, there.st_mtime_ns)
        except OSError:  # it has gone
            continue


def _left_alone(name: str, depth: int) -> bool:
    lower = name.lower()
    return (
        name.startswith((".", "~"))
        or lower.endswith(_UNDER_WAY)
        or lower in _OF_SYSTEMS
        or lower.endswith(REASON)
        or (depth == 0 and name == REJECTED)
    )


@contextmanager
def opened(folder: Path, seen: Seen) -> Iterator[int]:
    """A descriptor of the very file. Raises Changed where it is not that, and OSError."""
    *folders, last = seen.name.split("/")
    with _at(folder, folders) as here:
        # Without waiting: opening a pipe would not return.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        file = os.open(last, flags, dir_fd=here)
    try:
        check_same(file, seen)
        yield file
    finally:
        os.close(file)


def check_same(file: int, seen: Seen) -> None:
    """Raises Changed where it is another one, or has been written on."""
    now = os.fstat(file)
    if not stat.S_ISREG(now.st_mode) or (now.st_size, now.st_mtime_ns) != (
        seen.size,
        seen.modified,
    ):
        raise Changed


def blocks(file: int, seen: Seen) -> Iterator[bytes]:
    """All of it. Raises Changed at the end where it was written on meanwhile, and OSError."""
    read = 0
    while block := os.read(file, _BLOCK):
        read += len(block)
        yield block
    check_same(file, seen)
    if read != seen.size:
        raise Changed


def is_written_on(file: int) -> bool:
    """Whether somebody has it open to write. False also where this system cannot tell, as on a
    share, where whoever writes is on another machine."""
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        # Whoever comes to write in this very moment makes the kernel send us a signal: one that
        # nobody minds, instead of SIGIO, which would end the process.
        fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    return False


def set_aside(folder: Path, seen: Seen, reason: str) -> None:
    """Into the sub-folder for what cannot be used, with its reason beside it. Raises OSError where
    it cannot be moved, and Changed where it is not what was looked at."""
    *folders, last = seen.name.split("/")
    with opened(folder, seen):
        pass
    with _at(folder, folders) as here, _made(folder, [REJECTED, *folders]) as there:
        name = _written(there, last, reason)
        try:
            os.rename(last, name, src_dir_fd=here, dst_dir_fd=there)
        except OSError:
            os.unlink(name + REASON, dir_fd=there)
            raise


def _written(there: int, name: str, reason: str) -> str:
    """Writes down the reason; the name under which the file can be put beside it."""
    for number in range(1, 10_000):
        free = name if number == 1 else f"{number}-{name}"
        if _is_there(there, free):
            continue
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            file = os.open(free + REASON, flags, 0o644, dir_fd=there)
        except FileExistsError:
            continue
        with os.fdopen(file, "w", encoding="utf-8") as text:
            text.write(reason + "\n")
        return free
    raise FileExistsError(errno.EEXIST, "there are too many of that name", name)


def _is_there(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


@contextmanager
def _at(folder: Path, steps: list[str]) -> Iterator[int]:
    """A descriptor of a folder, to which no link leads."""
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for step in steps:
            here = _into(here, step)
        yield here
    finally:
        os.close(here)


@contextmanager
def _made(folder: Path, steps: list[str]) -> Iterator[int]:
    """The same for a folder that may not be there yet."""
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for step in steps:
            if not _is_there(here, step):
                os.mkdir(step, dir_fd=here)
            here = _into(here, step)
        yield here
    finally:
        os.close(here)


def _into(here: int, step: str) -> int:
    """Closes `here` once it is left."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    after = os.open(step, flags, dir_fd=here)
    os.close(here)
    return after

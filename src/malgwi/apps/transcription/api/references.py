"""Files of this machine, taken by name: only from folders that an operator named.

The way from such a folder to the file is gone step by step without following a link, so that
nothing outside can be reached, whatever somebody puts there meanwhile.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from malgwi.errors import BadInput, TooLarge
from malgwi.gateway import BadField

_BLOCK = 1024 * 1024


@contextmanager
def opened(path: str, folders: Sequence[Path]) -> Iterator[int]:
    """A descriptor of the file. Raises BadField for anything that is not to be read here."""
    folder, steps = _within(path, folders)
    try:
        file = _walk(folder, steps)
    except OSError as error:
        raise BadField("path", "there is no such file, or it may not be read") from error
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise BadField("path", "it is not a file")
        yield file
    finally:
        os.close(file)


def blocks(file: int, most: int) -> Iterator[bytes]:
    """Raises TooLarge."""
    total = 0
    while block := _read(file):
        total += len(block)
        if total > most:
            raise TooLarge(f"The file has more than {most:,} bytes, the most that is taken.")
        yield block
    if not total:
        raise BadField("path", "the file is empty")


def _within(path: str, folders: Sequence[Path]) -> tuple[Path, tuple[str, ...]]:
    asked = PurePosixPath(path)
    if not folders:
        raise BadField("path", "no recordings are taken from folders of this machine")
    if asked.is_absolute() and ".." not in asked.parts and "\0" not in path:
        for folder in folders:
            root = PurePosixPath(folder)
            if asked != root and asked.is_relative_to(root):
                return folder, asked.relative_to(root).parts
    raise BadField("path", "it is not in a folder from which recordings are taken")


def _walk(folder: Path, steps: Sequence[str]) -> int:
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for step in steps[:-1]:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            after = os.open(step, flags, dir_fd=here)
            os.close(here)
            here = after
        # Without waiting: a pipe is no recording, and opening one would not return.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(steps[-1], flags, dir_fd=here)
    finally:
        os.close(here)


def _read(file: int) -> bytes:
    try:
        return os.read(file, _BLOCK)
    except OSError as error:
        raise BadInput("The file cannot be read to its end.") from error

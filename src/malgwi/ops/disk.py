"""Files that count: on the disk before they are told of, and gone where it breaks off."""

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from malgwi.errors import OutputError

Progress = Callable[[int, int], object]
"""How many of how many files are done."""

_BLOCK = 1024 * 1024


def copied(file: BinaryIO, target: Path) -> str:
    """Its sum, once it is on disk. Raises OSError."""
    digest = hashlib.sha256()
    with target.open("wb") as copy:
        while block := file.read(_BLOCK):
            digest.update(block)
            copy.write(block)
        copy.flush()
        os.fsync(copy.fileno())
    return digest.hexdigest()


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    flush(path)


def flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def removed_if_broken(path: Path) -> Iterator[Path]:
    try:
        yield path
    except BaseException:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        raise


@contextmanager
def translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        room = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = "there is no room left" if room else error.strerror or type(error).__name__
        raise OutputError(f"{path} cannot be written: {reason}. Nothing is left of it.") from error


def nobody(_done: int, _all: int) -> None:
    """Wants to hear how far it is."""

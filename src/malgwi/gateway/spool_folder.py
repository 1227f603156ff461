"""The folder of this process's uploads: private, locked while the process lives, then removed.

A process that was killed leaves its folder behind without a lock, and the next one to start
removes it. A process id would not tell: in a container every process has the same one.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from malgwi.errors import OutputError

_LOCK = "lock"
_SWEEPING = ".sweeping"


class SpoolFolder:
    """A folder of its own in `parent`, readable by this user only. Raises OutputError."""

    def __init__(self, parent: Path) -> None:
        try:
            _make_private(parent)
            with _locked(parent / _SWEEPING):
                _sweep(parent)
                self.path = Path(tempfile.mkdtemp(dir=parent, prefix="process-"))
                self._lock = _lock(self.path / _LOCK)
        except OSError as error:
            raise OutputError(
                f"Uploads cannot be kept in {parent}: {error.strerror or 'no reason given'}. "
                "Set MALGWI_ENGINE__SPOOL to a folder that belongs to this user."
            ) from error

    def files(self) -> list[Path]:
        return [each for each in self.path.iterdir() if each.name != _LOCK]

    def close(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(1, "it is a link, or another user's")
    folder.chmod(0o700)


def _sweep(parent: Path) -> None:
    """Remove the folders of processes that are no more."""
    for folder in parent.glob("process-*"):
        with suppress(OSError), _lock(folder / _LOCK, wait=False):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with _lock(path):
        yield


def _lock(path: Path, wait: bool = True) -> BinaryIO:
    """The lock goes when the file is closed, or the process ends however it ends."""
    file = path.open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise
    return file

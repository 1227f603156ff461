"""The folder of this process's uploads: private, locked while the process lives, then removed.

A process that was killed leaves its folder behind without a lock, and the next one to start
removes it. A process id would not tell: in a container every process has the same one. Children
that were forked without exec would keep the lock; engines are spawned.
"""

import errno
import fcntl
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from malgwi.errors import OutputError

_NAMED = "process-"
_LOCK = "lock"


class SpoolFolder:
    """A folder of its own in `parent`, readable by this user only. Raises OutputError."""

    def __init__(self, parent: Path) -> None:
        try:
            _make(parent)
            _sweep(parent)
            self.path, self._lock = _new_in(parent)
        except OSError as error:
            raise OutputError(
                f"Uploads cannot be kept in {parent}: {error.strerror or 'it is not usable'}. "
                "Set MALGWI_ENGINE__SPOOL to a folder that belongs to this user."
            ) from error

    def close(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = folder.stat().st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise PermissionError(errno.EPERM, "everybody could take files out of it")


def _new_in(parent: Path) -> tuple[Path, BinaryIO]:
    """Locked before it has a name by which it could be swept."""
    made = Path(tempfile.mkdtemp(dir=parent, prefix="."))
    lock = _locked(made / _LOCK)
    return made.rename(parent / f"{_NAMED}{made.name.lstrip('.')}"), lock


def _sweep(parent: Path) -> None:
    """Remove the folders of processes that are no more."""
    for folder in parent.glob(f"{_NAMED}*"):
        with suppress(OSError):
            if folder.lstat().st_uid == os.geteuid():
                with _locked(folder / _LOCK):
                    shutil.rmtree(folder, ignore_errors=True)


def _locked(path: Path) -> BinaryIO:
    """The lock goes when the file is closed, or the process ends however it ends. Raises
    BlockingIOError where another has it."""
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "rb+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise
    return file

"""A model's folder comes into being whole or not at all.

Everything is put together under `.partial` in the same folder, made safe on disk, and renamed.
Who is killed on the way leaves what was fetched for the next try, and no half model.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from malgwi.errors import OutputError
from malgwi.ops.manifest import write_manifest
from malgwi.ops.registry import Model


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where one model is put together; held by one process at a time."""

    files: Path
    """What was fetched so far; kept for the next try."""
    ready: Path
    target: Path

    def publish(self, model: Model, source: str) -> None:
        """Make `ready`, which has the model's files, the model's folder."""
        write_manifest(self.ready, model, source)
        for path in (*self.ready.iterdir(), self.ready):
            _make_safe(path)
        if self.target.exists():
            shutil.rmtree(self.target)  # found broken, or it would not have come to this
        self.ready.rename(self.target)
        _make_safe(self.target.parent)
        shutil.rmtree(self.files)


@contextmanager
def workplace(models: Path, name: str) -> Iterator[Workplace]:
    """Hold the place where `name` is put together. Raises OutputError where another holds it."""
    place = models / ".partial" / name
    with _told(name, models):
        here = Workplace(files=place / "files", ready=place / "ready", target=models / name)
        here.files.mkdir(parents=True, exist_ok=True)
        with _locked(place / "lock", name):
            shutil.rmtree(here.ready, ignore_errors=True)
            here.ready.mkdir()
            yield here


def check_room(folder: Path, needed: int, name: str) -> None:
    """Raise OutputError where the disk of `folder` has not `needed` bytes."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OutputError(
            f"{name} needs {needed / 1e6:.0f} MB in {folder}, and {free / 1e6:.0f} MB are free. "
            "Make room, or set MALGWI_MODELS to a folder on another disk."
        )


@contextmanager
def _locked(path: Path, name: str) -> Iterator[None]:
    with path.open("w") as lock:  # it stays: removing it would let two in
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(
                f"Another process is fetching {name} into {path.parents[2]} at this moment. "
                "Wait until it is done; this one has changed nothing."
            ) from error
        yield


@contextmanager
def _told(name: str, models: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        remedy = (
            "What was fetched is kept. Make room, and run the command again."
            if full
            else "Set MALGWI_MODELS to a folder that can be written to."
        )
        said = error.strerror or error
        raise OutputError(f"{name} cannot be written to {models}: {said}. {remedy}") from error


def _make_safe(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""Files by what is in them: `ab/cd/<sha256>`, under the folder of media, and a row for each.

A file has its final name only when all of it is on disk: it is written under another name first.
Placing and removing happen while its row is locked, so that what one process removes, no other
believes to have kept. No part of a path comes from outside: a sum is a sum, or there is no path.
"""

import errno
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import file_digest, sha256
from io import FileIO
from pathlib import Path
from shutil import disk_usage

import sqlalchemy as sa
from sqlalchemy import Connection

from malgwi.errors import NotFound, StoreError, StoreFull
from malgwi.store.base import Media
from malgwi.store.schema import media, recording_media
from malgwi.store.upsert import insert_if_new, insert_or_update

GRACE = timedelta(hours=1)
"""For so long what nobody refers to may wait for somebody who will."""

RESERVE = 1024**3
"""Bytes of the disk that are left free: the database is on it too."""

_INCOMING = "incoming"
SUM = re.compile("[0-9a-f]{64}")
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
PORTION = 1000


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file that is on disk, and not yet in its place."""

    path: Path
    sha256: str
    size: int


class MediaFolder:
    """The files. It knows no database."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make(self) -> None:
        """Where it is not there yet."""
        with _on_disk():
            self._folder.mkdir(exist_ok=True)

    def path(self, digest: str) -> Path:
        """Where the file of that sum is, or would be. Raises NotFound for what is no sum."""
        if not SUM.fullmatch(digest):
            raise NotFound("There is no such media: it is named by its SHA-256, 64 hex digits.")
        return self._folder / digest[:2] / digest[2:4] / digest

    def check_room(self, size: int) -> None:
        """Raises StoreFull where so many bytes would take what is to stay free."""
        with _on_disk():
            free = disk_usage(self._workplace()).free
        if size > free - RESERVE:
            raise StoreFull(f"There is no room for media of {size:,} bytes.")

    def receive(self, content: Iterable[bytes]) -> Incoming:
        """Writes it all down. Nothing is left of it where `content` raises."""
        digest, size = sha256(), 0
        with _on_disk():
            path = self._new_path()
            file = path.open("xb", buffering=0)
        try:
            with file:
                for block in content:
                    digest.update(block)
                    size += len(block)
                    _write(file, block)
                _flush(file)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return Incoming(path, digest.hexdigest(), size)

    def adopt(self, path: Path) -> Incoming:
        """A file that is whole, on the same disk. It is read for its sum, and stays as yet."""
        with _on_disk(), path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
            return Incoming(path, digest, file.tell())

    def place(self, incoming: Incoming) -> None:
        """Gives it its name; done twice it is done once."""
        final = self.path(incoming.sha256)
        with _on_disk():
            for folder in (final.parent.parent, final.parent):
                folder.mkdir(exist_ok=True)
            if incoming.path.exists() or not final.exists():
                os.utime(incoming.path)  # for `orphans`: it has not lain here unwanted
                incoming.path.replace(final)
            for folder in (final.parent, final.parent.parent, self._folder):
                flush_folder(folder)

    def remove(self, digest: str) -> None:
        with _on_disk():
            self.path(digest).unlink(missing_ok=True)

    def fault(self, digest: str, size: int) -> str | None:
        """What is wrong with a file that should be here. Reads all of it."""
        path = self.path(digest)
        try:
            with path.open("rb") as file:
                found = file_digest(file, "sha256").hexdigest()
                there = file.tell()
        except FileNotFoundError:
            return "It is missing."
        except OSError as error:
            return f"It cannot be read: {error.strerror}."
        if there != size:
            return f"It has {there} bytes instead of {size}."
        return None if found == digest else "Its content is not what it was."

    def old(self) -> Iterator[str]:
        """The sums of the files that were put here before the time of grace."""
        for path in self._folder.glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*"):
            if SUM.fullmatch(path.name) and _is_old(path):
                yield path.name

    def clear(self) -> int:
        """Removes what nobody has written on for the time of grace: whoever did was killed."""
        with _on_disk():
            left = [path for path in self._workplace().iterdir() if _is_old(path)]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def _new_path(self) -> Path:
        return self._workplace() / secrets.token_hex(16)

    def _workplace(self) -> Path:
        folder = self._folder / _INCOMING
        folder.mkdir(exist_ok=True)  # without those above: the disk may not be there any more
        return folder


def register(
    connection: Connection, folder: MediaFolder, incoming: Incoming, content_type: str | None
) -> Media:
    """Puts it in its place; whoever would remove the same waits until the transaction ends."""
    kept = Media(incoming.sha256, incoming.size, content_type, datetime.now(UTC))
    insert_or_update(connection, media, asdict(kept), {"stored"})
    folder.place(incoming)
    return find(connection, incoming.sha256)


def find(connection: Connection, digest: str) -> Media:
    row = connection.execute(sa.select(media).where(media.c.sha256 == digest)).first()
    if row is None:
        raise NotFound(f"There is no media {digest}.")
    return Media(*row)


def release(connection: Connection, folder: MediaFolder, digest: str, before: datetime) -> bool:
    """Removes it if no recording has it and nobody has brought it since. False where it stays."""
    this = media.c.sha256 == digest
    stored = sa.select(media.c.stored).where(this).with_for_update()
    at = connection.execute(stored).scalar_one_or_none()
    used = sa.select(recording_media.c.sha256).where(recording_media.c.sha256 == digest)
    if at is None or at > before or connection.execute(used.limit(1)).first():
        return False
    connection.execute(media.delete().where(this))
    folder.remove(digest)
    return True


def release_orphan(connection: Connection, folder: MediaFolder, digest: str) -> bool:
    """Removes a file that has no row: a kill came between the two. False where it has one."""
    claim = Media(digest, 0, None, datetime.now(UTC))
    if not insert_if_new(connection, media, asdict(claim)):
        return False
    folder.remove(digest)
    connection.execute(media.delete().where(media.c.sha256 == digest))
    return True


def total(connection: Connection) -> int:
    """Bytes of all that is kept."""
    return int(connection.execute(sa.select(sa.func.sum(media.c.size))).scalar() or 0)


def newest(connection: Connection) -> str | None:
    """The sum of what came last."""
    last = sa.select(media.c.sha256).order_by(media.c.stored.desc())
    return connection.execute(last.limit(1)).scalar_one_or_none()


def unused(connection: Connection, before: datetime) -> list[str]:
    """The sums of what no recording has and nobody has brought since."""
    used = sa.select(recording_media.c.sha256)
    query = sa.select(media.c.sha256).where(media.c.stored <= before)
    return list(connection.execute(query.where(media.c.sha256.not_in(used))).scalars())


def without_row(connection: Connection, digests: list[str]) -> list[str]:
    """Those that are none of ours."""
    query = sa.select(media.c.sha256).where(media.c.sha256.in_(digests))
    known = set(connection.execute(query).scalars())
    return [digest for digest in digests if digest not in known]


def portion(connection: Connection, after: str) -> list[Media]:
    """The next ones by their sums."""
    query = sa.select(media).where(media.c.sha256 > after).order_by(media.c.sha256)
    return [Media(*row) for row in connection.execute(query.limit(PORTION))]


def _write(file: FileIO, block: bytes) -> None:
    left = memoryview(block)
    with _on_disk():
        while left:
            left = left[file.write(left) :]


def _flush(file: FileIO) -> None:
    with _on_disk():
        os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """So that the names in it survive a power cut. Windows has no such thing."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_old(path: Path) -> bool:
    try:
        return path.stat().st_mtime < time.time() - GRACE.total_seconds()
    except FileNotFoundError:
        return False


@contextmanager
def _on_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise StoreFull("There is no room left for media. Nothing of it was kept.") from error
        raise StoreError(f"Media cannot be kept: {error.strerror}.") from error

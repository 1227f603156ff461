"""Uploads that come piece by piece: how far each is, and what has come of it.

What the table says was received is on disk: bytes are brought there before they are counted, and
what was written and not counted when a kill came is cut off. One process at a time writes on an
upload; who has it holds a lock that goes when the process does.
"""

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from malgwi.errors import NotFound, Overloaded, StoreError, StoreFull
from malgwi.store.engine import Database
from malgwi.store.ids import looks_like_id, new_id
from malgwi.store.media import RESERVE
from malgwi.store.schema import upload

KEPT = timedelta(days=1)
"""For so long an upload waits for its next piece, and what is known of a finished one is told."""
MOST = 1000
"""Uploads that are under way at once."""

_OPEN, _DONE = "open", "done"
_RETRY_AFTER = 60  # seconds
_STRAY = 3600.0  # seconds after which a file without a row is nobody's
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class PendingUpload:
    """An upload under way, or what has come of it."""

    id: str
    size: int
    received: int
    """Bytes from the start that are on disk."""
    name: str
    content_type: str | None
    metadata: Mapping[str, Any]
    """What its recording shall be, as it was said when it began."""
    created: datetime
    expires: datetime
    owner: str | None
    sha256: str | None
    """Of the media that it has become, and with them a recording."""
    recording_id: str | None

    @property
    def whole(self) -> bool:
        return self.received == self.size

    @property
    def done(self) -> bool:
        return self.recording_id is not None


class Uploads:
    """`folder` is on the disk of the media, so that what is whole can be moved to them.

    Any thread of any process may call it. Raises StoreGone and its kin, StoreFull, and NotFound
    for an upload that is not here any more.
    """

    def __init__(
        self, database: Database, folder: Path, *, reserve: int = RESERVE, most: int = MOST
    ) -> None:
        self._database, self._folder = database, folder
        self._reserve, self._most = reserve, most
        with _on_disk():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def begin(
        self,
        size: int,
        name: str,
        content_type: str | None,
        metadata: Mapping[str, Any],
        owner: str | None,
    ) -> PendingUpload:
        """Raises StoreFull where there is no room for all of it, Overloaded where too many are
        under way."""
        now = datetime.now(UTC)
        values = {
            "id": new_id(),
            "size": size,
            "received": 0,
            "name": name,
            "content_type": content_type,
            "metadata": dict(metadata),
            "created": now,
            "expires": now + KEPT,
            "state": _OPEN,
            "owner": owner,
        }

        def work(connection: Connection) -> PendingUpload:
            self._check_room(connection, size)
            connection.execute(upload.insert().values(values))
            return _find(connection, str(values["id"]))

        return self._database.write(work)

    def find(self, upload_id: str) -> PendingUpload:
        found = self._database.read(lambda connection: _find(connection, upload_id))
        if found.done:
            return found
        return _at(found, min(found.received, self._on_disk(found.id)))

    @contextmanager
    def writing(self, upload_id: str) -> Iterator["Writing | None"]:
        """None where somebody else is writing on it."""
        path = self._path(self.find(upload_id).id)
        with _on_disk():
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            file = os.open(path, flags, 0o600)
        try:
            if _locked(file):
                yield Writing(self._database, self.find(upload_id), file)
            else:
                yield None
        finally:
            os.close(file)

    @contextmanager
    def whole_file(self, upload_id: str) -> Iterator[Path]:
        """A second name of the file, which may be moved away: the upload keeps its own until it
        is finished, so that a kill in between costs nothing."""
        path = self._path(upload_id)
        second = path.with_suffix(f".{secrets.token_hex(8)}")  # two may do so at once
        with _on_disk():
            second.hardlink_to(path)
        try:
            yield second
        finally:
            second.unlink(missing_ok=True)

    def finish(self, upload_id: str, sha256: str, recording_id: str) -> PendingUpload:
        """It has become a recording. Done twice it is done once."""
        values = {
            "state": _DONE,
            "sha256": sha256,
            "recording_id": recording_id,
            "expires": datetime.now(UTC) + KEPT,
        }

        def work(connection: Connection) -> PendingUpload:
            connection.execute(upload.update().where(upload.c.id == upload_id).values(values))
            return _find(connection, upload_id)

        finished = self._database.write(work)
        self._unlink(upload_id)
        return finished

    def remove(self, upload_id: str) -> None:
        """Nobody wants it any more. Of one that is finished only its memory goes."""

        def work(connection: Connection) -> None:
            _find(connection, upload_id)
            connection.execute(upload.delete().where(upload.c.id == upload_id))

        self._database.write(work)
        self._unlink(upload_id)

    def unfinished(self) -> tuple[PendingUpload, ...]:
        """Those that are whole and no recording yet: a kill came in between."""
        query = sa.select(upload).where(upload.c.state == _OPEN, upload.c.received == upload.c.size)
        rows = self._database.read(lambda connection: connection.execute(query).all())
        return tuple(map(_pending, rows))

    def sweep(self) -> int:
        """Removes those whose time is over, and files that are nobody's. How many."""
        over = upload.c.expires <= datetime.now(UTC)
        query = upload.delete().where(over).returning(upload.c.id)
        gone = self._database.write(lambda connection: connection.scalars(query).all())
        for each in gone:
            self._unlink(each)
        return len(gone) + sum(map(self._sweep_stray, list(self._folder.iterdir())))

    def _sweep_stray(self, path: Path) -> bool:
        try:
            old = path.stat().st_mtime < datetime.now(UTC).timestamp() - _STRAY
        except FileNotFoundError:
            return False
        query = sa.select(upload.c.id).where(upload.c.id == path.stem)
        if not old or self._database.read(lambda it: it.scalar(query)) is not None:
            return False
        path.unlink(missing_ok=True)
        return True

    def _check_room(self, connection: Connection, size: int) -> None:
        to_come = sa.func.coalesce(sa.func.sum(upload.c.size - upload.c.received), 0)
        query = sa.select(sa.func.count(), to_come).where(upload.c.state == _OPEN)
        under_way, promised = connection.execute(query).one()
        if under_way >= self._most:
            raise Overloaded(
                f"{under_way} uploads are under way, the most at a time. Finish or delete some.",
                _RETRY_AFTER,
            )
        if shutil.disk_usage(self._folder).free - self._reserve - int(promised) < size:
            raise StoreFull(f"There is no room for an upload of {size:,} bytes.")

    def _on_disk(self, upload_id: str) -> int:
        try:
            return self._path(upload_id).stat().st_size
        except FileNotFoundError:
            return 0

    def _unlink(self, upload_id: str) -> None:
        """Its file, and second names of it that a kill left."""
        path = self._path(upload_id)
        for each in (path, *self._folder.glob(f"{path.name}.*")):
            each.unlink(missing_ok=True)

    def _path(self, upload_id: str) -> Path:
        if not looks_like_id(upload_id):
            raise _not_found(upload_id)
        return self._folder / upload_id


class Writing:
    """An upload that this process is writing on."""

    def __init__(self, database: Database, pending: PendingUpload, file: int) -> None:
        self.pending = pending
        self.offset = pending.received
        self._database, self._file = database, file

    def write(self, data: bytes | bytearray) -> None:
        """Behind what was received. It does not count before `keep`."""
        left = memoryview(data)
        with _on_disk():
            if self.offset == self.pending.received:
                os.ftruncate(self._file, self.offset)  # what a kill left uncounted
            while left:
                count = os.pwrite(self._file, left, self.offset)
                left, self.offset = left[count:], self.offset + count

    def keep(self) -> PendingUpload:
        """What was written is on disk, and counts. Raises NotFound where the upload was removed
        meanwhile."""
        with _on_disk():
            os.fsync(self._file)
        values = {"received": self.offset, "expires": datetime.now(UTC) + KEPT}
        this = upload.c.id == self.pending.id

        def work(connection: Connection) -> PendingUpload:
            connection.execute(upload.update().where(this).values(values))
            return _find(connection, self.pending.id)

        self.pending = self._database.write(work)
        return self.pending

    def take_back(self) -> None:
        """What was written since the last `keep` was not what it should be."""
        self.offset = self.pending.received
        with _on_disk():
            os.ftruncate(self._file, self.offset)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _find(connection: Connection, upload_id: str) -> PendingUpload:
    here = (upload.c.id == upload_id, upload.c.expires > datetime.now(UTC))
    row = connection.execute(sa.select(upload).where(*here)).first()
    if row is None:
        raise _not_found(upload_id)
    return _pending(row)


def _pending(row: Row[Any]) -> PendingUpload:
    return PendingUpload(
        id=row.id,
        size=row.size,
        received=row.received,
        name=row.name,
        content_type=row.content_type,
        metadata=row._mapping["metadata"],
        created=row.created,
        expires=row.expires,
        owner=row.owner,
        sha256=row.sha256,
        recording_id=row.recording_id,
    )


def _at(pending: PendingUpload, received: int) -> PendingUpload:
    """Fewer than the table says where the file was lost, as from a backup without it."""
    return pending if received == pending.received else replace(pending, received=received)


def _not_found(upload_id: str) -> NotFound:
    return NotFound(f"There is no upload {upload_id}.")


@contextmanager
def _on_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StoreFull("There is no room left for uploads. What came is kept.") from error
        raise StoreError(f"Uploads cannot be kept: {error.strerror}.") from error

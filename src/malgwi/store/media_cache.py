"""Media of another node, kept here for as long as there is room: what was unused longest goes.

All workers of a machine share the folder. Whoever reads a file holds a lock on it, and so does who
fetches one: nothing that is read is removed, and nothing is fetched twice. What a killed one has
left half fetched the next goes on with. Locks end with the process, however it ends.

    fetched/<sha256>                    whole, its sum right
    fetched/incoming/<sha256>.<size>    on its way; its whole size counts already
    fetched/lock                        held while room is made and while a name changes
"""

import errno
import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from shutil import disk_usage
from threading import Event

from malgwi.errors import Cancelled, NotFound, Overloaded, StoreError, StoreFull
from malgwi.store.base import Media
from malgwi.store.media import NO_ROOM, RESERVE, SUM, flush_folder
from malgwi.store.media_source import MediaSource

FOLDER = "fetched"
Fetch = Callable[[Media, FileIO, Event], None]
"""Fills the file with the media; see `MediaSource.fetch`."""

_LOCK = "lock"
_INCOMING = "incoming"
_AGAIN = 0.1  # seconds until one who waits for another's fetch looks again
_LATER = 20  # seconds until a job for which there was no room is tried again

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where media are that are not in the data folder of this machine."""

    source: MediaSource
    bound: int
    """Bytes of them that may be kept here."""


@dataclass(frozen=True, slots=True)
class _Entry:
    path: Path
    size: int
    used: float


class MediaCache:
    """The folder. It holds `bound` bytes at most."""

    def __init__(self, folder: Path, bound: int, reserve: int = RESERVE) -> None:
        """`reserve`: bytes of the disk that are left free."""
        self._folder, self._bound, self._reserve = folder, bound, reserve

    def make(self) -> None:
        """Where it is not there yet."""
        with _on_disk(self._folder):
            (self._folder / _INCOMING).mkdir(parents=True, exist_ok=True)
            (self._folder / _LOCK).touch()

    @contextmanager
    def reading(self, wanted: Sequence[Media], fetch: Fetch, stop: Event) -> Iterator[list[Path]]:
        """Where they are, in the same order, for as long as the block lasts.

        Raises what `fetch` raises, StoreFull where they can never all be here, Overloaded where
        those that others read leave no room, and Cancelled once `stop` is set.
        """
        needed = {each.sha256: each for each in wanted}
        total = sum(each.size for each in needed.values())
        if total > self._bound:
            raise StoreFull(
                f"The recording has {total:,} bytes, more than the {self._bound:,} that may be "
                "kept here of media of other nodes. Raise MALGWI_STORE__MEDIA_CACHE_BYTES."
            )
        with ExitStack() as held:
            # All take them in the same order, or two jobs could wait for each other.
            for _, each in sorted(needed.items()):
                held.enter_context(self._held(each, fetch, stop))
            yield [self._path(each.sha256) for each in wanted]

    def sums(self) -> list[str]:
        """Of what is here, whole or in part."""
        return sorted({each.path.name.partition(".")[0] for each in self._entries()})

    def remove(self, digests: Sequence[str]) -> int:
        """All of these that nobody reads just now. How many files that were."""
        unwanted = set(digests)
        with self._alone():
            found = [e for e in self._entries() if e.path.name.partition(".")[0] in unwanted]
            return sum(_removed(each.path) for each in found)

    def _held(self, media: Media, fetch: Fetch, stop: Event) -> FileIO:
        """The file, open, and locked against being removed until it is closed."""
        while True:
            if file := self._found(media):
                return file
            if file := self._claimed(media):
                break
            if stop.wait(_AGAIN):
                raise Cancelled("The job is to stop.")
        try:
            began = time.monotonic()
            self._fill(file, media, fetch, stop)
        except BaseException:
            file.close()
            raise
        seconds = round(time.monotonic() - began, 3)
        logger.info("media fetched", extra={"bytes": media.size, "seconds": seconds})
        return file

    def _found(self, media: Media) -> FileIO | None:
        path = self._path(media.sha256)
        try:
            file = path.open("rb", buffering=0)
        except FileNotFoundError:
            return None
        fcntl.flock(file, fcntl.LOCK_SH)
        about = os.fstat(file.fileno())
        if about.st_nlink == 0:  # removed before we had the lock
            file.close()
            return None
        if about.st_size != media.size:
            file.close()
            self.remove([media.sha256])
            return None
        with suppress(OSError):
            os.utime(path)
        return file

    def _claimed(self, media: Media) -> FileIO | None:
        """What is there of it, ours to go on with; None where somebody else fetches it."""
        with self._alone(), _on_disk(self._folder):
            if self._path(media.sha256).exists():
                return None
            path = self._incoming(media)
            file = path.open("a+b", buffering=0)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                return None
            if os.fstat(file.fileno()).st_nlink == 0:  # given up by its owner a moment ago
                file.close()
                return None
            try:
                self._make_room(media, path)
            except BaseException:
                path.unlink(missing_ok=True)
                file.close()
                raise
            return file

    def _fill(self, file: FileIO, media: Media, fetch: Fetch, stop: Event) -> None:
        path, final = self._incoming(media), self._path(media.sha256)
        with _on_disk(self._folder):
            try:
                fetch(media, file, stop)
            except (StoreError, NotFound, OSError):  # it cannot be gone on with
                path.unlink(missing_ok=True)
                raise
            with self._alone():  # so that nobody removes it between the two locks
                path.replace(final)
                os.utime(final)
                fcntl.flock(file, fcntl.LOCK_SH)
            flush_folder(self._folder)

    def _make_room(self, media: Media, path: Path) -> None:
        """For a file that is to have its full size."""
        others = sorted((e for e in self._entries() if e.path != path), key=lambda e: e.used)
        taken = sum(each.size for each in others)
        missing = media.size - path.stat().st_size
        for each in [*others, None]:
            lacks_disk = disk_usage(self._folder).free - self._reserve < missing
            if taken + media.size <= self._bound and not lacks_disk:
                return
            if each is not None and _removed(each.path):
                taken -= each.size
        if lacks_disk:
            raise StoreFull(
                f"There is no room for media of {media.size:,} bytes on the disk of "
                f"{self._folder}. Make room, or lower MALGWI_STORE__MEDIA_CACHE_BYTES."
            )
        raise Overloaded(
            "What other jobs read takes all room that there is for media of other nodes.", _LATER
        )

    def _entries(self) -> Iterator[_Entry]:
        for path in (*self._folder.iterdir(), *(self._folder / _INCOMING).iterdir()):
            digest, _, size = path.name.partition(".")
            if not SUM.fullmatch(digest):
                continue
            with suppress(FileNotFoundError):
                about = path.stat()
                yield _Entry(path, int(size) if size else about.st_size, about.st_mtime)

    def _path(self, digest: str) -> Path:
        assert SUM.fullmatch(digest)
        return self._folder / digest

    def _incoming(self, media: Media) -> Path:
        return self._folder / _INCOMING / f"{media.sha256}.{media.size}"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with _on_disk(self._folder):
            file = (self._folder / _LOCK).open("rb")
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _removed(path: Path) -> bool:
    """False where somebody holds it."""
    try:
        file = path.open("rb", buffering=0)
    except FileNotFoundError:
        return True
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        path.unlink(missing_ok=True)
        return True


@contextmanager
def _on_disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise StoreFull(
                f"There is no room left on the disk of {folder} for media of other nodes. Make "
                "room, or lower MALGWI_STORE__MEDIA_CACHE_BYTES."
            ) from error
        name = errno.errorcode.get(error.errno or 0, type(error).__name__)
        said = error.strerror or name
        raise StoreError(f"Media of other nodes cannot be kept in {folder}: {said}.") from error

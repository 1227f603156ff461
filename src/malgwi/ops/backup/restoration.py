"""Restoring a backup, into an empty place only, and all of it or nothing."""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url

from malgwi.errors import BadInput, OutputExists, StoreError
from malgwi.ops.backup import shelves
from malgwi.ops.backup.manifest import SETTINGS, Manifest, media_name
from malgwi.ops.backup.shelves import Shelf
from malgwi.ops.backup.verification import faults, known, lines_of
from malgwi.ops.digest import sha256_of
from malgwi.ops.disk import Progress, copied, nobody, translated, write
from malgwi.store import Place, media_in

_UNDER_WAY = ".restoring"  # a folder that only one can make
_NOT_EMPTY = ("lost+found",)  # what may lie in an empty folder: the root of a disk has it


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored."""

    manifest: Manifest
    instance: str
    """Its id from now on: the one of before may go on elsewhere, and the two must not be mixed."""
    settings: Path


def restore(backup: Path, *, url: str, data: Path, progress: Progress | None = None) -> Restored:
    """Into a database and a folder in which there is nothing.

    Raises BadInput for a backup that is damaged or of a newer program, OutputExists where there is
    something, StoreError and OutputError. There is nothing then, as before.
    """
    progress, place = progress or nobody, Place(url, data)
    with shelves.opened(backup) as shelf:
        manifest, sums = known(shelf)
        if not manifest.with_media:
            raise BadInput(
                f"{backup} is of the database only, as an upgrade makes it. malgwi upgrade "
                "--back-to puts it back beside its media; elsewhere restore a backup with media."
            )
        _check_empty(place)
        _check_sound(backup, shelf, manifest, sums)
        with translated(data), _emptied_if_broken(place):
            _restore_media(shelf, place, progress)
            with shelf.open(SETTINGS) as file:
                settings = data / f"restored-{SETTINGS}"
                write(settings, file.read())
            instance = place.load(manifest.dump, lambda table: lines_of(shelf, table))
    return Restored(manifest, instance, settings)


def bring_back(backup: Path, *, url: str, data: Path) -> Manifest:
    """The database as it was, in the place of what it is now, at the step of then; the media stay
    as they are. What was kept since is lost.

    Raises BadInput for a backup that is damaged or of a newer program, and StoreError, also for
    one of another installation. The database is as it is now then.
    """
    with shelves.opened(backup) as shelf:
        manifest, sums = known(shelf)
        _check_sound(backup, shelf, manifest, sums)
        Place(url, data).bring_back(manifest.dump, lambda table: lines_of(shelf, table))
    return manifest


def newer(backup: Path, *, url: str, data: Path, tables: Iterable[str]) -> Mapping[str, int]:
    """How many rows the database has of each of these tables that are not in the backup, which
    has to be sound. Raises BadInput, StoreError."""
    with shelves.opened(backup) as shelf:
        had = known(shelf)[0].tables
        return Place(url, data).newer(
            tables, lambda table: lines_of(shelf, table) if table in had else ()
        )


def _check_sound(backup: Path, shelf: Shelf, manifest: Manifest, sums: Mapping[str, str]) -> None:
    if found := list(faults(shelf, manifest, sums, nobody)):
        more = f" There are {len(found) - 1} more." if len(found) > 1 else ""
        raise BadInput(f"{backup} is damaged, and not restored. {found[0]}{more}")


def _check_empty(place: Place, besides: tuple[str, ...] = ()) -> None:
    data = place.data
    if data.exists() and not data.is_dir():
        raise OutputExists(f"{data} is not a folder. Name one that is empty, or not there yet.")
    there = [each.name for each in data.iterdir()] if data.exists() else []
    if left := sorted({*there} - {*_NOT_EMPTY, *besides}):
        raise OutputExists(
            f"{data} is not empty: there is {left[0]}. A backup is restored into an empty folder "
            "only. If a restore was broken off there, empty it first."
        )
    file = _sqlite_file(place.url)
    if file is None:
        place.check_empty()
    elif file.exists():
        raise OutputExists(f"The database {file} is there already. Name another file.")


def _restore_media(shelf: Shelf, place: Place, progress: Progress) -> None:
    wanted = [*media_in(lines_of(shelf, "media"))]
    there = shelf.names()
    for number, (digest, _) in enumerate(wanted, 1):
        if (name := media_name(digest)) in there:  # others were missing when it was made
            target = place.media_file(digest)
            target.parent.mkdir(parents=True, exist_ok=True)
            with shelf.open(name) as file:
                copied(file, target)
            if sha256_of(target) != digest:
                raise StoreError(f"{target} does not hold what was written. Is the disk sound?")
        progress(number, len(wanted))


@contextmanager
def _emptied_if_broken(place: Place) -> Iterator[None]:
    """As it was, where it cannot be finished. Nobody else restores into it meanwhile."""
    was_there = place.data.exists()
    place.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark = place.data / _UNDER_WAY
    try:
        mark.mkdir()
    except FileExistsError:
        raise OutputExists(f"Somebody else is restoring a backup into {place.data}.") from None
    try:
        _check_empty(place, besides=(_UNDER_WAY,))  # whoever was faster may be done by now
    except BaseException:
        mark.rmdir()
        raise
    try:
        yield
    except BaseException:
        _empty(place)
        if not was_there:
            place.data.rmdir()
        raise
    mark.rmdir()


def _empty(place: Place) -> None:
    file = _sqlite_file(place.url)
    for each in (file, *_beside(file)) if file else ():
        each.unlink(missing_ok=True)
    for path in [each for each in place.data.iterdir() if each.name not in _NOT_EMPTY]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _beside(file: Path) -> list[Path]:
    return [file.with_name(file.name + ending) for ending in ("-wal", "-shm", "-journal")]


def _sqlite_file(url: str) -> Path | None:
    address = make_url(url)
    return Path(address.database or "") if address.get_backend_name() == "sqlite" else None

"""Making a backup: all of one moment, and at its place only when it is whole."""

import errno
import hashlib
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from malgwi.errors import OutputExists, StoreError
from malgwi.ops.backup import shelves
from malgwi.ops.backup.manifest import (
    DATABASE,
    MANIFEST,
    SETTINGS,
    Manifest,
    manifest_of,
    media_name,
    table_name,
)
from malgwi.ops.backup.settings import Settings
from malgwi.ops.digest import SUMS, sha256_of, sums_text
from malgwi.ops.disk import (
    Progress,
    copied,
    flush,
    nobody,
    removed_if_broken,
    translated,
    write,
)
from malgwi.store import Dump, Place, media_in, table_lines

logger = logging.getLogger(__name__)

_AGAIN = 5  # dumps, where recordings are purged all the time
_MODE = 0o700
_PARTIAL = re.compile(r"\..+\.partial-[0-9a-f]{8}")
_LEFT = 7 * 24 * 3600.0  # seconds after which nobody is at it any more


def create(  # noqa: PLR0913 - each stands for itself
    target: Path,
    *,
    url: str,
    data: Path,
    settings: Settings,
    progress: Progress | None = None,
    with_media: bool = True,
) -> Manifest:
    """Makes a backup at `target`, a tar file where it ends so and else a folder.

    Without media it is of the database only, to be brought back beside them. Files that are
    missing or damaged in the store do not keep it from being made; the manifest names them. Raises
    OutputExists, OutputError, and StoreError with its kin. Nothing is at `target` then. The
    database knows the time of its last backup with media from then on.
    """
    if os.path.lexists(target):
        raise OutputExists(f"{target} is there already. Name another; no backup is replaced.")
    if not data.is_dir():
        raise StoreError(f"There is no folder {data} with the data. Is the disk mounted?")
    # What is packed is put together beside the media: there it takes no room of its own.
    beside = data if target.suffix == shelves.TAR else target.parent
    _sweep(beside)
    _sweep(target.parent)
    with translated(target), _under_way(beside, target.name) as stage:
        manifest = _filled(stage, Place(url, data), settings, progress or nobody, with_media)
        if target.suffix != shelves.TAR:
            stage.rename(target)
        else:
            with removed_if_broken(_hidden(target.parent, target.name)) as packed:
                shelves.pack(stage, packed)
                flush(packed)
                packed.rename(target)
        flush(target.parent)
    if with_media:
        _note(Place(url, data), manifest.created)
    return manifest


def _note(place: Place, at: datetime) -> None:
    """A disk that is full, or a database that has gone meanwhile, makes the backup no worse."""
    try:
        place.note_backup(at)
    except StoreError as error:
        logger.warning("the time of the backup is not noted", exc_info=error)


def _filled(
    stage: Path, place: Place, settings: Settings, progress: Progress, with_media: bool
) -> Manifest:
    created = datetime.now(UTC)
    (stage / DATABASE).mkdir()
    media: dict[str, int] = {}
    faults: dict[str, str] = {}
    if with_media:
        dump, media, faults = _of_one_moment(stage, place, progress)
    else:
        dump = place.dump(stage / DATABASE)
    write(stage / SETTINGS, _settings_text(settings).encode())
    kind = make_url(place.url).get_backend_name()
    sizes = media.values() if with_media else None
    manifest = manifest_of(dump, kind, created, sizes, faults, settings.left_out)
    write(stage / MANIFEST, manifest.model_dump_json(indent=2).encode())
    sums = {media_name(digest): digest for digest in media}
    for name in (
        *map(table_name, dump.tables),
        SETTINGS,
        MANIFEST,
    ):
        sums[name] = sha256_of(stage / name)
        flush(stage / name)
    write(stage / SUMS, sums_text(sums).encode())
    return manifest


def _of_one_moment(
    stage: Path, place: Place, progress: Progress
) -> tuple[Dump, dict[str, int], dict[str, str]]:
    """The database, and the media that it knows of: their sizes by their sums, and what is wrong
    with those that are not there, or are not what they were.

    What somebody purges in between is gone when its turn comes: then the database is read again,
    which does not know it any more.
    """
    media: dict[str, int] = {}
    before: set[str] = set()
    for _ in range(_AGAIN):
        dump = place.dump(stage / DATABASE)
        wanted = dict(media_in(_rows(stage, "media")))
        for digest in [*media]:
            if digest not in wanted:
                (stage / media_name(digest)).unlink()
                del media[digest]
        faults = dict(_add_media(stage, place, wanted, media, progress))
        gone = {digest for digest in faults if not place.media_file(digest).exists()}
        if gone <= before:
            return dump, media, faults
        before = gone
    raise StoreError(
        "Recordings are purged all the time, so that no backup of one moment can be made. Try "
        "again when that has ended."
    )


def _add_media(
    stage: Path, place: Place, wanted: Mapping[str, int], media: dict[str, int], progress: Progress
) -> Iterator[tuple[str, str]]:
    """Adds those that are not in `media` yet; gives the sum and the fault of what cannot be."""
    for number, (digest, size) in enumerate(wanted.items(), 1):
        if digest not in media:
            target = stage / media_name(digest)
            if fault := _add(place.media_file(digest), target, digest):
                target.unlink(missing_ok=True)
                yield digest, fault
            else:
                media[digest] = size
        progress(number, len(wanted))


def _add(source: Path, target: Path, digest: str) -> str | None:
    """A second name for the file, which nobody writes on, or a copy on another disk. What is wrong
    with it, as a sentence."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = source.open("rb")
    except FileNotFoundError:
        return "it is missing."
    except OSError as error:
        return f"it cannot be read: {error.strerror}."
    with file:
        try:
            os.link(source, target)
            found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            if error.errno in (errno.EIO, errno.ESTALE):
                return f"it cannot be read: {error.strerror}."
            found = copied(file, target)
    return None if found == digest else "its content is not what it was."


def _settings_text(settings: Settings) -> str:
    lines = [f"{name}={value}" for name, value in sorted(settings.given.items())]
    secret = [f"# {name} holds a secret and was left out" for name in sorted(settings.left_out)]
    return "".join(f"{line}\n" for line in (*lines, *secret))


def _rows(stage: Path, table: str) -> Iterator[bytes]:
    with (stage / table_name(table)).open("rb") as file:
        yield from table_lines(file)


@contextmanager
def _under_way(parent: Path, name: str) -> Iterator[Path]:
    """A folder that nobody takes for a backup, and that goes unless it gets another name."""
    stage = _hidden(parent, name)
    with removed_if_broken(stage):
        stage.mkdir(mode=_MODE)
        yield stage
        if stage.exists():
            shutil.rmtree(stage)


def _sweep(folder: Path) -> None:
    """Removes what kills have left: its names for media keep on the disk what was purged since."""
    long_ago = time.time() - _LEFT
    for path in folder.glob(".*.partial-*"):
        if _PARTIAL.fullmatch(path.name) and path.lstat().st_mtime < long_ago:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()


def _hidden(parent: Path, name: str) -> Path:
    return parent / f".{name}.partial-{secrets.token_hex(4)}"

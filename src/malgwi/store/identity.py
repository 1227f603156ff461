"""That a database and a folder belong together.

Both know the same id. Where a disk was not mounted or an address has a slip, an empty folder or a
fresh database would look like a new installation, and everything that was kept like lost: then we
refuse, and say what to do.
"""

import os
import secrets
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection

from malgwi.errors import StoreError
from malgwi.store.engine import Database
from malgwi.store.ids import looks_like_id, new_id
from malgwi.store.schema import media, meta
from malgwi.store.upsert import insert_if_new

FILE = "instance-id"
KEY = "instance"
"""Under which the database knows its id."""


def make(folder: Path) -> None:
    """Where it is not there yet, and then nobody else looks into it: there is what was said."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder} cannot be made: {error.strerror}.") from error


def establish(
    database: Database, folder: Path, media_folder: Path, *, elsewhere: bool = False
) -> str:
    """The id of the two, given to them if both are new. Raises StoreError where they are not of
    each other. Where the media are `elsewhere` the folder is a cache, and gets no id: it may be new
    at any time, and is never taken for the one with the media."""
    theirs = of_folder(folder)
    ours = database.read(_of_database)
    if ours is None:
        _check_database_may_be_new(database, folder, theirs, media_folder)
        ours = database.write(_give)
        theirs = of_folder(folder)
    if theirs is None and elsewhere:
        return ours
    if theirs is None:
        _check_folder_may_be_new(database, folder)
        write(folder, ours)
        theirs = of_folder(folder)
    if theirs != ours:
        raise StoreError(
            f"The folder {folder} is not that of the database {database.shown}: they are of the "
            f"installations {theirs} and {ours}. Name the folder or the database that belongs to "
            "the other."
        )
    return ours


def of_both(
    connection: Connection, folder: Path, *, has_tables: bool
) -> tuple[str | None, str | None]:
    """The ids that database and folder have now; nothing is given to them."""
    return _of_database(connection) if has_tables else None, of_folder(folder)


def write(folder: Path, instance: str) -> None:
    """The id of the folder: all of it or nothing, whoever else does the same."""
    try:
        fresh = folder / f".{FILE}-{secrets.token_hex(8)}"
        with fresh.open("x", encoding="ascii") as file:
            file.write(instance + "\n")
            file.flush()
            os.fsync(file.fileno())  # or a power cut leaves a file without an id
        fresh.replace(folder / FILE)
    except OSError as error:
        raise StoreError(f"{folder} cannot be written to: {error.strerror}.") from error


def _check_database_may_be_new(
    database: Database, folder: Path, theirs: str | None, media_folder: Path
) -> None:
    if theirs is None and not _has_media(media_folder):
        return
    raise StoreError(
        f"The database {database.shown} is empty, but there are data in {folder}. Check the "
        "address of the database. If the database is lost, restore a backup; to begin anew, name "
        "an empty folder."
    )


def _check_folder_may_be_new(database: Database, folder: Path) -> None:
    """It was never written to, as a kill came first, or this is not the folder."""
    query = sa.select(media.c.sha256).limit(1)
    if database.read(lambda connection: connection.execute(query).first()) is None:
        return
    raise StoreError(
        f"The database {database.shown} knows of media, but there is no {FILE} in {folder}. Is "
        "the disk mounted, and is it the folder that was used before? If the media are lost, "
        "restore a backup. If another node keeps them, name it in MALGWI_STORE__MEDIA_URL."
    )


def _of_database(connection: Connection) -> str | None:
    query = sa.select(meta.c.value).where(meta.c.key == KEY)
    return connection.execute(query).scalar_one_or_none()


def _give(connection: Connection) -> str:
    """The id that it has then: another process may have been first."""
    insert_if_new(connection, meta, {"key": KEY, "value": new_id()})
    given = _of_database(connection)
    assert given is not None
    return given


def of_folder(folder: Path) -> str | None:
    """None where it has none yet. Raises StoreError."""
    try:
        text = (folder / FILE).read_text("ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeError) as error:
        raise StoreError(f"{folder / FILE} cannot be read: {error}.") from error
    if not looks_like_id(text):
        raise StoreError(
            f"{folder / FILE} holds no id. Restore it from a backup: it is in the database, too, "
            f"in the table meta."
        )
    return text


def _has_media(media_folder: Path) -> bool:
    return media_folder.is_dir() and any(media_folder.iterdir())

"""DB: the database and the folder that belongs to it. They are looked at, not opened."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from malgwi.config import data_folder, database_address
from malgwi.errors import EngineMissing, StoreError, StoreGone
from malgwi.ops.doctor.base import Found, NotThere, check, fail, ok, skip, warn
from malgwi.ops.doctor.subject import Subject

if TYPE_CHECKING:
    from malgwi.store import Condition

_POSTGRESQL_PORT = 5432
_OLDEST_POSTGRESQL = 14


@dataclass(frozen=True, slots=True)
class Seen:
    """How the database was, and when by this machine's clock."""

    condition: "Condition"
    at: float


def file_of(subject: Subject) -> Path | None:
    """The file that the database is; None where a server has it. Raises NotThere."""
    try:
        from malgwi.store import sqlite_file
    except ModuleNotFoundError as error:
        raise NotThere(str(EngineMissing("serve", error.name))) from error
    return sqlite_file(_address(subject))


def _address(subject: Subject) -> str:
    """Raises NotThere."""
    try:
        return database_address(subject.config)
    except (OSError, UnicodeError) as error:
        raise NotThere("The file of the password cannot be read; see SECRET-001.") from error


def condition(subject: Subject) -> Seen:
    """Raises NotThere where there is none yet, StoreError where it cannot be read."""
    file = file_of(subject)
    from malgwi import store

    address = _address(subject)
    if file is not None and not file.exists():
        raise NotThere("There is no database yet; the first start makes it.")
    if file is None:
        parts = urlsplit(address)
        host, port = parts.hostname or "127.0.0.1", parts.port or _POSTGRESQL_PORT
        if why := subject.machine.connects(host, port):
            raise StoreGone(f"The database at {host}:{port} does not answer: {why}.")
    found = store.condition(address, data_folder(subject.config))
    return Seen(found, subject.machine.now())


def seen(subject: Subject) -> Seen:
    """For whoever has nothing to say of a database that cannot be read. Raises NotThere."""
    try:
        return subject.once(condition)
    except StoreError as error:
        raise NotThere("The database cannot be read; DB-001 says why.") from error


@check(
    "DB-001",
    looks="Does the database answer?",
    why="Nothing is kept and nothing found without it.",
    mend="Start it, check MALGWI_STORE__URL and the password; where it is damaged: malgwi backup "
    "restore.",
    seconds=4.0,
)
def answers(subject: Subject) -> Found:
    try:
        found = subject.once(condition).condition
    except StoreError as error:
        if said := _refusal(error):
            return fail("The server of the database refuses us.", evidence=said)
        return fail(str(error))
    return ok(f"{found.server} answers.")


@check(
    "DB-002",
    looks="Are the tables those of this program?",
    why="A newer database is refused by an older program; an older one is migrated by the next "
    "start.",
    mend="Newer: install the program that it is of. Older: make a backup, then start the service, "
    "which migrates it.",
    seconds=4.0,
)
def step(subject: Subject) -> Found:
    found = seen(subject).condition
    at = f"step {found.step}, this program has {found.newest}"
    if not found.known:
        return fail("The database is of a newer Malgwi.", evidence=at)
    if found.step is None:
        return ok("There are no tables yet; the first start makes them.")
    if found.step != found.newest:
        return warn(
            "The database is of an older Malgwi.",
            evidence=at,
            remedy="Make a backup; the next start of the service migrates it.",
        )
    return ok(f"They are, at step {found.step}.")


@check(
    "DB-003",
    looks="Do the database and the folder of the recordings belong together?",
    why="With a disk that is not mounted all recordings would look lost; then nothing starts.",
    mend="Mount the disk, or name the folder or the database that belongs to the other. If one is "
    "lost: malgwi backup restore.",
    seconds=4.0,
)
def together(subject: Subject) -> Found:
    folder = data_folder(subject.config)
    theirs = _instance_file(folder)
    try:
        ours = seen(subject).condition.instance
    except NotThere as error:
        if theirs and (file := file_of(subject)) and not file.exists():
            return fail("The database is gone, and its folder is there.", evidence=str(file))
        return skip(str(error))
    if ours == theirs:
        return ok("They do." if ours else "Both are new.")
    if theirs is None and subject.config.store.media_url:
        return ok("The folder is a cache; another node keeps the recordings.")
    said = f"database {ours or 'without an id'}, {folder} {theirs or 'without an id'}"
    if ours and theirs:
        return fail("The folder is that of another database.", evidence=said)
    which = "database is empty, and its folder" if theirs else "folder is empty, and its database"
    return fail(f"The {which} is not.", evidence=said)


@check(
    "DB-004",
    looks="Is the server one that Malgwi works with?",
    why="Search needs PostgreSQL 14, and text in any script needs UTF-8.",
    mend="Make a database with ENCODING 'UTF8' on PostgreSQL 14 or newer; move to it by malgwi "
    "backup.",
    seconds=4.0,
)
def server(subject: Subject) -> Found:
    found = seen(subject).condition
    name, _, version = found.server.partition(" ")
    if not found.encoding.startswith("UTF8"):
        return fail("The database does not keep UTF-8.", evidence=f"encoding {found.encoding}")
    if name == "PostgreSQL" and int(version.partition(".")[0]) < _OLDEST_POSTGRESQL:
        return warn("The server is older than what is tried.", evidence=found.server)
    return ok(f"{found.server}, {found.encoding}.")


@check(
    "DB-005",
    looks="Does the database take more connections?",
    why="Each service has up to thirty; at its bound the server turns the next one away.",
    mend="Raise max_connections in postgresql.conf, or run fewer workers.",
    seconds=4.0,
)
def connections(subject: Subject) -> Found:
    found = seen(subject).condition
    if found.connections is None:
        return skip("The database is a file of this machine.")
    used, most = found.connections
    if used > most * 0.8:
        return warn(
            "The database has nearly all connections that it may.", evidence=f"{used} of {most}"
        )
    return ok(f"{used} of {most} are used.")


def _refusal(error: BaseException) -> str | None:
    """The words of a server that answers and lets nobody in; they name user and database."""
    each: BaseException | None = error
    while each is not None:
        if said := re.search(r"FATAL:\s+(.+)", str(each)):
            return said[1]
        each = each.__cause__
    return None


def _instance_file(folder: Path) -> str | None:
    from malgwi.store import INSTANCE_FILE

    try:
        return (folder / INSTANCE_FILE).read_text("ascii").strip() or None
    except (OSError, UnicodeError):
        return None


CHECKS = (answers, step, together, server, connections)

"""How large a database is and whether somebody has it open, for whoever is about to change it."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from malgwi.errors import StoreError
from malgwi.store import migration
from malgwi.store.condition import sqlite_file
from malgwi.store.engine import NAME, connect

_LINES = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    f" AND application_name = '{NAME}' AND pid <> pg_backend_pid()"
)
_WAIT = 1.0  # seconds: whoever only looks in passing is gone by then


@dataclass(frozen=True, slots=True)
class Usage:
    """Of a database."""

    size: int
    """Bytes on disk."""
    is_open: bool
    """Whether another process of Malgwi, on this machine or another, has it open."""
    rows: Mapping[str, int]
    """How many there are of what is kept, by table."""


def usage(url: str) -> Usage:
    """Raises StoreError, StoreGone where nothing answers."""
    file = sqlite_file(url)
    is_open = file is not None and _is_open(file)
    with closing(connect(url)) as database:
        rows, others = database.read(lambda it: (migration.rows(it), _has_others(it)))
        return Usage(database.size, is_open or others, rows)


def _has_others(connection: Connection) -> bool:
    if connection.dialect.name == "sqlite":
        return False
    return bool(connection.exec_driver_sql(_LINES).scalar_one())


def _is_open(file: Path) -> bool:
    """Whoever has a file with a write-ahead log open holds a lock on it, also when idle."""
    with closing(sqlite3.connect(file, timeout=_WAIT, isolation_level=None)) as line:
        try:
            line.execute("PRAGMA locking_mode = EXCLUSIVE")
            line.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                return True
            raise StoreError(f"The database {file} cannot be read: {error}.") from error
    return False

"""How a database and its folder are, for whoever examines them: nothing is made, nothing changed.

Opening a store migrates and establishes; this only looks, also at what could not be opened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from malgwi.errors import StoreError
from malgwi.store import identity, job_rows, media, migration
from malgwi.store.engine import Database, connect
from malgwi.store.job_rows import JobCount


@dataclass(frozen=True, slots=True)
class Condition:
    """What was found."""

    server: str
    """`SQLite 3.45.1`, `PostgreSQL 17.2`."""
    step: str | None
    """Of the migrations; None where there are no tables yet."""
    newest: str
    """The step that this program wants."""
    known: bool
    """False: the step is a newer program's."""
    instance: str | None
    """The id in the database; None where there is none, or the tables are not ours to read."""
    folder_instance: str | None
    """The id in the folder."""
    jobs: Sequence[JobCount] = ()
    """None of them where the tables are not those of this program."""
    clock: datetime | None = None
    """Of the server; None where the database is a file."""
    connections: tuple[int, int] | None = None
    """How many there are, and may be; None where the database is a file."""
    encoding: str = "UTF8"
    media: str | None = None
    """The sum of media that should be there; None where there are none."""


def condition(url: str, folder: Path) -> Condition:
    """Raises BadOption for an address that is none, StoreGone where nothing answers, StoreError
    where the database cannot be read."""
    database = connect(_only_to_read(url))
    try:
        return database.read(lambda connection: _condition(database, connection, folder))
    except StoreError as error:
        said = str(error).replace(database.shown, make_url(url).render_as_string())
        raise type(error)(said) from error
    finally:
        database.close()


def sqlite_file(url: str) -> Path | None:
    """The file that the database is; None where a server has it."""
    address = make_url(url)
    is_file = address.get_backend_name() == "sqlite" and address.database
    return Path(str(address.database)) if is_file else None


def _only_to_read(url: str) -> str:
    """A file that nobody has open is read as one that never changes, or SQLite would lay two
    others beside it."""
    file = sqlite_file(url)
    if file is None:
        return url
    unused = not Path(f"{file}-wal").exists()
    return f"sqlite:///file:{quote(str(file))}?mode=ro{'&immutable=1' * unused}&uri=true"


def _condition(database: Database, connection: Connection, folder: Path) -> Condition:
    step, newest = migration.step_of(connection), migration.newest()
    server, clock, connections, encoding = _server(database, connection)
    instance, folder_instance = identity.of_both(connection, folder, has_tables=step is not None)
    return Condition(
        server=server,
        step=step,
        newest=newest,
        known=step is None or migration.knows(step),
        instance=instance,
        folder_instance=folder_instance,
        jobs=job_rows.counts(connection) if step == newest else (),
        clock=clock,
        connections=connections,
        encoding=encoding,
        media=media.newest(connection) if step == newest else None,
    )


def _server(
    database: Database, connection: Connection
) -> tuple[str, datetime | None, tuple[int, int] | None, str]:
    if database.is_sqlite:
        version = connection.exec_driver_sql("SELECT sqlite_version()").scalar_one()
        encoding = connection.exec_driver_sql("PRAGMA encoding").scalar_one()
        return f"SQLite {version}", None, None, encoding.replace("-", "")
    row = connection.exec_driver_sql(
        "SELECT current_setting('server_version'), clock_timestamp(),"
        " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),"
        " current_setting('max_connections')::int, current_setting('server_encoding')"
    ).one()
    return f"PostgreSQL {row[0].split()[0]}", row[1].astimezone(UTC), (row[2], row[3]), row[4]

"""A database, and the transactions on it.

Each transaction is a function that gets a connection, so that one that the database threw back can
be done again: it must do nothing but ask the database. Writers go one at a time on SQLite, and wait
for each other; on PostgreSQL they lock the rows that they will change.
"""

import logging
import re
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, StatementError

from malgwi.errors import BadOption, Conflict, StoreError, StoreFull, StoreGone

Result = TypeVar("Result")

NAME = "malgwi"
"""How a server knows our lines from others'."""

_ATTEMPTS = 4
_PAUSE = 0.05  # seconds before the second attempt; twice as long before each further one
_BUSY = 30_000  # ms that a writer waits for those of other processes
_WRITES = "malgwi_writes"
_REFERENCES = "malgwi_references"
_TURNED_AWAY = re.compile(
    # psycopg gives no code before there is a line; these are the server's words.
    r"FATAL:\s+((?:password authentication failed|no pg_hba\.conf entry|"
    r"(?:role|database) \".*\" does not exist).*)"
)
"""Asking again would not help."""
# Of a disk that is full SQLite knows one error by its name; that of a quota is a write that failed.
_NO_ROOM = ("53100", "SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE")
_THROWN_BACK = ("40001", "40P01")  # for the order of others, or a deadlock
_FAULTS = {
    "SQLITE_CORRUPT": "is damaged. Restore a backup.",
    "SQLITE_NOTADB": "is no database, or is damaged. Restore a backup.",
    "SQLITE_CANTOPEN": "cannot be opened. Is there such a folder, and may you write there?",
    "SQLITE_READONLY": "may only be read. Whose file is it?",
    "28": "does not let us in. Check user and password.",
    "3D000": "is not there. Create it first.",
    "42P01": "lacks a table: it was not migrated.",
    "42501": "does not allow it. Check the rights of the user.",
}
_CUT = {  # a line on which nothing comes through is given up after half a minute, not after hours
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
_NO_LINE = ("08", "57P", "53300")  # none, shutting down or starting up, too many of them

logger = logging.getLogger(__name__)


class Database:
    """Where everything but the media is kept. Any thread may use it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        # Waiting here is fair and costs nothing; waiting for SQLite's own lock is a sleep.
        self._one_writer: AbstractContextManager[object] = (
            threading.Lock() if self.is_sqlite else nullcontext()
        )

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @property
    def shown(self) -> str:
        """Its address for people: without the password."""
        return self.engine.url.render_as_string(hide_password=True)

    @property
    def size(self) -> int:
        """Bytes that it takes on disk."""
        query = "SELECT pg_database_size(current_database())"
        if self.is_sqlite:
            query = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        return int(self.read(lambda connection: connection.exec_driver_sql(query).scalar_one()))

    def read(self, work: Callable[[Connection], Result]) -> Result:
        """What `work` finds, all of it as it was at one moment."""
        options: dict[str, Any] = {_WRITES: False}
        if not self.is_sqlite:
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        return self._attempts(work, options)

    def write(self, work: Callable[[Connection], Result]) -> Result:
        """What `work` gives back, once what it wrote is on disk; nothing is where it raises.

        Raises StoreGone where the line broke at the very end: then nobody knows whether it is
        kept, and whoever tries again should do so with the same keys.
        """
        with self._one_writer:
            return self._attempts(work, {_WRITES: True})

    def migrate(self, work: Callable[[Connection], Result]) -> Result:
        """As `write`, for `work` that makes tables anew.

        SQLite would take what refers to the rows of a table along with the table, so it does not
        look at references meanwhile.
        """
        with self._one_writer:
            return self._attempts(work, {_WRITES: True, _REFERENCES: False})

    def close(self) -> None:
        """Who is still asking gets an answer; then that line is cut, too."""
        sa.event.listen(self.engine.pool, "checkin", _cut)
        self.engine.dispose()

    def _attempts(self, work: Callable[[Connection], Result], options: dict[str, Any]) -> Result:
        for attempt in range(1, _ATTEMPTS):
            try:
                return self._once(work, options)
            except _ThrownBack as thrown:
                logger.warning(
                    "A transaction is done again",
                    extra={"attempt": attempt, "reason": type(thrown.error).__name__},
                )
                time.sleep(_PAUSE * 2 ** (attempt - 1))
        try:
            return self._once(work, options)
        except _ThrownBack as thrown:
            raise self._translated(thrown.error) from thrown.error

    def _once(self, work: Callable[[Connection], Result], options: dict[str, Any]) -> Result:
        at_the_end = False
        try:
            with self.engine.connect() as connection:
                connection.execution_options(**options)
                with connection.begin() as transaction:
                    result = work(connection)
                    at_the_end = options[_WRITES]
                    transaction.commit()
                return result
        except DBAPIError as error:
            if _is_thrown_back(error) or (_is_without_line(error) and not at_the_end):
                raise _ThrownBack(error) from error
            raise self._translated(error) from error
        except sa.exc.TimeoutError as error:
            raise StoreGone(
                f"All lines to the database {self.shown} are taken, and none came free in time."
            ) from error
        except StatementError as error:
            if error.orig is not None:  # ours: a value that cannot be kept
                raise error.orig from None
            raise

    def _translated(self, error: DBAPIError) -> Exception:
        code = _code(error)
        if turned_away := _TURNED_AWAY.search(str(error.orig)):
            return StoreError(
                f"The database {self.shown} turned us away: {turned_away[1]}. "
                "Check name and password in MALGWI_STORE__URL."
            )
        if isinstance(error, sa.exc.IntegrityError):
            return Conflict("What is kept stands against it: an id or a key is taken, or missing.")
        if _is_without_line(error) or code == "SQLITE_BUSY":
            return StoreGone(f"The database {self.shown} does not answer. Is it running?")
        if code in _NO_ROOM:
            return StoreFull(f"There is no room left for the database {self.shown}.")
        fault = next((said for start, said in _FAULTS.items() if code.startswith(start)), None)
        return StoreError(
            f"The database {self.shown} {fault or f'refused: {code or type(error).__name__}.'}"
        )


class _ThrownBack(Exception):
    """Nothing of the transaction is kept, and the next attempt may succeed."""

    def __init__(self, error: DBAPIError) -> None:
        super().__init__()
        self.error = error


def connect(url: str) -> Database:
    """The database at `url`: `sqlite:///path` or `postgresql://user:password@host/name`.

    Nothing is asked of it yet. Raises BadOption for an address that is neither.
    """
    address = _address(url)
    try:
        if address.get_backend_name() == "sqlite":
            return Database(_sqlite(address))
        return Database(_postgresql(address))
    except ImportError as error:
        raise StoreError(
            "The driver of PostgreSQL is not installed. Run: pip install 'malgwi[postgresql]'"
        ) from error


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError:
        # Without its cause: it quotes the address, which may have a password in it.
        raise BadOption(_wrong_address()) from None
    if address.drivername not in ("sqlite", "postgresql"):
        raise BadOption(_wrong_address())
    if address.get_backend_name() == "sqlite" and address.database in (None, "", ":memory:"):
        raise BadOption("A database in memory keeps nothing. Name a file: sqlite:///path")
    return address


def _wrong_address() -> str:
    return (
        "The address of the database is none that we know. It should look like "
        "sqlite:////var/lib/malgwi/malgwi.db or postgresql://user:password@host/malgwi."
    )


def _sqlite(address: URL) -> Engine:
    engine = sa.create_engine(address, hide_parameters=True, pool_size=10, max_overflow=20)
    sa.event.listen(engine, "connect", _set_up)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _postgresql(address: URL) -> Engine:
    return sa.create_engine(
        address.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_size=10,
        max_overflow=20,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 10, "application_name": NAME, **_CUT},
    )


def _set_up(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # `_begin` begins; the driver would do so late and deferred
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # what is said to be kept survives a power cut
    cursor.close()


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    references = "ON" if options.get(_REFERENCES, True) else "OFF"
    connection.exec_driver_sql(f"PRAGMA foreign_keys = {references}")  # only outside a transaction
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(_WRITES, True) else "BEGIN")


def _code(error: DBAPIError) -> str:
    """SQLSTATE, or SQLite's name of the error."""
    return (
        getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None) or ""
    )


def _is_thrown_back(error: DBAPIError) -> bool:
    return _code(error) in _THROWN_BACK


def _cut(line: Any, _: object) -> None:
    if line is not None:
        line.close()


def _is_without_line(error: DBAPIError) -> bool:
    if _TURNED_AWAY.search(str(error.orig)):
        return False
    if error.connection_invalidated or _code(error).startswith(_NO_LINE):
        return True
    # psycopg gives no code where it got nowhere: no such host, no answer, the line cut.
    nowhere = isinstance(error, sa.exc.OperationalError) and not _code(error)
    return nowhere and type(error.orig).__module__.startswith("psycopg")

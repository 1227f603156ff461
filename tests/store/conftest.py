"""Databases for the tests: what keeps things keeps them alike in SQLite and in PostgreSQL."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from store.postgresql import TEMPLATE, PostgreSQL

from malgwi.store import Database, SqlStore, Store, connect
from malgwi.store.ids import new_id

KINDS = ("sqlite", pytest.param("postgresql", marks=pytest.mark.slow))

quickly_in_both = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
"""For a few of each kind, so that `make test` asks PostgreSQL too."""


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Which database; a test that uses it runs once with each."""
    return str(request.param)


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database with all tables and nothing in them."""
    if kind == "sqlite":
        path = tmp_path / "malgwi.db"
        shutil.copy(request.getfixturevalue("template"), path)
        yield f"sqlite:///{path}"
        return
    server: PostgreSQL = request.getfixturevalue("server")
    yield server.url(TEMPLATE)
    server.empty(TEMPLATE)


@pytest.fixture
def empty_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database in which there is nothing at all."""
    with _nothing(kind, request, tmp_path / "empty.db") as address:
        yield address


@pytest.fixture
def other_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The same, of the other kind."""
    [other] = {"sqlite", "postgresql"} - {kind}
    with _nothing(other, request, tmp_path / "other.db") as address:
        yield address


@pytest.fixture
def database(url: str, connections: Callable[[str], Database]) -> Database:
    """Migrated and empty."""
    return connections(url)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of the store's files; it need not be there yet."""
    return tmp_path / "data"


@pytest.fixture
def store(url: str, data: Path) -> Iterator[SqlStore]:
    opened = SqlStore(url, data)
    promised: Store = opened  # mypy holds it to that
    yield opened
    promised.close()


@pytest.fixture
def connections() -> Iterator[Callable[[str], Database]]:
    """Connects, and closes what it has connected after the test."""
    opened: list[Database] = []

    def opening(url: str) -> Database:
        opened.append(connect(url))
        return opened[-1]

    yield opening
    for each in opened:
        each.close()


@contextmanager
def _nothing(kind: str, request: pytest.FixtureRequest, path: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{path}"
        return
    server: PostgreSQL = request.getfixturevalue("server")
    name = f"test_{new_id()}"
    yield server.create(name)
    server.drop(name)

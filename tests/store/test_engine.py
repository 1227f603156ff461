"""A transaction is kept whole or not at all, and a database that fails says so in our words."""

import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection
from store.full_disk import without_room
from store.kept import SAID, recorded
from store.postgresql import PostgreSQL

from malgwi.errors import BadInput, BadOption, Conflict, StoreError, StoreFull, StoreGone
from malgwi.store import Database, SqlStore, connect
from malgwi.store.ids import new_id
from malgwi.store.schema import meta

Connecting = Callable[[str], Database]


def put(connection: Connection, key: str, value: str = "") -> None:
    connection.execute(meta.insert().values(key=key, value=value))


def keys(database: Database) -> list[str]:
    query = sa.select(meta.c.key).order_by(meta.c.key)
    return database.read(lambda it: list(it.execute(query).scalars()))


def count_up(connection: Connection) -> None:
    value = int(connection.execute(sa.select(meta.c.value).with_for_update()).scalar_one())
    connection.execute(meta.update().values(value=str(value + 1)))


def test_nothing_is_kept_of_what_raises(database: Database) -> None:
    def half(connection: Connection) -> None:
        put(connection, "a")
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        database.write(half)

    assert keys(database) == []


def test_writers_do_not_overwrite_each_other(url: str, connections: Connecting) -> None:
    """Nor those of two processes, which know nothing of each other."""
    both = [connections(url), connections(url)]
    both[0].write(lambda it: put(it, "count", "0"))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: both[number % 2].write(count_up), range(80)))

    assert both[0].read(lambda it: it.execute(sa.select(meta.c.value)).scalar_one()) == "80"


def test_a_reader_sees_all_of_it_as_it_was_at_one_moment(database: Database) -> None:
    database.write(lambda it: put(it, "a"))
    began, changed = threading.Event(), threading.Event()

    def look_twice(connection: Connection) -> tuple[int, int]:
        query = sa.select(sa.func.count()).select_from(meta)
        first = connection.execute(query).scalar_one()
        began.set()
        assert changed.wait(30)
        return first, connection.execute(query).scalar_one()

    with ThreadPoolExecutor(1) as threads:
        looking = threads.submit(database.read, look_twice)
        assert began.wait(30)
        database.write(lambda it: put(it, "b"))
        changed.set()

        assert looking.result(30) == (1, 1)
    assert keys(database) == ["a", "b"]


def test_what_stands_against_it_is_a_conflict(database: Database) -> None:
    database.write(lambda it: put(it, "a"))

    with pytest.raises(Conflict):
        database.write(lambda it: put(it, "a"))


def test_no_message_holds_what_was_to_be_kept(database: Database) -> None:
    def secret(connection: Connection) -> None:
        put(connection, "a", "secret")
        connection.execute(sa.text("SELECT nothing FROM nowhere WHERE x = :x"), {"x": "secret"})

    with pytest.raises(StoreError) as refused:
        database.write(secret)
    with pytest.raises(BadInput) as unkeepable:
        database.write(lambda it: put(it, "a", "secret\0"))

    assert "secret" not in f"{refused.value} {refused.value.__cause__}"
    assert "secret" not in f"{unkeepable.value} {unkeepable.value.__cause__}"


@pytest.mark.parametrize(
    "url",
    ["", "malgwi.db", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "postgres://x:pw@y/z"],
)
def test_an_address_that_is_none_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(BadOption) as refused:
        connect(url)

    assert "pw" not in f"{refused.value}"
    assert refused.value.__cause__ is None


def test_a_folder_that_is_not_there_is_said_to_be(tmp_path: Path, connections: Connecting) -> None:
    database = connections(f"sqlite:///{tmp_path / 'nowhere' / 'malgwi.db'}")

    with pytest.raises(StoreError, match="cannot be opened"):
        keys(database)


def test_a_file_that_is_no_database_is_said_to_be(tmp_path: Path, connections: Connecting) -> None:
    (tmp_path / "malgwi.db").write_bytes(b"This is a letter." * 100)

    with pytest.raises(StoreError, match="is no database"):
        keys(connections(f"sqlite:///{tmp_path / 'malgwi.db'}"))


def test_a_full_disk_is_said_to_be_full(tmp_path: Path, connections: Connecting) -> None:
    database = connections(f"sqlite:///{tmp_path / 'malgwi.db'}")

    def fill(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 3")
        connection.exec_driver_sql("CREATE TABLE t (x)")
        connection.exec_driver_sql("INSERT INTO t VALUES (zeroblob(100000))")

    with pytest.raises(StoreFull):
        database.write(fill)


def test_nobody_who_listens_is_said_not_to_answer(connections: Connecting) -> None:
    database = connections("postgresql://malgwi:very-secret@127.0.0.1:9/malgwi")

    with pytest.raises(StoreGone) as gone:
        keys(database)

    assert "very-secret" not in str(gone.value)


@pytest.mark.slow
def test_a_server_that_turns_us_away_is_told_from_one_that_does_not_answer(
    server: PostgreSQL, connections: Connecting
) -> None:
    wrong = sa.make_url(server.url("postgres")).set(password="guessed")
    for address, why in (
        (server.url("nowhere"), 'database "nowhere" does not exist'),
        (wrong.render_as_string(hide_password=False), "password authentication failed"),
    ):
        with pytest.raises(StoreError, match=why) as refused:
            keys(connections(address))

        assert not isinstance(refused.value, StoreGone)
        assert "guessed" not in str(refused.value)


@pytest.mark.slow
def test_a_line_that_is_in_use_at_the_end_is_cut_when_it_is_not(server: PostgreSQL) -> None:
    database = connect(server.url("postgres"))

    def at_the_end(connection: Connection) -> object:
        database.close()
        assert connection.execute(sa.text("SELECT 1")).scalar_one() == 1
        return connection.connection.dbapi_connection

    line: Any = database.read(at_the_end)

    assert line.closed


@pytest.mark.slow
def test_a_server_that_was_killed_and_started_again_has_all_that_was_kept(
    server: PostgreSQL, tmp_path: Path
) -> None:
    name = f"test_{new_id()}"
    store = SqlStore(server.create(name), tmp_path)
    saved = store.save_transcript(recorded(store).id, SAID)

    server.kill()
    with pytest.raises(StoreGone):
        store.transcript(saved.id)
    server.start()

    assert store.transcript(saved.id) == SAID, "over the lines that broke"
    assert recorded(store, "after").name == "after"
    store.close()
    server.drop(name)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux tells")
def test_a_line_that_is_cut_is_given_up_within_half_a_minute(server: PostgreSQL) -> None:
    database = connect(server.url("postgres"))
    try:
        with database.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            line = socket.socket(fileno=os.dup(driver.pgconn.socket))
            with line:
                idle, every, times, unanswered = (
                    line.getsockopt(socket.IPPROTO_TCP, option)
                    for option in (
                        socket.TCP_KEEPIDLE,
                        socket.TCP_KEEPINTVL,
                        socket.TCP_KEEPCNT,
                        socket.TCP_USER_TIMEOUT,
                    )
                )
    finally:
        database.close()

    assert idle + every * times <= 30
    assert 0 < unanswered <= 30_000


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_quota_is_a_disk_that_is_full(database: Database) -> None:
    """Of which only the number of the error is another."""
    assert keys(database) == []
    with without_room(), pytest.raises(StoreFull):
        database.write(lambda it: put(it, "a"))

    database.write(lambda it: put(it, "a"))

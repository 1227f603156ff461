"""Databases: gone, older, newer, damaged, another's. They are looked at, and left as they were."""

import hashlib
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ops.doctor.pretended import assert_amiss, look, pretend, subject
from store.postgresql import PostgreSQL

from malgwi.ops.doctor import Subject
from malgwi.store import INSTANCE_FILE, Ledger, SqlStore, connect, migration
from malgwi.types import Lane

ALL = [f"DB-{number:03}" for number in range(1, 6)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An installation that was started once."""
    folder = tmp_path / "home" / "data"
    SqlStore(f"sqlite:///{folder / 'malgwi.db'}", folder).close()
    return folder


def patient(tmp_path: Path, **store: Any) -> Subject:
    return subject(pretend(tmp_path), tmp_path, {"store": store})


def everything_in(folder: Path) -> dict[str, str]:
    """With the moment at which the folder changed last: also what was made and taken away."""
    files = (each for each in sorted(folder.rglob("*")) if each.is_file())
    sums = {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in files}
    return {**sums, "changed": str(folder.stat().st_mtime_ns)}


def test_a_database_that_is_well_is_left_alone_and_as_it_was(data: Path, tmp_path: Path) -> None:
    before = everything_in(data)

    found = [look(id, patient(tmp_path)).state for id in ALL]

    assert found == ["ok", "ok", "ok", "ok", "skip"]
    assert everything_in(data) == before


def test_a_database_that_is_in_use_is_looked_at_all_the_same(data: Path, tmp_path: Path) -> None:
    store = SqlStore(f"sqlite:///{data / 'malgwi.db'}", data)
    store.note("try")

    assert look("DB-002", patient(tmp_path)).state == "ok"
    assert store.trail().items[0].action == "try"
    store.close()


def test_before_the_first_start_there_is_nothing_to_say_and_nothing_is_made(
    tmp_path: Path,
) -> None:
    assert {look(id, patient(tmp_path)).state.value for id in ALL} == {"skip"}
    assert not (tmp_path / "home").exists()


def test_a_database_that_is_gone_is_said(data: Path, tmp_path: Path) -> None:
    (data / "malgwi.db").unlink()

    assert_amiss(look("DB-003", patient(tmp_path)), "fail", "is gone", "malgwi.db")


def test_a_folder_that_is_not_mounted_is_said(data: Path, tmp_path: Path) -> None:
    (data / INSTANCE_FILE).unlink()

    assert_amiss(look("DB-003", patient(tmp_path)), "fail", "folder is empty")


def test_a_folder_may_be_empty_where_another_node_keeps_the_recordings(
    data: Path, tmp_path: Path
) -> None:
    (data / INSTANCE_FILE).unlink()

    found = look("DB-003", patient(tmp_path, media_url="https://10.0.0.1"))

    assert found.state == "ok"
    assert "another node" in found.symptom


def test_the_folder_of_another_is_said(data: Path, tmp_path: Path) -> None:
    (data / INSTANCE_FILE).write_text("01a1f853-2f4d-7000-990a-193af1a734b8\n")

    assert_amiss(look("DB-003", patient(tmp_path)), "fail", "another database")


def test_a_damaged_database_is_said_once(data: Path, tmp_path: Path) -> None:
    (data / "malgwi.db").write_bytes(b"no database at all" * 100)

    assert_amiss(look("DB-001", patient(tmp_path)), "fail", "damaged")
    assert [look(id, patient(tmp_path)).state for id in ALL[1:]] == ["skip"] * 4


def test_an_older_database_is_no_failure_and_a_newer_one_is(data: Path, tmp_path: Path) -> None:
    address = f"sqlite:///{data / 'malgwi.db'}"
    database = connect(address)
    migration.downgrade(database)
    database.close()

    older = look("DB-002", patient(tmp_path))

    assert_amiss(older, "warn", "older")
    with closing(sqlite3.connect(data / "malgwi.db")) as newer, newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    assert_amiss(look("DB-002", patient(tmp_path)), "fail", "newer", "9999")


def test_a_database_that_does_not_keep_utf_8_is_said(tmp_path: Path) -> None:
    (tmp_path / "home" / "data").mkdir(parents=True)
    with closing(sqlite3.connect(tmp_path / "home" / "data" / "malgwi.db")) as other:
        other.execute("PRAGMA encoding = 'UTF-16le'")
        other.execute("CREATE TABLE other (id)")

    assert_amiss(look("DB-004", patient(tmp_path)), "fail", "UTF16")


def test_jobs_that_were_given_up_and_that_wait_for_long_are_said(
    data: Path, tmp_path: Path
) -> None:
    assert [look(f"QUEUE-00{n}", patient(tmp_path)).state for n in (6, 7)] == ["ok", "ok"]
    store = SqlStore(f"sqlite:///{data / 'malgwi.db'}", data)
    ledger = Ledger(store.database)
    old = ledger.add("transcription", {}, queue="batch", lane=Lane.BATCH)
    dead = ledger.add("transcription", {}, queue="batch", lane=Lane.BATCH)
    store.close()
    with closing(sqlite3.connect(data / "malgwi.db")) as rows, rows:
        rows.execute("UPDATE job SET created = '2026-01-01 00:00:00' WHERE id = ?", (old.id,))
        rows.execute("UPDATE job SET state = 'dead' WHERE id = ?", (dead.id,))

    assert_amiss(look("QUEUE-006", patient(tmp_path)), "warn", "1 jobs")
    assert_amiss(look("QUEUE-007", patient(tmp_path)), "warn", "1 jobs wait")


def test_a_database_that_does_not_answer_is_said_in_time(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]

        url = f"postgresql://malgwi:wistful-river@127.0.0.1:{port}/malgwi"
        found = look("DB-001", patient(tmp_path, url=url))

    assert_amiss(found, "fail", "refused", str(port))
    assert "wistful" not in str(found)
    assert found.seconds < 3


def test_a_password_file_that_cannot_be_read_is_no_crash(tmp_path: Path) -> None:
    url = "postgresql://malgwi@127.0.0.1:1/malgwi"
    found = look("DB-001", patient(tmp_path, url=url, password_file=tmp_path / "no"))

    assert found.state == "skip"
    assert "SECRET-001" in found.symptom
    (tmp_path / "home" / "data").mkdir(parents=True)
    (tmp_path / "home" / "data" / INSTANCE_FILE).write_text("01a1f853-2f4d-7000-990a-193af1a734b8")
    again = look("DB-003", patient(tmp_path, url=url, password_file=tmp_path / "no"))
    assert (again.state, again.symptom) == ("skip", found.symptom)


@pytest.fixture
def postgresql(server: PostgreSQL) -> Iterator[str]:
    """An empty one."""
    yield server.create("doctor")
    server.drop("doctor")


@pytest.mark.slow
def test_a_postgresql_that_is_well_is_left_alone(postgresql: str, tmp_path: Path) -> None:
    folder = tmp_path / "home" / "data"
    SqlStore(postgresql, folder).close()

    found = {id: look(id, patient(tmp_path, url=postgresql)) for id in [*ALL, "CLOCK-003"]}

    assert {each.state.value for each in found.values()} == {"ok"}, found


@pytest.mark.slow
def test_of_a_postgresql_all_that_is_amiss_is_said(postgresql: str, tmp_path: Path) -> None:
    machine = pretend(tmp_path, now=lambda: datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    late = subject(machine, tmp_path, {"store": {"url": postgresql}})
    wrong = postgresql.rpartition("/")[0] + "/nothing"

    assert_amiss(look("CLOCK-003", late), "fail", "apart")
    assert_amiss(look("DB-001", patient(tmp_path, url=wrong)), "fail", '"nothing" does not exist')
    assert look("DISK-006", late).state == "skip"


@pytest.mark.slow
def test_a_postgresql_that_has_nearly_all_its_connections_is_said(
    postgresql: str, tmp_path: Path
) -> None:
    with ExitStack() as lines:
        for _ in range(85):  # of a hundred
            lines.enter_context(psycopg.connect(postgresql))

        assert_amiss(look("DB-005", patient(tmp_path, url=postgresql)), "warn", "of 100")

"""Tables come to be step by step, back and forth, once however many processes want them."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection
from store.conftest import quickly_in_both

from malgwi.errors import StoreError
from malgwi.store import Database, migration, schema

Connecting = Callable[[str], Database]

UPGRADE = """
import sys
from malgwi.store import connect, migration
database = connect(sys.argv[1])
database.read(lambda it: None)
print("ready", flush=True)
sys.stdin.readline()
migration.upgrade(database)
"""


@pytest.fixture
def database(empty_url: str, connections: Connecting) -> Database:
    """One of its own, as its tables will be others."""
    opened = connections(empty_url)
    migration.upgrade(opened)
    return opened


def tables(database: Database) -> set[str]:
    return set(database.read(lambda connection: sa.inspect(connection).get_table_names()))


@quickly_in_both
def test_the_steps_lead_to_the_tables_of_the_schema(
    empty_url: str, connections: Connecting
) -> None:
    database = connections(empty_url)

    migration.upgrade(database)

    assert database.read(differences) == []
    assert migration.version(database) == migration.newest()


def test_a_second_upgrade_changes_nothing(database: Database) -> None:
    put_name(database, "kept")

    migration.upgrade(database)

    assert names(database) == ["kept"]


def test_a_step_back_and_forth_ends_with_the_same_tables(database: Database) -> None:
    before = tables(database)
    put_name(database, "kept")

    migration.downgrade(database)
    after = tables(database)
    migration.upgrade(database)

    assert after < before
    assert tables(database) == before
    put_name(database, "kept again")
    assert "kept again" in names(database)


@pytest.mark.slow
def test_processes_that_start_together_make_the_tables_once(
    empty_url: str, connections: Connecting
) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", UPGRADE, empty_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for each in processes:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"

    for each in processes:
        assert each.stdin is not None
        each.stdin.write("now\n")
        each.stdin.flush()
    said = [each.communicate(timeout=60)[1] for each in processes]

    assert [each.returncode for each in processes] == [0, 0, 0], said
    assert migration.version(connections(empty_url)) == migration.newest()


def test_a_database_of_a_newer_program_is_refused_and_left_alone(database: Database) -> None:
    set_version(database, "9999")

    with pytest.raises(StoreError, match="newer Malgwi"):
        migration.upgrade(database)
    with pytest.raises(StoreError, match="newer Malgwi"):
        migration.downgrade(database)

    assert migration.version(database) == "9999"
    assert "recording" in tables(database)


def test_a_table_is_made_anew_without_what_refers_to_its_rows(database: Database) -> None:
    recording = {"id": "r", "name": "", "source": "upload", "created": datetime.now(UTC)}
    recording |= {"channel_labels": [], "metadata": {}}
    label = {"recording_id": "r", "label": "x"}
    database.write(lambda it: it.execute(schema.recording.insert().values(recording)))
    database.write(lambda it: it.execute(schema.recording_label.insert().values(label)))

    def alter(connection: Connection) -> None:
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("recording") as batch:
            batch.alter_column("name", nullable=True)

    database.migrate(alter)

    labels = sa.select(schema.recording_label.c.label)
    assert database.read(lambda it: it.execute(labels).scalars().all()) == ["x"]


def test_references_are_kept_to_after_a_migration(database: Database) -> None:
    migration.downgrade(database)
    migration.upgrade(database)

    def orphan(connection: Connection) -> None:
        values = {"recording_id": "nobody", "label": "x"}
        connection.execute(schema.recording_label.insert().values(values))

    with pytest.raises(Exception, match="kept stands against"):
        database.write(orphan)


def differences(connection: Connection) -> list[object]:
    """What Alembic would change to make them those of the schema."""

    def other_type(_: object, __: object, ___: object, there: Any, wanted: Any) -> bool | None:
        """None for Alembic's own opinion: it takes a collation in a type of ours for another."""
        same: bool = there.compile(connection.dialect) == wanted.compile(connection.dialect)
        return False if same else None

    def kept(it: Any, name: str | None, *_: object) -> bool:
        """Not the index of words: it can be made anew, and is another in each kind."""
        return not str(it.table.name if hasattr(it, "table") else name).startswith("findable")

    options = {
        "compare_server_default": True,
        "compare_type": other_type,
        "include_object": kept,
    }
    context = MigrationContext.configure(connection, opts=options)
    return list(compare_metadata(context, schema.metadata))


def put_name(database: Database, name: str) -> None:
    database.write(lambda it: it.execute(schema.meta.insert().values(key=name, value=name)))


def names(database: Database) -> list[str]:
    return database.read(lambda it: list(it.execute(sa.select(schema.meta.c.value)).scalars()))


def set_version(database: Database, step: str) -> None:
    statement = sa.text("UPDATE alembic_version SET version_num = :step")
    database.write(lambda it: it.execute(statement, {"step": step}))

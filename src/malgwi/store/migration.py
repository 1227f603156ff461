"""Bringing a database to the tables of this program, or a step back.

All of it is one transaction, and one process does it while others wait: those that start together
find it done. Steps that would lose what is kept are taken back. The program must be as new as the
database is.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from malgwi.errors import StoreError
from malgwi.store.engine import Database

_LOCK = 0x6D616C677769  # "malgwi", for PostgreSQL's advisory locks
_STEPS = Path(__file__).parent / "migrations"
_KEPT = ("recording", "media", "transcript", "revision", "note", "job")
"""No step has fewer of these afterwards."""

logger = logging.getLogger(__name__)


def upgrade(database: Database) -> None:
    """Makes its tables those of this program. Raises StoreError where it is a newer one's, and
    where a step cannot be taken; it is as it was then."""

    def work(connection: Connection) -> None:
        wait_for_others(connection)
        before = known_step(connection)
        if before == newest():
            return
        kept = rows(connection)
        up_to(connection, newest())
        check_references(connection)
        _check_nothing_lost(kept, rows(connection))
        logger.info("The database was migrated", extra={"from": before, "to": newest()})

    database.migrate(work)


def downgrade(database: Database) -> None:
    """Takes the last step back, with what only the newer tables could keep."""

    def work(connection: Connection) -> None:
        wait_for_others(connection)
        before = known_step(connection)
        command.downgrade(_alembic(connection), "-1")
        check_references(connection)
        logger.info("The database was migrated back", extra={"from": before})

    database.migrate(work)


def version(database: Database) -> str | None:
    """The step that it is at; None where it has no tables yet."""
    return database.read(step_of)


def newest() -> str:
    """The step that this program wants."""
    head = ScriptDirectory(str(_STEPS)).get_current_head()
    assert head is not None
    return head


def knows(step: str) -> bool:
    """False for a step of a newer program."""
    return step in {each.revision for each in ScriptDirectory(str(_STEPS)).walk_revisions()}


# -- within a transaction of somebody else's


def known_step(connection: Connection) -> str | None:
    """Where it is; None where it has no tables yet. Raises StoreError where this program has not
    heard of that step."""
    at = step_of(connection)
    if at is not None and not knows(at):
        raise StoreError(
            f"The database is of a newer Malgwi (step {at}; this one knows up to {newest()}). "
            "Install that one, or restore a backup that this one made."
        )
    return at


def up_to(connection: Connection, step: str) -> None:
    """Makes its tables those of a step that is not older than where it is."""
    command.upgrade(_alembic(connection), step)


def check_references(connection: Connection) -> None:
    """SQLite did not look at them meanwhile. Raises StoreError."""
    if connection.dialect.name != "sqlite":
        return
    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise StoreError(f"The migration would break references of the table {broken[0]}.")


def step_of(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def rows(connection: Connection) -> Mapping[str, int]:
    """How many there are of what is kept, by table."""
    there = [each for each in _KEPT if sa.inspect(connection).has_table(each)]
    count = sa.select(sa.func.count())
    return {each: connection.scalar(count.select_from(sa.table(each))) or 0 for each in there}


def tables_at(step: str) -> frozenset[str]:
    """The names of those that a database has at that step."""
    scratch = sa.create_engine("sqlite://")
    try:
        with scratch.begin() as connection:
            up_to(connection, step)
            return frozenset(sa.inspect(connection).get_table_names())
    finally:
        scratch.dispose()


def wait_for_others(connection: Connection) -> None:
    """Until the end of the transaction. On SQLite it is the only one that writes anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def _check_nothing_lost(before: Mapping[str, int], after: Mapping[str, int]) -> None:
    for name, count in before.items():
        if after.get(name, 0) < count:
            raise StoreError(
                f"The migration would lose rows of the table {name}: {count} were there, "
                f"{after.get(name, 0)} would be left. It was taken back."
            )


def _alembic(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_STEPS).replace("%", "%%"))
    return config

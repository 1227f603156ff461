"""Bringing a database to the tables of this program, or a step back.

All of it is one transaction, and one process does it while others wait: those that start together
find it done. The program must be as new as the database is.
"""

import logging
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

logger = logging.getLogger(__name__)


def upgrade(database: Database) -> None:
    """Makes its tables those of this program. Raises StoreError where it is a newer one's."""

    def work(connection: Connection) -> None:
        _wait_for_others(connection)
        before = _known(connection)
        if before == newest():
            return
        command.upgrade(_alembic(connection), "head")
        _check_references(connection)
        logger.info("The database was migrated", extra={"from": before, "to": newest()})

    database.migrate(work)


def downgrade(database: Database) -> None:
    """Takes the last step back, with what only the newer tables could keep."""

    def work(connection: Connection) -> None:
        _wait_for_others(connection)
        before = _known(connection)
        command.downgrade(_alembic(connection), "-1")
        _check_references(connection)
        logger.info("The database was migrated back", extra={"from": before})

    database.migrate(work)


def version(database: Database) -> str | None:
    """The step that it is at; None where it has no tables yet."""
    return database.read(_version)


def newest() -> str:
    """The step that this program wants."""
    head = ScriptDirectory(str(_STEPS)).get_current_head()
    assert head is not None
    return head


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _known(connection: Connection) -> str | None:
    """Where it is, if that is a step that this program has heard of."""
    at = _version(connection)
    steps = ScriptDirectory(str(_STEPS))
    if at is not None and at not in {step.revision for step in steps.walk_revisions()}:
        raise StoreError(
            f"The database is of a newer Malgwi (step {at}; this one knows up to {newest()}). "
            "Install that one, or restore a backup that this one made."
        )
    return at


def _wait_for_others(connection: Connection) -> None:
    """Until the end of the transaction. On SQLite it is the only one that writes anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def _alembic(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_STEPS).replace("%", "%%"))
    return config


def _check_references(connection: Connection) -> None:
    """SQLite did not look at them meanwhile."""
    if connection.dialect.name != "sqlite":
        return
    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise StoreError(f"The migration would break references of the table {broken[0]}.")

"""All that a database keeps, into another one, of the other kind or the same: to move, to back up.

Media are not in it: their folder goes along as it is.
"""

import sqlalchemy as sa
from sqlalchemy import Connection

from malgwi.errors import StoreError
from malgwi.store import findable, migration
from malgwi.store.engine import Database
from malgwi.store.schema import metadata, utterance

_PORTION = 1000  # rows in memory at once


def copy(source: Database, target: Database) -> None:
    """As the source is at one moment; the target has all of it, or nothing where this raises.

    Both are brought to the tables of this program. Raises StoreError for a target that is not
    empty.
    """
    migration.upgrade(source)
    migration.upgrade(target)
    target.write(lambda there: source.read(lambda here: _copy(here, there)))


def _copy(here: Connection, there: Connection) -> None:
    for table in metadata.sorted_tables:
        if there.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
            raise StoreError(
                f"The database to copy to is not empty: there are rows in {table.name}. "
                "Name a new one."
            )
    for table in metadata.sorted_tables:
        rows = here.execute(sa.select(table), execution_options={"yield_per": _PORTION})
        for some in rows.mappings().partitions():
            there.execute(table.insert(), [dict(row) for row in some])
    count_on(there)
    findable.add_all(there)


def count_on(there: Connection) -> None:
    """PostgreSQL does not see that numbers were given that it would have counted."""
    if there.dialect.name != "postgresql":
        return
    sequence = sa.func.pg_get_serial_sequence(utterance.name, utterance.c.row_id.name)
    last = sa.select(sa.func.coalesce(sa.func.max(utterance.c.row_id), 0) + 1).scalar_subquery()
    there.execute(sa.select(sa.func.setval(sequence, last, False)))

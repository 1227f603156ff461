"""When the last backup was made: a row of `meta`, so that who looks after it can see how old it is.

It is no part of a backup's promise: what is restored is a new installation, of which there is none.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from malgwi.store.schema import meta
from malgwi.store.upsert import insert_or_update

_KEY = "last_backup"


def note(connection: Connection, at: datetime) -> None:
    """A backup of the moment `at` is whole now."""
    said = at.astimezone(UTC).isoformat()
    insert_or_update(connection, meta, {"key": _KEY, "value": said}, {"value"})


def find(connection: Connection) -> datetime | None:
    """The moment that it is of; None where none was made."""
    query = sa.select(meta.c.value).where(meta.c.key == _KEY)
    said = connection.execute(query).scalar_one_or_none()
    return None if said is None else datetime.fromisoformat(said)


def forget(connection: Connection) -> None:
    connection.execute(sa.delete(meta).where(meta.c.key == _KEY))

"""Rows that may be there already; both databases can, each in words of its own."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_if_new(connection: Connection, table: Table, values: dict[str, Any]) -> bool:
    """False where a unique column of it is taken; nothing is changed then.

    Another transaction that is about to take it is waited for.
    """
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(table).values(values).on_conflict_do_nothing()
    # Not by the number of rows: PostgreSQL's driver gives none for an INSERT.
    return connection.execute(statement.returning(sa.literal(1))).first() is not None


def insert_or_update(
    connection: Connection, table: Table, values: dict[str, Any], changed: set[str]
) -> None:
    """Where a row of that primary key is there, the columns in `changed` get the new values."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(table).values(values)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(table.primary_key),
            set_={name: values[name] for name in changed},
        )
    )

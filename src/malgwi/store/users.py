"""Users: people who sign in with a name and a password. Names are one where they look the same.

One administrator who can sign in stays: without any, nobody could make another.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from malgwi.errors import BadOption, Conflict, NotFound
from malgwi.store.base import Role
from malgwi.store.ids import new_id
from malgwi.store.schema import user_account
from malgwi.store.upsert import insert_if_new

LONGEST = 64
"""Characters of a name."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in."""

    id: str
    name: str
    role: Role
    created: datetime
    disabled: datetime | None
    """Since when they may not sign in."""
    last_signed_in: datetime | None


def add(connection: Connection, name: str, role: Role, password: str) -> User:
    """`password` as it is kept. Raises BadOption for a name that is none, and Conflict."""
    values = {
        "id": new_id(),
        "name": checked(name),
        "folded": folded(name),
        "role": role,
        "password": password,
        "created": datetime.now(UTC),
    }
    if not insert_if_new(connection, user_account, values):
        raise Conflict("There is a user of that name already. Take another name.")
    return find(connection, str(values["id"]))


def find(connection: Connection, user_id: str) -> User:
    row = row_of(connection, user_id)
    if row is None:
        raise NotFound(f"There is no user {user_id}.")
    return user(row)


def row_of(connection: Connection, user_id: str) -> Row[Any] | None:
    return connection.execute(sa.select(user_account).where(user_account.c.id == user_id)).first()


def row_named(connection: Connection, name: str) -> Row[Any] | None:
    query = sa.select(user_account).where(user_account.c.folded == folded(name))
    return connection.execute(query).first()


def listed(connection: Connection) -> tuple[User, ...]:
    query = sa.select(user_account).order_by(user_account.c.folded)
    return tuple(map(user, connection.execute(query)))


def change(connection: Connection, user_id: str, values: Mapping[str, Any]) -> User:
    """Raises Conflict where it would leave no administrator."""
    go_alone(connection)
    before = find(connection, user_id)
    where = user_account.c.id == user_id
    connection.execute(user_account.update().where(where).values(**values))
    _check_administered(connection, before)
    return find(connection, user_id)


def remove(connection: Connection, user_id: str) -> User:
    """Who it was. Raises Conflict where it would leave no administrator."""
    go_alone(connection)
    before = find(connection, user_id)
    connection.execute(user_account.delete().where(user_account.c.id == user_id))
    _check_administered(connection, before)
    return before


def is_administered(connection: Connection) -> bool:
    """Whether an administrator can sign in."""
    can = user_account.c.role == Role.ADMIN, user_account.c.disabled.is_(None)
    return connection.execute(sa.select(user_account.c.id).where(*can).limit(1)).first() is not None


def go_alone(connection: Connection) -> None:
    """Nobody else changes users until the end of the transaction. On SQLite nobody does anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE user_account IN SHARE ROW EXCLUSIVE MODE"))


def checked(name: str) -> str:
    """As it is kept. Raises BadOption for one that nobody could read or type."""
    name = unicodedata.normalize("NFC", name)
    if not 1 <= len(name) <= LONGEST or not name.isprintable() or name != name.strip():
        raise BadOption(
            f"A name has 1 to {LONGEST} characters that can be read, and no space at either end."
        )
    return name


def folded(name: str) -> str:
    """The same for names that look the same."""
    normal = unicodedata.normalize("NFC", name).casefold()
    return unicodedata.normalize("NFC", normal)


def user(row: Row[Any]) -> User:
    return User(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        created=row.created,
        disabled=row.disabled,
        last_signed_in=row.last_signed_in,
    )


def _check_administered(connection: Connection, before: User) -> None:
    was_one = before.role is Role.ADMIN and before.disabled is None
    if was_one and not is_administered(connection):
        raise Conflict(
            "This is the last administrator who can sign in. Make another one first: a user with "
            "the role admin."
        )

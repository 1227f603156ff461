"""Sessions: who is signed in with a browser. Of a token only its SHA-256 is kept, as of a key.

A session ends when nobody uses it for `IDLE`, at the latest after `LONGEST`, and with whatever it
was begun by: when the user is disabled or removed, when the key is revoked or expires. Of a key of
the settings, which no table has, it keeps a proof, which tells nothing to who has not the token.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from malgwi.store import keys, users
from malgwi.store.base import ApiKey
from malgwi.store.schema import session
from malgwi.store.users import User

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=30)
_SELDOM = timedelta(minutes=1)  # that a session is used is not worth a write each time
_AGENT = 200  # characters


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in."""

    holder: User | ApiKey | None
    """None for a key of the settings."""
    proof: str | None
    """Of a key of the settings, as whoever began the session made it."""
    last_seen: datetime
    """To the minute."""
    expires: datetime
    """If nobody uses it before."""
    ends: datetime
    """At the latest."""


def new_token() -> str:
    return secrets.token_urlsafe(32)


def begin(
    connection: Connection,
    token: str,
    holder: User | ApiKey | None,
    agent: str,
    proof: str | None = None,
) -> Session:
    """`agent` is what the browser calls itself. What has expired is removed meanwhile."""
    now = datetime.now(UTC)
    over = sa.or_(session.c.expires <= now, session.c.last_seen <= now - IDLE)
    connection.execute(session.delete().where(over))
    key_ends = holder.expires if isinstance(holder, ApiKey) else None
    expires = min(now + LONGEST, key_ends or now + LONGEST)
    values = {
        "sha256": _digest(token),
        "user_id": holder.id if isinstance(holder, User) else None,
        "key_id": holder.id if isinstance(holder, ApiKey) else None,
        "proof": proof,
        "created": now,
        "expires": expires,
        "last_seen": now,
        "agent": agent[:_AGENT],
    }
    connection.execute(session.insert().values(values))
    return Session(holder, proof, now, min(expires, now + IDLE), expires)


def opened_by(connection: Connection, token: str) -> Session | None:
    """The session, if it has not ended."""
    query = sa.select(session).where(session.c.sha256 == _digest(token))
    row = connection.execute(query).first()
    if row is None:
        return None
    expires = min(row.expires, row.last_seen + IDLE)
    holder = _holder(connection, row)
    if expires <= datetime.now(UTC) or (holder is None and row.proof is None):
        return None
    return Session(holder, row.proof, row.last_seen, expires, row.expires)


def is_news(found: Session) -> bool:
    """Whether its use should be written down."""
    return datetime.now(UTC) - found.last_seen > _SELDOM


def used(connection: Connection, token: str) -> None:
    where = session.c.sha256 == _digest(token)
    connection.execute(session.update().where(where).values(last_seen=datetime.now(UTC)))


def end(connection: Connection, token: str) -> None:
    connection.execute(session.delete().where(session.c.sha256 == _digest(token)))


def end_all(connection: Connection, user_id: str) -> None:
    connection.execute(session.delete().where(session.c.user_id == user_id))


def _holder(connection: Connection, row: Any) -> User | ApiKey | None:
    """None where they may not be signed in any more."""
    if row.user_id is not None:
        user = users.find(connection, row.user_id)
        return user if user.disabled is None else None
    if row.key_id is not None:
        key = keys.find(connection, row.key_id)
        return key if key.is_valid else None
    return None


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "backslashreplace")).hexdigest()

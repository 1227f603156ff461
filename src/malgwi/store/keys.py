"""API keys: who may do what. Of a key only its SHA-256 is kept.

A key is 32 bytes of chance, so that there is no dictionary to try, and looking for its sum tells
nothing about it by the time that takes.
"""

import hmac
import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from malgwi.errors import NotFound
from malgwi.store.base import ApiKey, Role
from malgwi.store.ids import new_id
from malgwi.store.schema import api_key

PREFIX = "mg_"
_SELDOM = timedelta(minutes=1)  # that a key is used is not worth a write each time


def new(
    connection: Connection, name: str, role: Role, expires: datetime | None
) -> tuple[ApiKey, str]:
    plain = PREFIX + secrets.token_urlsafe(32)
    values = {
        "id": new_id(),
        "name": name,
        "role": role,
        "sha256": _digest(plain),
        "created": datetime.now(UTC),
        "expires": expires,
    }
    connection.execute(api_key.insert().values(values))
    return find(connection, str(values["id"])), plain


def find(connection: Connection, key_id: str) -> ApiKey:
    row = connection.execute(sa.select(api_key).where(api_key.c.id == key_id)).first()
    if row is None:
        raise NotFound(f"There is no key {key_id}.")
    return _key(row)


def opened_by(connection: Connection, presented: str) -> ApiKey | None:
    """The key, if it opens anything now."""
    digest = _digest(presented)
    row = connection.execute(sa.select(api_key).where(api_key.c.sha256 == digest)).first()
    if row is None or not hmac.compare_digest(row.sha256, digest):
        return None
    key = _key(row)
    return key if key.is_valid else None


def listed(connection: Connection) -> tuple[ApiKey, ...]:
    return tuple(map(_key, connection.execute(sa.select(api_key).order_by(api_key.c.id))))


def revoke(connection: Connection, key_id: str) -> ApiKey:
    """Once and for all; a second time changes nothing."""
    valid = api_key.c.id == key_id, api_key.c.revoked.is_(None)
    connection.execute(api_key.update().where(*valid).values(revoked=datetime.now(UTC)))
    return find(connection, key_id)


def is_news(key: ApiKey) -> bool:
    """Whether its use should be written down."""
    return key.last_used is None or datetime.now(UTC) - key.last_used > _SELDOM


def used(connection: Connection, key_id: str) -> None:
    now = datetime.now(UTC)
    connection.execute(api_key.update().where(api_key.c.id == key_id).values(last_used=now))


def _digest(plain: str) -> str:
    return sha256(plain.encode("utf-8", "backslashreplace")).hexdigest()


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        created=row.created,
        expires=row.expires,
        revoked=row.revoked,
        last_used=row.last_used,
    )

"""Who did what to what, and when. Entries are added; nothing here changes or removes one."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from malgwi.store import paging as pages
from malgwi.store.base import AuditEntry, Page, Paging
from malgwi.store.ids import new_id
from malgwi.store.schema import audit

_LIST = "audit"


def entry(
    action: str, target: str | None, actor: str | None, details: Mapping[str, Any] | None
) -> AuditEntry:
    return AuditEntry(new_id(), datetime.now(UTC), actor, action, target, dict(details or {}))


def add(connection: Connection, new: AuditEntry) -> AuditEntry:
    connection.execute(
        audit.insert().values(
            id=new.id,
            at=new.at,
            actor=new.actor,
            action=new.action,
            target=new.target,
            details=new.details,
        )
    )
    return new


def trail(connection: Connection, target: str | None, paging: Paging) -> Page[AuditEntry]:
    after = pages.after_id(paging, _LIST)
    query = sa.select(audit)
    if target is not None:
        query = query.where(audit.c.target == target)
    if after is not None:
        query = query.where(audit.c.id < after)
    found = connection.execute(query.order_by(audit.c.id.desc()).limit(paging.limit + 1)).all()
    return pages.page(
        found,
        paging,
        _LIST,
        lambda row: str(row.id),
        lambda rows: [
            AuditEntry(row.id, row.at, row.actor, row.action, row.target, row.details)
            for row in rows
        ],
    )

"""/v1/keys and /v1/audit: who may do what, and who did. For administrators."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from malgwi.apps.transcription.api.access import SCHEMES, Admin
from malgwi.apps.transcription.api.bodies import BoundedRoute
from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.fields import Cursor, Limit, Moment, Name
from malgwi.apps.transcription.api.pages import PageOf
from malgwi.apps.transcription.api.problems import problems
from malgwi.store import ApiKey, AuditEntry, Paging, Role


class KeyIn(BaseModel):
    """A key that is to be made."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "console", "role": "editor"}]}
    )

    name: Name
    role: Role
    expires: Moment | None = None
    """Without it the key is valid until it is revoked."""


class KeyOut(BaseModel):
    """A key, without what opens."""

    id: str
    name: str
    role: Role
    created: datetime
    expires: datetime | None
    revoked: datetime | None
    last_used: datetime | None


class KeyMade(KeyOut):
    """A key that was made."""

    secret: str = Field(examples=["mg_..."])
    """What opens. It is shown this once and kept nowhere."""


class AuditOut(BaseModel):
    """Something that was done."""

    id: str
    at: datetime
    actor: str | None
    """Id of a user or a key; `settings` for a key of the settings, `command` for `malgwi user`,
    null where nobody was known."""
    actor_name: str | None
    """Of the user or the key, while there is one."""
    action: str
    target: str | None
    details: dict[str, Any]


def routers(doors: ApiDoors) -> list[APIRouter]:
    return [_keys(doors), _audit(doors)]


def _keys(doors: ApiDoors) -> APIRouter:
    routes = APIRouter(
        prefix="/v1/keys",
        tags=["keys"],
        responses=problems(),
        dependencies=SCHEMES,
        route_class=BoundedRoute,
    )

    @routes.get("")
    def list_keys(caller: Admin) -> list[KeyOut]:
        return list(map(_key_out, doors.store.keys()))

    @routes.post("", status_code=201)
    def create_key(caller: Admin, wanted: KeyIn) -> KeyMade:
        """The only answer that has the key itself."""
        key, secret = doors.store.new_key(wanted.name, wanted.role, wanted.expires)
        doors.store.note("key.create", key.id, caller.id, {"role": key.role.value})
        return KeyMade(**_key_out(key).model_dump(), secret=secret)

    @routes.delete("/{key_id}")
    def revoke_key(caller: Admin, key_id: str) -> KeyOut:
        """It opens nothing any more, from the next request on."""
        key = doors.store.revoke_key(key_id)
        doors.store.note("key.revoke", key.id, caller.id)
        return _key_out(key)

    return routes


def _audit(doors: ApiDoors) -> APIRouter:
    routes = APIRouter(tags=["keys"], responses=problems(), dependencies=SCHEMES)

    @routes.get("/v1/audit")
    def read_audit(
        caller: Admin,
        target: Annotated[str | None, Query(max_length=500)] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> PageOf[AuditOut]:
        """What was changed, by whom; newest first. It holds ids and numbers, nothing that was
        said."""
        page = doors.store.trail(target, Paging(cursor, limit))
        names = doors.people.names()
        items = [_audit_out(each, names) for each in page.items]
        return PageOf(items=items, next_cursor=page.next_cursor)

    return routes


def _key_out(key: ApiKey) -> KeyOut:
    return KeyOut(
        id=key.id,
        name=key.name,
        role=key.role,
        created=key.created,
        expires=key.expires,
        revoked=key.revoked,
        last_used=key.last_used,
    )


def _audit_out(entry: AuditEntry, names: Mapping[str, str]) -> AuditOut:
    return AuditOut(
        id=entry.id,
        at=entry.at,
        actor=entry.actor,
        actor_name=names.get(entry.actor) if entry.actor else None,
        action=entry.action,
        target=entry.target,
        details=dict(entry.details),
    )

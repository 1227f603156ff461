"""Who may do what: the lock of the service over the keys that are kept, and what a route needs."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.concurrency import run_in_threadpool

from malgwi.errors import BadOption
from malgwi.gateway import Answer, Keys, Refusal, is_loopback
from malgwi.store import ApiKey, Role, Store

_ROLES = list(Role)  # each may do what those after it may


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    id: str | None
    """Of their key; None where nobody needs one."""
    role: Role

    def must_be(self, role: Role) -> None:
        """Raises Refusal, 403."""
        if _ROLES.index(self.role) > _ROLES.index(role):
            message = f"This needs a key with the role {role}; the role of yours is {self.role}."
            raise Refusal(Answer(403, "forbidden", message))


EVERYBODY = Caller(None, Role.ADMIN)
SETTINGS = Caller("settings", Role.ADMIN)
"""Whoever has a key of the settings: an administrator of this machine gave it out."""


@dataclass(frozen=True, slots=True)
class StoreLock:
    """Opens with the keys of the store and with those of the settings; see `gateway.Lock`."""

    store: Store
    settings: Keys
    needed: bool
    """False where everybody may do everything."""

    def __bool__(self) -> bool:
        return self.needed

    async def holder(self, presented: str) -> object | None:
        if not self.needed:
            return EVERYBODY
        if not presented:
            return None
        if self.settings and self.settings.accepts(presented):
            return SETTINGS
        key = await run_in_threadpool(self.store.key, presented)
        return None if key is None else Caller(key.id, key.role)


def lock_of(store: Store, settings: Keys, host: str) -> StoreLock:
    """The lock for a service on `host`, as it is from now on.

    On loopback a key is needed once there is one of an administrator, so that nobody is locked
    out by making another's. Raises BadOption where others can reach `host` and there is none.
    """
    needed = bool(settings) or any(map(_administers, store.keys()))
    if not needed and not is_loopback(host):
        raise BadOption(
            f"Whoever reaches {host or 'all addresses'} could read and change all that is kept, "
            "for there is no key of an administrator. Make one, or listen on 127.0.0.1."
        )
    return StoreLock(store, settings, needed)


def _administers(key: ApiKey) -> bool:
    valid = key.expires is None or key.expires > datetime.now(UTC)
    return key.role is Role.ADMIN and key.revoked is None and valid


def needs(role: Role) -> Callable[[Request], Coroutine[Any, Any, Caller]]:
    """A dependency: who asks, if they have that role or a greater one."""

    async def caller(request: Request) -> Caller:
        holder = request.scope["malgwi.holder"]
        assert isinstance(holder, Caller), "The service needs a StoreLock."
        if holder is EVERYBODY:
            _check_host(request)
        holder.must_be(role)
        return holder

    return caller


def _check_host(request: Request) -> None:
    """Where no key is needed: a page of another machine whose name was made to lead here (DNS
    rebinding) reads what it likes, and only the Host header tells."""
    if not is_loopback(request.url.hostname or ""):
        raise Refusal(
            Answer(
                403,
                "foreign_page",
                "Without a key this service answers at 127.0.0.1 and localhost, and at no other "
                "name.",
            )
        )


Viewer = Annotated[Caller, Depends(needs(Role.VIEWER))]
Editor = Annotated[Caller, Depends(needs(Role.EDITOR))]
Admin = Annotated[Caller, Depends(needs(Role.ADMIN))]

SCHEMES = [
    Security(HTTPBearer(auto_error=False, scheme_name="bearer", description="A key")),
    Security(APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="header")),
]
"""For the OpenAPI document; the lock has looked at the key before any route does."""

"""Who may do what: the lock of the service over keys and sessions, and what a route needs."""

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from malgwi.errors import BadOption
from malgwi.gateway import Answer, Keys, Refusal, is_loopback, is_own_page, presented
from malgwi.store import People, Role, Session, Store

_ROLES = list(Role)  # each may do what those after it may


COOKIE = "malgwi_session"
_READING = ("GET", "HEAD", "OPTIONS")
_FOREIGN = Answer(
    403,
    "foreign_page",
    "Who is signed in changes something on the pages of this service only. Programs show a key.",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    id: str | None
    """Of the user or the key; None where nobody needs one."""
    role: Role
    name: str | None = None
    session: Session | None = None
    """By which they are known; None where they showed a key, or nobody needs one."""

    @classmethod
    def signed_in(cls, session: Session) -> "Caller":
        """For a key of the settings the proof was looked at before."""
        holder = session.holder
        if holder is None:
            return replace(SETTINGS, session=session)
        return cls(holder.id, holder.role, holder.name, session)

    def must_be(self, role: Role) -> None:
        """Raises Refusal, 403."""
        if _ROLES.index(self.role) > _ROLES.index(role):
            message = f"This needs the role {role}; yours is {self.role}."
            raise Refusal(Answer(403, "forbidden", message))


EVERYBODY = Caller(None, Role.ADMIN)
SETTINGS = Caller("settings", Role.ADMIN, "settings")
"""Whoever has a key of the settings: an administrator of this machine gave it out."""


FETCHING = Caller("media", Role.VIEWER, "media")
"""A worker on another node, at the one path that its key opens."""
_MEDIA = re.compile("/v1/media/[0-9a-f]{64}")


@dataclass(slots=True)
class StoreLock:
    """Opens with the keys of the store and those of the settings, and with the cookie of who is
    signed in; see `gateway.Lock`."""

    store: Store
    people: People
    settings: Keys
    needed: bool
    """False where everybody may do everything: until a user is an administrator."""
    media: Keys = field(default_factory=Keys)
    """Those that open media by their sum, and nothing else."""

    def __bool__(self) -> bool:
        return self.needed

    async def holder(self, asking: HTTPConnection) -> object | None:
        if not self.needed:
            self.needed = await run_in_threadpool(self.people.is_administered)
        if not self.needed:
            return EVERYBODY
        if key := presented(asking.headers):
            if self.media and _MEDIA.fullmatch(asking.scope["path"]) and self.media.accepts(key):
                return FETCHING
            return await run_in_threadpool(self._of_key, key)
        if token := asking.cookies.get(COOKIE):
            found = await run_in_threadpool(self._of_session, token)
            if found and _changes(asking) and not is_own_page(asking.headers):
                raise Refusal(_FOREIGN)
            return found
        return None

    def _of_key(self, presented: str) -> Caller | None:
        if self.settings and self.settings.accepts(presented):
            return SETTINGS
        key = self.store.key(presented)
        return None if key is None else Caller(key.id, key.role, key.name)

    def _of_session(self, token: str) -> Caller | None:
        session = self.people.session(token)
        if session is None:
            return None
        if session.proof is not None and not self.settings.proves(session.proof, token):
            return None
        return Caller.signed_in(session)


def lock_of(
    store: Store, people: People, settings: Keys, host: str, media: Keys | None = None
) -> StoreLock:
    """The lock for a service on `host`; `media` are the keys of workers on other nodes.

    On loopback everybody may do everything until there is an administrator, so that nobody is
    locked out by making another's key. A user who is one counts from the moment they are made, a
    key from the next start. Raises BadOption where others can reach `host` and there is none.
    """
    kept = store.keys()
    needed = bool(settings) or any(each.administers for each in kept) or people.is_administered()
    if not needed and not is_loopback(host):
        raise BadOption(
            f"Whoever reaches {host or 'all addresses'} could read and change all that is kept, "
            "for there is no administrator. Make one with `malgwi user add NAME --role admin`, or "
            "listen on 127.0.0.1."
        )
    return StoreLock(store, people, settings, needed, media or Keys())


def _changes(asking: HTTPConnection) -> bool:
    """A WebSocket may do anything once it is open."""
    return asking.scope["type"] == "websocket" or asking.scope["method"] not in _READING


def needs(role: Role) -> Callable[[Request], Coroutine[Any, Any, Caller]]:
    """A dependency: who asks, if they have that role or a greater one."""

    async def caller(request: Request) -> Caller:
        holder = await asked(request)
        assert holder is not None, "Only at open paths nobody may ask."
        holder.must_be(role)
        return holder

    return caller


async def asked(request: Request) -> Caller | None:
    """A dependency: who asks; None at an open path where nobody is known."""
    holder: object = request.scope["malgwi.holder"]
    assert holder is None or isinstance(holder, Caller), "The service needs a StoreLock."
    if holder is EVERYBODY:
        _check_host(request)
    return holder


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
    Security(APIKeyCookie(name=COOKIE, auto_error=False, scheme_name="cookie")),
]
"""For the OpenAPI document; the lock has looked at them before any route does."""

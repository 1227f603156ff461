"""/v1/session: who is signed in with a browser, and the first administrator.

The token of a session is in a cookie that no script reads and no other site sends. The path is
open: who is not signed in comes here to do so.
"""

from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from malgwi.apps.transcription.api.access import (
    COOKIE,
    EVERYBODY,
    SCHEMES,
    Caller,
    Viewer,
    asked,
)
from malgwi.apps.transcription.api.bodies import SmallRoute
from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.fields import Password, UserName
from malgwi.apps.transcription.api.problems import problems
from malgwi.errors import Conflict
from malgwi.gateway import Answer, Refusal, is_loopback, is_own_page
from malgwi.store import Begun, Role, User

PATH = "/v1/session"
"""Its routes look at who asks by themselves."""
_WRONG = Answer(
    401,
    "wrong_sign_in",
    "Name and password do not go together, or the key is none. Check both, and the language of "
    "the keyboard; an administrator can set another password.",
)
_NOBODY = Answer(401, "not_signed_in", "Nobody is signed in. Sign in, or show a key.")
_ELSEWHERE = Answer(403, "foreign_page", "Sign in on the pages of this service, on no other.")

Asked = Annotated[Caller | None, Depends(asked)]


class SignInByPassword(BaseModel):
    """A user."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "anna", "password": "…"}]}
    )

    name: Annotated[str, StringConstraints(max_length=1024)]
    """In any case."""
    password: Annotated[str, StringConstraints(max_length=1024)]


class SignInByKey(BaseModel):
    """Whoever has an API key."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"key": "mg_..."}]})

    key: Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class PasswordChange(BaseModel):
    """Of one's own password."""

    model_config = ConfigDict(extra="forbid")

    current: Annotated[str, StringConstraints(max_length=1024)]
    new: Password


class FirstUser(BaseModel):
    """The first administrator."""

    model_config = ConfigDict(extra="forbid")

    name: UserName
    password: Password


class SessionOut(BaseModel):
    """Who asks, and until when they may."""

    name: str | None
    """Of the user or the key; null where nobody needs one."""
    role: Role
    user: str | None
    """Their id; null for a key."""
    expires: datetime | None
    """When the session ends if nobody uses it before; null without a session."""
    open: bool = False
    """Whether everybody may do everything: there is no administrator yet."""
    first: bool = False
    """Whether whoever asks may make the first one, at `/v1/users/first`."""


def routers(doors: ApiDoors) -> list[APIRouter]:
    return [_session(doors), _first(doors)]


def _session(doors: ApiDoors) -> APIRouter:
    routes = APIRouter(prefix=PATH, tags=["session"], responses=problems(), route_class=SmallRoute)

    @routes.get("")
    def read_session(caller: Asked, request: Request) -> SessionOut:
        """Who is signed in; 401 where nobody is."""
        if caller is None:
            raise Refusal(_NOBODY)
        first = caller is EVERYBODY and _is_here(request) and doors.people.nobody()
        return _out(caller).model_copy(update={"first": first})

    @routes.post("", dependencies=[Depends(_check_page)])
    def sign_in(
        request: Request, response: Response, wanted: SignInByPassword | SignInByKey
    ) -> SessionOut:
        """Sets the cookie of a new session."""
        name = wanted.name if isinstance(wanted, SignInByPassword) else None
        doors.attempts.begin(name, _address(request))
        begun = _begun(doors, wanted, _agent(request))
        facts = {"by": "key" if name is None else "password", "address": _address(request)}
        if begun is None:
            doors.attempts.failed()
            known = None if name is None else doors.people.named(name)
            # No name that nobody has: people type passwords in the wrong field.
            doors.store.note("session.refuse", known.id if known else None, None, facts)
            raise Refusal(_WRONG)
        doors.attempts.succeeded(name, _address(request))
        if old := request.cookies.get(COOKIE):
            doors.people.end(old)
        caller = Caller.signed_in(begun[0])
        doors.store.note("session.create", caller.id, caller.id, facts)
        _give(request, response, begun)
        return _out(caller)

    @routes.delete("", status_code=204)
    def sign_out(caller: Asked, request: Request, response: Response) -> None:
        """Ends the session, if there is one."""
        if caller is not None and caller.session:
            doors.people.end(request.cookies[COOKIE])
            doors.store.note("session.end", caller.id, caller.id)
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")

    @routes.post("/password", dependencies=SCHEMES)
    def change_password(
        caller: Viewer, request: Request, response: Response, wanted: PasswordChange
    ) -> SessionOut:
        """One's own. All other sessions of the user end, and this one goes on under a new token."""
        if caller.session is None or not isinstance(caller.session.holder, User):
            raise Conflict("Only a user who is signed in has a password. A key is made anew.")
        user, address = caller.session.holder, _address(request)
        doors.attempts.begin(user.name, address)
        begun = doors.people.change_password(user.id, wanted.current, wanted.new, _agent(request))
        if begun is None:
            doors.attempts.failed()
            message = "The current password is another. Nothing was changed."
            raise Refusal(Answer(403, "wrong_password", message, param="current"))
        doors.attempts.succeeded(user.name, address)
        doors.store.note("user.password", user.id, user.id)
        _give(request, response, begun)
        return _out(Caller.signed_in(begun[0]))

    return routes


def _first(doors: ApiDoors) -> APIRouter:
    routes = APIRouter(tags=["users"], responses=problems(), route_class=SmallRoute)

    @routes.post("/v1/users/first", status_code=201, dependencies=[*SCHEMES, Depends(_check_page)])
    def create_first_user(
        caller: Viewer, request: Request, response: Response, wanted: FirstUser
    ) -> SessionOut:
        """An administrator, signed in, on this machine and while there is nobody. From then on
        everybody signs in."""
        if caller is not EVERYBODY:
            raise Conflict("There is an administrator here already. Sign in.")
        if not _is_here(request):
            message = "The first administrator is made on the machine of the service."
            raise Refusal(Answer(403, "not_here", message))
        begun = doors.people.add_first(wanted.name, wanted.password, _agent(request))
        made = Caller.signed_in(begun[0])
        doors.store.note("user.create", made.id, made.id, {"role": made.role.value, "first": True})
        _give(request, response, begun)
        return _out(made)

    return routes


def _check_page(request: Request) -> None:
    """Another site must not sign anybody in, as somebody of its choice. Who is no browser may."""
    if is_own_page(request.headers) is False:
        raise Refusal(_ELSEWHERE)


def _begun(doors: ApiDoors, wanted: SignInByPassword | SignInByKey, agent: str) -> Begun | None:
    if isinstance(wanted, SignInByPassword):
        return doors.people.sign_in(wanted.name, wanted.password, agent)
    if doors.keys and doors.keys.accepts(wanted.key):
        return doors.people.begin_of_settings(partial(doors.keys.proof, wanted.key), agent)
    return doors.people.sign_in_by_key(wanted.key, agent)


def _give(request: Request, response: Response, begun: Begun) -> None:
    session, token = begun
    response.set_cookie(
        COOKIE,
        token,
        expires=session.ends,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def _out(caller: Caller) -> SessionOut:
    session = caller.session
    return SessionOut(
        name=caller.name,
        role=caller.role,
        user=session.holder.id if session and isinstance(session.holder, User) else None,
        expires=session.expires if session else None,
        open=caller is EVERYBODY,
    )


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _agent(request: Request) -> str:
    return request.headers.get("user-agent", "")


def _is_here(request: Request) -> bool:
    """Whether a browser of this machine asks, and no proxy for somebody else."""
    sent_on = "x-forwarded-for" in request.headers or "forwarded" in request.headers
    return is_loopback(_address(request)) and not sent_on

"""What happens to every request on its way in and out, as plain ASGI: nothing is buffered here."""

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from malgwi import logs
from malgwi.errors import MalgwiError
from malgwi.gateway.errors import FOREIGN_PAGE, NO_KEY, WRONG_KEY, Answer, Refusal, status_of
from malgwi.gateway.exposure import is_loopback
from malgwi.gateway.keys import Lock, presented
from malgwi.gateway.metrics import Metrics

Respond = Callable[[str, Answer], Response]
"""The response to an error at a path, in the shape of the dialect that is spoken there."""

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_LINGER = 5.0  # seconds
_CLIENT_GONE = 499
_HEADERS = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}

access = logging.getLogger("malgwi.gateway.access")
logger = logging.getLogger(__name__)


class Lingering:
    """Lets a client that is still sending hear an answer that came early, such as 413.

    If a connection is closed on bytes that nobody read, the other side's system may throw the
    answer away. So the answer goes out, and for some seconds what still comes is thrown away.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not has_body(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        unread = True

        async def reading() -> Message:
            nonlocal unread
            message = await receive()
            unread = unread and message.get("more_body", False)
            return message

        async def sending(message: Message) -> None:
            if unread and message["type"] == "http.response.start":
                MutableHeaders(scope=message)["connection"] = "close"
            if unread and message["type"] == "http.response.body" and not message.get("more_body"):
                await send({**message, "more_body": True})
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LINGER):
                        while unread:
                            await reading()
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        await self.app(scope, reading, sending)


class RequestId:
    """Each request has an id: in its log lines, and in the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        name = given if _SANE_ID.fullmatch(given) else secrets.token_hex(8)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = name
                for header, value in _HEADERS.items():
                    headers.setdefault(header, value)
            await send(message)

        with logs.bind(name):
            await self.app(scope, receive, sending)


class Access:
    """A log line and a measurement a request. Of the path only the template: no ids, no query.

    Status 499 is a client that went before its answer was whole, as nginx has it.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        seen = {"status": 0, "bytes_in": 0, "bytes_out": 0}
        ended: float | None = None
        gone = False

        async def reading() -> Message:
            nonlocal gone
            message = await receive()
            seen["bytes_in"] += len(message.get("body", b""))
            gone = gone or (message["type"] == "http.disconnect" and ended is None)
            return message

        async def sending(message: Message) -> None:
            nonlocal ended
            seen["status"] = message.get("status", seen["status"])
            seen["bytes_out"] += len(message.get("body", b""))
            if message["type"] == "http.response.body" and not message.get("more_body"):
                ended = time.perf_counter()  # before a slow or lingering client
            await send(message)

        try:
            await self.app(scope, reading, sending)
        finally:
            seconds = (ended or time.perf_counter()) - began
            if gone:
                seen["status"] = _CLIENT_GONE
            route = getattr(scope.get("route"), "path", None) or "none"
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.request_done(route, seen["status"], seconds)
            facts = {"method": method, "route": route, "seconds": round(seconds, 4), **seen}
            access.info("answered" if ended and not gone else "broken off", extra=facts)


class LastResort:
    """What nobody expected becomes 500 with the id of the request; the log has where it was."""

    def __init__(self, app: ASGIApp, respond: Respond) -> None:
        self.app = app
        self._respond = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except Exception as error:
            if started:  # too late for an answer: the server closes the connection, and logs it
                raise
            logger.error("request failed", exc_info=error)
            answer = status_of(error, logs.request_id.get())
            await self._respond(scope["path"], answer)(scope, receive, sending)


class KeyCheck:
    """Nobody whom the lock does not know gets further, except to the open paths, which say little
    then.

    Where there are no keys, on loopback, pages of the web must not use the engine of whoever
    reads them: a browser says which page it asks for.
    """

    def __init__(
        self, app: ASGIApp, keys: Lock, respond: Respond, open_paths: Collection[str]
    ) -> None:
        self.app = app
        self._keys = keys
        self._respond = respond
        self._open = frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        answer = await self._refused(scope)
        if answer is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._respond(scope["path"], answer)(scope, receive, send)

    async def _refused(self, scope: Scope) -> Answer | None:
        """Why nobody may ask this; None where they may, and then the scope says who they are."""
        asking = HTTPConnection(scope)
        is_open = scope["type"] == "http" and scope["path"] in self._open
        try:
            holder = await self._keys.holder(asking)
        except Refusal as refusal:
            return refusal.answer
        except MalgwiError:
            if not is_open:
                raise
            holder = None  # a process lives, also where nobody can look up a key
        scope["malgwi.holder"], scope["malgwi.admitted"] = holder, holder is not None
        if not self._keys and _is_foreign(asking.headers.get("origin")):
            return FOREIGN_PAGE
        if holder is not None or is_open:
            return None
        return WRONG_KEY if presented(asking.headers) else NO_KEY


def responder(shapes: Mapping[str, Callable[[Answer], Response]]) -> Respond:
    """The shape whose prefix of the path is the longest; "" is a prefix of all."""
    prefixes = sorted(shapes, key=len, reverse=True)

    def respond(path: str, answer: Answer) -> Response:
        shape = next(shapes[prefix] for prefix in prefixes if path.startswith(prefix))
        response = shape(answer)
        if answer.retry_after is not None:
            response.headers["retry-after"] = str(answer.retry_after)
        if answer.status == 401:
            response.headers["www-authenticate"] = "Bearer"
        return response

    return respond


def _is_foreign(origin: str | None) -> bool:
    """Whether a page of another machine asks. Extensions have schemes of their own; what is no
    origin at all is trusted least."""
    if origin is None:
        return False
    try:
        parts = urlsplit(origin)
    except ValueError:
        return True
    return origin == "null" or (
        parts.scheme in ("http", "https") and not is_loopback(parts.hostname or "")
    )


def has_body(headers: Mapping[str, str]) -> bool:
    """Whether something comes behind the headers of a request."""
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"

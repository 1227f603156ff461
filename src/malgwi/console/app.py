"""The console beside the API on one port: which path is whose, and what a browser is told.

Pages are NiceGUI's, which needs its own inline scripts; nothing of them is fetched from another
host, and the policy says so. Those before anybody is signed in (`doors`) are plain files.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from nicegui import Client, ui
from nicegui import app as nicegui
from starlette.datastructures import Headers, MutableHeaders
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from malgwi.console import api, doors, pages
from malgwi.console.doors import words_of
from malgwi.console.frame import Console, alone
from malgwi.gateway import is_own_origin

STATIC = Path(__file__).parent / "static"
OWN = frozenset(
    ("", "static", "_nicegui", "_nicegui_ws", "favicon.ico", *doors.PATHS, *pages.PATHS)
)
"""What a path of the console begins with; all else is the API's."""
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class Beside:
    """An ASGI app: the console's pages, and the API for every other path."""

    def __init__(self, service: FastAPI, console: Console) -> None:
        self.app = _pages(service, console)
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif not owns(scope["path"]):
            await self._service(scope, receive, send)
        elif is_foreign(Headers(scope=scope)):
            await _refuse(scope, receive, send)
        else:
            await self.app(scope, receive, _with_headers(send, _keeping(scope)))


def beside(service: FastAPI) -> ASGIApp:
    """The console in the process of the API that it shows."""
    client = api.client(httpx.ASGITransport(service), "http://localhost")
    return Beside(service, Console(client))


def owns(path: str) -> bool:
    return path.lstrip("/").partition("/")[0] in OWN


def is_foreign(headers: Mapping[str, str]) -> bool:
    """Whether a page of another origin asks. Connections of pages may begin as plain requests,
    which the framework would answer to every origin."""
    origin = headers.get("origin")
    return origin is not None and not is_own_origin(origin, headers.get("host", ""))


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
    else:
        said = "This comes from another site. Open the page itself."
        await PlainTextResponse(said, 403)(scope, receive, send)


def _pages(service: FastAPI, console: Console) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with service.router.lifespan_context(service):
            yield
        await console.client.aclose()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=STATIC))
    app.include_router(doors.router())
    pages.register(console)
    nicegui.config.quasar_config["loadingBar"]["skipHijack"] = True  # it has no name to be read
    nicegui.add_exception_handler(404, _not_here)
    nicegui.on_page_exception(_broken)
    ui.run_with(
        app,
        title="Malgwi",
        favicon=STATIC / "favicon.svg",
        dark=False,
        tailwind=False,
        reconnect_timeout=10.0,
        show_welcome_message=False,
    )
    return app


async def _not_here(request: Request, _: Exception) -> Response:
    with Client(ui.page(""), request=request) as client:
        alone(words_of(request), "not_here")
    return client.build_response(request, 404)


def _broken(_: Exception) -> None:
    """The log has the exception; a page shows nobody what is inside."""
    alone(words_of(ui.context.client.request), "broken")


def _keeping(scope: Scope) -> str | None:
    """How long a browser may keep it; None where what answers knows."""
    if scope["path"].startswith("/_nicegui/"):
        return None
    if not scope["path"].startswith("/static/"):
        return "no-store"
    # One that is imported by another has no stamp: the browser asks whether it is still the same.
    return "public, max-age=31536000, immutable" if scope.get("query_string") else "no-cache"


def _with_headers(send: Send, keeping: str | None) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            if keeping:
                headers["cache-control"] = keeping
        await send(message)

    return sending

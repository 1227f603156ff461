"""The console in a process of its own: what `malgwi console` runs.

It serves the pages and passes `/v1` on to the API, as it comes and as it is answered, so that a
browser has one origin for both. Behind nginx that passes `/v1` on itself, it is never asked for it.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from urllib.parse import urlsplit

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from malgwi import gateway, logs
from malgwi.console import api
from malgwi.console.app import Beside
from malgwi.console.frame import Console
from malgwi.errors import BadOption

DRAIN = 10
"""Seconds that requests have to end when it is asked to."""
_OF_THE_HOP = frozenset(  # RFC 9110, section 7.6.1: of one connection, not of the message
    (
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"),
        *("proxy-authenticate", "proxy-authorization", "upgrade"),
    )
)
_OURS = frozenset(("x-forwarded-for", "x-forwarded-proto", "forwarded"))
"""What a request says of who asks: this process says it, from what its own server made of it."""
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def run(address: str, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises BadOption for an address that is none."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadOption(f"{address} is no address of an API. Give one as http://api:8000.")
    logs.set_up()
    client = api.client(httpx.AsyncHTTPTransport(), address)
    app = Beside(passing_on(address, client), Console(client))
    with gateway.listening(host, port) as socket:
        announce(gateway.address_of(socket))
        gateway.run(gateway.new_server(app, DRAIN), socket)


def passing_on(address: str, client: httpx.AsyncClient) -> FastAPI:
    """An app that has no answers but those of the API at the address. The client is one that keeps
    no cookie: what somebody is given must not go along with what another asks."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.api_route("/v1/{path:path}", methods=_METHODS)
    async def passed_on(request: Request) -> Response:
        """The body goes through as it comes, in both directions: nothing of it is kept here."""
        asked = client.build_request(
            request.method,
            httpx.URL(address).copy_with(raw_path=_target(request)),
            headers=[
                *(each for each in _going_on(request.headers.raw) if each[0].decode() not in _OURS),
                (b"x-forwarded-for", (request.client.host if request.client else "").encode()),
                (b"x-forwarded-proto", request.url.scheme.encode()),
            ],
            content=request.stream() if gateway.has_body(request.headers) else None,
            timeout=httpx.Timeout(api.SECONDS, read=None),
        )
        try:
            answer = await client.send(asked, stream=True)
        except httpx.HTTPError:
            detail = "The service does not answer. Try again in a moment."
            return JSONResponse(
                {"type": "about:blank", "title": "Bad Gateway", "status": 502, "detail": detail},
                502,
                media_type="application/problem+json",
            )
        passed = StreamingResponse(_whole(answer), answer.status_code)
        passed.raw_headers = _going_on(answer.headers.raw)
        return passed

    return app


async def _whole(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.aiter_raw():
            yield piece
    finally:
        await answer.aclose()


def _going_on(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    lowered = [(name.lower(), value) for name, value in headers]
    return [each for each in lowered if each[0].decode("latin-1") not in _OF_THE_HOP]


def _target(request: Request) -> bytes:
    raw: bytes = request.scope.get("raw_path") or request.url.path.encode("ascii")
    query: bytes = request.scope.get("query_string", b"")
    return raw + (b"?" + query if query else b"")

"""JSON bodies have an end: FastAPI by itself would read whatever comes into memory."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import Message

from malgwi.errors import Cancelled, TooLarge

MOST = 8 * 1024 * 1024
"""Bytes: thousands of corrections, or a large glossary."""
_SILENCE = 60.0  # seconds without a byte


class BoundedRoute(APIRoute):
    """Reads the body, up to `most` bytes, before the route is asked."""

    most = MOST

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def bounded(request: Request) -> Response:
            return await handler(await with_body(request, self.most))

        return bounded


class SmallRoute(BoundedRoute):
    """For names and passwords, from whoever comes."""

    most = 32 * 1024


async def with_body(request: Request, most: int = MOST) -> Request:
    """The request, its body in memory. Raises TooLarge and Cancelled."""
    body = await read_body(request, most)
    told = False

    async def receive() -> Message:
        nonlocal told
        if told:
            return await request.receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(request.scope, receive)


async def read_body(request: Request, most: int = MOST) -> bytes:
    body = bytearray()
    stream = request.stream()
    try:
        while True:
            async with asyncio.timeout(_SILENCE):
                chunk = await anext(stream, None)
            if chunk is None:
                return bytes(body)
            body += chunk
            if len(body) > most:
                raise TooLarge(f"The body has more than {most:,} bytes. Send it in parts.")
    except TimeoutError as error:
        raise Cancelled(f"No byte came for {_SILENCE:.0f} s. Send it again.") from error
    except ClientDisconnect as error:
        raise Cancelled("The client has gone.") from error

"""A real server on loopback, and clients that misbehave."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Thread

import deadline
import uvicorn
from starlette.types import ASGIApp

DEADLINE = 10.0  # seconds


@contextmanager
def serving(app: ASGIApp) -> Iterator[int]:
    """The port on which the app is served meanwhile."""
    config = uvicorn.Config(
        app, port=0, log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(DEADLINE)


until = partial(deadline.until, seconds=DEADLINE)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), DEADLINE)


def post(path: str, length: int, content_type: str = "application/octet-stream") -> bytes:
    """The head of a request whose body is still to come."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: test",
        f"Content-Length: {length}",
        f"Content-Type: {content_type}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def status_in(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])

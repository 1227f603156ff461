"""The server that runs an application: where it listens, and how it ends."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from malgwi.errors import BadOption


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """One on which nobody is answered yet. Raises BadOption where it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((host, port))
        except OSError as error:
            raise BadOption(
                f"It cannot listen on {host} port {port}: {error.strerror or error}. "
                "Give another --host or --port, or end what listens there."
            ) from error
        made.listen()  # who comes before the service has started waits for it
        yield made


def address_of(listening: socket.socket) -> str:
    """Its URL."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def new_server(app: ASGIApp, drain: int) -> uvicorn.Server:
    """The same everywhere, whatever else is installed. `drain` are the seconds that requests have
    to end when it is told to."""
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=drain,
    )
    return uvicorn.Server(config)


def run(server: uvicorn.Server, listening: socket.socket) -> bool:
    """Until SIGTERM or Ctrl-C. False where it never answered anybody.

    uvicorn ends at a signal as it should, and then sends itself the signal once more, which would
    end this process before its engines and its spool are put away.
    """
    before = [(each, signal.signal(each, _survive)) for each in (signal.SIGINT, signal.SIGTERM)]
    try:
        server.run(sockets=[listening])
    except SystemExit:  # by uvicorn, where the application could not start: who called says why
        pass
    finally:
        for number, handler in before:
            signal.signal(number, handler)
    return server.started


def _survive(*_: object) -> None:
    """The service is ending already."""

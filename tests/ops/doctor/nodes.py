"""Machines of an inventory at addresses of this one, with doors of theirs: what nginx does there a
relay does here."""

import random
import select
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

from malgwi.ops.nodes import Inventory, Node, Queue, Role
from malgwi.ops.nodes.certificates import Pair, issued, new_authority

LOGOS, PATHOS, ETHOS = "127.0.0.1", "127.0.0.2", "127.0.0.3"
QUEUES: tuple[Queue, ...] = ("realtime", "analysis", "batch")
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")


def free_port(address: str = LOGOS) -> int:
    """Below those that the system gives to whoever connects: it is free for a while, too."""
    while True:
        port = random.randrange(20_000, 32_000)
        with suppress(OSError), socket.create_server((address, port)):
            return port


def node(
    name: str,
    address: str,
    *roles: Role,
    queues: tuple[Queue, ...] = (),
    gpus: tuple[str, ...] = (),
    **settings: str,
) -> Node:
    return Node(name, address, roles, gpus, queues, address, settings)


class Authority:
    """Makes certificates for addresses."""

    def __init__(self, folder: Path, name: str = "tests") -> None:
        self._pair = new_authority(name)
        self._folder = folder
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._pair.certificate)

    def context(self, address: str) -> ssl.SSLContext:
        """For a server that others know by that address."""
        pair: Pair = issued(self._pair, "node", [address])
        file = self._folder / f"{address}.pem"
        file.write_bytes(pair.certificate + pair.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


class Relay:
    """A door of a node, and what is behind it; nobody, where that is None."""

    def __init__(
        self,
        address: str,
        port: int,
        behind: tuple[str, int] | None = None,
        context: ssl.SSLContext | None = None,
        *,
        postgresql: bool = False,
    ) -> None:
        self._behind, self._context, self._postgresql = behind, context, postgresql
        self._door = socket.create_server((address, port))
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._door.accept()
                Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with suppress(OSError), line:
            line.settimeout(30)
            if self._postgresql and line.recv(8) == _SSL_REQUEST:
                line.sendall(b"S" if self._context else b"N")
            if self._context is None:
                self._pass_on(line)
                return
            with self._context.wrap_socket(line, server_side=True) as secured:
                self._pass_on(secured)

    def _pass_on(self, line: socket.socket) -> None:
        if self._behind is None:
            line.recv(1)
            return
        with socket.create_connection(self._behind) as behind:
            _join(line, behind)


def _join(one: socket.socket, other: socket.socket) -> None:
    """In one thread, as TLS has to be."""
    while True:
        waiting = isinstance(one, ssl.SSLSocket) and one.pending()
        for each in [one] if waiting else select.select([one, other], [], [], 30)[0]:
            piece = each.recv(65536)
            if not piece:
                return
            (other if each is one else one).sendall(piece)


@contextmanager
def doors(*relays: Relay) -> Iterator[None]:
    try:
        yield
    finally:
        for each in relays:
            each.close()


def three(https: int, http: int, gpus: tuple[str, ...] = ()) -> Inventory:
    """One for the web, one that hears, one for the data."""
    logos = node("logos", LOGOS, "web", STACK_HTTPS_PORT=str(https), STACK_HTTP_PORT=str(http))
    pathos = node("pathos", PATHOS, "analysis", queues=QUEUES, gpus=gpus)
    return Inventory("tests", (logos, pathos, node("ethos", ETHOS, "data")))

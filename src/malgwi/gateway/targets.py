"""Where a request may go whose address somebody else gave, without lending them our network.

Only addresses that are public, and the address that was looked at is the one that is connected to:
a second look-up could give another. No redirects, no proxies, no user names.
"""

import socket
import ssl
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv4Address, IPv6Address, ip_address
from threading import Event, Thread
from urllib.parse import quote, urlsplit

from malgwi.errors import BadOption, Cancelled
from malgwi.gateway.uploads import label

_PORTS = {"http": 80, "https": 443}
_KEPT = "/%:@!$&'()*+,;=~?"  # what quoting leaves as it is
_LOOK = 0.2  # seconds between two looks whether to stop
_NAT64 = 0x0064FF9B << 96  # 64:ff9b::/96, RFC 6052


@dataclass(frozen=True, slots=True)
class Target:
    """An address that can be asked."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def names(self) -> tuple[str, ...]:
        """How an operator may have listed it; the first is right for a Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        with_port = f"{host}:{self.port}"
        ordinary = self.port == _PORTS[self.scheme]
        return (host, self.host, with_port) if ordinary else (with_port,)

    @property
    def is_address(self) -> bool:
        """Whether its host is an address and no name."""
        try:
            ip_address(self.host)
        except ValueError:
            return False
        return True

    def is_among(self, hosts: Collection[str]) -> bool:
        """Names or addresses, or either with a port, which is otherwise that of the scheme."""
        return not {each.strip().lower() for each in hosts}.isdisjoint(self.names)


def read_target(url: str) -> Target:
    """Raises BadOption for what cannot be asked."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
        host = (parts.hostname or "").rstrip(".").encode("idna").decode("ascii").lower()
        path = quote(parts.path or "/", safe=_KEPT)
        query = quote(parts.query, safe=_KEPT)
    except (ValueError, UnicodeError) as error:
        raise BadOption("This is not a URL that can be asked.") from error
    if parts.scheme not in _PORTS or not host:
        raise BadOption("Only http and https URLs are asked.")
    if parts.username is not None or parts.password is not None:
        raise BadOption("A URL with a user name in it is not asked.")
    return Target(parts.scheme, host, port, f"{path}?{query}" if query else path)


def addresses(target: Target, *, private: bool, remedy: str) -> list[str]:
    """All that its host has. Raises BadOption, with the `remedy`, where one of them is not public,
    unless they may be `private`; OSError where there are none."""
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    each_one = list(dict.fromkeys(str(each[4][0]) for each in found))
    if not private and not all(is_public(each) for each in each_one):
        raise BadOption(
            f"The host {label(target.host)} has an address that is not public, and is not asked. "
            f"{remedy}"
        )
    return each_one


@contextmanager
def connected(
    target: Target,
    to: list[str],
    *,
    patience: float,
    within: float,
    stop: Event | None = None,
) -> Iterator[HTTPConnection]:
    """To the first of its addresses that answers; the host's name stays in its request and
    certificate. `patience` is seconds to connect, and without a byte.

    However slowly it speaks, the line is cut after `within` seconds, TimeoutError, and soon after
    `stop` is set, Cancelled. Raises OSError.
    """
    end = time.monotonic() + within
    connection = HTTPConnection(target.host, target.port, timeout=patience)
    line = _secured(target, _first_that_answers(to, target.port, patience, end), patience)
    connection.sock = line
    try:
        with _cut_off(line, end, stop or Event()):
            if isinstance(line, ssl.SSLSocket):
                line.do_handshake()
            yield connection
    finally:
        connection.close()


def is_public(address: str) -> bool:
    """Whether it is somewhere in the internet, and not this machine or its neighbours."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address) and (inner := _inside(parsed)):
        return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def _inside(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    number = int(address)
    return IPv4Address(number & 0xFFFFFFFF) if number >> 32 == _NAT64 >> 32 else None


def _first_that_answers(to: list[str], port: int, patience: float, end: float) -> socket.socket:
    failed: OSError | None = None
    for address in to:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        try:
            return socket.create_connection((address, port), min(patience, left))
        except OSError as error:
            failed = error
    raise failed or OSError("no address")


def _secured(target: Target, line: socket.socket, patience: float) -> socket.socket:
    """Its handshake is still to come where it speaks TLS."""
    line.settimeout(patience)
    if target.scheme == "http":
        return line
    try:
        return ssl.create_default_context().wrap_socket(
            line, server_hostname=target.host, do_handshake_on_connect=False
        )
    except OSError:
        line.close()
        raise


@contextmanager
def _cut_off(line: socket.socket, end: float, stop: Event) -> Iterator[None]:
    """What is read from a line that was cut looks like its end, so that is an error."""
    over, cut = Event(), Event()

    def watch() -> None:
        while not over.wait(max(0.0, min(_LOOK, end - time.monotonic()))):
            if stop.is_set() or time.monotonic() >= end:
                cut.set()
                with suppress(OSError):
                    # Not that of SSLSocket: it takes from under the reader what it reads with.
                    socket.socket.shutdown(line, socket.SHUT_RDWR)
                return

    thread = Thread(target=watch, name="cut off", daemon=True)
    thread.start()
    try:
        yield
    except (OSError, ValueError, HTTPException):
        if not cut.is_set():
            raise
    finally:
        over.set()
        thread.join()
    if cut.is_set():
        raise Cancelled("Nobody waits for it any more.") if stop.is_set() else TimeoutError

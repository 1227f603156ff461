"""Fetching a recording from a URL that a client gives, without lending the client our network.

Only hosts that the operator has listed, only addresses that are public, and the address that was
checked is the one that is connected to: a second look-up could give another. An entry that is an
address itself may be private: whoever writes 10.0.0.5 means it. No redirects, no proxies, no user
names.
"""

import socket
import ssl
import time
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from threading import Event
from urllib.parse import quote, unquote, urlsplit

from fastapi import Request

from malgwi.errors import BadOption, Cancelled, NetworkError, NetworkRefused, TooLarge
from malgwi.gateway.crossing import Crossing
from malgwi.gateway.uploads import Spool, Upload, append, label

_PATIENCE = 20.0  # seconds to connect, and without a byte
_LONGEST = 1800.0  # seconds that a download may take
_CHUNK = 1024 * 1024
_PORTS = {"http": 80, "https": 443}
_KEPT = "/%:@!$&'()*+,;=~?"  # what quoting leaves as it is
_NAT64 = 0x0064FF9B << 96  # 64:ff9b::/96, RFC 6052


@dataclass(frozen=True, slots=True)
class _Target:
    """A URL that may be fetched."""

    scheme: str
    host: str
    port: int
    path: str
    private: bool
    """Whether its address may be a private one."""

    @property
    def names(self) -> tuple[str, ...]:
        """How an operator may have listed it; the first is right for a Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        with_port = f"{host}:{self.port}"
        ordinary = self.port == _PORTS[self.scheme]
        return (host, self.host, with_port) if ordinary else (with_port,)


@asynccontextmanager
async def fetched(  # noqa: PLR0913  (by keyword, and each stands for itself)
    request: Request,
    url: str,
    *,
    spool: Spool,
    crossing: Crossing,
    hosts: Collection[str],
    limit: int,
    offline: bool,
) -> AsyncIterator[Upload]:
    """What is at the URL, in the spool like an upload. Raises what `fetch` raises."""
    async with spool.place() as path:
        yield await crossing.run(
            request,
            lambda stop: fetch(url, path, hosts=hosts, limit=limit, offline=offline, stop=stop),
        )


def fetch(  # noqa: PLR0913  (by keyword, and each stands for itself)
    url: str,
    into: Path,
    *,
    hosts: Collection[str],
    limit: int,
    offline: bool,
    stop: Event | None = None,
) -> Upload:
    """Fetch at most `limit` bytes into the file `into`. `hosts` are names, addresses, or either
    with a port, which is otherwise that of the scheme.

    Raises BadOption, TooLarge, NetworkRefused, NetworkError, OutputError, and Cancelled when
    `stop` is set.
    """
    if offline:
        raise NetworkRefused("fetching a recording from a URL", "Send the recording itself.")
    target = _target(url, hosts)
    with _translated(target.host), _connected(target) as connection:
        headers = {"Host": target.names[0], "User-Agent": "malgwi"}
        connection.request("GET", target.path, headers=headers)
        answer = connection.getresponse()
        _check(answer, limit)
        size = _save(answer, into, limit, stop or Event())
        return Upload(
            into,
            label(unquote(target.path.partition("?")[0])),
            size,
            answer.headers.get("Content-Type", ""),
        )


def _target(url: str, hosts: Collection[str]) -> _Target:
    if not hosts:
        raise BadOption(
            "URLs are not fetched here. Send the recording itself, or have the operator list the "
            "host in MALGWI_ENGINE__URL_HOSTS."
        )
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
        host = (parts.hostname or "").rstrip(".").encode("idna").decode("ascii").lower()
        path = quote(parts.path or "/", safe=_KEPT)
        query = quote(parts.query, safe=_KEPT)
    except (ValueError, UnicodeError) as error:
        raise BadOption("This is not a URL that can be fetched.") from error
    if parts.scheme not in _PORTS or not host:
        raise BadOption("Only http and https URLs are fetched.")
    if parts.username is not None or parts.password is not None:
        raise BadOption("A URL with a user name in it is not fetched.")
    private = _address(host) is not None
    target = _Target(parts.scheme, host, port, f"{path}?{query}" if query else path, private)
    if not {each.strip().lower() for each in hosts} & {*target.names}:
        raise BadOption(
            f"The host {label(host)} is not one of those from which recordings are fetched. The "
            "operator can list it in MALGWI_ENGINE__URL_HOSTS."
        )
    return target


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _check(answer: HTTPResponse, limit: int) -> None:
    if 300 <= answer.status < 400:
        raise BadOption("The URL leads on to another, and redirects are not followed. Give that.")
    if answer.status != 200:
        raise BadOption(f"The host of the URL answered {answer.status}.")
    if answer.length is not None and answer.length > limit:
        raise _too_large(limit)


def _save(answer: HTTPResponse, into: Path, limit: int, stop: Event) -> int:
    size = 0
    until = time.monotonic() + _LONGEST
    append(into, b"")
    while chunk := answer.read1(_CHUNK):
        size += len(chunk)
        if stop.is_set():
            raise Cancelled("The client has gone.")
        if size > limit:
            raise _too_large(limit)
        if time.monotonic() > until:
            raise NetworkError(f"The URL was not fetched within {_LONGEST:.0f} s.")
        append(into, chunk)
    if answer.length:
        raise NetworkError("The download broke off before its end. Try again.")
    return size


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"There are more than {limit:,} bytes at the URL, the most that is taken.")


@contextmanager
def _connected(target: _Target) -> Iterator[HTTPConnection]:
    """To the address that was checked; the host's name stays in its request and certificate."""
    connection = HTTPConnection(target.host, target.port, timeout=_PATIENCE)
    try:
        connection.sock = _socket(target)
        yield connection
    finally:
        connection.close()


def _socket(target: _Target) -> socket.socket:
    plain = _first_that_answers(_addresses(target), target.port)
    if target.scheme == "http":
        return plain
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=target.host)
    except OSError:
        plain.close()
        raise


def _addresses(target: _Target) -> list[str]:
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if not target.private and not all(is_public(each) for each in addresses):
        raise BadOption(
            f"The host {label(target.host)} has an address that is not public, and is not fetched "
            "from. The operator can list the address itself in MALGWI_ENGINE__URL_HOSTS."
        )
    return addresses


def _first_that_answers(addresses: list[str], port: int) -> socket.socket:
    failed: OSError | None = None
    for address in addresses:
        try:
            return socket.create_connection((address, port), _PATIENCE)
        except OSError as error:
            failed = error
    raise failed or OSError("no address")


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


@contextmanager
def _translated(host: str) -> Iterator[None]:
    try:
        yield
    except (OSError, HTTPException) as error:
        reason = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
        raise NetworkError(
            f"The recording could not be fetched from {label(host)}{reason}. Try again."
        ) from error

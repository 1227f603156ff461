"""What the machines of an inventory offer each other, and what is behind a port: looked at from
here, by what any of them may see.

It agrees with what `malgwi deploy render` publishes: see ops/nodes/composition.py.
"""

import socket
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from malgwi.config import Config
from malgwi.ops.doctor.machine import Answer, Machine
from malgwi.ops.nodes import Inventory, Node

Speaks = Literal["http", "https", "redis", "postgresql"]

WAIT = 1.0
"""Seconds until a port counts as dead."""
_TLS_WAIT = 1.5
_TIMES = 5
_MOST = 1 << 16
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")  # PostgreSQL: is there TLS?
_INNER = (2375, 8000, 10300)
"""Docker's, the API's and Wyoming's own: never for other machines."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the services are found by other machines."""

    media: int = 8444
    queue: int = 6379
    database: int = 5432
    engine: int = 8003
    inner: tuple[int, ...] = _INNER


@dataclass(frozen=True, slots=True)
class Door:
    """A port that a node offers."""

    port: int
    what: str
    speaks: Speaks
    foreign: bool = False
    """Whether its certificate is one that somebody else gave out: for a name that the inventory
    does not know, by an authority that may be known to browsers only."""


@dataclass(frozen=True, slots=True)
class Site:
    """A node among the others."""

    inventory: Inventory
    node: Node
    ports: Ports = field(default_factory=Ports)

    @property
    def several(self) -> bool:
        return len(self.inventory.nodes) > 1

    @property
    def doors(self) -> tuple[Door, ...]:
        return tuple(self._doors())

    def _doors(self) -> Iterator[Door]:
        inventory, node, ports = self.inventory, self.node, self.ports
        if node == inventory.web:
            foreign = bool(node.settings.get("STACK_TLS_CERTIFICATE"))
            yield Door(_set(node, "STACK_HTTPS_PORT", 443), "the door", "https", foreign)
            yield Door(_set(node, "STACK_HTTP_PORT", 80), "the door without TLS", "http")
            if inventory.has_workers_elsewhere:
                yield Door(ports.media, "the recordings", "https")
                yield Door(ports.queue, "the queue", "redis")
        if node == inventory.data and self.several:
            yield Door(ports.database, "the database", "postgresql")
        if node == inventory.hearing and node != inventory.web:
            yield Door(ports.engine, "the engine of the API", "https")

    def door(self, what: str) -> Door | None:
        return next((each for each in self.doors if each.what == what), None)

    @property
    def shut(self) -> tuple[int, ...]:
        """Ports at which nobody else should reach anything of ours."""
        ports = self.ports
        all_of_them = {ports.media, ports.queue, ports.database, ports.engine, *ports.inner}
        return tuple(sorted(all_of_them - {each.port for each in self.doors}))

    @property
    def carries(self) -> str:
        """What is not there without it."""
        inventory, node, said = self.inventory, self.node, []
        if node == inventory.web:
            said.append("the door, the API, the queue, the recordings")
        if node == inventory.data:
            said.append("the database")
        if node == inventory.hearing and node != inventory.web:
            said.append("the engine of the API")
        if node.engines:
            said.append(f"workers for {', '.join(node.queues)} ({node.engines})")
        return ", ".join(said)


def reached(machine: Machine, address: str, ports: Sequence[int]) -> Mapping[int, str | None]:
    """All of them at once: why nothing answers there, None where something does."""
    if not ports:
        return {}
    with ThreadPoolExecutor(len(ports)) as at_once:
        found = at_once.map(lambda port: machine.connects(address, port, WAIT), ports)
        return dict(zip(ports, found, strict=True))


def there_and_back(address: str, port: int) -> float:
    """Seconds, the least of several: all else is this machine being busy. Raises OSError."""
    return min(_connecting(address, port) for _ in range(_TIMES))


def _connecting(address: str, port: int) -> float:
    began = time.monotonic()
    with socket.create_connection((address, port), WAIT):
        return time.monotonic() - began


def authorities(config: Config) -> list[Path]:
    """Files with the certificates of those whose word counts here, wherever the settings name one:
    of our own authority, if there is one."""
    named: list[Any] = [config.store.media_ca_file, config.stt.options.get("ca_file")]
    for address, name in ((config.store.url, "sslrootcert"), (config.jobs.broker, "ssl_ca_certs")):
        if address is not None:
            named += parse_qs(urlsplit(address.get_secret_value()).query).get(name, [])
    return [Path(each) for each in dict.fromkeys(filter(None, named)) if Path(each).is_file()]


def trusting(config: Config, *, by_name: bool = True) -> ssl.SSLContext:
    """Of our own authority, and of those that this machine trusts. Raises OSError."""
    context = ssl.create_default_context()
    context.check_hostname = by_name
    for each in authorities(config):
        context.load_verify_locations(each)
    return context


def blind() -> ssl.SSLContext:
    """Looks at no certificate: for who shows no key and believes nothing that is answered."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def left(address: str, door: Door, context: ssl.SSLContext) -> float:
    """Seconds until the certificate there is over. Raises SSLCertVerificationError where it is not
    trusted or for another address, OSError."""
    with socket.create_connection((address, door.port), WAIT) as line:
        line.settimeout(_TLS_WAIT)
        if door.speaks == "postgresql":
            line.sendall(_SSL_REQUEST)
            if line.recv(1) != b"S":
                raise ConnectionError("it speaks no TLS")
        with context.wrap_socket(line, server_hostname=address) as secured:
            shown = secured.getpeercert() or {}
    return ssl.cert_time_to_seconds(str(shown["notAfter"])) - time.time()


def asked(address: str, door: Door, path: str, context: ssl.SSLContext, wait: float) -> Answer:
    """What is answered over https, without a key. Raises OSError."""
    trusted = blind() if door.foreign else context
    line = HTTPSConnection(address, door.port, timeout=wait, context=trusted)
    try:
        line.request("GET", path)
        answer = line.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, headers, answer.read(_MOST))
    except HTTPException as error:
        raise OSError(f"what answers speaks no HTTP ({type(error).__name__})") from error
    finally:
        line.close()


def _set(node: Node, name: str, default: int) -> int:
    value = node.settings.get(name, "")
    return int(value) if value.isdecimal() else default

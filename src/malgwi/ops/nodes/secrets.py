"""What the nodes share and nobody else knows: made once, kept beside what is rendered.

Each node gets those files only that its services have. Nothing of it is ever printed.
"""

import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from malgwi.errors import BadOption
from malgwi.ops.nodes import certificates
from malgwi.ops.nodes.certificates import Pair
from malgwi.ops.nodes.inventory import Inventory, Node

KEPT = PurePosixPath(".secrets")
"""Folder of all of them: it stays where rendering is done."""
_MADE = {"postgres_password": "", "engine_key": "mg_", "admin_key": "mg_", "media_key": "mg_"}
"""Those that are chance, and what stands before it."""
_ASKED = {"redis": "redis", "postgres": "postgres", "nginx": "localhost"}
"""Names by which services of the same node are asked."""


class Secrets:
    """Read from where they are kept, and made where there are none yet. Nothing is written here:
    what there is then is in `kept`, by path."""

    def __init__(self, into: Path, inventory: Inventory) -> None:
        """Raises BadOption where one cannot be read, or a certificate cannot be made."""
        self.kept: dict[PurePosixPath, bytes] = {}
        self._into = into
        self._inventory = inventory
        for name, before in _MADE.items():
            self._once(name, before)
        self._once("redis_password", "")
        self._authority = self._pair("authority") or certificates.new_authority(inventory.name)
        self._keep_pair("authority", self._authority)

    def of(self, node: Node, names: Iterable[str], services: Iterable[str]) -> Mapping[str, bytes]:
        """The files that compose calls by these names, for a node with these services."""
        files = {name: self._file(node, name) for name in names if not _is_certificate(name)}
        if wanted := [*filter(_is_certificate, names)]:
            pair = self._certificate(node, services)
            for name in wanted:
                files[name] = pair.key if name.endswith("_key") else pair.certificate
        return files

    def _file(self, node: Node, name: str) -> bytes:
        if name == "authority":
            return self._authority.certificate
        password = self._text("redis_password")
        if name == "redis_password.conf":
            return f"requirepass {password}\n".encode()
        if name == "redis_url":
            return f"{_redis_url(self._inventory, node, password)}\n".encode()
        return self.kept[KEPT / name]

    def _certificate(self, node: Node, services: Iterable[str]) -> Pair:
        own = {_ASKED[each] for each in services if each in _ASKED}
        known_as = {node.address, node.bind, node.name, "127.0.0.1", *own}
        pair = self._pair(f"nodes/{node.name}")
        if pair is None or not certificates.is_good(pair, self._authority, known_as):
            pair = certificates.issued(self._authority, node.name, known_as)
        self._keep_pair(f"nodes/{node.name}", pair)
        return pair

    def _once(self, name: str, before: str) -> None:
        found = self._read(KEPT / name)
        self.kept[KEPT / name] = found or f"{before}{secrets.token_hex(32)}\n".encode()

    def _text(self, name: str) -> str:
        return self.kept[KEPT / name].decode().strip()

    def _pair(self, name: str) -> Pair | None:
        certificate, key = self._read(KEPT / name), self._read(KEPT / f"{name}_key")
        return Pair(certificate, key) if certificate and key else None

    def _keep_pair(self, name: str, pair: Pair) -> None:
        self.kept[KEPT / name] = pair.certificate
        self.kept[KEPT / f"{name}_key"] = pair.key

    def _read(self, path: PurePosixPath) -> bytes | None:
        try:
            return (self._into / path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BadOption(f"{self._into / path} cannot be read: {error.strerror}.") from error


def _is_certificate(name: str) -> bool:
    return name in ("node_certificate", "node_key", "tls_certificate", "tls_key")


def _redis_url(inventory: Inventory, node: Node, password: str) -> str:
    host = "redis" if node == inventory.web else inventory.web.address
    if not inventory.has_workers_elsewhere:
        return f"redis://:{password}@{host}:6379/0"
    trusting = "ssl_cert_reqs=required&ssl_ca_certs=/run/secrets/authority"
    return f"rediss://:{password}@{host}:6379/0?{trusting}"

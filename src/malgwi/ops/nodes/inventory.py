"""The inventory: which machines there are, and what each of them is for.

    schema: 1
    name: malgwi
    nodes:
      logos:  {address: 10.0.0.1, roles: [web], gpus: [GPU-...], queues: [realtime]}
      pathos: {address: 10.0.0.2, roles: [analysis], gpus: [GPU-...], queues: [analysis, batch]}
      ethos:  {address: 10.0.0.3, roles: [data], queues: [batch]}

Everything that is wrong with it is said at once, each in a sentence. docs/howto/nodes.md says what
the fields mean.
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from malgwi.errors import BadOption

Role = Literal["web", "data", "analysis"]
Queue = Literal["realtime", "analysis", "batch"]

LARGEST = 1_000_000
"""Bytes of an inventory."""
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_HOST = re.compile(r"(?!.*\.\.)[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.IGNORECASE)
_GPU = re.compile(r"(?:GPU|MIG)-[0-9A-Za-z][0-9A-Za-z/-]*")
_NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Node:
    """A machine."""

    name: str
    address: str
    """IPv4 address or host name by which the other nodes reach it."""
    roles: tuple[Role, ...]
    gpus: tuple[str, ...]
    """UUIDs, as `nvidia-smi -L` shows them."""
    queues: tuple[Queue, ...]
    """Whose jobs its workers do; none where it has no workers."""
    bind: str
    """IPv4 address of this machine at which it listens."""
    settings: Mapping[str, str] = field(default_factory=lambda: _NO_SETTINGS, hash=False)
    """What is set in its .env, by variable."""

    @property
    def engines(self) -> int:
        """How many engines it has, with a worker each: one a GPU, or one on the CPU."""
        return (len(self.gpus) or 1) if self.queues else 0


@dataclass(frozen=True, slots=True)
class Inventory:
    """All machines."""

    name: str
    """What the compose projects of all nodes begin with."""
    nodes: tuple[Node, ...]
    """In the order of the file."""

    @property
    def web(self) -> Node:
        """The one with the door, the API, the queue and the media."""
        return next(node for node in self.nodes if "web" in node.roles)

    @property
    def data(self) -> Node:
        """The one with the database."""
        return next(node for node in self.nodes if "data" in node.roles)

    @property
    def hearing(self) -> Node:
        """The one whose engine the API asks: that of the web node, else the first there is."""
        own = [self.web] if self.web.engines else []
        return [*own, *(node for node in self.nodes if node.engines)][0]

    @property
    def has_workers_elsewhere(self) -> bool:
        """Whether other nodes than the web node do jobs."""
        return any(node.engines for node in self.nodes if node != self.web)

    def node(self, name: str) -> Node:
        """Raises BadOption, with the name that was probably meant."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise BadOption(
            f"No node is called {name!r}. {_meant(name, [node.name for node in self.nodes])}"
        )


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _NodeRow(_Row):
    address: StrictStr
    roles: tuple[Role, ...] = ()
    gpus: tuple[StrictStr, ...] = ()
    queues: tuple[Queue, ...] = ()
    bind: StrictStr | None = None
    settings: dict[StrictStr, str | int | float] = {}


class _InventoryRow(_Row):
    version: Literal[1] = Field(alias="schema")
    name: StrictStr
    nodes: dict[StrictStr, _NodeRow] = Field(min_length=1)
    settings: dict[StrictStr, str | int | float] = {}


def read_inventory(path: Path) -> Inventory:
    """The inventory in `path`. Raises BadOption, with all that is wrong with it."""
    content = _content(path)
    try:
        row = _InventoryRow.model_validate(content)
    except ValidationError as error:
        raise BadOption(_said(path, map(_sentence, error.errors(include_url=False)))) from error
    if faults := [*_faults(row)]:
        raise BadOption(_said(path, faults))
    common = _strings(row.settings)
    return Inventory(row.name, tuple(_node(name, each, common) for name, each in row.nodes.items()))


def _node(name: str, row: _NodeRow, common: Mapping[str, str]) -> Node:
    works = row.gpus or row.queues or "analysis" in row.roles
    return Node(
        name=name,
        address=row.address,
        roles=row.roles,
        gpus=row.gpus,
        queues=row.queues or (get_args(Queue) if works else ()),
        bind=row.bind or row.address,
        settings=MappingProxyType({**common, **_strings(row.settings)}),
    )


def _strings(settings: Mapping[str, str | int | float]) -> dict[str, str]:
    return {name: str(value) for name, value in settings.items()}


# Reading


class _Loader(yaml.SafeLoader):
    """Takes no key twice: of two nodes with one name YAML would keep the last, and say nothing."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    for key, count in Counter(keys).items():
        if count > 1:
            why = f"{key!r} is there twice. Take one away"
            raise yaml.constructor.ConstructorError(None, None, why, node.start_mark)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def _content(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise BadOption(f"{path} has more than {LARGEST // 1000} kB. That is no inventory.")
        return yaml.load(raw.decode("utf-8"), _Loader)
    except OSError as error:
        raise BadOption(
            f"{path} cannot be read: {error.strerror}. Name the inventory: --inventory."
        ) from error
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BadOption(f"{path}{line}: {error.problem}.") from error
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise BadOption(f"{path} is not YAML in UTF-8.") from error


# Saying what is wrong


def _said(path: Path, faults: Iterable[str]) -> str:
    return "\n".join([f"{path} cannot be used.", *faults])


def _sentence(fault: Mapping[str, Any]) -> str:
    """One of pydantic's faults, in our words."""
    where = [str(part) for part in fault["loc"]]
    place = _place(where)
    match fault["type"]:
        case "extra_forbidden":
            row = _NodeRow if where[0] == "nodes" else _InventoryRow
            keys = [each.alias or name for name, each in row.model_fields.items()]
            return f"{place}: there is no key {where[-1]!r}. {_meant(where[-1], keys)}"
        case "missing":
            return f"{place}: {where[-1]} is missing."
        case "literal_error" if where[0] == "schema":
            return f"schema is {fault['input']!r}, and this program knows 1 only."
        case "literal_error":
            [kind] = {"roles", "queues"}.intersection(where)
            known = get_args(Role if kind == "roles" else Queue)
            one = kind.removesuffix("s")
            return f"{place}: there is no {one} {fault['input']!r}. {_meant(fault['input'], known)}"
    said = str(fault["msg"]).replace("Input should", "it should").lower()
    return f"{place}: {'.'.join(where[2:] or where) or 'the file'} is wrong; {said}."


def _place(where: Sequence[str]) -> str:
    return f"node {where[1]}" if where[:1] == ["nodes"] and len(where) > 1 else "inventory"


def _meant(given: object, known: Sequence[str]) -> str:
    near = get_close_matches(str(given), known, n=1)
    return f"Is {near[0]} meant?" if near else f"There are: {', '.join(known)}."


def _faults(row: _InventoryRow) -> Iterator[str]:
    """What no single field can know."""
    if not _NAME.fullmatch(row.name):
        yield f"name: {row.name!r} is none for a compose project: small letters, digits and -."
    for name, node in row.nodes.items():
        yield from (f"node {name}: {fault}" for fault in _node_faults(name, node))
    yield from _only_one(row, "web", "the API, the queue and the media are")
    yield from _only_one(row, "data", "the database is")
    yield from _twice(row)
    served = {queue for name, node in row.nodes.items() for queue in _node(name, node, {}).queues}
    if lacking := [queue for queue in get_args(Queue) if queue not in served]:
        yield f"No node does the jobs of the queue {lacking[0]}. Add it to the queues of one."
    if len(row.nodes) > 1:
        for name, node in row.nodes.items():
            if _is_loopback(node.address):
                yield f"node {name}: {node.address} leads to each machine itself, not to this one."


def _node_faults(name: str, node: _NodeRow) -> Iterator[str]:
    if not _NAME.fullmatch(name):
        yield "its name may have small letters, digits and - only, and 32 of them at most."
    yield from _address_faults(node)
    if not (node.roles or node.gpus or node.queues):
        yield f"it has nothing to do. Give it roles: {', '.join(get_args(Role))}."
    for gpu in node.gpus:
        if not _GPU.fullmatch(gpu):
            yield f"{gpu!r} is no UUID of a GPU. `nvidia-smi -L` shows them: GPU-..."
    for kind, values in (("role", node.roles), ("queue", node.queues)):
        for value in _repeated(values):
            yield f"the {kind} {value} is there twice."
    for variable, setting in node.settings.items():
        if "\n" in str(setting):
            yield f"the setting {variable} has more than one line."


def _address_faults(node: _NodeRow) -> Iterator[str]:
    kind = _kind(node.address)
    if kind == "nothing":
        yield f"{node.address!r} is neither an IPv4 address nor a host name."
    if kind == "host" and node.bind is None:
        yield (
            f"its address is a host name, and Docker listens at addresses only. Add the one that "
            f"{node.address} has there, as bind: 10.0.0.2"
        )
    if node.bind is not None and _kind(node.bind) != "address":
        yield f"bind is {node.bind!r}, which is no IPv4 address of one machine."


def _kind(address: str) -> Literal["address", "host", "nothing"]:
    """IPv6 is none: Docker hands it on without the address of who asks, by which PostgreSQL
    knows the nodes."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        looks_like_one = re.fullmatch(r"[\d.]+", address)
        return "host" if _HOST.fullmatch(address) and not looks_like_one else "nothing"
    usable = found.version == 4 and not (found.is_unspecified or found.is_multicast)
    return "address" if usable else "nothing"


def _is_loopback(address: str) -> bool:
    return address == "localhost" or address.startswith("127.")


def _only_one(row: _InventoryRow, role: Role, what: str) -> Iterator[str]:
    having = [name for name, node in row.nodes.items() if role in node.roles]
    if not having:
        yield f"No node has the role {role}, where {what}. Give it to one."
    if len(having) > 1:
        yield f"{' and '.join(having)} have the role {role}, where {what}. Only one may."


def _twice(row: _InventoryRow) -> Iterator[str]:
    """Two machines cannot be at one address, nor have one GPU."""
    nodes = row.nodes.values()
    addresses = [each.lower() for node in nodes for each in {node.address, node.bind or ""} if each]
    for address in _repeated(addresses):
        yield f"The address {address} is that of two nodes."
    for gpu in _repeated(gpu for node in nodes for gpu in node.gpus):
        yield f"The GPU {gpu} is there twice."


def _repeated(values: Iterable[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]

"""What a node runs: those services of deploy/compose.yaml that are its own, as they are there.

Nothing is said of a service here that a compose file could say: the files are loaded, put over
each other as compose does it, and what belongs to other nodes is taken away.
"""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from malgwi.errors import BadOption
from malgwi.ops.nodes.inventory import Inventory, Node

WHOLE = "compose.yaml"
LEADING_OUT = "between"
"""The network by which services reach other nodes."""
_WEB = ("nginx", "api", "reaper", "migrate", "redis")
_DATA = ("postgres",)
_HEARING = ("engine", "worker", "models")
_REPLACED = ("command", "entrypoint", "test")
"""Lists that compose puts in the place of others, and not behind them."""

Values = dict[str, Any]


def compose_file(source: Path, inventory: Inventory, node: Node) -> Values:
    """Of `node`, made of the compose files in `source`. Raises BadOption without them."""
    names = _services(inventory, node)
    whole = _read(source / WHOLE, {})
    for fragment in _fragments(inventory, node):
        whole = _over(whole, _read(source / fragment, _filled_in(inventory, node)))
    services = {name: each for name, each in whole["services"].items() if name in names}
    for name, each in services.items():
        _settle(each, inventory, node, name)
    services |= _more_engines(services, node)
    whole["services"] = {name: _alone(each, services) for name, each in services.items()}
    return _used({**whole, "name": f"{inventory.name}-{node.name}"})


def _services(inventory: Inventory, node: Node) -> set[str]:
    return {
        *(_WEB if "web" in node.roles else ()),
        *(_DATA if "data" in node.roles else ()),
        *(_HEARING if node.engines else ()),
        *(["nginx"] if node == inventory.hearing else ()),
    }


def _fragments(inventory: Inventory, node: Node) -> Iterator[str]:
    several, is_web = len(inventory.nodes) > 1, node == inventory.web
    if is_web:
        yield "compose/tls.yaml"
    if several:
        yield "nodes/between.yaml"
    if is_web and inventory.has_workers_elsewhere:
        yield "nodes/workers-elsewhere.yaml"
    if node.engines and not is_web:
        yield "nodes/worker.yaml"
    if is_web and node != inventory.hearing:
        yield "nodes/no-engine.yaml"
    if node == inventory.hearing and not is_web:
        yield "nodes/engine-door.yaml"
    if node.gpus:
        yield "compose/cuda.yaml"


def _filled_in(inventory: Inventory, node: Node) -> dict[str, str]:
    here = node == inventory.data
    return {
        "NODE_BIND": node.bind,
        "NODE_DATA": "postgres" if here else f"{inventory.data.address}:5432",
        "NODE_HEARING": inventory.hearing.address,
        "NODE_WEB": inventory.web.address,
    }


def _settle(service: Values, inventory: Inventory, node: Node, name: str) -> None:
    """What follows from the inventory, and not from the files."""
    service.pop("build", None)
    if name == "engine":
        _on_device(service, node, 0)
    if name == "worker":
        service["command"] = ["worker", "--queues", ",".join(node.queues)]
        service["environment"] = {**service["environment"], "MALGWI_JOBS__NODE": node.name}
    if _asks_elsewhere(inventory, node, name):
        service["networks"] = {**_named(service["networks"]), LEADING_OUT: None}


def _asks_elsewhere(inventory: Inventory, node: Node, name: str) -> bool:
    match name:
        case "worker":
            return node != inventory.data or node != inventory.web
        case "api":
            return node != inventory.data or node != inventory.hearing
        case "reaper" | "migrate":
            return node != inventory.data
    return False


def _on_device(engine: Values, node: Node, number: int) -> None:
    if node.gpus:
        [card] = engine["gpus"]
        card["device_ids"] = [node.gpus[number]]
    else:
        engine["environment"]["MALGWI_STT__DEVICE"] = "cpu"


def _more_engines(services: Mapping[str, Values], node: Node) -> Values:
    """One, with a worker, for each GPU after the first, as compose/second-gpu.yaml has it."""
    more: Values = {}
    for number in range(1, node.engines):
        name = f"engine-{number}"
        engine, worker = deepcopy(services["engine"]), deepcopy(services["worker"])
        _on_device(engine, node, number)
        worker["environment"]["MALGWI_STT__ENDPOINT"] = f"http://{name}:8003"
        worker["depends_on"][name] = worker["depends_on"].pop("engine")
        more |= {name: engine, f"worker-{number}": worker}
    return more


def _alone(service: Values, services: Mapping[str, Values]) -> Values:
    """Waiting for nobody who is on another node."""
    needed = {each: how for each, how in service.get("depends_on", {}).items() if each in services}
    service.pop("depends_on", None)
    return {**service, "depends_on": needed} if needed else service


def _used(whole: Values) -> Values:
    """Without networks, volumes and secrets that no service has."""
    services = whole["services"].values()
    of_services: dict[str, set[str]] = {
        "networks": {each for service in services for each in _named(service.get("networks", ()))},
        "volumes": {_mounted(each) for service in services for each in service.get("volumes", ())},
        "secrets": {each for service in services for each in service.get("secrets", ())},
    }
    for kind, names in of_services.items():
        whole[kind] = {name: each for name, each in whole[kind].items() if name in names}
    keys = ("name", "services", *of_services)
    return {key: whole[key] for key in keys if whole.get(key)}


def mounted_files(whole: Values) -> set[str]:
    """Paths of what is beside a compose file and its services see, other than secrets."""
    mounts = [each for service in whole["services"].values() for each in service.get("volumes", ())]
    return {name.removeprefix("./") for name in map(_mounted, mounts) if name.startswith("./")}


def _mounted(mount: str) -> str:
    """A volume, or a path: `models` of `${STACK_MODELS:-models}:/models:ro`."""
    return _unset(mount).partition(":")[0]


def _unset(value: str) -> str:
    """What it is where no variable is set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)


# As compose has it


@dataclass(frozen=True, slots=True)
class _Override:
    """A value that is put in the place of another, not merged with it."""

    value: Any


class _Loader(yaml.SafeLoader):
    """Knows compose's own tag for what is not merged."""


def _override(loader: _Loader, node: yaml.Node) -> _Override:
    if isinstance(node, yaml.SequenceNode):
        return _Override(loader.construct_sequence(node, deep=True))
    assert isinstance(node, yaml.MappingNode)
    return _Override(loader.construct_mapping(node, deep=True))


_Loader.add_constructor("!override", _override)


def _read(path: Path, values: Mapping[str, str]) -> Values:
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise BadOption(
            f"{path} cannot be read: {error.strerror}. --source names the folder deploy of a "
            "checkout or of a bundle."
        ) from error
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    content = yaml.load(text, _Loader)
    return {key: deepcopy(each) for key, each in content.items() if not key.startswith("x-")}


def _over(below: Any, above: Any, key: str = "") -> Any:
    """`above` put over `below`, as compose puts a file over another."""
    if isinstance(above, _Override):
        return above.value
    if key == "networks" and (isinstance(below, dict) or isinstance(above, dict)):
        below, above = _named(below), _named(above)
    if isinstance(below, dict) and isinstance(above, dict):
        merged = dict(below)
        for name, each in above.items():
            merged[name] = _over(merged[name], each, name) if name in merged else _plain(each)
        return merged
    if key == "volumes" and isinstance(below, list):
        return [*{_place(each): each for each in [*below, *above]}.values()]
    if isinstance(below, list) and isinstance(above, list) and key not in _REPLACED:
        return [*below, *(each for each in above if each not in below)]
    return below if above is None else above


def _plain(value: Any) -> Any:
    """Where there is nothing below it, a whole file is as its values are."""
    if isinstance(value, _Override):
        return value.value
    return (
        {name: _plain(each) for name, each in value.items()} if isinstance(value, dict) else value
    )


def _place(mount: str) -> str:
    """Where it is in the container: there is but one at a place."""
    return _unset(mount).split(":")[1]


def _named(networks: Any) -> dict[str, Any]:
    return networks if isinstance(networks, dict) else dict.fromkeys(networks or ())


# Writing it


class _Dumper(yaml.SafeDumper):
    """Writes out what stands in several places: no anchors."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def text(values: Values, head: str) -> str:
    said: str = yaml.dump(values, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)
    return "".join(f"# {line}\n" for line in head.splitlines()) + said

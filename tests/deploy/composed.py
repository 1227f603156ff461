"""The compose files as values: with their anchors merged, and what compose would put together."""

import re
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
WHOLE = DEPLOY / "compose.yaml"
FRAGMENTS = sorted((DEPLOY / "compose").glob("*.yaml"))

Service = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """Knows what compose's own tags are about: what is taken away, and what is not merged."""


_LATER: dict[str, Any] = {
    "!reset": lambda loader, node: None,
    "!override": lambda loader, node: loader.construct_mapping(node, deep=True),
}
for _tag, _construct in _LATER.items():
    _Loader.add_constructor(_tag, _construct)


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.load(path.read_text("utf-8"), _Loader)
    return content


def services(path: Path = WHOLE) -> dict[str, Service]:
    found: dict[str, Service] = read(path)["services"]
    return {name: each for name, each in found.items() if each is not None}


def default(value: str) -> str:
    """What it is where nothing is set: `${STACK_IMAGE:-malgwi:cpu}` is malgwi:cpu."""
    return re.sub(r"\$\{\w+:-((?:[^{}]|\{[^}]*\})*)\}", r"\1", value)


def seconds(value: str) -> int:
    match = re.fullmatch(r"(\d+)s", value)
    assert match, f"{value} is not a number of seconds"
    return int(match[1])


def variables(text: str) -> dict[str, str]:
    """Those with which compose fills in a file, each with its default."""
    found = re.findall(r"\$\{([A-Z]\w*)(?::[-?]([^}]*))?\}", text)
    return dict(found)

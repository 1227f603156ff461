"""What is set for a node, as its .env: only what deploy/.env.example knows, or the inventory."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from malgwi.errors import BadOption
from malgwi.ops.nodes.inventory import Inventory, Node

_SETTLED = re.compile(
    r"COMPOSE_\w+|STACK_(BIND|GPU_\d+|ENGINE|REVISION)|MALGWI_STORE__MEDIA_(URL|CA_FILE)"
)
"""What follows from the inventory."""
_PLAIN = re.compile(r"[\w./:@%+,=-]*")


def env_file(inventory: Inventory, node: Node, example: str) -> str:
    """The .env of `node`. Raises BadOption for a setting that is none."""
    known = re.findall(r"^#([A-Z]\w*)=", example, re.MULTILINE)
    if faults := [*_faults(node, known)]:
        raise BadOption(" ".join(faults))
    return "".join(
        f"{name}={_quoted(value)}\n"
        for name, value in {**_of_role(inventory, node), **node.settings}.items()
    )


def _of_role(inventory: Inventory, node: Node) -> Mapping[str, str]:
    if node != inventory.web:
        return {}
    return {"STACK_BIND": node.bind, "STACK_HTTP_PORT": "80", "STACK_HTTPS_PORT": "443"}


def _faults(node: Node, known: list[str]) -> Iterator[str]:
    for name, value in node.settings.items():
        if _SETTLED.fullmatch(name):
            yield f"The setting {name} of node {node.name} follows from the inventory. Remove it."
        elif name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"Is {near[0]} meant?" if near else "deploy/.env.example lists what there is."
            yield f"Node {node.name} sets {name}, and nothing is called that. {hint}"
        elif "'" in value and not _PLAIN.fullmatch(value):
            yield f"The setting {name} of node {node.name} has a ' in it, which no .env can have."


def _quoted(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else f"'{value}'"

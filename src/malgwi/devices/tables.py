"""The tables that ship beside this module: facts that change with every release of a wheel."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def read(name: str) -> Mapping[str, Any]:
    return tomllib.loads((files("malgwi.devices") / name).read_text(encoding="utf-8"))

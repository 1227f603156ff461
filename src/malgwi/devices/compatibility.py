"""What a library's wheel can run on which card, and what to compute with there.

The facts are data: cards.toml and wheels.toml. A wheel that is not in the table is not judged;
the card is tried, and the self-test decides.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from malgwi.devices.inventory import Card
from malgwi.devices.tables import read
from malgwi.devices.versions import Version, numbers

Library = Literal["ctranslate2", "torch"]


@dataclass(frozen=True, slots=True)
class Wheel:
    """The code for GPUs in the wheels of one range of versions."""

    driver: Version
    """The oldest that runs the machine code in it."""
    sass: tuple[Version, ...]
    """Compute capabilities that there is machine code for."""
    ptx: Version | None
    """Compute capability of the code that the driver compiles for later cards."""
    ptx_driver: Version | None
    """The oldest that can compile it."""
    libraries: tuple[str, ...] = ()
    """What it wants of the system: `libcublas.so.12`, `cuDNN 9.1`."""

    def driver_for(self, capability: Version) -> Version | None:
        """The oldest driver with which it runs on such a card; None where it never does."""
        major, *minor = capability
        if any(each[0] == major and each[1:] <= tuple(minor) for each in self.sass):
            return self.driver
        if self.ptx and capability >= self.ptx:
            return self.ptx_driver
        return None


@dataclass(frozen=True, slots=True)
class Choice:
    """What to compute with on a card."""

    compute_types: tuple[str, ...]
    """In the order in which they are tried."""
    why: str


def wheel(library: Library, version: str) -> Wheel | None:
    """What is inside that version's wheel; None where nobody has looked."""
    build = re.search(r"\+cu(\d+)", version)
    for row in read("wheels.toml")[library]:
        if _within(numbers(version), row):
            if build and not build[1].startswith(row["cuda"].replace(".", "")):
                return None
            return Wheel(
                numbers(row["driver"]),
                tuple(numbers(each) for each in row["sass"]),
                numbers(row["ptx"]) if "ptx" in row else None,
                numbers(row["ptx_driver"]) if "ptx_driver" in row else None,
                tuple(row["libraries"]),
            )
    return None


def choice(library: Library, version: str, card: Card) -> Choice:
    """What to compute with on that card. There is a row for every card."""
    return next(
        Choice(tuple(row["compute_types"]), row["why"])
        for row in read("cards.toml")[library]
        if _within(card.capability, row)
        and _within(numbers(version), row.get("versions", {}))
        and re.search(row.get("name", ""), card.name)
    )


def _within(version: Version, bounds: Mapping[str, Any]) -> bool:
    """From `from` on and below `below`; what is absent is no bound."""
    return ("from" not in bounds or version >= numbers(bounds["from"])) and (
        "below" not in bounds or version < numbers(bounds["below"])
    )

"""From what a library says to what is wrong: the table failures.toml, read in its order.

One text can have several causes: "CUDA driver version is insufficient" is also what is said where
there is no driver at all. What the machine looks like tells them apart.
"""

import re
from dataclasses import dataclass

from malgwi.devices.inventory import Inventory
from malgwi.devices.tables import read
from malgwi.devices.versions import numbers


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why an engine cannot compute on something."""

    id: str
    """Stable, for programs and for the documents: `driver-too-old`."""
    cause: str
    """A sentence."""
    remedy: str
    """What to do, in a sentence or two."""


def diagnose(text: str, evidence: Inventory) -> Diagnosis | None:
    """What `text`, a library's words or a log, says about this machine; None where it is not in
    the table."""
    facts = _facts(evidence)
    for row in read("failures.toml")["failure"]:
        if (
            "pattern" in row
            and re.search(row["pattern"], text, re.IGNORECASE)
            and facts.issuperset(row.get("given", ()))
            and facts.isdisjoint(row.get("lacking", ()))
        ):
            return Diagnosis(row["id"], row["cause"], row["remedy"])
    return None


def known(id: str) -> Diagnosis:
    """The diagnosis of that id. Raises KeyError."""
    for row in read("failures.toml")["failure"]:
        if row["id"] == id:
            return Diagnosis(id, row["cause"], row["remedy"])
    raise KeyError(id)


def words_of(error: BaseException) -> str:
    """What an error says, and what the errors say that it came from."""
    said = []
    seen: BaseException | None = error
    while seen is not None:
        said.append(str(seen))
        seen = seen.__cause__
    return "\n".join(said)


def _facts(evidence: Inventory) -> set[str]:
    driver = evidence.driver
    facts = {
        "container": evidence.container,
        "device": evidence.device_file,
        "driver": driver is not None,
        "libcuda": evidence.libcuda,
        "old-driver": driver is not None
        and numbers(driver) < numbers(read("failures.toml")["oldest_driver"]),
    }
    return {name for name, holds in facts.items() if holds}

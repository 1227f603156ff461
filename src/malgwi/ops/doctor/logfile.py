"""From a captured log to diagnoses, by the table of failures that the engines use, too.

A log may have in it what somebody said: of its lines only their numbers are told.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from malgwi.devices import Diagnosis, Inventory, diagnose

_LONGEST = 4000  # characters of a line that are looked at


@dataclass(frozen=True, slots=True)
class Told:
    """What lines of a log mean."""

    diagnosis: Diagnosis
    line: int
    """The first that says so; they count from 1."""
    times: int


def diagnoses(log: Iterable[str], evidence: Inventory) -> list[Told]:
    """What it says, in the order in which it says it first. `evidence` tells apart what one text
    may mean on different machines."""
    told: dict[str, Told] = {}
    for number, line in enumerate(log, 1):
        found = diagnose(line[:_LONGEST], evidence)
        if found is not None:
            before = told.get(found.id, Told(found, number, 0))
            told[found.id] = Told(found, before.line, before.times + 1)
    return list(told.values())

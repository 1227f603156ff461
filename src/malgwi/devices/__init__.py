"""What this machine can compute on, and why not on what was asked for.

`inventory` looks, `rungs` plans, `climb` tries. What runs on what and what went wrong where are
data: cards.toml, wheels.toml, failures.toml.
"""

from malgwi.devices.compatibility import Library, Wheel, choice, wheel
from malgwi.devices.diagnosis import Diagnosis, diagnose, known
from malgwi.devices.inventory import PCI_ORDER, Card, Inventory, inventory
from malgwi.devices.ladder import Asked, Ladder, Landed, Rung, climb, rungs
from malgwi.devices.versions import numbers

__all__ = [
    "PCI_ORDER",
    "Asked",
    "Card",
    "Diagnosis",
    "Inventory",
    "Ladder",
    "Landed",
    "Library",
    "Rung",
    "Wheel",
    "choice",
    "climb",
    "diagnose",
    "inventory",
    "known",
    "numbers",
    "rungs",
    "wheel",
]

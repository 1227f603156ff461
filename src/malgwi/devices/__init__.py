"""What this machine can compute on, and why not on what was asked for.

`inventory` looks, `rungs` plans, `climb` tries. What runs on what and what went wrong where are
data: cards.toml, wheels.toml, failures.toml.
"""

from malgwi.devices.compatibility import Library
from malgwi.devices.diagnosis import Diagnosis, diagnose
from malgwi.devices.inventory import PCI_ORDER, Card, Inventory, inventory
from malgwi.devices.ladder import Asked, Ladder, Landed, Rung, climb, rungs

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
    "climb",
    "diagnose",
    "inventory",
    "rungs",
]

"""A bundle: all that an installation needs, carried to where there is no network.

    README.txt               what to do with it
    malgwi-bundle            starts the program out of the bundle, with nothing but Python
    bundle.json              what is in it, and for what machine
    sbom.cdx.json            the same for whoever looks for vulnerable parts
    blobs/sha256/SHA256      the wheels, models, documents and images, each once
    SHA256SUMS               of all of these
    SHA256SUMS.sig           by ssh-keygen

Every file is known by its sum, so that a delta is a bundle that lacks what another one has, and an
installation that was broken off goes on from what is there. The sums are signed; nothing of a
bundle is used before the signature and every byte of it have been compared. Only `create` reaches
out, to the package index of pip's own settings.
"""

from malgwi.ops.bundle.compose import lacking
from malgwi.ops.bundle.creation import EXTRAS, Order, create
from malgwi.ops.bundle.difference import Difference, diff
from malgwi.ops.bundle.host import Host
from malgwi.ops.bundle.installation import Installed, Wishes, install
from malgwi.ops.bundle.manifest import Manifest
from malgwi.ops.bundle.rehearsal import (
    InContainers,
    Rehearsal,
    in_containers,
    rehearse,
    write_report,
)
from malgwi.ops.bundle.signature import signers_line
from malgwi.ops.bundle.verification import Fault, Verified, inspect, verify

__all__ = [
    "EXTRAS",
    "Difference",
    "Fault",
    "Host",
    "InContainers",
    "Installed",
    "Manifest",
    "Order",
    "Rehearsal",
    "Verified",
    "Wishes",
    "create",
    "diff",
    "in_containers",
    "inspect",
    "install",
    "lacking",
    "rehearse",
    "signers_line",
    "verify",
    "write_report",
]

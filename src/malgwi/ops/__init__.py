"""For whoever runs it: models are found, fetched, verified and taken in here."""

from malgwi.ops.fetch import Progress, Pulled, pull
from malgwi.ops.models import Finding, Listed, add, find, listing, verify
from malgwi.ops.registry import Model, ModelFile, Package, Registry, read_registry

__all__ = [
    "Finding",
    "Listed",
    "Model",
    "ModelFile",
    "Package",
    "Progress",
    "Pulled",
    "Registry",
    "add",
    "find",
    "listing",
    "pull",
    "read_registry",
    "verify",
]

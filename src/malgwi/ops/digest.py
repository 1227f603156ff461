"""Is a file what it should be?"""

import hashlib
from pathlib import Path

from malgwi.ops.registry import ModelFile


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def size_fault(path: Path, wanted: ModelFile) -> str | None:
    """What is wrong with the file's presence or size, as a sentence; None where nothing is."""
    if not path.is_file():
        return f"{wanted.name} is missing."
    if (size := path.stat().st_size) != wanted.size:
        return f"{wanted.name} has {size} bytes, {wanted.size} are expected."
    return None


def fault(path: Path, wanted: ModelFile) -> str | None:
    """The same, and its contents: reads the whole file."""
    if said := size_fault(path, wanted):
        return said
    if (found := sha256_of(path)) != wanted.sha256:
        return f"{wanted.name} has SHA-256 {found}, {wanted.sha256} is expected."
    return None

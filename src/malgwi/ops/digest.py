"""Is a file what it should be? And lists of sums, as `sha256sum -c SHA256SUMS` reads them."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from malgwi.errors import BadInput
from malgwi.ops.registry import ModelFile

SUMS = "SHA256SUMS"

_SUM = re.compile(r"([0-9a-f]{64}) [ *]([^\n]+)")


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


def sums_text(sums: Mapping[str, str]) -> str:
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))


def read_sums(content: bytes) -> dict[str, str]:
    """The sum of each file by its name. Raises BadInput where a line is damaged."""
    sums: dict[str, str] = {}
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        match = _SUM.fullmatch(line)
        if match is None:
            raise BadInput(f"{SUMS} is damaged at line {number}.")
        sums[match[2]] = match[1]
    return sums

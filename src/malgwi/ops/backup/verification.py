"""Whether a backup is what it was: every byte of it is read."""

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from malgwi.errors import BadInput
from malgwi.ops.backup import shelves
from malgwi.ops.backup.manifest import (
    MANIFEST,
    Manifest,
    media_name,
    read_manifest,
    table_name,
)
from malgwi.ops.backup.shelves import Shelf
from malgwi.ops.digest import SUMS, read_sums
from malgwi.ops.disk import Progress, nobody
from malgwi.store import Rows, media_in, table_lines


@dataclass(frozen=True, slots=True)
class Verified:
    """What a backup is, and what is wrong with it."""

    manifest: Manifest
    faults: tuple[str, ...]
    """Sentences; none where every byte is what it was."""


def verify(backup: Path, progress: Progress | None = None) -> Verified:
    """Reads all of it. Raises BadInput for what is no backup, or one of a newer program."""
    with shelves.opened(backup) as shelf:
        manifest, sums = known(shelf)
        return Verified(manifest, tuple(faults(shelf, manifest, sums, progress or nobody)))


def known(shelf: Shelf) -> tuple[Manifest, dict[str, str]]:
    with shelf.open(MANIFEST) as file:
        manifest = read_manifest(file.read())
    with shelf.open(SUMS) as file:
        return manifest, read_sums(file.read())


def faults(
    shelf: Shelf, manifest: Manifest, sums: Mapping[str, str], progress: Progress
) -> Iterator[str]:
    there = shelf.names() - {SUMS}
    if len(sums) != manifest.files:
        yield f"{SUMS} names {len(sums)} files, and there should be {manifest.files}."
    for name in sorted(there - {*sums}):
        yield f"{name} does not belong to it."
    for number, (name, digest) in enumerate(sorted(sums.items()), 1):
        if name not in there:
            yield f"{name} is missing."
        elif fault := _file_fault(shelf, name, digest):
            yield f"{name} {fault}"
        progress(number, len(sums))
    for table in manifest.tables:
        yield from _table_faults(shelf, manifest, sums, table)


def _file_fault(shelf: Shelf, name: str, digest: str) -> str | None:
    try:
        with shelf.open(name) as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    except OSError as error:
        return f"cannot be read: {error.strerror or error}."
    return None if found == digest else "is not what it was."


def _table_faults(
    shelf: Shelf, manifest: Manifest, sums: Mapping[str, str], table: str
) -> Iterator[str]:
    name = table_name(table)
    try:
        if Rows.of(lines_of(shelf, table)) != manifest.dump.tables[table]:
            yield f"{name} has other rows than it should have."
        elif table == "media" and manifest.with_media:
            wanted = {digest for digest, _ in media_in(lines_of(shelf, table))}
            for digest in sorted(wanted - {*manifest.missing}):
                if media_name(digest) not in sums:
                    yield f"{media_name(digest)} is missing."
    except (BadInput, OSError, EOFError, ValueError, KeyError, zlib.error):
        yield f"{name} cannot be read."


def lines_of(shelf: Shelf, table: str) -> Iterator[bytes]:
    with shelf.open(table_name(table)) as file:
        yield from table_lines(file)

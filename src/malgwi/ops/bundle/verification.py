"""Whether a bundle is what somebody signed, and all of it: every byte is read."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from malgwi.errors import BadInput
from malgwi.ops.bundle import images, shelves, signature, wheels
from malgwi.ops.bundle.manifest import (
    LOOSE,
    MANIFEST,
    SBOM,
    SIGNATURE,
    Manifest,
    blob_name,
    digest_of,
    read_manifest,
)
from malgwi.ops.bundle.sbom import covered
from malgwi.ops.bundle.shelves import Shelf
from malgwi.ops.digest import SUMS, read_sums

Progress = Callable[[int, int], object]
"""How many of how many bytes are done."""

_MOST = 64 << 20  # bytes of a list or a manifest
_LONGEST_SIGNATURE = 10_000  # bytes; they have 300


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a bundle."""

    kind: str
    """`corrupt`, `missing`, `extra`, `architecture`, `unsafe` or `incomplete`."""
    said: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a bundle is, and what is wrong with it."""

    manifest: Manifest
    signer: str | None
    """None where it was not asked who signed it."""
    faults: tuple[Fault, ...]
    """None where every byte is what was signed, and all of it is there."""


def inspect(bundle: Path) -> Manifest:
    """What it says of itself, which nobody has verified. Raises BadInput."""
    with shelves.opened(bundle) as shelf:
        return read_manifest(_small(shelf, MANIFEST))


def verify(
    bundle: Path,
    signers: Path | None,
    *,
    have: frozenset[str] = frozenset(),
    base: Path | None = None,
    progress: Progress | None = None,
) -> Verified:
    """Reads all of it. `signers` says whom to believe; with None only the sums are compared.

    A delta lacks what its base has: `have` are blobs that are here already, by their sums, and
    `base` the bundle that has the others. Without either it is not asked for them. Raises BadInput
    for what is no bundle, is not signed by any of them, or is of a newer program.
    """
    with shelves.opened(bundle) as shelf:
        manifest, sums, who = known(shelf, signers)
        found = list(faults(shelf, manifest, sums, progress or (lambda _, __: None)))
        if base is not None:
            have |= verify(base, signers).manifest.held
        if lacking := [each for each in manifest.absent if each not in have] if have else []:
            found.append(_lacking(manifest, len(lacking)))
        return Verified(manifest, who, tuple(found))


def known(shelf: Shelf, signers: Path | None) -> tuple[Manifest, dict[str, str], str | None]:
    """The manifest and the sums, once their signature is that of somebody known."""
    sums = _small(shelf, SUMS)
    who = _signer(shelf, sums, signers) if signers else None
    listed = read_sums(sums)
    content = _small(shelf, MANIFEST)
    if hashlib.sha256(content).hexdigest() != listed.get(MANIFEST):
        raise BadInput(f"{MANIFEST} is not what it was. Do not install it; carry it over again.")
    return read_manifest(content), listed, who


def _signer(shelf: Shelf, sums: bytes, signers: Path) -> str:
    if SIGNATURE not in shelf.sizes():
        raise BadInput(
            "The bundle is not signed, so that nobody knows whose it is. Have it signed "
            "(malgwi bundle create --key FILE), or say --unsigned if you know how it came here."
        )
    return signature.signer(sums, _small(shelf, SIGNATURE, _LONGEST_SIGNATURE), signers)


def faults(
    shelf: Shelf, manifest: Manifest, sums: Mapping[str, str], progress: Progress
) -> Iterator[Fault]:
    there = shelf.sizes()
    yield from _list_faults(there, manifest, sums)
    done, total = 0, sum(there.get(name, 0) for name in sums)
    broken = set()
    for name, digest in sorted(sums.items()):
        if name in there:
            if fault := _file_fault(shelf, name, digest):
                broken.add(name)
                yield Fault("corrupt", f"{name} {fault}")
            done += there[name]
            progress(done, total)
    if not broken:
        yield from _content_faults(shelf, manifest, there)


def _list_faults(
    there: Mapping[str, int], manifest: Manifest, sums: Mapping[str, str]
) -> Iterator[Fault]:
    wanted = {*LOOSE, *map(blob_name, manifest.held)}
    for name in sorted({*there, *sums} - wanted - {SUMS, SIGNATURE}):
        yield Fault("extra", f"{name!r} does not belong to it.")
    for name in sorted(wanted - {*sums}):
        yield Fault("missing", f"{SUMS} does not name {name}.")
    for name in sorted(wanted & {*sums} - {*there}):
        yield Fault("missing", f"{name} is missing.")
    for digest in sorted(manifest.held):
        name = blob_name(digest)
        if name in there and there[name] != manifest.blobs[digest]:
            yield Fault(
                "corrupt",
                f"{name} has {there[name]:,} bytes, and should have {manifest.blobs[digest]:,}.",
            )


def _file_fault(shelf: Shelf, name: str, digest: str) -> str | None:
    if digest_of(name) not in (None, digest):
        return "is called by another sum than it is listed with."
    try:
        with shelf.open(name) as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    except OSError as error:
        return f"cannot be read: {error.strerror or error}."
    return None if found == digest else "is not what it was."


def _content_faults(shelf: Shelf, manifest: Manifest, there: Mapping[str, int]) -> Iterator[Fault]:
    """Of parts that are what they were, and should never have been."""

    def read(digest: str) -> bytes:
        return _small(shelf, blob_name(digest), images.MOST_JSON)

    for image in manifest.images:
        if image.manifest in manifest.held:
            try:
                found = images.blobs_of(image.reference, image.manifest, read, manifest.platform)
            except BadInput as error:
                if not manifest.base:  # of a delta the base may have the configuration
                    yield Fault("architecture", str(error))
            else:
                if {*found} != {*image.blobs}:
                    yield Fault("incomplete", f"The image {image.reference} lacks layers.")
    for wheel in manifest.wheels:
        if not wheels.fits(wheel.file, manifest.platform, manifest.python):
            yield Fault("architecture", f"{wheel.file} is not for {manifest.platform}.")
        if blob_name(wheel.digest) in there:
            with shelf.open(blob_name(wheel.digest)) as file:
                if said := wheels.fault(file, manifest.blobs[wheel.digest], wheel.file):
                    yield Fault("unsafe", said)
    if SBOM in there:
        yield from _sbom_faults(_small(shelf, SBOM), manifest)


def _sbom_faults(content: bytes, manifest: Manifest) -> Iterator[Fault]:
    parts = {each.digest: each.file for each in manifest.wheels}
    parts |= {each.digest: each.path for model in manifest.models for each in model.files}
    try:
        named = covered(content)
    except (ValueError, KeyError, TypeError, AttributeError):
        yield Fault("incomplete", f"{SBOM} cannot be read.")
        return
    for digest, name in parts.items():
        if digest not in named:
            yield Fault("incomplete", f"{SBOM} does not name {name}.")


def _lacking(manifest: Manifest, count: int) -> Fault:
    return Fault(
        "incomplete",
        f"It is a delta, and {count} of the {len(manifest.absent)} blobs that it lacks are not "
        f"here. It wants the bundle with the sum {manifest.base}: --base BUNDLE.",
    )


def _small(shelf: Shelf, name: str, most: int = _MOST) -> bytes:
    with shelf.open(name) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise BadInput(f"{name} has more than {most:,} bytes: it is no bundle's.")
    return content

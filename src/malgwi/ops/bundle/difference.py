"""What a newer bundle brings over an older one."""

from collections.abc import Mapping
from dataclasses import dataclass

from malgwi.ops.bundle.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Difference:
    """Between two bundles, by the names of what is in them."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    """`name: before -> after`."""
    new_bytes: int
    """Of the blobs that only the newer one has: about as much as a delta carries."""


def diff(old: Manifest, new: Manifest) -> Difference:
    before, after = _parts(old), _parts(new)
    return Difference(
        added=tuple(f"{name} {after[name][0]}".strip() for name in sorted({*after} - {*before})),
        removed=tuple(f"{name} {before[name][0]}".strip() for name in sorted({*before} - {*after})),
        changed=tuple(_changes(before, after)),
        new_bytes=sum(size for digest, size in new.blobs.items() if digest not in old.blobs),
    )


Parts = Mapping[str, tuple[str, tuple[str, ...]]]
"""Version and sums by names."""


def _parts(manifest: Manifest) -> Parts:
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    found |= {f"package {each.name}": (each.version, (each.digest,)) for each in manifest.wheels}
    for model in manifest.models:
        sums = tuple(each.digest for each in model.files)
        found[f"model {model.name}"] = ((model.revision or "")[:12], sums)
    for image in manifest.images:
        name, _, version = image.reference.rpartition(":")
        found[f"image {name}"] = (version, (image.manifest,))
    found.update({f"file {each.path}": ("", (each.digest,)) for each in manifest.files})
    return found


def _changes(before: Parts, after: Parts) -> list[str]:
    changes = []
    for name in sorted({*before} & {*after}):
        (old, _), (new, _) = before[name], after[name]
        if before[name] != after[name]:
            changes.append(f"{name}: {old} -> {new}" if old != new else f"{name}: other content")
    return changes

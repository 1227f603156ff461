"""Which images the compose files of a bundle name, and the bundle does not have."""

import re
from collections.abc import Iterator
from pathlib import Path

from malgwi.ops.bundle import shelves
from malgwi.ops.bundle.manifest import MANIFEST, Manifest, blob_name, read_manifest

_IMAGE = re.compile(r"^\s*image:\s*[\"']?(?:\$\{\w+:-)?([\w./:@-]+)", re.MULTILINE)
_MOST = 1 << 20  # bytes of a compose file


def lacking(bundle: Path) -> tuple[str, ...]:
    """Images as the compose files have them by default; none where no image is carried at all, as
    then they come another way. Not each is needed: a fragment that nobody uses names some, too."""
    with shelves.opened(bundle) as shelf:
        with shelf.open(MANIFEST) as file:
            manifest = read_manifest(file.read())
        if not manifest.images:
            return ()
        named = set()
        for digest in _compose_files(manifest):
            with shelf.open(blob_name(digest)) as file:
                named |= {*_IMAGE.findall(file.read(_MOST).decode("utf-8", "replace"))}
    return tuple(sorted(named - {each.reference for each in manifest.images}))


def _compose_files(manifest: Manifest) -> Iterator[str]:
    """Those that are in it: of a delta the others were looked at with its base."""
    for file in manifest.files:
        is_compose = file.path.startswith("deploy/compose") and file.path.endswith("yaml")
        if is_compose and file.digest in manifest.held:
            yield file.digest

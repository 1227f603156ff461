"""What compose files name: images, and the services that are made of them."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malgwi.errors import BadOption
from malgwi.ops.bundle import shelves
from malgwi.ops.bundle.manifest import MANIFEST, Manifest, blob_name, read_manifest
from malgwi.ops.bundle.process import ran

_IMAGE = re.compile(r"^\s*image:\s*[\"']?(?:\$\{\w+:-)?([\w./:@-]+)", re.MULTILINE)
_CHOSEN = re.compile(r"\$\{(\w+):-([^{}$]+)\}")
_MOST = 1 << 20  # bytes of a compose file


@dataclass(frozen=True, slots=True)
class Service:
    """A service as the files have it, before anything is filled in."""

    image: str
    """As in the files, where nothing else is set."""
    variable: str | None
    """With which another one is chosen; None where that cannot be done."""
    networks: tuple[str, ...]
    on_the_host: bool
    """Whether it has the network of the machine, or of another container."""


def services(folder: Path, files: Sequence[str], engine: str) -> dict[str, Service]:
    """Those of compose files, together. Raises BadOption where they do not go together."""
    found = _together(folder, files, engine)["services"]
    return {name: _service(name, each) for name, each in sorted(found.items())}


def secrets_beside(folder: Path, files: Sequence[str], engine: str) -> tuple[str, ...]:
    """Names of the secrets that are in `secrets/` of the folder, a file each. Raises BadOption."""
    found = _together(folder, files, engine).get("secrets") or {}
    there = {f"./secrets/{name}" for name in found} | {f"{folder}/secrets/{name}" for name in found}
    return tuple(name for name, each in sorted(found.items()) if each.get("file") in there)


def _together(folder: Path, files: Sequence[str], engine: str) -> dict[str, Any]:
    named = [word for each in files for word in ("-f", each)]
    command = [engine, "compose", *named, "config", "--format", "json", "--no-interpolate"]
    done = ran(command, folder=folder)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["compose gave no reason"])[-1]
        raise BadOption(f"The compose files {':'.join(files)} do not go together: {said}.")
    content: dict[str, Any] = json.loads(done.stdout)
    return content


def _service(name: str, content: Mapping[str, Any]) -> Service:
    image = str(content.get("image", ""))
    match = _CHOSEN.fullmatch(image)
    if not match and (not image or "$" in image):
        raise BadOption(f"The service {name} has no image with a name: {image or 'none'}.")
    return Service(
        image=match[2] if match else image,
        variable=match[1] if match else None,
        networks=tuple(content.get("networks") or ()),
        on_the_host="network_mode" in content,
    )


def chosen_here(found: Mapping[str, Service]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The images that services have on this machine, whose environment may choose others: by their
    variables, and all of them."""
    by_variable = {
        each.variable: os.environ.get(each.variable) or each.image
        for each in found.values()
        if each.variable
    }
    fixed = [each.image for each in found.values() if not each.variable]
    return by_variable, tuple(dict.fromkeys([*by_variable.values(), *fixed]))


def pins(found: Mapping[str, Service], manifest: Manifest) -> dict[str, str]:
    """The image that each service is to have, where the bundle has it."""
    carried = {each.reference: each.pinned for each in manifest.images}
    chosen = manifest.stack.images if manifest.stack else {}
    wanted = {name: chosen.get(each.variable or "", each.image) for name, each in found.items()}
    return {name: carried[each] for name, each in wanted.items() if each in carried}


def lacking(bundle: Path) -> tuple[str, ...]:
    """Images as the compose files have them by default; none where no image is carried at all, as
    then they come another way, and none where those that are wanted were collected. Not each is
    needed: a fragment that nobody uses names some, too."""
    with shelves.opened(bundle) as shelf:
        with shelf.open(MANIFEST) as file:
            manifest = read_manifest(file.read())
        if not manifest.images or manifest.stack:
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

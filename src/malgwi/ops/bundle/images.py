"""Container images: archives in the layout of OCI, which engines write and read.

What architecture an image has stands in its configuration; the name of its file, and what an
engine was asked for, are no proof.
"""

import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from malgwi.errors import BadInput, BadOption
from malgwi.ops.bundle.manifest import Image, blob_name
from malgwi.ops.bundle.process import ran

Read = Callable[[str], bytes]
"""The content of a blob, which is a small one."""

MOST_JSON = 8 << 20
"""Bytes of a manifest or a configuration."""
_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
_HUB = ("docker.io/library/", "docker.io/")


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive of an image that is open."""

    image: Image
    open: Callable[[str], BinaryIO]
    """The content of a blob by its sum."""
    name: str

    @property
    def blobs(self) -> tuple[str, ...]:
        return self.image.blobs


@contextmanager
def archives(path: Path, platform: str) -> Iterator[Archive]:
    """The image in an archive. Raises BadInput where it is none, or not for `platform`."""
    try:
        with tarfile.open(path, "r:") as packed:
            members = {each.name.removeprefix("./"): each for each in packed if each.isreg()}

            def opened(name: str) -> BinaryIO:
                if name not in members:
                    raise BadInput(_not_oci(path, f"it has no {name}"))
                return cast(BinaryIO, packed.extractfile(members[name]))

            def blob(digest: str) -> BinaryIO:
                return opened(blob_name(digest))

            with opened("index.json") as file:
                index = description(file.read(MOST_JSON), "index.json")
            image = _chosen(index, lambda digest: _small(blob(digest)), platform, path.name)
            yield Archive(image, blob, path.name)
    except (tarfile.TarError, FileNotFoundError, IsADirectoryError) as error:
        raise BadInput(_not_oci(path, "it is no tar file")) from error


def engine_program(engine: str) -> str:
    """Raises BadOption where there is none."""
    program = shutil.which(engine)
    if program is None:
        raise BadOption(f"There is no {engine} on this machine, which would have the images.")
    return program


def is_there(reference: str, platform: str, engine: str = "docker") -> bool:
    """Whether a container engine on this machine has an image of that name and processor."""
    asked = ["image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", reference]
    done = ran([engine_program(engine), *asked])
    return done.stdout.strip() == platform


def save(reference: str, platform: str, into: Path, engine: str = "docker") -> None:
    """Has a container engine on this machine write the image as an archive. Raises BadOption."""
    program = shutil.which(engine)
    if program is None:
        raise BadOption(
            f"There is no file {reference}, and no {engine} on this machine that could have an "
            "image of that name. Give an archive in the layout of OCI."
        )
    command = [program, "image", "save", "--platform", platform, "--output", str(into), reference]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise BadOption(f"{engine} cannot save {reference} for {platform}: {said}.")


def blobs_of(image: str, manifest: str, read: Read, platform: str) -> tuple[str, ...]:
    """Of the image whose manifest that is. Raises BadInput where it is for another platform."""
    content = description(read(manifest), manifest)
    config = _digest(content.get("config", {}))
    layers = [_digest(each) for each in _list(content.get("layers"))]
    described = description(read(config), config)
    found = f"{described.get('os')}/{described.get('architecture')}"
    if found != platform:
        raise BadInput(
            f"The image {image} is for {found} inside, and the bundle is for {platform}. Build or "
            f"save it again with --platform {platform}."
        )
    return tuple(dict.fromkeys((manifest, config, *layers)))


def write_archive(image: Image, read: Read, blob: Callable[[str], Path], into: Path) -> None:
    """As engines of all ages load it: with the index of OCI and with Docker's own."""
    content = description(read(image.manifest), image.manifest)
    config, layers = _digest(content["config"]), [_digest(each) for each in content["layers"]]
    described = {
        "mediaType": content.get("mediaType", "application/vnd.oci.image.manifest.v1+json"),
        "digest": f"sha256:{image.manifest}",
        "size": len(read(image.manifest)),
        "annotations": dict.fromkeys(_NAMES, image.reference),
    }
    docker = {
        "Config": blob_name(config),
        "RepoTags": [image.reference],
        "Layers": [blob_name(each) for each in layers],
    }
    loose = {
        "oci-layout": {"imageLayoutVersion": "1.0.0"},
        "index.json": {"schemaVersion": 2, "manifests": [described]},
        "manifest.json": [docker],
    }
    with tarfile.open(into, "w:") as packed:
        for name, value in loose.items():
            encoded = json.dumps(value).encode()
            member = tarfile.TarInfo(name)
            member.size = len(encoded)
            packed.addfile(member, io.BytesIO(encoded))
        for digest in image.blobs:
            packed.add(blob(digest), blob_name(digest))


def _chosen(index: Mapping[str, Any], read: Read, platform: str, name: str) -> Image:
    """The one for the platform among those of the archive; the only one where there is but one."""
    described = list(_described(index, read, {}))
    if not described:
        raise BadInput(f"{name} has no image in it.")
    seen = [each for each in described if _platform(each) in (platform, None)]
    entry = (seen or described)[0]
    reference = _reference(entry, name)
    digest = _digest(entry)
    blobs = blobs_of(reference, digest, read, platform)
    return Image(reference=reference, manifest=digest, blobs=blobs)


def _described(
    index: Mapping[str, Any], read: Read, inherited: Mapping[str, Any], depth: int = 0
) -> Iterator[dict[str, Any]]:
    for entry in _list(index.get("manifests")):
        notes = {**inherited, **(entry.get("annotations") or {})}
        if "vnd.docker.reference.type" in notes:
            continue  # an attestation, which is no image
        if "index" in entry.get("mediaType", "") or "list" in entry.get("mediaType", ""):
            if depth > 2:
                raise BadInput("An index of images has indexes within indexes. Save it again.")
            inner = description(read(_digest(entry)), "index")
            yield from _described(inner, read, notes, depth + 1)
        else:
            yield {**entry, "annotations": notes}


def _platform(entry: Mapping[str, Any]) -> str | None:
    found = entry.get("platform")
    return f"{found.get('os')}/{found.get('architecture')}" if isinstance(found, dict) else None


def _reference(entry: Mapping[str, Any], name: str) -> str:
    notes = entry["annotations"]
    found = next((str(notes[each]) for each in _NAMES if ":" in str(notes.get(each, ""))), "")
    for hub in _HUB:
        found = found.removeprefix(hub)
    if not found or found.endswith(":latest"):
        raise BadInput(
            f"The image in {name} is called {found or 'nothing'}. Save it by a name with a "
            "version, so that everybody means the same by it."
        )
    return found


def _small(file: BinaryIO) -> bytes:
    with file:
        content = file.read(MOST_JSON + 1)
    if len(content) > MOST_JSON:
        raise BadInput("A description of an image is too large to be one. Save the image again.")
    return content


def description(content: bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The description {name} of an image cannot be read.") from error
    if not isinstance(found, dict):
        raise BadInput(f"The description {name} of an image cannot be read.")
    return found


def _list(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise BadInput("A description of an image lacks its list. Save the image again.")
    return value


def _digest(entry: Mapping[str, Any]) -> str:
    kind, _, digest = str(entry.get("digest", "")).partition(":")
    if kind != "sha256" or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise BadInput("A description of an image names no SHA-256. Save the image again.")
    return digest


def _not_oci(path: Path, why: str) -> str:
    return (
        f"{path} is no archive of an image in the layout of OCI: {why}. Docker writes it since "
        "version 25: docker image save --platform linux/amd64 -o FILE IMAGE:VERSION"
    )

"""What a bundle says about itself: bundle.json, which docs/reference/bundle.schema.json describes.

It comes from a disk that anybody may have written on, so that nothing in it is taken for a path, a
name or a number before it has been looked at.
"""

import json
import re
from importlib.metadata import version
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from malgwi.errors import BadInput
from malgwi.ops.digest import SUMS

FORMAT = 1
MANIFEST, SBOM, LAUNCHER, README = "bundle.json", "sbom.cdx.json", "malgwi-bundle", "README.txt"
SIGNATURE = f"{SUMS}.sig"
LOOSE = (README, LAUNCHER, MANIFEST, SBOM)
"""Files with sums that are not among the blobs."""

_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})")


def is_safe(path: str) -> bool:
    """Whether it leads to a place within a folder, and is the only way to write that place."""
    parts = PurePosixPath(path).parts
    return (
        path == "/".join(parts)
        and not path.startswith("/")
        and not {"..", "."} & {*parts}
        and path.isprintable()
        and "\\" not in path
        and 0 < len(path) <= 400
    )


def _safe(path: str) -> str:
    if not is_safe(path):
        raise ValueError("it leads out of its folder, or is no plain path")
    return path


Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f]{1,300}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+!-]{0,120}$")]
Reference = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-zA-Z0-9._/:-]{0,200}:[A-Za-z0-9][\w.-]{0,127}$")
]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,60}$")]
Place = Annotated[str, AfterValidator(_safe)]
Platform = Literal["linux/amd64", "linux/arm64"]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class File(_Entry):
    """A file with its name, and the sum by which its content is found."""

    path: Place
    digest: Digest
    executable: bool = False


class Wheel(_Entry):
    """A Python package."""

    name: Name
    version: Name
    file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.+!-]{4,200}\.whl$")]
    digest: Digest
    licence: Text | None = None
    """As the package says; None where it says nothing."""


class BundledModel(_Entry):
    """A model with all of its files."""

    name: Name
    kind: Text
    revision: Text | None = None
    licence: Text
    commercial_use: bool | None = None
    files: tuple[File, ...]


class Image(_Entry):
    """A container image of one architecture."""

    reference: Reference
    manifest: Digest
    """Of the blob with the manifest of OCI."""
    blobs: tuple[Digest, ...]
    """The manifest, the configuration and the layers."""

    @property
    def pinned(self) -> str:
        """A name that means these bytes and no others, and takes the name of nobody's image."""
        return f"{self.reference}-{self.manifest[:12]}"


class Stack(_Entry):
    """What it is that runs in containers: then every image that these files name is in it."""

    files: tuple[Place, ...]
    """Compose files in `deploy/`, in the order of COMPOSE_FILE."""
    images: dict[Variable, Reference]
    """What they call by a variable, as `STACK_IMAGE`."""


class Manifest(_Entry):
    """What is in a bundle. `blobs` are all that it needs, also those that only its base has."""

    format: int = Field(ge=1)
    name: Literal["malgwi"] = "malgwi"
    version: Name
    """Of the program."""
    created: AwareDatetime
    source: Text | None = None
    """The commit that it was made from; None where nobody knows."""
    platform: Platform
    python: Annotated[str, StringConstraints(pattern=r"^3\.\d{1,3}$")]
    glibc: Annotated[str, StringConstraints(pattern=r"^2\.\d{1,3}$")]
    """The oldest with which the wheels work."""
    extras: tuple[Name, ...] = ()
    wheels: tuple[Wheel, ...]
    models: tuple[BundledModel, ...] = ()
    images: tuple[Image, ...] = ()
    files: tuple[File, ...] = ()
    """Compose files, settings, documents."""
    stack: Stack | None = None
    """None where it has images that somebody chose, or none."""
    blobs: dict[Digest, Annotated[int, Field(ge=0)]]
    """Bytes by sums."""
    base: Digest | None = None
    """Sum of the bundle.json without whose blobs this one is not whole."""
    absent: tuple[Digest, ...] = ()
    """Blobs that are not in it, as the base has them."""

    @property
    def size(self) -> int:
        """Bytes of all blobs."""
        return sum(self.blobs.values())

    @property
    def held(self) -> frozenset[str]:
        """Blobs that are in it."""
        return frozenset(self.blobs) - {*self.absent}

    @property
    def wanted(self) -> frozenset[str]:
        """Blobs that something in it is made of."""
        of_models = (each.digest for model in self.models for each in model.files)
        of_images = (digest for image in self.images for digest in image.blobs)
        of_wheels = (each.digest for each in self.wheels)
        return frozenset(each.digest for each in self.files).union(of_models, of_images, of_wheels)

    def text(self) -> str:
        """The same for the same content, byte by byte."""
        return self.model_dump_json(indent=1) + "\n"


def read_manifest(content: bytes) -> Manifest:
    """Raises BadInput for one that is damaged, or that a newer program wrote."""
    _check_age(content)
    try:
        found = Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "all of it"
        raise BadInput(
            f"{MANIFEST} is damaged, or no bundle's: {where}: {first['msg'].lower()}. Make the "
            "bundle again, or carry it over again."
        ) from error
    if found.wanted != {*found.blobs} or not {*found.absent} <= {*found.blobs}:
        raise BadInput(f"{MANIFEST} is damaged: its parts and its list of blobs do not agree.")
    if found.stack and not _has(found, found.stack):
        raise BadInput(f"{MANIFEST} is damaged: not all that its stack names is in it.")
    return found


def _has(manifest: Manifest, stack: Stack) -> bool:
    references = {each.reference for each in manifest.images}
    paths = {each.path for each in manifest.files}
    files = {f"deploy/{each}" for each in stack.files}
    return {*stack.images.values()} <= references and files <= paths


def _check_age(content: bytes) -> None:
    try:
        read = json.loads(content)
        newer = isinstance(read, dict) and int(read.get("format", 0)) > FORMAT
    except (ValueError, TypeError, RecursionError):
        return  # damaged, which the model says better
    if newer:
        raise BadInput(
            f"The bundle is of a newer Malgwi than this one, which is {version('malgwi')}. Install "
            f"it with its own program: python3 {LAUNCHER} install"
        )


def blob_name(digest: str) -> str:
    return f"blobs/sha256/{digest}"


def digest_of(name: str) -> str | None:
    """The sum that a blob is called by; None for what is no blob."""
    match = _BLOB.fullmatch(name)
    return match[1] if match else None

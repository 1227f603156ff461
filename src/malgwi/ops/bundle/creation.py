"""Making a bundle, on a machine that reaches a package index: the only part that reaches out."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

from malgwi.errors import BadInput, BadOption, ModelBroken, NetworkRefused, OutputExists
from malgwi.ops.bundle import images, shelves, signature, wheels
from malgwi.ops.bundle.compose import Service, chosen_here, services
from malgwi.ops.bundle.image_packages import Packages, layers_of, packages_of
from malgwi.ops.bundle.launcher import launcher, readme
from malgwi.ops.bundle.manifest import (
    FORMAT,
    LAUNCHER,
    MANIFEST,
    README,
    SBOM,
    BundledModel,
    File,
    Image,
    Manifest,
    Platform,
    Stack,
    Wheel,
    blob_name,
    read_manifest,
)
from malgwi.ops.bundle.sbom import sbom
from malgwi.ops.digest import SUMS, sha256_of, sums_text
from malgwi.ops.disk import copied, flush, removed_if_broken, translated, write
from malgwi.ops.fetch import faults
from malgwi.ops.manifest import MANIFEST as MODEL_MANIFEST
from malgwi.ops.models import find, listing

EXTRAS = (
    "faster-whisper", "silero", "engine", "serve", "client", "console", "postgresql", "celery",
)  # fmt: skip
"""What a bundle brings where nothing else is asked for."""
CARRIED = ("deploy", "docs", "LICENSE", "README.md", "README.ko.md", wheels.LOCK)
"""Of the checkout, beside the package."""
LEAST_PART = 1_000_000

Step = Callable[[str], object]
"""Told what is done next."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be in a bundle."""

    source: Path
    """A checkout."""
    models_folder: Path
    models: Sequence[str] = ()
    images: Sequence[str] = ()
    """Archives, or names of images that the container engine of this machine has."""
    compose: Sequence[str] = ()
    """Compose files in `deploy/` of the checkout, as in COMPOSE_FILE, all of whose images are to be
    in it: those that the container engine of this machine has, under the names that the files and
    the variables of the environment give them."""
    extras: Sequence[str] = EXTRAS
    platform: Platform = "linux/amd64"
    glibc: str = "2.28"
    """The oldest one that it has to work with."""
    key: Path | None = None
    """With which it is signed; None where it is not."""
    base: Path | None = None
    """The bundle whose blobs are left out."""
    part_size: int | None = None
    """Bytes of a part; None where it is in one piece."""
    created: datetime | None = None
    """None for now."""
    offline: bool = False
    """MALGWI_OFFLINE: then none can be made."""


def create(target: Path, order: Order, step: Step | None = None) -> Manifest:
    """Makes a bundle at `target`, a tar file where it ends so and else a folder.

    Raises BadOption, BadInput, NetworkError, NetworkRefused, ModelMissing, ModelBroken,
    OutputExists and OutputError. Nothing is at `target` then.
    """
    _check(target, order)
    base = _base(order.base)
    say = step or (lambda _: None)
    with (
        translated(target),
        _hidden(target, "work") as work,
        _hidden(target, "partial") as stage,
    ):
        manifest = _filled(stage, work, order, base, say)
        say("Writing it")
        if target.suffix != shelves.TAR:
            stage.rename(target)
        else:
            _pack(stage, target, order.part_size)
        flush(target.parent)
    return manifest


def _check(target: Path, order: Order) -> None:
    if order.offline:
        raise NetworkRefused("making a bundle", "Make it where there is a network.")
    if order.part_size is not None and target.suffix != shelves.TAR:
        raise BadOption(f"Parts are of a tar file: call it {target}{shelves.TAR}.")
    if order.part_size is not None and order.part_size < LEAST_PART:
        raise BadOption(f"A part has at least {LEAST_PART:,} bytes.")
    beside = [*target.parent.glob(f"{target.name}.[0-9]*"), target]
    if any(map(os.path.lexists, beside)):
        raise OutputExists(f"{target} is there already. Name another; no bundle is replaced.")
    if not target.parent.is_dir():
        raise BadOption(f"There is no folder {target.parent}. Make it first.")
    if order.key is not None:
        signature.signers_line(order.key)
    wheels.check_source(order.source)
    for name in order.models:  # before minutes are spent on packages
        find(name, order.models_folder)
    if order.compose:
        _check_compose(order)


def _check_compose(order: Order) -> None:
    tracked = _tracked(order.source)
    for each in order.compose:
        if f"deploy/{each}" not in tracked:
            raise BadOption(f"There is no deploy/{each} that git knows of in {order.source}.")
    _, references = chosen_here(_services(order))
    if lacking := [each for each in references if not images.is_there(each, order.platform)]:
        raise BadOption(
            f"Docker on this machine does not have {', '.join(lacking)} for {order.platform}. "
            f"Others' are fetched by docker pull --platform {order.platform} NAME, ours is built "
            "by docker buildx bake -f deploy/docker-bake.hcl cpu --load; or name another by its "
            "variable, as in STACK_IMAGE=malgwi:cpu-0.2.0."
        )


def _services(order: Order) -> dict[str, Service]:
    return services(order.source / "deploy", order.compose, images.engine_program("docker"))


def _base(path: Path | None) -> tuple[str, Manifest] | None:
    if path is None:
        return None
    import hashlib

    with shelves.opened(path) as shelf, shelf.open(MANIFEST) as file:
        content = file.read()
    return hashlib.sha256(content).hexdigest(), read_manifest(content)


def _filled(
    stage: Path, work: Path, order: Order, base: tuple[str, Manifest] | None, say: Step
) -> Manifest:
    blobs = _Blobs(stage)
    say("Reading images and models")  # first, as they cost no network
    packages: dict[str, Packages] = {}
    by_variable, collected = chosen_here(_services(order)) if order.compose else ({}, ())
    named = tuple(dict.fromkeys([*order.images, *collected]))
    called = dict(_images(blobs, work, named, order.platform, packages))
    stack = (
        Stack(
            files=tuple(order.compose),
            images={name: called[each].reference for name, each in sorted(by_variable.items())},
        )
        if order.compose
        else None
    )
    models = tuple(_model(blobs, name, order.models_folder) for name in order.models)
    say("Building the package and fetching those that it needs")
    brought = tuple(_wheels(blobs, work, order))
    files = tuple(_files(blobs, order.source))
    absent = sorted(set(blobs.sizes) & set(base[1].blobs)) if base else []
    for digest in absent:
        (stage / blob_name(digest)).unlink()
    manifest = Manifest(
        format=FORMAT,
        version=version_of(brought),
        created=(order.created or datetime.now(UTC)).replace(microsecond=0),
        source=_commit(order.source),
        platform=order.platform,
        python=wheels.python_version(),
        glibc=wheels.needed_glibc(brought),
        extras=tuple(order.extras),
        wheels=brought,
        models=models,
        images=tuple(called.values()),
        files=files,
        stack=stack,
        blobs=dict(sorted(blobs.sizes.items())),
        base=base[0] if base else None,
        absent=tuple(absent),
    )
    loose = {
        README: readme(manifest),
        LAUNCHER: launcher(),
        MANIFEST: manifest.text(),
        SBOM: sbom(manifest, packages),
    }
    for name, text in loose.items():
        write(stage / name, text.encode())
    sums = {blob_name(digest): digest for digest in manifest.held}
    sums |= {name: sha256_of(stage / name) for name in loose}
    write(stage / SUMS, sums_text(sums).encode())
    if order.key:
        signature.sign(stage / SUMS, order.key)
    return manifest


def version_of(brought: Sequence[Wheel]) -> str:
    return next((each.version for each in brought if each.name == "malgwi"), version("malgwi"))


class _Blobs:
    """The content of a bundle; what is the same is there once."""

    def __init__(self, stage: Path) -> None:
        self._folder = stage / "blobs" / "sha256"
        self._folder.mkdir(parents=True)
        self.sizes: dict[str, int] = {}

    def add(self, path: Path) -> str:
        with path.open("rb") as file:
            return self.put(file)

    def put(self, file: BinaryIO) -> str:
        new = self._folder / "new"
        digest = copied(file, new)
        self.sizes[digest] = new.stat().st_size
        new.rename(self._folder / digest)
        return digest

    def open(self, digest: str) -> BinaryIO:
        return (self._folder / digest).open("rb")


def _wheels(blobs: _Blobs, work: Path, order: Order) -> Iterator[Wheel]:
    folder, built = work / "wheels", work / "own"
    folder.mkdir()
    built.mkdir()
    own = wheels.own_wheel(order.source, built)
    wheels.fetch(
        own,
        order.source / wheels.LOCK,
        folder,
        extras=order.extras,
        platform=order.platform,
        glibc=order.glibc,
    )
    if not (folder / own.name).exists():
        own.rename(folder / own.name)
    for path in sorted(folder.glob("*.whl")):
        yield wheels.described(path)
        blobs.add(path)


def _model(blobs: _Blobs, name: str, folder: Path) -> BundledModel:
    at = find(name, folder)
    model = next(each.model for each in listing(folder) if each.model.name == name)
    if said := faults(model, at):
        raise ModelBroken(f"{name} in {folder} is broken: {' '.join(said)}")
    names = [each.name for each in model.files]
    if (at / MODEL_MANIFEST).is_file():
        names.append(MODEL_MANIFEST)
    return BundledModel(
        name=name,
        kind=model.kind,
        revision=model.revision,
        licence=model.licence,
        commercial_use=model.commercial_use,
        files=tuple(File(path=each, digest=blobs.add(at / each)) for each in sorted(names)),
    )


def _images(
    blobs: _Blobs,
    work: Path,
    named: Sequence[str],
    platform: Platform,
    packages: dict[str, Packages],
) -> Iterator[tuple[str, Image]]:
    """Each with what it was asked for by."""

    def read(digest: str) -> bytes:
        with blobs.open(digest) as file:
            return file.read(images.MOST_JSON)

    for number, each in enumerate(named):
        path = Path(each)
        with ExitStack() as stack:
            if not path.is_file():
                path = work / f"image-{number}.tar"
                images.save(each, platform, path)
                stack.callback(path.unlink)
            archive = stack.enter_context(images.archives(path, platform))
            for digest in archive.blobs:
                with archive.open(digest) as file:
                    if blobs.put(file) != digest:
                        raise BadInput(f"{archive.name} is damaged: sha256:{digest}.")
            image = archive.image
        packages[image.reference] = packages_of(layers_of(image.manifest, read), blobs.open)
        yield each, image


def _files(blobs: _Blobs, source: Path) -> Iterator[File]:
    for name in sorted(_tracked(source)):
        path = source / name
        if path.is_file() and not path.is_symlink():
            executable = os.access(path, os.X_OK)
            yield File(path=name, digest=blobs.add(path), executable=executable)


def _tracked(source: Path) -> list[str]:
    """What git knows of, so that no secret and no scrap that lies about gets into a bundle."""
    done = _git(source, "ls-files", "-z", "--", *CARRIED)
    if done is None:
        raise BadOption(
            f"{source} is no checkout of git, and nobody knows which of its files are to be "
            "carried over. Make a bundle of a clone."
        )
    return [each for each in done.split("\0") if each]


def _commit(source: Path) -> str | None:
    found = _git(source, "rev-parse", "HEAD")
    return found.strip() if found else None


def _git(source: Path, *arguments: str) -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "-C", str(source), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if done.returncode else done.stdout


def _pack(stage: Path, target: Path, part_size: int | None) -> None:
    packed = target.with_name(f".{target.name}.packing-{secrets.token_hex(4)}")
    if part_size is None:
        with removed_if_broken(packed):
            shelves.pack(stage, packed)
            packed.rename(target)
        return
    packed.mkdir()
    with removed_if_broken(packed):
        for each in shelves.pack_in_parts(stage, packed / target.name, part_size):
            each.rename(target.with_name(each.name))  # the list of the parts is the last
        packed.rmdir()


@contextmanager
def _hidden(target: Path, what: str) -> Iterator[Path]:
    """A folder that nobody takes for a bundle, and that goes unless it gets another name."""
    folder = target.with_name(f".{target.name}.{what}-{secrets.token_hex(4)}")
    with removed_if_broken(folder):
        folder.mkdir()
        yield folder
        shutil.rmtree(folder, ignore_errors=True)

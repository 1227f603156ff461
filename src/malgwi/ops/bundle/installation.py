"""Installing a bundle: a version beside those before, which is used only once it has transcribed.

    blobs/sha256/        all that was ever carried here, by its sum
    releases/VERSION-…/  venv, models, deploy, docs, and bin/malgwi, which uses these
    settings/            of the containers, where they are brought up; see stack.py
    current              the one in use: a link
    journal.jsonl        what was done, and when

Who is killed on the way leaves blobs for the next try and a release that nobody uses. Nothing that
is in use is changed before the last step, which puts another link in the place of `current`.
"""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from malgwi.errors import BadInput, EngineFailed, MalgwiError, OutputError
from malgwi.ops.bundle import images, shelves, stack
from malgwi.ops.bundle.host import Host, hindrances, is_older, may_write
from malgwi.ops.bundle.manifest import MANIFEST, Manifest, blob_name, read_manifest
from malgwi.ops.bundle.process import environment, run
from malgwi.ops.bundle.shelves import Shelf
from malgwi.ops.bundle.smoke import smoke
from malgwi.ops.bundle.stack import Containers
from malgwi.ops.bundle.verification import Verified, known, verify
from malgwi.ops.digest import sha256_of
from malgwi.ops.disk import copied, flush, translated, write

Say = Callable[[str], object]
"""Told what is done next."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A version that is in use now."""

    manifest: Manifest
    signer: str | None
    release: Path
    before: str | None
    """The name of the release that was in use before; None where there was none."""
    already: bool
    """Whether all of it was here before."""
    heard: str
    """What came of the transcription, as a sentence."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How it is to be installed."""

    base: Path | None = None
    """For a delta, the bundle that has the rest; what is here already need not be in it."""
    with_images: bool = True
    allow_older: bool = False
    up: bool = False
    """Whether its containers are brought up, in the place of those of the release in use."""


def install(  # noqa: PLR0913 - each stands for itself
    bundle: Path,
    into: Path,
    *,
    signers: Path | None,
    wishes: Wishes | None = None,
    host: Host | None = None,
    say: Say | None = None,
) -> Installed:
    """Has the version of the bundle in use in the folder `into`, which is made where it is not.

    Raises BadInput for a bundle that is refused and a machine that it is not for, OutputError, and
    EngineFailed where it does not transcribe. Then what was in use before is in use as before.
    """
    wishes, host, tell = wishes or Wishes(), host or Host(), say or (lambda _: None)
    if not may_write(into):
        raise OutputError(f"{into} cannot be written to. Run it as its owner, or name another.")
    tell("Verifying the bundle")
    here = _Installation(into.absolute())
    verified = _verified(bundle, here, signers, wishes)
    manifest = verified.manifest
    here.check(manifest, host, wishes)
    with translated(into), here.locked(), shelves.opened(bundle) as shelf:
        known(shelf, signers)  # it may have been exchanged since
        release = here.release_of(manifest)
        before, ready = here.in_use(), here.is_complete(release)
        journal = _Journal(here, release.name, tell)
        journal.note("copy what is not here yet")
        _take_in(shelf, manifest, here, wishes.base)
        if ready:
            heard = "It was here, and had transcribed."
        else:
            plainly = host if wishes.with_images and not wishes.up else None
            heard = _built(release, manifest, here, plainly, journal)
        if wishes.up and host.engine:
            heard = f"{heard} {_brought_up(release, manifest, here, host.engine, journal)}"
        if before != release.name:
            journal.note("take it into use")
            here.use(release)
        journal.note("done")
    return Installed(manifest, verified.signer, release, before, ready, heard)


def _brought_up(
    release: Path, manifest: Manifest, here: "_Installation", engine: str, journal: "_Journal"
) -> str:
    """By the names that the images have nowhere else, so that those before are there to go back
    to; the release stays where it fails, and is not in use."""
    used = here.release_in_use()
    before = Containers(used / "deploy", engine) if used else None
    containers = Containers(release / "deploy", engine)
    journal.note("load the images")
    for name in stack.load(manifest, here.blob, engine, here.folder):
        journal.note(f"loaded {name}")
    containers.settle(here.folder / stack.SETTINGS, manifest)
    journal.note("bring up the containers, and transcribe by their door")
    try:
        return stack.bring_up(containers, before)
    except EngineFailed:
        journal.note("failed; what was in use before is in use")
        raise


def _verified(
    bundle: Path, here: "_Installation", signers: Path | None, wishes: Wishes
) -> Verified:
    found = verify(bundle, signers, have=here.blobs(), base=wishes.base)
    if found.faults:
        more = f" And {len(found.faults) - 1} more." if len(found.faults) > 1 else ""
        raise BadInput(f"{found.faults[0].said}{more} Nothing was installed.")
    if found.manifest.absent and not here.blobs() and wishes.base is None:
        raise BadInput(
            f"It is a delta, and {len(found.manifest.absent)} blobs that it lacks are not here. "
            "Install its base first, or name it: --base BUNDLE. Nothing was installed."
        )
    return found


class _Installation:
    """The folder with all versions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._store, self._releases = folder / "blobs" / "sha256", folder / "releases"
        self._current = folder / "current"

    def blobs(self) -> frozenset[str]:
        if not self._store.is_dir():
            return frozenset()
        return frozenset(each.name for each in self._store.iterdir() if len(each.name) == 64)

    def blob(self, digest: str) -> Path:
        return self._store / digest

    def release_of(self, manifest: Manifest) -> Path:
        digest = hashlib.sha256(manifest.text().encode()).hexdigest()
        return self._releases / f"{manifest.version}-{digest[:12]}"

    def is_complete(self, release: Path) -> bool:
        return (release / MANIFEST).is_file()

    def in_use(self) -> str | None:
        return self._current.readlink().name if self._current.is_symlink() else None

    def release_in_use(self) -> Path | None:
        used = self.in_use()
        return self._releases / used if used else None

    def version_in_use(self) -> str | None:
        path = self._current / MANIFEST
        return read_manifest(path.read_bytes()).version if path.is_file() else None

    def check(self, manifest: Manifest, host: Host, wishes: Wishes) -> None:
        """Raises BadInput with all that stands against it."""
        missing = sum(size for each, size in manifest.blobs.items() if each not in self.blobs())
        at = next(each for each in (self.folder, *self.folder.parents) if each.exists())
        with_images = wishes.with_images and bool(manifest.images)
        found = list(hindrances(manifest, at, host, missing, with_images=with_images))
        if wishes.up and (said := stack.hindrance(manifest, host.engine)):
            found.append(said)
        used = self.version_in_use()
        if used and is_older(manifest.version, used) and not wishes.allow_older:
            found.append(
                f"Version {used} is in use, which is newer than {manifest.version}; what it keeps "
                "may be beyond the older one. To go back all the same: --allow-older."
            )
        if found:
            raise BadInput(f"{' '.join(found)} Nothing was installed.")

    @contextmanager
    def locked(self) -> Iterator[None]:
        self._store.mkdir(parents=True, exist_ok=True)
        self._releases.mkdir(exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise OutputError(
                    f"Something is being installed into {self.folder} at this moment. Wait until "
                    "it is done; this one has changed nothing."
                ) from error
            yield

    def use(self, release: Path) -> None:
        new = self.folder / f".current-{secrets.token_hex(4)}"
        new.symlink_to(Path("releases") / release.name)
        new.replace(self._current)
        flush(self.folder)


class _Journal:
    """What was done, a line a step."""

    def __init__(self, here: _Installation, release: str, say: Say) -> None:
        self._path, self._release, self._say = here.folder / "journal.jsonl", release, say

    def note(self, step: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        line = json.dumps({"at": now, "release": self._release, "step": step})
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
        self._say(f"{step[0].upper()}{step[1:]}")


def _take_in(shelf: Shelf, manifest: Manifest, here: _Installation, base: Path | None) -> None:
    """Copies what is not here, or is not any more what it was."""
    wanted = {
        each: size
        for each, size in manifest.blobs.items()
        if not here.blob(each).is_file() or sha256_of(here.blob(each)) != each
    }
    _copy(shelf, {*wanted} & manifest.held, here)
    if rest := {*wanted} - manifest.held:
        if base is None:
            raise BadInput(f"{len(rest)} blobs of the base are damaged here. Add --base BUNDLE.")
        with shelves.opened(base) as other:
            _copy(other, rest, here)


def _copy(shelf: Shelf, digests: set[str], here: _Installation) -> None:
    for digest in sorted(digests):
        new = here.blob(f"{digest}.new")
        with shelf.open(blob_name(digest)) as file:
            found = copied(file, new)
        if found != digest:
            new.unlink()
            raise BadInput(f"{blob_name(digest)} is not what it was. Carry the bundle over again.")
        new.chmod(0o444)
        new.replace(here.blob(digest))


def _built(
    release: Path, manifest: Manifest, here: _Installation, host: Host | None, journal: _Journal
) -> str:
    """Puts a release together and has it transcribe; it is gone where that does not come off."""
    shutil.rmtree(release, ignore_errors=True)  # of a try that was broken off
    try:
        release.mkdir()
        journal.note("lay out files and models")
        _lay_out(release, manifest, here)
        journal.note("install the packages")
        _make_environment(release, manifest, here)
        if host and host.engine and manifest.images:
            journal.note("load the images")
            _load_images(manifest, here, host.engine)
        journal.note("transcribe")
        heard = smoke(release, manifest, environment())
        write(release / MANIFEST, manifest.text().encode())  # by which it is complete
    except (MalgwiError, OSError) as error:
        shutil.rmtree(release, ignore_errors=True)
        journal.note("failed; what was in use before is in use")
        if isinstance(error, OSError):
            raise
        used = here.in_use()
        state = f"{used} is in use as before." if used else "Nothing was in use, and nothing is."
        raise EngineFailed(f"{error} {state}") from error
    return heard


def _lay_out(release: Path, manifest: Manifest, here: _Installation) -> None:
    for file in manifest.files:  # copies: somebody may write in them
        target = release / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(here.blob(file.digest), target)
        target.chmod(0o755 if file.executable else 0o644)
    for model in manifest.models:
        for file in model.files:
            target = release / "models" / model.name / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(here.blob(file.digest), target)
    starter = release / "bin" / "malgwi"
    starter.parent.mkdir(exist_ok=True)
    starter.write_text(_STARTER)
    starter.chmod(0o755)


def _make_environment(release: Path, manifest: Manifest, here: _Installation) -> None:
    venv, folder = release / "venv", release / "wheels"
    folder.mkdir()
    for wheel in manifest.wheels:
        os.link(here.blob(wheel.digest), folder / wheel.file)
    run([sys.executable, "-m", "venv", str(venv)], "make an environment")
    pip = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    names = [str(folder / wheel.file) for wheel in manifest.wheels]
    offline = ["--no-index", "--no-deps", "--no-cache-dir", "--quiet", "--find-links", str(folder)]
    run([*pip, "install", *offline, *names], "install the packages")
    run([*pip, "check"], "find all packages that others need")
    shutil.rmtree(folder)


def _load_images(manifest: Manifest, here: _Installation, engine: str) -> None:
    def read(digest: str) -> bytes:
        return here.blob(digest).read_bytes()

    for image in manifest.images:
        images.blobs_of(image.reference, image.manifest, read, manifest.platform)
        stack.load_as(image.reference, image, here.blob, engine, here.folder)


_STARTER = """#!/bin/sh
# The program of this release, with its models, and without a network.
release=$(dirname "$(dirname "$(readlink -f "$0")")")
export MALGWI_MODELS="${MALGWI_MODELS:-$release/models}" MALGWI_OFFLINE="${MALGWI_OFFLINE:-1}"
exec "$release/venv/bin/malgwi" "$@"
"""

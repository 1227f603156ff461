"""The containers of a release: brought up with the images and the models that the bundle brought,
asked to transcribe by the door, and where that fails those of the release before again.

    settings/.env        what the operator sets; of all releases, like the secrets
    settings/secrets/
    releases/…/deploy/   links to both, and bundled.yaml, which says which images, and no others

Volumes are never touched: what is kept in them belongs to no release. Where the database has to be
migrated, `malgwi upgrade` of the new release does that, with a backup to go back to.
"""

import inspect
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from malgwi.errors import BadInput, EngineFailed, MalgwiError
from malgwi.ops.bundle import door, images
from malgwi.ops.bundle.compose import pins, secrets_beside, services
from malgwi.ops.bundle.manifest import Image, Manifest
from malgwi.ops.bundle.process import ran, run
from malgwi.ops.bundle.smoke import alike
from malgwi.ops.disk import write

BUNDLED = "bundled.yaml"
"""The last of the compose files of a release."""
SETTINGS = "settings"

_UP = ("./up.sh", "--no-build", "--pull", "never", "--remove-orphans")
_FILES = re.compile(r"^\s*(?:export\s+)?COMPOSE_FILE\s*=\s*[\"']?([^\"'\n#]*)", re.MULTILINE)

_DOOR = "nginx"
_STEP = re.compile(r" from step (\S+) to ")

Blob = Callable[[str], Path]
"""Where a blob lies, by its sum."""


@dataclass(frozen=True, slots=True)
class Containers:
    """Those of a release, in the folder `deploy` of it."""

    deploy: Path
    engine: str
    """The program of the container engine."""

    def settle(self, settings: Path, manifest: Manifest) -> None:
        """Gives the release the settings that are kept, which are made where there are none, and
        says which images it has. Raises BadInput."""
        if manifest.stack is None:
            raise BadInput(without_stack())
        (settings / "secrets").mkdir(parents=True, exist_ok=True)
        (settings / "secrets").chmod(0o700)
        if not (settings / ".env").exists():
            example = (self.deploy / ".env.example").read_text("utf-8")
            write(settings / ".env", (example + _first(manifest.stack.files)).encode())
        for name in (".env", "secrets"):
            self._link(name, settings)
        self._pin(settings / ".env", manifest)

    def _link(self, name: str, settings: Path) -> None:
        link = self.deploy / name
        if link.is_symlink():
            return
        if link.exists():
            raise BadInput(
                f"{link} is of a time when this release was started by hand. Move it to "
                f"{settings / name}, where all releases find it, and run this again."
            )
        link.symlink_to(Path("../../..") / SETTINGS / name)

    def _pin(self, env: Path, manifest: Manifest) -> None:
        files = _FILES.findall(env.read_text("utf-8"))
        chosen = (files[-1].strip() if files else "compose.yaml").split(":")
        if chosen[-1] != BUNDLED:
            raise BadInput(
                f"{env} does not have the images of the bundle used. Set there: "
                f"COMPOSE_FILE={':'.join(each for each in chosen if each != BUNDLED)}:{BUNDLED}"
            )
        found = services(self.deploy, chosen[:-1], self.engine)
        pinned = pins(found, manifest)
        content = {name: {"pull_policy": "never"} for name in found}
        for name, image in pinned.items():
            content[name]["image"] = image
        # a container may outlive the folder of the release that made it
        kept = env.parent / "secrets"
        beside = secrets_beside(self.deploy, chosen[:-1], self.engine)
        of_secrets = {name: {"file": str(kept / name)} for name in beside}
        text = json.dumps({"services": content, "secrets": of_secrets}, indent=1)
        write(self.deploy / BUNDLED, f"# Written by malgwi bundle install.\n{text}\n".encode())

    @property
    def are_of_a_bundle(self) -> bool:
        return (self.deploy / BUNDLED).is_file()

    def up(self, *, door: bool = True) -> None:
        """All of them, or all but the door. Raises EngineFailed with what `up.sh` says."""
        these = [] if door else [each for each in self._images() if each != _DOOR]
        done = ran([*_UP, *these], folder=self.deploy)
        if done.returncode:
            raise EngineFailed(_sentences(done.stderr))

    @property
    def step_before(self) -> Path:
        """Where it is kept at which step the database was, until what uses it works."""
        name = f"step-before-{self.deploy.parent.name}"
        return (self.deploy / ".env").resolve().with_name(name)

    def migrate(self, before: "Containers") -> bool:
        """Brings the database to this release, once nobody of the one before is at work on it.
        Whether that was to be done, so that the door is shut now. Raises EngineFailed."""
        match = _STEP.search(self._once("upgrade", "--dry-run"))
        if match is None:
            return False
        begun = self.step_before.exists()  # by a try that was broken off; the door may be open
        if not begun:
            write(self.step_before, match[1].encode())
        before.stop()
        self._once("upgrade")
        return not begun

    def put_back(self, *, lose_newer: bool) -> None:
        """The database as it was before `migrate`. Raises EngineFailed, also where something came
        since that is not to be lost."""
        if self.step_before.exists():
            self.stop()
            more = ["--lose-newer"] if lose_newer else []
            self._once("upgrade", "--back-to", self.step_before.read_text("utf-8"), *more)
            self.step_before.unlink()

    def _once(self, *arguments: str) -> str:
        start = [self.engine, "compose", "run", "--rm", "--no-deps", "-T", "migrate"]
        done = ran([*start, *arguments], folder=self.deploy)
        if done.returncode:
            raise EngineFailed(_sentences(done.stdout + done.stderr))
        return done.stdout

    def stop(self) -> None:
        """The door, and all that are of the image of our program: jobs are given back."""
        of = self._images()
        named = [name for name, image in of.items() if image == of["migrate"] or name == _DOOR]
        run([self.engine, "compose", "stop", *named], "stop the containers", self.deploy)

    def _images(self) -> dict[str, str | None]:
        """Of each service; None where it is not carried."""
        text = (self.deploy / BUNDLED).read_text("utf-8").partition("\n")[2]
        return {name: each.get("image") for name, each in json.loads(text)["services"].items()}

    def down(self) -> None:
        """All but the volumes. It is no matter whether there was anything."""
        ran([self.engine, "compose", "down", "--remove-orphans"], folder=self.deploy)

    def within(self, service: str, *command: str, given: str = "") -> str:
        """What a command prints in a container. Raises EngineFailed."""
        start = [self.engine, "compose", "exec", "-T", service]
        done = ran([*start, *command], folder=self.deploy, given=given)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
            raise EngineFailed(
                f"{command[0]} does not work in {service}: {last[:500].rstrip('.')}."
            )
        return done.stdout

    def hear(self, *, keep: bool = False) -> str:
        """Has the canary transcribed by the door, and says so. Raises EngineFailed. The recording
        is removed again, unless `keep`."""
        words = ["keep"] if keep else []
        said = self.within("api", "python", "-", *words, given=inspect.getsource(door))
        told = json.loads(said.splitlines()[-1])
        if not alike(told["heard"], told["words"]):
            raise EngineFailed("The stack came up, and did not hear the words of the canary.")
        return "By the door of the stack the canary was heard rightly."


def bring_up(new: Containers, before: Containers | None) -> str:
    """What came of it. Raises EngineFailed; then those before are up again, or none are. What is
    in use already is not taken down."""
    if before is not None and not before.are_of_a_bundle:
        before = None
    shut = False
    try:
        if before is not None and before != new and (shut := new.migrate(before)):
            new.up(door=False)
            shut = False
        new.up()
        heard = new.hear()
    except MalgwiError as error:
        raise EngineFailed(f"{error} {_back(new, before, shut=shut)}") from error
    new.step_before.unlink(missing_ok=True)
    return heard


def _back(new: Containers, before: Containers | None, *, shut: bool) -> str:
    """While the door is `shut` nothing is new but what workers did, who do it again."""
    if before is None:
        new.down()
        return "The containers were taken down; what they keep stays."
    if before == new:
        return "What runs goes on."
    try:
        new.put_back(lose_newer=shut)
    except MalgwiError as error:
        return (
            f"The database was not put back, so nothing was started: {error} To go on with the new "
            f"release all the same run {new.deploy / 'up.sh'}."
        )
    try:
        before.up()
    except MalgwiError as error:
        return f"And those of the release before did not come up again: {error}"
    return "Those of the release before are up again."


def load(manifest: Manifest, blob: Blob, engine: str, work: Path) -> Iterator[str]:
    """Has the engine have all images, by names that mean them alone; gives those that it did not
    have. Raises BadInput and OutputError."""
    for each in manifest.images:
        if _load_pinned(each, blob, engine, work, manifest.platform):
            yield each.pinned


def _load_pinned(image: Image, blob: Blob, engine: str, work: Path, platform: str) -> bool:
    def read(digest: str) -> bytes:
        return blob(digest).read_bytes()

    manifest, config, *_ = images.blobs_of(image.reference, image.manifest, read, platform)
    meant = (f"sha256:{config}", f"sha256:{manifest}")  # by the kind of the engine's store
    if _id(engine, image.pinned) in meant:
        return False
    if _id(engine, meant[0]):
        run([engine, "image", "tag", meant[0], image.pinned], "name the image")
    else:
        load_as(image.pinned, image, blob, engine, work)
    if _id(engine, image.pinned) not in meant:
        raise BadInput(f"The engine made another image of {image.reference} than was carried.")
    return True


def load_as(name: str, image: Image, blob: Blob, engine: str, work: Path) -> None:
    with tempfile.TemporaryDirectory(dir=work, prefix=".image-") as folder:
        archive = Path(folder) / "image.tar"
        renamed = image.model_copy(update={"reference": name})
        images.write_archive(renamed, lambda each: blob(each).read_bytes(), blob, archive)
        run([engine, "image", "load", "--quiet", "--input", str(archive)], "load the image")


def _id(engine: str, image: str) -> str:
    """Empty where there is none."""
    return ran([engine, "image", "inspect", "--format", "{{.Id}}", image]).stdout.strip()


def hindrance(manifest: Manifest, engine: str | None) -> str | None:
    """What keeps a stack from being brought up here, before anything is tried."""
    if manifest.stack is None:
        return without_stack()
    if engine is None:
        return "There is no docker here. Install Docker Engine with its compose plugin."
    done = ran([engine, "compose", "version"])
    if not done.returncode:
        done = ran([engine, "info"])
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        return f"Docker, or its compose plugin, does not answer: {said.rstrip('.')}."
    return None


def without_stack() -> str:
    return (
        "The bundle has no stack: its images were not collected. Make it with "
        "malgwi bundle create --compose compose.yaml."
    )


def _first(files: tuple[str, ...]) -> str:
    return (
        "\n# -- Set by malgwi bundle install. Keep bundled.yaml last: it says which images.\n"
        f"COMPOSE_FILE={':'.join([*files, BUNDLED])}\n"
        "STACK_MODELS=../models\nMALGWI_OFFLINE=1\n"
    )


def _sentences(said: str) -> str:
    """From the first of our own on, or the last that somebody else said."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    ours = [number for number, line in enumerate(lines) if line.startswith("malgwi: ")]
    told = lines[max(ours[0] - 3, 0) :] if ours else lines[-3:]
    return " ".join(line.removeprefix("malgwi: ") for line in told)[-2000:]

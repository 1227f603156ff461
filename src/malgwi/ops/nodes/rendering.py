"""From an inventory to a folder a node, with all that the node needs beside the images.

    DIR/logos/, DIR/pathos/, DIR/ethos/    carried to the nodes, each to its own and no other
    DIR/.secrets/                          what they share; stays here
    DIR/.rendered                          which files were made, so that others are left alone

Rendering again changes only what has to: secrets and certificates are kept, a file that would be
the same is not touched. Every file is whole or as it was before, and what was interrupted is
completed by rendering again.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from malgwi.errors import BadOption
from malgwi.ops.disk import flush
from malgwi.ops.nodes import composition
from malgwi.ops.nodes.inventory import Inventory, Node
from malgwi.ops.nodes.secrets import KEPT, Secrets
from malgwi.ops.nodes.settings import env_file

LIST = PurePosixPath(".rendered")
_TAKEN = (".env.example", "up.sh", "upgrade.sh")
"""Files of deploy/ that each node gets as they are."""
_ACCESS = PurePosixPath("postgres/pg_hba.conf")
"""In a folder that is mounted as one: so a container sees what is put in its place."""
_SECRETS = "secrets"


@dataclass(frozen=True, slots=True)
class File:
    """What is to be in a file."""

    content: bytes
    mode: int


Files = Mapping[PurePosixPath, File]
"""By their path in the folder that is rendered into."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What rendering does to a folder, or would do."""

    written: tuple[PurePosixPath, ...]
    unchanged: tuple[PurePosixPath, ...]
    removed: tuple[PurePosixPath, ...]

    @property
    def any(self) -> bool:
        return bool(self.written or self.removed)

    def of(self, node: str) -> "Changes":
        """In the folder of this node only."""
        return Changes(
            *(
                tuple(path for path in paths if path.parts[0] == node)
                for paths in (self.written, self.unchanged, self.removed)
            )
        )


def render(inventory: Inventory, source: Path, into: Path, *, check: bool = False) -> Changes:
    """Make the folders of all nodes in `into`, of the files in `source`, which is deploy/ of a
    checkout or of a bundle; with `check`, only say what would change. Raises BadOption."""
    files = _files(inventory, source, into)
    before = _listed(into)
    changes = _compared(files, into, before)
    _check_ours(changes.written, into, before)
    if changes.any and not check:
        _write(files, changes, into, before)
    return changes


def _files(inventory: Inventory, source: Path, into: Path) -> Files:
    secrets = Secrets(into, inventory)
    files: dict[PurePosixPath, File] = {}
    for node in inventory.nodes:
        for name, file in _of_node(inventory, node, source, secrets).items():
            files[PurePosixPath(node.name, name)] = file
    return files | {path: File(content, 0o600) for path, content in secrets.kept.items()}


def _of_node(
    inventory: Inventory, node: Node, source: Path, secrets: Secrets
) -> Mapping[str, File]:
    compose = composition.compose_file(source, inventory, node)
    head = (
        f"{node.name} of {inventory.name}: {', '.join(node.roles) or 'engines only'}. Made by "
        "`malgwi deploy render`:\nchange the inventory and render again, for what is changed here "
        "is lost then.\nFrom this folder:  ./up.sh    or    docker compose up -d --wait"
    )
    example = _taken(source, ".env.example")
    files = {
        "compose.yaml": File(composition.text(compose, head).encode(), 0o644),
        ".env": File(env_file(inventory, node, example.content.decode()).encode(), 0o644),
        **{name: _taken(source, name) for name in _TAKEN},
    }
    for name in sorted(composition.mounted_files(compose)):
        if name == str(_ACCESS.parent):
            files[str(_ACCESS)] = _access(inventory)
        else:
            files[name] = _taken(source, name)
    own = secrets.of(node, compose.get("secrets", {}), compose["services"])
    for name, content in own.items():
        files[f"{_SECRETS}/{name}"] = File(content, 0o444)  # in a folder that nobody else enters
    return files


def _taken(source: Path, name: str) -> File:
    path = source / name
    try:
        return File(path.read_bytes(), 0o755 if path.suffix == ".sh" else 0o644)
    except OSError as error:
        raise BadOption(
            f"{path} cannot be read: {error.strerror}. --source names the folder deploy of a "
            "checkout or of a bundle."
        ) from error


def _access(inventory: Inventory) -> File:
    """Who may ask PostgreSQL: over TLS, with the password, from these addresses."""
    asking = [each for each in inventory.nodes if each.engines or each == inventory.web]
    from_nodes = [(f"{each.bind}/32", each.name) for each in asking if each != inventory.data]
    rows = [
        ("local", "all", "all", "", "scram-sha-256", "the container itself"),
        ("hostssl", "malgwi", "malgwi", "127.0.0.1/32", "scram-sha-256", "its health"),
        ("hostssl", "malgwi", "malgwi", "samenet", "scram-sha-256", "containers of this node"),
        *(("hostssl", "malgwi", "malgwi", at, "scram-sha-256", name) for at, name in from_nodes),
    ]
    lines = (
        f"{kind:8}{database:8}{user:8}{at:20}{how:14}# {why}"
        for kind, database, user, at, how, why in rows
    )
    return File(("\n".join(lines) + "\n").encode(), 0o644)


# What is there, and what is to be


def _listed(into: Path) -> set[PurePosixPath]:
    """What was made by rendering before."""
    try:
        lines = (into / LIST).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return set()
    except (OSError, UnicodeDecodeError) as error:
        raise BadOption(f"{into / LIST} cannot be read. Is {into} of another user?") from error
    found = {PurePosixPath(line) for line in lines}
    if any(path.is_absolute() or ".." in path.parts or len(path.parts) < 2 for path in found):
        raise BadOption(f"{into / LIST} names files elsewhere. Render into another folder.")
    return found


def _compared(files: Files, into: Path, before: set[PurePosixPath]) -> Changes:
    same = {path for path, file in files.items() if _is_as(into / path, file)}
    there = (path for path in before - files.keys() if os.path.lexists(into / path))
    return Changes(tuple(sorted(files.keys() - same)), tuple(sorted(same)), tuple(sorted(there)))


def _is_as(path: Path, file: File) -> bool:
    try:
        return path.stat().st_mode & 0o777 == file.mode and path.read_bytes() == file.content
    except OSError:
        return False


def _check_ours(written: Iterable[PurePosixPath], into: Path, before: set[PurePosixPath]) -> None:
    for path in written:
        if path not in before and os.path.lexists(into / path):
            raise BadOption(
                f"{into / path} is there, and was not made by rendering. Render into another "
                "folder, or move it away."
            )


def _write(files: Files, changes: Changes, into: Path, before: set[PurePosixPath]) -> None:
    """All that is new beside what is there first, so that a full disk changes nothing."""
    fresh: list[Path] = []
    try:
        for path in changes.written:
            _make_folders(into, path)
            fresh.append(into / path)
            _put(_beside(into / path), files[path])
        _put_list(into, before | files.keys())
        for target in fresh:
            _beside(target).replace(target)
        for changed in {each.parent for each in fresh}:
            flush(changed)
        for path in changes.removed:
            (into / path).unlink()
        for folder in _emptied(changes.removed):
            if not any((into / folder).iterdir()):
                (into / folder).rmdir()
        _put_list(into, files)
    except OSError as error:
        raise BadOption(f"{error.filename or into} cannot be written: {error.strerror}.") from error
    finally:
        for target in fresh:
            _beside(target).unlink(missing_ok=True)


def _make_folders(into: Path, path: PurePosixPath) -> None:
    into.mkdir(parents=True, exist_ok=True)
    for folder in reversed(path.parents[:-1]):
        hidden = folder == KEPT or folder.name == _SECRETS
        is_new = not (into / folder).is_dir()
        (into / folder).mkdir(mode=0o700, exist_ok=True)
        if hidden or is_new:  # whatever the umask says: containers are of another user
            (into / folder).chmod(0o700 if hidden else 0o755)


def _put(path: Path, file: File) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(file.content)
    path.chmod(file.mode)
    flush(path)  # or a power cut leaves a password that is empty


def _put_list(into: Path, paths: Iterable[PurePosixPath]) -> None:
    text = "".join(f"{path}\n" for path in sorted(paths))
    _put(_beside(into / LIST), File(text.encode(), 0o644))
    _beside(into / LIST).replace(into / LIST)
    flush(into)


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")


def _emptied(removed: Iterable[PurePosixPath]) -> Iterator[PurePosixPath]:
    """Folders that may have nothing left in them, the inner ones first."""
    folders = {folder for path in removed for folder in path.parents[:-1]}
    yield from sorted(folders, key=lambda folder: -len(folder.parts))

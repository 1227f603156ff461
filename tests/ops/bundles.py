"""A checkout so small that a bundle of it is made in seconds, and ways to tamper with bundles."""

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from malgwi.ops.bundle import Manifest, Order, create, inspect, signers_line
from malgwi.ops.bundle.manifest import MANIFEST, SIGNATURE, blob_name
from malgwi.ops.bundle.signature import sign
from malgwi.ops.digest import SUMS, read_sums, sha256_of, sums_text

PROJECT = """
[project]
name = "malgwi"
version = "{version}"
[project.scripts]
malgwi = "malgwi.cli:main"
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[tool.hatch.build.targets.wheel]
packages = ["malgwi"]
"""
FINE = "def main():\n    print('malgwi, version')\n"
BROKEN = "import sys\ndef main():\n    sys.exit('it does not start')\n"
PHONES_HOME = """
import socket
def main():
    try:
        socket.getaddrinfo("telemetry.example.org", 443)
    except OSError:
        pass
"""
PHONES_HOME_UNSEEN = """
import subprocess, sys
code = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 9))"
def main():
    subprocess.run([sys.executable, "-I", "-S", "-c", code], stderr=subprocess.DEVNULL)
"""
MODEL = "tiny"


@dataclass(frozen=True)
class Maker:
    """Makes bundles of a small checkout."""

    folder: Path
    key: Path
    signers: Path

    def order(self, program: str = FINE, version: str = "1.0", **changes: Any) -> Order:
        source = checkout(self.folder / f"source-{len(list(self.folder.iterdir()))}")
        (source / "pyproject.toml").write_text(PROJECT.format(version=version))
        (source / "malgwi" / "cli.py").write_text(program)
        order = Order(source, self.folder / "models", models=[MODEL], extras=(), key=self.key)
        return replace(order, **changes)

    def make(self, name: str, *, program: str = FINE, version: str = "1.0", **rest: Any) -> Path:
        target = self.folder / name
        create(target, self.order(program, version, **rest))
        return target


def new_maker(folder: Path) -> Maker:
    model = folder / "models" / MODEL
    model.mkdir(parents=True)
    (model / "weights.bin").write_bytes(bytes(range(256)) * 10_000)
    file = {"name": "weights.bin", "size": 2_560_000, "sha256": sha256_of(model / "weights.bin")}
    about: dict[str, Any] = {"name": MODEL, "kind": "other", "files": [file], "licence": "MIT"}
    about |= {"commercial_use": None, "languages": "en"}
    (model / "malgwi-model.json").write_text(json.dumps(about))
    key = new_key(folder / "key")
    return Maker(folder, key, new_signers(folder / "signers", signers_line(key)))


def new_key(path: Path, kind: str = "ed25519") -> Path:
    command = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def new_signers(path: Path, line: str) -> Path:
    path.write_text(f"{line}\n")
    return path


def checkout(folder: Path) -> Path:
    """Of git, with something of all that is carried."""
    for name, text in {
        "malgwi/__init__.py": "",
        "requirements.lock": "",
        "deploy/compose.yaml": "services: {}\n",
        "deploy/start.sh": "#!/bin/sh\n",
        "docs/README.md": "# Documents\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "deploy" / "start.sh").chmod(0o755)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    (folder / "deploy" / ".env").write_text("PASSWORD=secret\n")
    return folder


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True)


def flip(path: Path, at: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def a_blob(bundle: Path) -> Path:
    """The largest one."""
    return max((bundle / "blobs" / "sha256").iterdir(), key=lambda each: each.stat().st_size)


def resigned(bundle: Path, key: Path) -> None:
    """Lists what is in it now, and signs that."""
    sums = {name: sha256_of(bundle / name) for name in files_in(bundle) - {SUMS, SIGNATURE}}
    (bundle / SUMS).write_text(sums_text(sums))
    (bundle / SIGNATURE).unlink(missing_ok=True)
    sign(bundle / SUMS, key)


def files_in(bundle: Path) -> set[str]:
    return {each.relative_to(bundle).as_posix() for each in bundle.rglob("*") if each.is_file()}


def changed_manifest(bundle: Path, key: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """By somebody who may sign."""
    content = json.loads((bundle / MANIFEST).read_text())
    change(content)
    (bundle / MANIFEST).write_text(json.dumps(content))
    resigned(bundle, key)


def added_blob(bundle: Path, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    (bundle / blob_name(digest)).write_bytes(content)
    return digest


def image(
    path: Path, architecture: str, *, name: str = "malgwi:1.0", said: str | None = None
) -> Path:
    """An archive in the layout of OCI, with a layer that has a package of Debian in it. `said` is
    the architecture that its index names."""
    layer = tar_of({"var/lib/dpkg/status": b"Package: libc6\nVersion: 2.36-9\n\n"})
    config = json.dumps({"architecture": architecture, "os": "linux", "rootfs": {}}).encode()
    blobs: dict[str, bytes] = {}

    def entry(content: bytes, kind: str) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        blobs[blob_name(digest)] = content
        media = f"application/vnd.oci.image.{kind}"
        return {"mediaType": media, "digest": f"sha256:{digest}", "size": len(content)}

    manifest = {
        "schemaVersion": 2,
        "config": entry(config, "config.v1+json"),
        "layers": [entry(layer, "layer.v1.tar")],
    }
    described = entry(json.dumps(manifest).encode(), "manifest.v1+json")
    described["annotations"] = {"io.containerd.image.name": f"docker.io/library/{name}"}
    described["platform"] = {"os": "linux", "architecture": said or architecture}
    index = json.dumps({"schemaVersion": 2, "manifests": [described]}).encode()
    path.write_bytes(tar_of({"index.json": index, "oci-layout": b"{}", **blobs}))
    return path


def tar_of(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:") as file:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def held(bundle: Path) -> Manifest:
    """What it says of itself, which is true of its list of sums, too."""
    manifest = inspect(bundle)
    listed = {*read_sums((bundle / SUMS).read_bytes())}
    assert {blob_name(each) for each in manifest.held} <= listed
    return manifest

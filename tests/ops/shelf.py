"""A model of a few bytes with everything that a real one has, and the places that offer it."""

import hashlib
import subprocess
import sys
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event
from zipfile import ZipFile

NAME = "tiny"
REVISION = "0" * 40
CONTENTS = {"config.json": b'{"small": true}', "model.bin": bytes(range(256)) * 800}
PARTS = {
    "tiny-part1": {
        "config.json": CONTENTS["config.json"],
        "model.1": CONTENTS["model.bin"][:99_000],
    },
    "tiny-part2": {"model.2": CONTENTS["model.bin"][99_000:]},
}
MEMBERS = {
    "config.json": ["tiny_part1/config.json"],
    "model.bin": ["tiny_part1/model.1", "tiny_part2/model.2"],
}


@dataclass(frozen=True)
class Shelf:
    """Where the model can be had in a test, and the registry that names it."""

    registry: Path
    wheels: Path
    folder: Path


@dataclass
class Served:
    """A server on this machine: files by path, and what was asked of it."""

    files: dict[str, bytes]
    stalls_at: str = ""
    """The path of which only a half is sent until `go_on`."""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and Range of every GET."""
    stalled: Event = field(default_factory=Event)
    go_on: Event = field(default_factory=Event)
    address: str = ""

    def times(self, ending: str) -> int:
        return sum(path.endswith(ending) for path, _ in self.asked)


def child(shelf: Shelf, models: Path, before: str = "", **given: str) -> subprocess.Popen[str]:
    """Another process that pulls the model, in a process group of its own."""
    options = "".join(f", {name}={value}" for name, value in given.items())
    script = (
        f"{before}\nfrom pathlib import Path\nfrom malgwi.ops import pull, read_registry\n"
        f"pull({NAME!r}, Path({str(models)!r}), "
        f"registry=read_registry(Path({str(shelf.registry)!r})){options})"
    )
    return subprocess.Popen(
        [sys.executable, "-c", script],
        start_new_session=True,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def write_wheel(folder: Path, project: str, files: dict[str, bytes]) -> Path:
    module = project.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    path = folder / f"{module}-1.0-py3-none-any.whl"
    with ZipFile(path, "w") as wheel:
        for name, content in files.items():
            wheel.writestr(f"{module}/{name}", content)
        wheel.writestr(f"{module}/__init__.py", "raise RuntimeError('imported')")
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {project}\nVersion: 1.0\n"
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


def table(wheels: list[Path]) -> str:
    files = ",".join(
        f'{{name="{name}",size={len(content)},sha256="{_sum(content)}",members={MEMBERS[name]}}}'
        for name, content in CONTENTS.items()
    )
    packages = ",".join(
        f'{{name="{project}",version="1.0",size={wheel.stat().st_size},'
        f'sha256="{_sum(wheel.read_bytes())}"}}'
        for project, wheel in zip(PARTS, wheels, strict=True)
    )
    return (
        f'[{NAME}]\nkind="whisper-ct2"\nlicence="MIT"\ncommercial_use=true\nlanguages="none"\n'
        f"files=[{files}]\npackages=[{packages}]\n"
    )


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def handler(state: Served) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._head()

        def do_GET(self) -> None:
            state.asked.append((self.path, self.headers.get("Range")))
            content = self._head()
            if self.path == state.stalls_at:
                self.wfile.write(content[: len(content) // 2])
                self.wfile.flush()
                state.stalled.set()
                state.go_on.wait(30)
                content = content[len(content) // 2 :]
            self.wfile.write(content)

        def _head(self) -> bytes:
            content = state.files.get(self.path, b"")
            asked = self.headers.get("Range")
            first = int(asked.removeprefix("bytes=").split("-")[0]) if asked else 0
            known = self.path in state.files or self.path == "/"
            self.send_response((206 if first else 200) if known else 404)
            self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "x/y")
            self.send_header("Content-Length", str(len(content) - first))
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("ETag", f'"{_sum(content)}"')
            self.send_header("X-Repo-Commit", REVISION)
            if first:
                whole = len(content)
                self.send_header("Content-Range", f"bytes {first}-{whole - 1}/{whole}")
            self.end_headers()
            return content[first:]

        def log_message(self, *args: object) -> None:
            pass

    return Handler

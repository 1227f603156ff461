"""The shelf, and a pip that finds what stands on it."""

import os
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from ops.bundles import Maker, new_maker
from ops.shelf import CONTENTS, NAME, PARTS, Served, Shelf, handler, table, write_wheel


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    shelf = Shelf(tmp_path / "models.toml", tmp_path / "wheels", tmp_path / "share")
    shelf.wheels.mkdir()
    wheels = [write_wheel(shelf.wheels, name, files) for name, files in PARTS.items()]
    (shelf.folder / NAME).mkdir(parents=True)
    for name, content in CONTENTS.items():
        (shelf.folder / NAME / name).write_bytes(content)
    shelf.registry.write_text(table(wheels), encoding="utf-8")
    return shelf


@pytest.fixture(scope="session")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """Of bundles."""
    return new_maker(tmp_path_factory.mktemp("maker"))


@pytest.fixture(scope="session")
def whole(maker: Maker) -> Path:
    """A bundle of a small checkout. Nobody changes it."""
    return maker.make("whole")


@pytest.fixture
def pip_finds(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pip that knows the folder of wheels and nothing else."""
    _only_settings_of(monkeypatch, {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(shelf.wheels)})
    return shelf.wheels


@pytest.fixture
def served() -> Iterator[Served]:
    state = Served({})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(state))
    state.address = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    yield state
    state.go_on.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def pip_index(shelf: Shelf, served: Served, monkeypatch: pytest.MonkeyPatch) -> Served:
    """A pip that asks a package index on this machine."""
    for wheel in shelf.wheels.iterdir():
        project = "-".join(wheel.name.split("-")[0].split("_"))
        served.files[f"/simple/{project}/"] = f'<a href="/{wheel.name}">{wheel.name}</a>'.encode()
        served.files[f"/{wheel.name}"] = wheel.read_bytes()
    _only_settings_of(monkeypatch, {"PIP_INDEX_URL": f"{served.address}/simple/"})
    return served


def _only_settings_of(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> None:
    for name in os.environ:
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    quiet = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1", "NO_PROXY": "*"}
    for name, value in {**quiet, **settings}.items():
        monkeypatch.setenv(name, value)

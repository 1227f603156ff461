"""Models: a volume that is empty, files that are broken, a pointer in the place of weights."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from ops.doctor.pretended import assert_amiss, look, pretend, subject

from malgwi.ops.doctor import Subject
from malgwi.ops.manifest import MANIFEST, write_manifest
from malgwi.ops.registry import Model, ModelFile, read_registry

NAME = "whisper-tiny"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:db59\nsize 75538270\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model with files of the right sizes, and nothing in them."""
    place = tmp_path / "models" / NAME
    place.mkdir(parents=True)
    for file in read_registry()[NAME].files:
        with (place / file.name).open("wb") as opened:
            opened.truncate(file.size)
    return place


def patient(tmp_path: Path, model: str | None = NAME, **settings: Any) -> Subject:
    return subject(pretend(tmp_path), tmp_path, settings, model=model)


def test_no_folder_and_an_empty_one_are_said(tmp_path: Path) -> None:
    assert_amiss(look("MODEL-001", patient(tmp_path)), "fail", "cannot be read")

    (tmp_path / "models").mkdir()
    found = look("MODEL-001", patient(tmp_path))

    assert_amiss(found, "fail", "is empty")
    assert "malgwi models add" in found.remedy


def test_a_model_that_is_not_here_is_said(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()

    assert_amiss(look("MODEL-002", patient(tmp_path)), "fail", NAME)
    assert_amiss(look("MODEL-002", patient(tmp_path, "whisper-gigantic")), "fail")


def test_a_model_that_is_here_is_well(folder: Path, tmp_path: Path) -> None:
    assert [look(f"MODEL-00{n}", patient(tmp_path)).state for n in (1, 2, 3, 5, 6)] == ["ok"] * 5


def test_a_pointer_in_the_place_of_weights_is_said(folder: Path, tmp_path: Path) -> None:
    (folder / "model.bin").write_text(POINTER)

    assert_amiss(look("MODEL-002", patient(tmp_path)), "fail", "model.bin has")
    assert_amiss(look("MODEL-003", patient(tmp_path, "whisper-base")), "warn", NAME)


def test_files_of_the_right_size_with_other_bytes_are_said(folder: Path, tmp_path: Path) -> None:
    assert_amiss(look("MODEL-004", patient(tmp_path)), "fail", "config.json has SHA-256")


@pytest.mark.model
def test_a_real_model_has_its_sums(models: Path, tmp_path: Path) -> None:
    if not (models / "whisper-base").is_dir():
        pytest.skip("There is no whisper-base.")
    found = look("MODEL-004", patient(tmp_path, "whisper-base", models=models))

    assert found.state == "ok"


def test_a_licence_that_forbids_commercial_use_is_said(tmp_path: Path) -> None:
    place = tmp_path / "models" / "borrowed"
    place.mkdir(parents=True)
    (place / "model.bin").write_bytes(b"x")
    file = ModelFile("model.bin", 1, "0" * 64)
    model = Model("borrowed", "whisper-ct2", (file,), "CC-BY-NC-4.0", False, "Korean")
    write_manifest(place, model, "a disk")
    assert (place / MANIFEST).is_file()

    assert_amiss(look("MODEL-005", patient(tmp_path)), "warn", "CC-BY-NC-4.0")
    assert look("MODEL-005", patient(tmp_path, accept_licence=True)).state == "ok"


def test_what_was_not_fetched_to_the_end_is_said(folder: Path, tmp_path: Path) -> None:
    left = tmp_path / "models" / ".partial" / "whisper-base" / "files"
    left.mkdir(parents=True)
    shutil.copy(folder / "vocabulary.txt", left)

    assert_amiss(look("MODEL-006", patient(tmp_path)), "warn", ".partial")


@pytest.mark.parametrize("number", [1, 2])
def test_who_recognises_elsewhere_or_without_a_model_needs_none(
    number: int, tmp_path: Path
) -> None:
    elsewhere = patient(tmp_path, stt={"endpoint": "http://gpu:8003"})

    assert look(f"MODEL-00{number}", elsewhere).state == "skip"
    assert look(f"MODEL-00{number}", patient(tmp_path, None)).state == "skip"


@pytest.mark.parametrize("number", [3, 4, 5])
def test_without_models_there_is_nothing_to_say_of_them(number: int, tmp_path: Path) -> None:
    assert look(f"MODEL-00{number}", patient(tmp_path)).state == "skip"

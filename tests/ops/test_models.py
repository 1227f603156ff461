"""What is here is found, listed, verified and taken in, and nothing is asked of anybody."""

import shutil
from pathlib import Path

import pytest
from ops.shelf import CONTENTS, NAME, Shelf

from malgwi.errors import BadInput, BadOption, ModelBroken, ModelMissing, OutputExists
from malgwi.ops import Registry, add, find, listing, pull, read_registry, verify
from malgwi.ops.manifest import MANIFEST


@pytest.fixture
def registry(shelf: Shelf) -> Registry:
    return read_registry(shelf.registry)


@pytest.fixture
def models(shelf: Shelf, registry: Registry, tmp_path: Path) -> Path:
    """A folder of models that has the tiny one."""
    folder = tmp_path / "models"
    pull(NAME, folder, source=shelf.folder, offline=True, registry=registry)
    return folder


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A Whisper model that no registry knows."""
    folder = tmp_path / "Our Own"
    folder.mkdir()
    for name in ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt"):
        (folder / name).write_text(name, encoding="utf-8")
    return folder


def test_a_model_that_is_here_is_found(models: Path, registry: Registry) -> None:
    assert find(NAME, models, registry) == models / NAME


def test_a_model_that_is_not_here_comes_with_the_command_that_fetches_it(
    registry: Registry, tmp_path: Path
) -> None:
    with pytest.raises(ModelMissing, match="Run: malgwi models pull tiny"):
        find(NAME, tmp_path, registry)


@pytest.mark.parametrize("name", ["none", "whisper"])
def test_a_model_that_there_is_not_comes_with_those_there_are(
    registry: Registry, tmp_path: Path, name: str
) -> None:
    with pytest.raises(BadOption, match="There are: tiny"):
        find(name, tmp_path, registry)


@pytest.mark.parametrize("name", ["../share/tiny", "/etc", "."])
def test_a_path_is_no_name(registry: Registry, models: Path, name: str) -> None:
    with pytest.raises(BadOption, match="cannot be the name of a model"):
        find(name, models, registry)


def test_a_truncated_model_is_not_loaded_and_the_sentence_says_which_file(
    registry: Registry, models: Path
) -> None:
    (models / NAME / "model.bin").write_bytes(b"cut")

    with pytest.raises(ModelBroken) as caught:
        find(NAME, models, registry)

    assert "model.bin has 3 bytes, 204800 are expected" in str(caught.value)
    assert "malgwi models pull tiny" in str(caught.value)


def test_a_model_that_lacks_a_file_is_not_loaded(registry: Registry, models: Path) -> None:
    (models / NAME / "config.json").unlink()

    with pytest.raises(ModelBroken, match=r"config\.json is missing"):
        find(NAME, models, registry)


def test_verify_sees_a_single_changed_byte(registry: Registry, models: Path) -> None:
    assert [finding.ok for finding in verify([], models, registry)] == [True]
    changed = b"!" + CONTENTS["model.bin"][1:]
    (models / NAME / "model.bin").write_bytes(changed)

    [finding] = verify([NAME], models, registry)

    assert not finding.ok
    assert finding.detail.startswith("model.bin has SHA-256")
    assert finding.remedy == "Run: malgwi models pull tiny"


def test_verify_says_what_is_not_here(registry: Registry, tmp_path: Path) -> None:
    [finding] = verify([NAME], tmp_path, registry)

    assert (finding.ok, finding.what) == (False, "model tiny")


def test_the_list_says_what_is_here_and_what_could_be(
    registry: Registry, models: Path, own: Path, tmp_path: Path
) -> None:
    add(own, models, "ours", registry)
    (models / "stray").mkdir()

    here = {each.model.name: each for each in listing(models, registry)}
    elsewhere = listing(tmp_path / "nowhere", registry)

    assert list(here) == [NAME, "ours", "stray"]
    assert (here[NAME].folder, here[NAME].fault) == (models / NAME, None)
    assert here["ours"].model.licence == "unknown"
    assert here["ours"].model.commercial_use is None
    assert "no malgwi-model.json" in str(here["stray"].fault)
    assert [each.folder for each in elsewhere] == [None]


def test_a_model_that_was_carried_over_is_known_by_its_files(
    shelf: Shelf, registry: Registry, tmp_path: Path
) -> None:
    carried = tmp_path / "faster-whisper-tiny"
    shutil.copytree(shelf.folder / NAME, carried)

    folder = add(carried, tmp_path / "models", registry=registry)

    assert folder == tmp_path / "models" / NAME
    assert all(finding.ok for finding in verify([NAME], tmp_path / "models", registry))


def test_what_calls_itself_a_known_model_must_have_its_sums(
    shelf: Shelf, registry: Registry, tmp_path: Path
) -> None:
    (shelf.folder / NAME / "model.bin").write_bytes(bytes(204_800))

    with pytest.raises(ModelBroken, match=r"is not tiny: model\.bin has SHA-256"):
        add(shelf.folder / NAME, tmp_path / "models", NAME, registry)

    assert not (tmp_path / "models" / NAME).exists()


def test_a_model_of_ones_own_is_found_and_verified_by_what_it_was(
    registry: Registry, models: Path, own: Path
) -> None:
    add(own, models, "ours", registry)
    assert find("ours", models, registry) == models / "ours"

    (models / "ours" / "vocabulary.txt").write_text("another", encoding="utf-8")

    with pytest.raises(ModelBroken, match=r"vocabulary\.txt has 7 bytes, 14 are expected"):
        find("ours", models, registry)


def test_a_folder_that_is_no_model_is_refused(registry: Registry, models: Path, own: Path) -> None:
    (own / "tokenizer.json").unlink()

    with pytest.raises(BadInput, match=r"has no tokenizer\.json"):
        add(own, models, "ours", registry)
    with pytest.raises(BadInput, match="is not a folder"):
        add(own / "model.bin", models, "ours", registry)


def test_a_folder_whose_name_is_no_models_name_wants_one(
    registry: Registry, models: Path, own: Path
) -> None:
    with pytest.raises(BadOption, match="'Our Own' cannot be the name of a model"):
        add(own, models, registry=registry)


def test_a_model_that_is_here_is_not_replaced(registry: Registry, models: Path, own: Path) -> None:
    add(own, models, "ours", registry)

    with pytest.raises(OutputExists, match="There is a model ours"):
        add(own, models, "ours", registry)


def test_a_manifest_that_cannot_be_read_is_said(
    registry: Registry, models: Path, own: Path
) -> None:
    folder = add(own, models, "ours", registry)
    (folder / "malgwi-model.json").write_text("{", encoding="utf-8")

    [finding] = verify(["ours"], models, registry)

    assert not finding.ok
    assert "cannot be read" in finding.detail


def test_a_manifest_that_names_a_file_elsewhere_is_refused(
    registry: Registry, models: Path, own: Path, tmp_path: Path
) -> None:
    carried = add(own, models, "ours", registry).rename(tmp_path / "carried")
    described = (carried / MANIFEST).read_text("utf-8")

    for name in ("../carried/model.bin", "..", ".hidden", str(own / "model.bin")):
        text = described.replace('"name": "model.bin"', f'"name": "{name}"')
        (carried / MANIFEST).write_text(text, encoding="utf-8")
        with pytest.raises(ModelBroken, match="which is not in its folder"):
            add(carried, models, "theirs", registry)

    assert not (models / "theirs").exists()


@pytest.mark.parametrize("name", ["3", '["ours"]', "null", '"../ours"'])
def test_a_manifest_whose_name_is_none_is_refused(
    registry: Registry, models: Path, own: Path, tmp_path: Path, name: str
) -> None:
    carried = add(own, models, "ours", registry).rename(tmp_path / "carried")
    described = (carried / MANIFEST).read_text("utf-8")
    text = described.replace('"name": "ours"', f'"name": {name}')
    (carried / MANIFEST).write_text(text, encoding="utf-8")

    with pytest.raises((ModelBroken, BadOption), match="cannot be"):
        add(carried, models, registry=registry)


def test_a_model_that_was_never_here_need_not_be_taken_away(
    registry: Registry, models: Path
) -> None:
    [finding] = verify(["ours"], models, registry)

    assert (finding.ok, finding.remedy) == (False, "Run: malgwi models add DIR --name ours")
    with pytest.raises(BadOption, match="cannot be the name of a model"):
        verify(["../models"], models, registry)


def test_a_stray_folder_does_not_keep_the_others_from_being_verified(
    registry: Registry, models: Path
) -> None:
    (models / "Old Ones").mkdir()

    stray, tiny = verify([], models, registry)

    assert (stray.what, stray.ok) == ("model Old Ones", False)
    assert (tiny.what, tiny.ok) == (f"model {NAME}", True)

"""The registry can be trusted: every entry is whole, and nothing in it is a guess."""

import re
from pathlib import Path

import pytest

from malgwi.errors import BadOption
from malgwi.ops import Model, read_registry

MODELS = list(read_registry().values())


def test_it_has_what_is_promised() -> None:
    sizes = ["tiny", "base", "small", "medium", "large-v3", "large-v3-turbo"]

    registry = read_registry()

    assert set(registry) == {*(f"whisper-{size}" for size in sizes), "moonshine-tiny-en", "sample"}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_entry_is_well_formed(model: Model) -> None:
    assert model.kind in {"whisper-ct2", "moonshine", "sample"}
    assert model.licence == "MIT"
    assert model.commercial_use is True
    assert model.languages
    assert model.memory_note
    assert model.memory_mb is None or model.memory_mb > 0
    assert model.repository or model.packages, "it has no source"
    assert (model.repository is None) == (model.revision is None)
    assert model.revision is None or re.fullmatch("[0-9a-f]{40}", model.revision)
    names = [file.name for file in model.files]
    assert len(set(names)) == len(names)
    sums = [each.sha256 for each in model.files] + [each.sha256 for each in model.packages]
    assert all(re.fullmatch("[0-9a-f]{64}", each) for each in sums)
    sizes = [each.size for each in model.files] + [each.size for each in model.packages]
    assert all(size > 0 for size in sizes)
    assert all(Path(name).name == name for name in names)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_each_file_can_be_had_from_the_packages_where_there_are_any(model: Model) -> None:
    modules = {package.name.replace("-", "_") for package in model.packages}

    carried = {member.split("/")[0] for file in model.fetched for member in file.members}

    assert carried == modules
    assert all(bool(file.members) == bool(modules) for file in model.fetched)


@pytest.mark.parametrize(
    "model", [each for each in MODELS if each.kind == "whisper-ct2"], ids=lambda model: model.name
)
def test_each_whisper_has_what_the_engine_loads(model: Model) -> None:
    names = {file.name for file in model.files}

    assert {"config.json", "model.bin", "tokenizer.json"} < names
    assert names & {"vocabulary.txt", "vocabulary.json"}


@pytest.mark.parametrize("name", ["../escape", "a/b", "Big", "", ".hidden", "two words"])
def test_a_name_that_could_be_a_path_is_refused(tmp_path: Path, name: str) -> None:
    table = tmp_path / "models.toml"
    table.write_text(f'["{name}"]\nfiles=[]\n', encoding="utf-8")

    with pytest.raises(BadOption, match="cannot be the name of a model"):
        read_registry(table)


def test_every_model_is_documented() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "models.md"

    documented = re.findall(r"^\| `([a-z0-9._-]+)` \|", page.read_text("utf-8"), re.MULTILINE)

    assert documented == list(read_registry())

"""A manifest that cannot be used is answered with a sentence that names the item."""

import json
from pathlib import Path
from typing import Any

import pytest
from apps.evaluation.listener import utterance, write_manifest

from malgwi.apps.evaluation import Selection, read_manifest
from malgwi.apps.evaluation.manifest import ItemRow
from malgwi.apps.evaluation.reference import reference_of
from malgwi.errors import BadManifest, BadOption

A, B = utterance("a", "hello there"), utterance("b", "안녕하세요", "ko")
CALL = {**utterance("c", "good morning"), "kind": "call"}
PAPER = {"id": "cv", "kind": "document", "file": "cv.pdf", "language": "en"}


def test_items_come_with_their_files_and_without_documents(tmp_path: Path) -> None:
    many = {"id": "m", "kind": "multichannel", "files": ["1.flac", "2.flac"], "language": "en-US"}

    items = read_manifest(write_manifest(tmp_path, A, many, PAPER))

    assert [item.id for item in items] == ["a", "m"]
    assert items[1].files == (tmp_path / "1.flac", tmp_path / "2.flac")
    assert (items[1].channels, items[1].language) == (2, "en")


@pytest.mark.parametrize(
    ("selection", "ids"),
    [
        (Selection(language="ko"), ["b"]),
        (Selection(kind="utterance"), ["a", "b"]),
        (Selection(ids="[bc]"), ["b", "c"]),
        (Selection(language="en", limit=1), ["a"]),
    ],
)
def test_a_selection_takes_what_it_says(
    selection: Selection, ids: list[str], tmp_path: Path
) -> None:
    assert [
        each.id for each in read_manifest(write_manifest(tmp_path, A, B, CALL), selection)
    ] == ids


def test_a_selection_of_nothing_says_what_there_is(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, A, B, CALL, PAPER)

    with pytest.raises(BadOption, match=r"languages en, ko and the sets call, utterance\."):
        read_manifest(path, Selection(language="fr"))


def test_an_empty_manifest_has_no_recordings(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="has no recordings"):
        read_manifest(write_manifest(tmp_path))


@pytest.mark.parametrize("selection", [{"ids": "("}, {"limit": 0}])
def test_a_selection_that_makes_no_sense_is_refused(selection: dict[str, Any]) -> None:
    with pytest.raises(BadOption):
        Selection(**selection)


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadManifest, match=r"none\.json is not there"):
        read_manifest(tmp_path / "none.json")


def test_a_folder_is_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(BadManifest, match="cannot be read: Is a directory"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", r"is not JSON\."),
        ("", r"is not JSON\."),
        ("[]", "the file: the whole is wrong"),
        ('{"files": []}', "the file: items is wrong"),
        ('{"items": 3}', "the file: items is wrong"),
        ('{"items": ["a"]}', "item number 1: items.0 is wrong"),
        ('{"items": [{"id": "a", "kind": "x"}, {"id": "b"}]}', "item number 2: kind is wrong"),
        ('{"version": 7, "items": []}', "version 7; only 1 is known"),
    ],
)
def test_a_wrong_shape_is_told_with_its_place(content: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text(content)

    with pytest.raises(BadManifest, match=sentence):
        read_manifest(path)


def test_what_was_said_is_in_no_error(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text(json.dumps({"items": [{"id": 5, "kind": "call", "text": "my secret"}]}))

    with pytest.raises(BadManifest) as caught:
        read_manifest(path)

    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_id_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadManifest, match="item 'a': the id is there twice"):
        read_manifest(write_manifest(tmp_path, A, A))


@pytest.mark.shared
def test_every_recording_of_the_shared_material_can_be_read() -> None:
    path = Path(__file__).parents[4] / "shared" / "data" / "manifest.json"
    if not path.exists():
        pytest.skip("the measuring material is not beside the checkout")

    items = read_manifest(path)

    assert len(items) == 191
    assert sum(len(reference_of(item).segments) > 0 for item in items) == 14
    assert sum(not item.is_speech for item in items) == 3


def test_an_item_without_a_file_is_refused(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, {"id": "a", "kind": "call"})

    with pytest.raises(BadManifest, match="item 'a': neither `file` nor `files`"):
        read_manifest(path)


def test_a_file_that_is_not_there_matters_only_where_it_is_selected(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, A, B)
    (tmp_path / "b.flac").unlink()

    assert read_manifest(path, Selection(ids="a"))
    with pytest.raises(BadManifest, match=r"item 'b': b\.flac is not there"):
        read_manifest(path)


@pytest.mark.parametrize("name", ["../outside.flac", "/etc/hostname", "link.flac"])
def test_no_path_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (tmp_path / "outside.flac").touch()
    (folder / "link.flac").symlink_to("../outside.flac")
    path = folder / "manifest.json"
    path.write_text(json.dumps({"items": [{"id": "a", "kind": "call", "file": name}]}))

    with pytest.raises(BadManifest, match=r"item 'a': .* leads out of the folder"):
        read_manifest(path)


@pytest.mark.parametrize("name", ["a\0b", "circle", "x" * 300])
def test_a_name_that_no_file_can_have_is_refused_with_the_item(name: str, tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"items": [{"id": "a", "kind": "call", "file": name}]}))

    with pytest.raises(BadManifest, match="item 'a': "):
        read_manifest(path)


def test_a_manifest_without_end_is_refused() -> None:
    if not (endless := Path("/dev/zero")).exists():
        pytest.skip("no /dev/zero on this system")

    with pytest.raises(BadManifest, match="is larger than 100 MB"):
        read_manifest(endless)


def test_every_field_that_is_read_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs/reference/evaluation.md").read_text("utf-8")

    fields = set(ItemRow.model_fields) - {"reference"}

    assert [each for each in sorted(fields) if f"`{each}`" not in page] == []

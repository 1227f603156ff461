"""The recordings to measure with: a JSON file, and sound and references beside it.

    {"version": 1, "items": [{"id": "a1", "kind": "utterance", "file": "a1.flac",
        "language": "en", "text": "what was said", "reference_quality": "exact"}]}

docs/reference/evaluation.md lists the fields. Every path is relative to the manifest, and none
leads out of its folder: a manifest from elsewhere must not read what it has no business with.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from malgwi.errors import BadManifest, BadOption

NO_SPEECH = "zxx"  # ISO 639-2: no linguistic content
LARGEST = 100_000_000  # bytes of a manifest


@dataclass(frozen=True, slots=True)
class Item:
    """One recording, and what is known about it."""

    id: str
    kind: str
    """The set it belongs to: utterance, call, meeting, music, ..."""
    files: tuple[Path, ...]
    """The recording; more than one where each channel has its own file, none for a document."""
    language: str | None
    """ISO 639-1 code; None where it is not known."""
    channels: int = 1
    text: str | None = field(default=None, repr=False)
    stm: Path | None = None
    exact: bool = True
    """False where the reference is a guide and no truth; such an item is in no group's rate."""

    @property
    def is_speech(self) -> bool:
        """False where any word that is heard is a false alarm."""
        return self.language != NO_SPEECH and self.kind != "music"

    @property
    def spoken(self) -> str | None:
        """The language to tell the engine."""
        return None if self.language == NO_SPEECH else self.language


@dataclass(frozen=True, slots=True)
class Selection:
    """Which items of a manifest are meant; None is no restriction."""

    language: str | None = None
    kind: str | None = None
    ids: str | None = None
    """A regular expression that is found in the id."""
    limit: int | None = None

    def __post_init__(self) -> None:
        try:
            re.compile(self.ids or "")
        except re.error as error:
            raise BadOption(f"{self.ids!r} is no regular expression: {error}.") from error
        if self.limit is not None and self.limit < 1:
            raise BadOption(f"The limit is {self.limit}, and it must be at least 1.")

    def takes(self, row: "ItemRow") -> bool:
        return (
            self.language in (None, row.code)
            and self.kind in (None, row.kind)
            and re.search(self.ids or "", row.id) is not None
        )


class ReferenceRow(BaseModel):
    """The files of an item's reference, of which only the STM is read."""

    model_config = ConfigDict(frozen=True)

    stm: str | None = None


class ItemRow(BaseModel):
    """An item, as the file has it; fields that are not listed here are left alone."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: str
    file: str | None = None
    files: list[str] | None = None
    language: str | None = None
    channels: int | None = None
    text: str | None = None
    reference: ReferenceRow | None = None
    reference_quality: str = "exact"

    @property
    def code(self) -> str | None:
        """`en` of `en-US`."""
        return (self.language or "").partition("-")[0].lower() or None

    @property
    def is_sound(self) -> bool:
        return self.kind != "document"


class ManifestRow(BaseModel):
    """The file."""

    model_config = ConfigDict(frozen=True)

    version: int = 1
    items: list[ItemRow]


def read_manifest(path: Path, selection: Selection | None = None) -> list[Item]:
    """The recordings that are meant, in the order of the file. Documents are passed over.

    The whole manifest must be well formed, but only the files of what is selected must be there.
    Raises BadManifest with the item and what is wrong, BadOption where nothing is selected.
    """
    rows = [row for row in _rows(path) if row.is_sound]
    selection = selection or Selection()
    taken = [row for row in rows if selection.takes(row)][: selection.limit]
    if not taken:
        raise BadOption(_nothing(path, rows))
    return [_item(path, row) for row in taken]


def _rows(path: Path) -> list[ItemRow]:
    try:
        manifest = ManifestRow.model_validate_json(_content(path))
    except FileNotFoundError as error:
        raise BadManifest(f"{path} is not there.") from error
    except OSError as error:
        raise BadManifest(f"{path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        # Without its cause: that quotes the input, which is what somebody said.
        raise BadManifest(_malformed(path, error)) from None
    if manifest.version != 1:
        raise BadManifest(f"{path} is a manifest of version {manifest.version}; only 1 is known.")
    _check_unique(path, [row.id for row in manifest.items])
    return manifest.items


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise BadManifest(f"{path} is larger than {LARGEST // 1_000_000} MB. Split it.")
    return content


def _malformed(path: Path, error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return f"{path} is not JSON."
    where = first["loc"]
    place = f"item number {int(where[1]) + 1}" if len(where) > 1 else "the file"
    what = ".".join(str(part) for part in (where[2:] or where))
    return f"{path}, {place}: {what or 'the whole'} is wrong ({first['msg'].lower()})."


def _check_unique(path: Path, ids: Sequence[str]) -> None:
    seen: set[str] = set()
    for each in ids:
        if each in seen:
            raise BadManifest(f"{path}, item {each!r}: the id is there twice.")
        seen.add(each)


def _nothing(path: Path, rows: Iterable[ItemRow]) -> str:
    languages = ", ".join(sorted({row.code or "none" for row in rows}))
    kinds = ", ".join(sorted({row.kind for row in rows}))
    if not kinds:
        return f"{path} has no recordings."
    return f"Nothing in {path} is selected. It has the languages {languages} and the sets {kinds}."


def _item(path: Path, row: ItemRow) -> Item:
    names = row.files or ([row.file] if row.file else [])
    if not names:
        raise BadManifest(f"{path}, item {row.id!r}: neither `file` nor `files` is given.")
    stm = row.reference.stm if row.reference else None
    return Item(
        id=row.id,
        kind=row.kind,
        files=tuple(_inside(path, row.id, name) for name in names),
        language=row.code,
        channels=row.channels or len(names),
        text=row.text,
        stm=_inside(path, row.id, stm) if stm else None,
        exact=row.reference_quality.startswith("exact"),
    )


def _inside(path: Path, id: str, name: str) -> Path:
    file = path.parent / name
    try:
        inside = file.resolve().is_relative_to(path.parent.resolve())
        there = file.is_file()
    except (OSError, ValueError, RuntimeError) as error:  # too long, a NUL, links in a circle
        raise BadManifest(f"{path}, item {id!r}: its file has a name that cannot be.") from error
    if not inside:
        raise BadManifest(f"{path}, item {id!r}: {name} leads out of the folder of the manifest.")
    if not there:
        raise BadManifest(f"{path}, item {id!r}: {name} is not there.")
    return file

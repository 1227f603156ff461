"""What is in a glossary that is kept: its entries as JSON, an entry a line.

Whatever it came as was read and checked by the room of text, so what is kept is right.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from malgwi.apps.transcription.api.fields import Truth
from malgwi.text import Entry, Glossary, parse_glossary

Term = Annotated[str, StringConstraints(min_length=1, max_length=500)]

_SETS = ("channels", "languages")


class EntryModel(BaseModel):
    """What is said in one of the ways of `spoken`, and written in one way."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"written": "북문", "spoken": ["북 문", "붕문"]}]},
    )

    id: Annotated[str, StringConstraints(max_length=500)] = ""
    """Made of `written` where there is none."""
    written: Term
    spoken: Annotated[list[Term], Field(min_length=1, max_length=200)]
    match: Literal["word", "morpheme"] | None = None
    channels: Annotated[list[Term], Field(max_length=64)] = []
    languages: Annotated[list[Term], Field(max_length=64)] = []
    case_sensitive: Truth = False


def of_entries(entries: Sequence[EntryModel]) -> Glossary:
    """Raises BadGlossary where entries stand against each other."""
    rows = [each.model_dump(exclude_defaults=True) for each in entries]
    return parse_glossary(_lines(rows), "yaml")  # which JSON is


def content_of(glossary: Glossary) -> str:
    return _lines([_row(each) for each in glossary.entries])


def glossary_of(content: str) -> Glossary:
    """Of what `content_of` gave."""
    return Glossary(tuple(map(_entry, json.loads(content))))


def models_of(content: str) -> list[EntryModel]:
    return [EntryModel.model_construct(**row) for row in json.loads(content)]


def size_of(content: str) -> int:
    """How many entries there are."""
    return max(0, content.count("\n") - 2)  # one a line, between two brackets


def _lines(rows: Sequence[dict[str, Any]]) -> str:
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n"


def _row(entry: Entry) -> dict[str, Any]:
    """Without what says nothing, so that the room of text reads it as a file, too."""
    row = asdict(entry)
    whole = {**row, "spoken": list(entry.spoken), **{each: sorted(row[each]) for each in _SETS}}
    return {name: value for name, value in whole.items() if value}


def _entry(row: dict[str, Any]) -> Entry:
    sets = {each: frozenset(row.get(each, ())) for each in _SETS}
    return Entry(**{**row, "spoken": tuple(row["spoken"]), **sets})

"""report.md: the same in words and tables, for a wiki or a ticket."""

from collections.abc import Iterable, Mapping
from typing import Any

from malgwi.ops.loadtest.summary import summary
from malgwi.ops.loadtest.words import Language, said


def markdown(data: Mapping[str, Any], language: Language = "en") -> str:
    return "\n".join(_lines(data, language)) + "\n"


def _lines(data: Mapping[str, Any], language: Language) -> Iterable[str]:
    told = summary(data, language)
    yield f"# {said('title', language)}"
    yield ""
    yield told.first_line
    yield ""
    yield f"**{told.headline}**"
    yield from ([""] if told.reasons else [])
    yield from (f"- {each}" for each in told.reasons)
    for section in told.sections:
        yield ""
        yield f"## {section.title}"
        yield ""
        yield "| | |"
        yield "|---|---|"
        yield from (f"| {_cell(name)} | {_cell(value)} |" for name, value in section.rows)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

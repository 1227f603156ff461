"""Why something failed or was refused, in the language of whoever looks.

The API and the jobs say it as English sentences. `static/reasons.json` has those that people meet
in Korean; the pages' own JavaScript reads the same table (`static/reasons.js`). What `malgwi
doctor` says is in `doctor.json`, for the command and for the page of the state. What is in no table
is told in English: no reason is ever lost.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from malgwi.console.words import Language

_REASONS = Path(__file__).parent / "static" / "reasons.json"
_DOCTOR = Path(__file__).parent / "doctor.json"
_LONGEST = 2000  # characters: a longer one is none of ours, and takes long to compare
_PART = re.compile(r"\{(\w+)\}")


def said(language: Language, sentence: str, problem: Mapping[str, Any] | None = None) -> str:
    """`sentence`, and where it is the detail of a problem of the API all of that: a type that
    means one thing alone tells more surely than a sentence."""
    if language != "ko" or len(sentence) > _LONGEST:
        return sentence
    return _by_type(problem or {}) or _korean(sentence, _REASONS)


def of_doctor(language: Language, sentence: str) -> str:
    """`sentence` of the doctor, or one that it quotes."""
    if language != "ko" or len(sentence) > _LONGEST:
        return sentence
    return _korean(sentence, _DOCTOR, _REASONS)


def _by_type(problem: Mapping[str, Any]) -> str | None:
    known = _table(_REASONS)["types"].get(str(problem.get("type", "")).rpartition(":")[2])
    if known is None or any(problem.get(part) is None for part in _PART.findall(known)):
        return None
    return _filled(known, problem)


def _korean(sentence: str, *tables: Path) -> str:
    for table in tables:
        if known := _whole(table).get(sentence):
            return known
        for pattern, known in _patterns(table):
            if found := pattern.fullmatch(sentence):
                parts = found.groupdict().items()
                return _filled(known, {part: _part(part, text, *tables) for part, text in parts})
    return sentence


def _part(name: str, text: str, *tables: Path) -> str:
    """Most are names and numbers, which stay as they are."""
    if name == "why":
        return _korean(text, *tables)
    named: str = _table(tables[0])["parts"].get(name, {}).get(text, text)
    return named


def _filled(known: str, parts: Mapping[str, Any]) -> str:
    return _PART.sub(lambda part: str(parts[part[1]]), known)


@cache
def _table(path: Path) -> Mapping[str, Any]:
    table: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    return table


@cache
def _whole(path: Path) -> Mapping[str, str]:
    """The sentences in which nothing is put."""
    return {
        english: korean
        for english, korean in _table(path)["sentences"]
        if not _PART.search(english)
    }


@cache
def _patterns(path: Path) -> tuple[tuple[re.Pattern[str], str], ...]:
    """The first that fits counts."""
    return tuple(
        (_pattern(english), korean)
        for english, korean in _table(path)["sentences"]
        if _PART.search(english)
    )


def _pattern(english: str) -> re.Pattern[str]:
    ends = _PART.split(english)
    ends[::2] = map(re.escape, ends[::2])
    ends[1::2] = (f"(?P<{name}>.+?)" for name in ends[1::2])
    return re.compile("".join(ends), re.DOTALL)

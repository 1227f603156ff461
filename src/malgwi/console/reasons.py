"""Why something failed or was refused, in the language of whoever looks.

The API and the jobs say it as English sentences. `static/reasons.json` has those that people meet
in Korean; the pages' own JavaScript reads the same table (`static/reasons.js`). What is not in it
is told in English: no reason is ever lost.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from malgwi.console.words import Language

_TABLE = Path(__file__).parent / "static" / "reasons.json"
_LONGEST = 2000  # characters: a longer one is none of ours, and takes long to compare
_PART = re.compile(r"\{(\w+)\}")


def said(language: Language, sentence: str, problem: Mapping[str, Any] | None = None) -> str:
    """`sentence`, and where it is the detail of a problem of the API all of that: a type that
    means one thing alone tells more surely than a sentence."""
    if language != "ko" or len(sentence) > _LONGEST:
        return sentence
    return _by_type(problem or {}) or _korean(sentence)


def _by_type(problem: Mapping[str, Any]) -> str | None:
    known = _table()["types"].get(str(problem.get("type", "")).rpartition(":")[2])
    if known is None or any(problem.get(part) is None for part in _PART.findall(known)):
        return None
    return _filled(known, problem)


def _korean(sentence: str) -> str:
    for pattern, known in _patterns():
        if found := pattern.fullmatch(sentence):
            return _filled(
                known, {part: _part(part, text) for part, text in found.groupdict().items()}
            )
    return sentence


def _part(name: str, text: str) -> str:
    """Most are names and numbers, which stay as they are."""
    if name == "why":
        return _korean(text)
    named: str = _table()["parts"].get(name, {}).get(text, text)
    return named


def _filled(known: str, parts: Mapping[str, Any]) -> str:
    return _PART.sub(lambda part: str(parts[part[1]]), known)


@cache
def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = json.loads(_TABLE.read_text("utf-8"))
    return table


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The first that fits counts."""
    return tuple((_pattern(english), korean) for english, korean in _table()["sentences"])


def _pattern(english: str) -> re.Pattern[str]:
    ends = _PART.split(english)
    ends[::2] = map(re.escape, ends[::2])
    ends[1::2] = (f"(?P<{name}>.+?)" for name in ends[1::2])
    return re.compile("".join(ends), re.DOTALL)

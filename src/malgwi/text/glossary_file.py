"""Reading a glossary: records are checked and become entries.

Whatever is wrong with a file is said with its name, the line and the entry. What may be in it:
docs/reference/glossary.md.
"""

import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Literal, cast, get_args

from malgwi.errors import BadGlossary
from malgwi.text.glossary import Entry, Glossary, Match, same_spoken
from malgwi.text.glossary_syntax import Record, bad, csv_records, yaml_records

LARGEST = 5_000_000
"""Bytes that a file may have."""

Syntax = Literal["yaml", "csv"]

_SYNTAXES: Mapping[str, Syntax] = {".yaml": "yaml", ".yml": "yaml", ".csv": "csv"}
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_UTF8 = "Save it as UTF-8 (in Excel: 'CSV UTF-8'; in Notepad: Encoding, UTF-8)."


def read_glossary(path: Path) -> Glossary:
    """Read the file: YAML if it ends in .yaml or .yml, CSV if in .csv. Raises BadGlossary."""
    syntax = _SYNTAXES.get(path.suffix.lower())
    if syntax is None:
        raise BadGlossary(f"{path} is no glossary by its name: it must end in .yaml, .yml or .csv.")
    return parse_glossary(_text(path), syntax, str(path))


def parse_glossary(text: str, syntax: Syntax, name: str = "The glossary") -> Glossary:
    """Of what stands in a file. Raises BadGlossary, with `name` and the line."""
    reader = yaml_records if syntax == "yaml" else csv_records
    records = list(reader(name, text))
    if not records:
        raise bad(name, 1, "there are no entries. See docs/reference/glossary.md.")
    entries = _identified(records, [_entry(record) for record in records])
    _refuse_contradictions(records, entries)
    return Glossary(tuple(entries))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise BadGlossary(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > LARGEST:
        raise BadGlossary(f"{path} is larger than {LARGEST // 1_000_000} MB. Split it.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise bad(str(path), line, f"this is not UTF-8. {_UTF8}") from error


def _entry(record: Record) -> Entry:
    """Checked; its id is still empty where the file gives none."""
    spoken = record.many("spoken")
    if not record.one("written"):
        record.fail("'written' is missing: how is it to be written?", "written")
    if not spoken:
        record.fail("'spoken' is missing: what does the recogniser hear?", "spoken")
    return Entry(
        id=record.one("id"),
        written=record.one("written"),
        spoken=spoken,
        match=_match(record),
        channels=frozenset(record.many("channels")),
        languages=_languages(record),
        case_sensitive=_truth(record, "case_sensitive"),
    )


def _match(record: Record) -> Match | None:
    value = record.one("match")
    if value and value not in get_args(Match):
        record.fail(f"'match' is {value!r}; it must be 'word' or 'morpheme'.", "match")
    return cast(Match, value) if value else None


def _languages(record: Record) -> frozenset[str]:
    codes = frozenset(code.casefold() for code in record.many("languages"))
    for code in sorted(codes):
        if not re.fullmatch("[a-z]{2,3}", code):
            record.fail(f"{code!r} is no language code such as 'ko' or 'en'.", "languages")
    return codes


def _truth(record: Record, key: str) -> bool:
    value = record.one(key).casefold()
    if value and value not in _TRUTH:
        record.fail(f"{key!r} is {value!r}; it must be 'true' or 'false'.", key)
    return _TRUTH.get(value, False)


def _identified(records: list[Record], entries: list[Entry]) -> list[Entry]:
    """Give an id, made of its written form, to every entry that has none."""
    taken: set[str] = set()
    for record, entry in zip(records, entries, strict=True):
        if entry.id in taken:
            record.fail("another entry has the same id.", "id")
        taken |= {entry.id} - {""}
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(1))
    return [entry if entry.id else _with_id(entry, taken, numbers) for entry in entries]


def _with_id(entry: Entry, taken: set[str], numbers: Mapping[str, Iterator[int]]) -> Entry:
    stem = re.sub(r"\W+", "-", entry.written.casefold()).strip("-")
    stem = stem or f"{zlib.crc32(entry.written.encode()):08x}"
    names = (f"{stem}-{number}" if number > 1 else stem for number in numbers[stem])
    free = next(name for name in names if name not in taken)
    taken.add(free)
    return replace(entry, id=free)


def _refuse_contradictions(records: list[Record], entries: list[Entry]) -> None:
    """Two entries must not write the same spoken form differently in the same place."""
    seen: defaultdict[str, dict[object, tuple[Record, Entry]]] = defaultdict(dict)
    for record, entry in zip(records, entries, strict=True):
        for spoken in entry.spoken:
            key = same_spoken(spoken)
            earlier = seen[key if entry.case_sensitive else "\0" + key.casefold()]
            for other_record, other in earlier.values():
                if other.written != entry.written and _meet(other, entry):
                    why = f"{spoken!r} is written {other.written!r} in line {other_record.line}."
                    record.fail(f"{why} Take it out of one of the two.", "spoken")
            earlier[entry.written, entry.channels, entry.languages] = (record, entry)


def _meet(one: Entry, other: Entry) -> bool:
    """Whether some utterance may be in a channel and a language of both."""
    return all(
        not these or not those or these & those
        for these, those in (
            (one.channels, other.channels),
            (one.languages, other.languages),
        )
    )

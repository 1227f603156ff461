"""The syntax of glossary files: YAML or CSV becomes records, each of which knows its lines.

YAML is taken as the tree of nodes that it is and never made into objects: a node knows its line,
`no` stays a word, and a tag cannot construct anything.
"""

import csv
import io
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn, cast

import yaml

from malgwi.errors import BadGlossary
from malgwi.text.nfc import composed

_LISTS = ("spoken", "channels", "languages")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_KEYS = ("id", "written", "match", "case_sensitive", *_LISTS)


@dataclass(frozen=True, slots=True)
class Record:
    """An entry as the file has it, not yet checked."""

    source: str
    """What people know it by."""
    line: int
    number: int
    fields: dict[str, list[str]]
    lines: dict[str, int]

    def fail(self, why: str, key: str = "") -> NoReturn:
        name = composed(next(iter(self.fields.get("id") or self.fields.get("written") or []), ""))
        which = f"entry {name!r}" if name else f"entry {self.number}"
        raise bad(self.source, self.lines.get(key, self.line), f"{which}: {why}")

    def one(self, key: str) -> str:
        """The value, cleaned; empty where there is none."""
        values = self.fields.get(key, [])
        if len(values) > 1:
            self.fail(f"{key!r} is one value, not a list.", key)
        return composed(values[0]) if values else ""

    def many(self, key: str) -> tuple[str, ...]:
        values = tuple(map(composed, self.fields.get(key, [])))
        if "" in values:
            self.fail(f"one of {key!r} is empty. Fill it in or take it out.", key)
        return tuple(dict.fromkeys(values))


def bad(name: str, line: int, why: str) -> BadGlossary:
    return BadGlossary(f"{name}, line {line}: {why}", line)


def yaml_records(name: str, text: str) -> Iterator[Record]:
    root = _yaml_root(name, text)
    if root is None:
        return
    if not isinstance(root, yaml.SequenceNode):
        why = "a glossary is a list of entries, each beginning with '- written: ...'."
        raise bad(name, _line(root), why)
    for number, node in enumerate(root.value, start=1):
        if not isinstance(node, yaml.MappingNode):
            why = f"entry {number}: it must have keys, such as 'written' and 'spoken'."
            raise bad(name, _line(node), why)
        record = Record(name, _line(node), number, {}, {})
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise bad(name, _line(key), f"entry {number}: a key must be a plain word.")
            _keep(record, key.value, _line(key))
            record.fields[key.value] = _yaml_values(record, key.value, value)
        yield record


class _WithoutAliases(yaml.SafeLoader):
    """A few lines with aliases may stand for more than fits into memory."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            why = "aliases, such as *this, are not taken; write out what they stand for"
            raise yaml.composer.ComposerError(None, None, why, mark)
        return super().compose_node(parent, index)


def _yaml_root(name: str, text: str) -> yaml.Node | None:
    try:
        # Not CSafeLoader: libyaml takes the whole process down where brackets nest very deeply.
        return yaml.compose(text, Loader=_WithoutAliases)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise bad(name, line, f"this is not YAML: {error.problem}.") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise bad(name, line, "this is not YAML: it has a control character.") from error
    except RecursionError as error:
        raise bad(name, 1, "this is not a glossary: it is nested too deeply.") from error
    except ValueError as error:
        raise bad(name, 1, "an escape such as \\U00110000 stands for no character.") from error


def _line(node: yaml.Node) -> int:
    return cast(int, node.start_mark.line) + 1


def _yaml_values(record: Record, key: str, node: yaml.Node) -> list[str]:
    items = node.value if isinstance(node, yaml.SequenceNode) else [node]
    if not all(isinstance(item, yaml.ScalarNode) for item in items):
        record.fail(f"{key!r} must be a text or a list of texts.", key)
    values = ["" if item.tag == "tag:yaml.org,2002:null" else item.value for item in items]
    if any(map(_LONE_SURROGATE.search, values)):
        record.fail(f"an escape in {key!r} stands for half a character.", key)
    return [] if values == [""] else values


def csv_records(name: str, text: str) -> Iterator[Record]:
    rows = _csv_rows(name, text)
    header_line, header = next(rows, (1, []))
    columns = [cell.strip().casefold() for cell in header]
    first = Record(name, header_line, 0, {}, {})
    for column in columns:
        if problem := _key_problem(column, first.lines):
            raise bad(name, header_line, f"in the first row, {problem}")
        first.lines[column] = header_line
    for number, (line, cells) in enumerate(rows, start=1):
        record = Record(name, line, number, {}, {})
        if len(cells) > len(columns):
            record.fail(f"there are {len(cells)} cells under {len(columns)} columns.")
        for column, cell in zip(columns, cells, strict=False):
            values = cell.split("|") if column in _LISTS else [cell]
            record.fields[column] = values if cell.strip() else []
        yield record


def _csv_rows(name: str, text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with anything in them, each with the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            while cells and not cells[-1].strip():
                cells.pop()  # spreadsheets fill the table up
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise bad(name, line, f"this is not CSV: {error}.") from error


def _keep(record: Record, key: str, line: int) -> None:
    if problem := _key_problem(key, record.lines):
        raise bad(record.source, line, f"entry {record.number}: {problem}")
    record.lines[key] = line


def _key_problem(key: str, known: Container[str]) -> str:
    if key in known:
        return f"{key!r} is there twice."
    if key in _KEYS:
        return ""
    alike = get_close_matches(key, _KEYS, n=1)
    meant = f"did you mean {alike[0]!r}?" if alike else f"there are {', '.join(_KEYS)}."
    return f"there is no key {key!r}; {meant}"

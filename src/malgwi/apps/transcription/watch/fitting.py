"""Whether a name fits the parts of a pattern, in a time that no name can stretch.

A regular expression would try every way of cutting a name into fields: thousands of millions where
a separator stands in it often, and nothing else goes on meanwhile.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """Something of a pattern, and where it may end in a name in which it begins here: the end that
    is tried first comes first."""

    ends: Callable[[str, int], Iterable[int]]
    field: str | None = None


def literal(text: str) -> Part:
    return Part(lambda name, start: [start + len(text)] if name.startswith(text, start) else [])


def anything(field: str | None, least: int) -> Part:
    """So many characters or more, within a folder; as few as will do."""

    def ends(name: str, start: int) -> Iterable[int]:
        slash = name.find("/", start)
        return range(start + least, (len(name) if slash < 0 else slash) + 1)

    return Part(ends, field)


def form(field: str, expression: str) -> Part:
    """As much as will do."""
    compiled = re.compile(expression)

    def ends(name: str, start: int) -> Iterable[int]:
        return (end for end in range(len(name), start, -1) if compiled.fullmatch(name, start, end))

    return Part(ends, field)


def fields(parts: Sequence[Part], name: str) -> dict[str, str] | None:
    """What stands for each field; None where the name does not fit."""
    hopeless: set[tuple[int, int]] = set()

    def ends(index: int, start: int) -> list[int] | None:
        """Of this part and those after it."""
        if index == len(parts):
            return [] if start == len(name) else None
        if (index, start) in hopeless:
            return None
        for end in parts[index].ends(name, start):
            rest = ends(index + 1, end)
            if rest is not None:
                return [end, *rest]
        hopeless.add((index, start))
        return None

    found = ends(0, 0)
    if found is None:
        return None
    cut = zip(parts, [0, *found], found, strict=False)
    return {part.field: name[start:end] for part, start, end in cut if part.field is not None}

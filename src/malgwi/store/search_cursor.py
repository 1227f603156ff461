"""Where a search goes on: below a place in the index, or within what was ranked above it."""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import astuple, dataclass
from typing import Self

from malgwi.errors import BadOption
from malgwi.store.candidates import END, FIRST

_NUMBER = re.compile(r"-?[0-9]{1,19}")


@dataclass(frozen=True, slots=True)
class Ranked:
    """How far the hits of a stretch of places, which were ranked together, were given out."""

    start: int
    score: int
    """Ten thousandths, of the hit that was given out last."""
    place: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """All places from `end` on are done with, except for what is left of `ranked`."""

    end: int = END
    ranked: Ranked | None = None

    def written(self, order: str) -> str:
        numbers = (self.end, *(astuple(self.ranked) if self.ranked else ()))
        plain = ":".join([order, *map(str, numbers)])
        return urlsafe_b64encode(plain.encode("ascii")).decode("ascii").rstrip("=")

    @classmethod
    def read(cls, text: str | None, order: str) -> Self:
        """Raises BadOption for what is no cursor, or one of another order."""
        if text is None:
            return cls()
        try:
            plain = urlsafe_b64decode(text.encode("ascii") + b"==").decode("ascii")
        except (binascii.Error, UnicodeError, ValueError):
            raise _malformed() from None
        _, *rest = plain.split(":")
        numbers = [int(each) for each in rest if _NUMBER.fullmatch(each)]
        if len(numbers) != len(rest) or not all(FIRST <= each <= END for each in numbers):
            raise _malformed()
        if len(numbers) not in (1, 4):
            raise _malformed()
        found = cls(numbers[0], Ranked(*numbers[1:]) if numbers[1:] else None)
        if found.written(order) != text:
            raise _malformed()
        return found


def _malformed() -> BadOption:
    return BadOption(
        "The cursor is none that this search gave out. Begin again without one, or take the one "
        "that came with the last page, with the same query, filters and order."
    )

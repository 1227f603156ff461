"""Text as an index sees it: terms that two texts share if one has a word of the other.

Scripts that write words together (Hangul with its particles and compounds; Han and kana) are cut
into overlapping pairs of syllables, so that no library of morphemes is needed: 북문 is in 북문에서.
The pairs go on over spaces, as nobody agrees where Korean has them: 무전 채널 has 전채 too. The
first syllable of each run stands alone as well, for those who look for a word of one. Of other
scripts a term is a word. No database and no query in here.

A change of what this gives wants a migration that makes the index anew.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

LONGEST = 40
"""Characters of a term; what is longer counts as its beginning."""
_MOST = 5_000  # terms of a text: PostgreSQL takes a megabyte of them

SYLLABLE = (
    "[가-힣\u3005\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f]"
)
LETTER = SYLLABLE.replace("[", r"[^\W_", 1)
"""Of a word in any other script, or a digit."""

_RUNS = re.compile(rf"({SYLLABLE}+(?:\s+{SYLLABLE}+)*)|{LETTER}+")
_MARKS = "\uff9e\uff9f"  # of half-width kana


@dataclass(frozen=True, slots=True)
class Folded:
    """A text in which what people take for the same is the same: NFKC, without case."""

    text: str
    origins: tuple[tuple[int, int], ...] | None
    """For each character, from where to where it stood; None where all stand as they stood."""

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch of it, which is not empty, stands in the text that was folded."""
        if self.origins is None:
            return start, end
        return self.origins[start][0], self.origins[end - 1][1]


def folded(text: str) -> Folded:
    if unicodedata.is_normalized("NFKC", text):
        plain = text.casefold()
        if len(plain) == len(text) and unicodedata.is_normalized("NFKC", plain):
            return Folded(plain, None)
    pieces: list[str] = []
    origins: list[tuple[int, int]] = []
    for start, cluster in _clusters(text):
        piece = _fold(cluster)
        pieces.append(piece)
        origins += [(start, start + len(cluster))] * len(piece)
    return Folded("".join(pieces), tuple(origins))


def terms_of(text: str) -> list[str]:
    """Each once, in the order of the text."""
    return list(dict.fromkeys(islice(_terms(folded(text).text), _MOST)))


def pairs(syllables: str) -> Iterator[str]:
    return (first + second for first, second in pairwise(syllables))


def _terms(text: str) -> Iterator[str]:
    for found in _RUNS.finditer(text):
        if found[1] is None:
            yield found[0][:LONGEST]
        else:
            runs = found[1].split()
            yield from (run[0] for run in runs)
            yield from pairs("".join(runs))


def _clusters(text: str) -> Iterator[tuple[int, str]]:
    """Characters with the marks behind them: they never compose with what is outside."""
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or not _goes_with_what_is_before(text[place]):
            yield start, text[start:place]
            start = place


def _goes_with_what_is_before(character: str) -> bool:
    is_mark = unicodedata.combining(character) != 0 or character in _MARKS
    return is_mark or "\u1160" <= character <= "\u11ff"  # vowels and finals of Hangul


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())

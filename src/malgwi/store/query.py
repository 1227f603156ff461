"""What somebody looks for: read from what they typed, and held against a text.

Words, "phrases" and -words that must not be there. Everything else that people type is text or is
nothing; there is no other syntax and nothing to escape. The index is asked for `terms`, which every
text that matches has; whether a text that has them matches, only `match` knows, so that all
databases find the same.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from malgwi.errors import BadOption
from malgwi.store.terms import LETTER, LONGEST, SYLLABLE, folded, pairs

MOST_CHARACTERS = 500
_MOST_TERMS = 24  # that the index is asked for; more would hardly leave out more

_RIEUL = 8  # the place of ㄹ among the final consonants of Unicode's syllables

_PIECE = re.compile(r'(?P<minus>(?<!\S)-)?(?:"(?P<quoted>[^"]*)"?|(?P<bare>[^\s"]+))')
_PART = re.compile(rf"{SYLLABLE}+|{LETTER}+")
_SYLLABLE = re.compile(SYLLABLE)
_GAP = r"[\W_]*"
_SPACES = r"\s*"
_SHORTEST_BEGINNING = 4  # letters; with fewer too much begins, and the index is slow
_WITH_PARTICLE = re.compile(  # of two syllables at least, as 가 may be the end of any word
    "([가-힣]{2,}?)((?:에서|에게|한테|께서|으로|로|까지|부터|보다|처럼|하고)(?:는|도|만|의|부터)?"
    "|은|는|이|가|을|를|의|에|도|만|와|과)"
)


@dataclass(frozen=True, slots=True)
class Match:
    """How a text fulfils a query."""

    parts: tuple[tuple[int, int], ...]
    """Characters of the text from and to, in order, without overlaps."""
    score: float
    """0 to 1. Of the text and the query alone, so that it stays when other texts come."""


@dataclass(frozen=True)
class Phrase:
    """Parts that follow each other, with nothing but spaces and punctuation between."""

    parts: tuple[str, ...]
    """Each a run of syllables, or a word of another script; folded."""
    open: bool = False
    """Whether the last part may be the beginning of a word."""
    particle: str = ""
    """What may follow the last part, and was said along with it by whoever looks for it."""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        end = f"(?:{self.particle})?" if self.particle else ""
        return re.compile(_GAP.join(self._patterns()) + end)

    @cached_property
    def length(self) -> int:
        return sum(map(len, self.parts))

    def terms(self) -> list[str]:
        """Those that every text has in which it is; one that ends in * is a beginning."""
        found: list[str] = []
        before = ""
        for part in self.parts:
            if not _is_syllables(part):
                found.append(part[:LONGEST])
            elif len(part) > 1:
                found += pairs(part)
            elif not _is_syllables(before):
                found.append(part)
            before = part
        if self.open:
            found[-1] += "*"
        return found

    def _patterns(self) -> Iterable[str]:
        before = ""
        for place, part in enumerate(self.parts):
            if _is_syllables(part):
                yield _syllables(part, begins=not _is_syllables(before))
            else:
                is_open = self.open and place == len(self.parts) - 1
                end = f"{LETTER}*" if is_open else f"(?!{LETTER})"
                yield f"(?<!{LETTER}){part}{end}"
            before = part


@dataclass(frozen=True)
class Query:
    """All of `wanted` has to be in a text, and none of `unwanted`."""

    wanted: tuple[Phrase, ...]
    unwanted: tuple[Phrase, ...]

    def terms(self) -> list[str]:
        every = dict.fromkeys(term for phrase in self.wanted for term in phrase.terms())
        return list(every)[:_MOST_TERMS]

    def match(self, text: str) -> Match | None:
        seen = folded(text)
        found: list[list[re.Match[str]]] = []
        for phrase in self.wanted:
            places = list(phrase.pattern.finditer(seen.text))
            if not places:
                return None
            found.append(places)
        if any(phrase.pattern.search(seen.text) for phrase in self.unwanted):
            return None
        spans = _merged(place.span() for places in found for place in places)
        return Match(
            _merged(seen.origin(start, end) for start, end in spans),
            _score(self.wanted, found, spans, seen.text),
        )


def read_query(text: str) -> Query:
    """Raises BadOption where it holds no word that is to be found."""
    if len(text) > MOST_CHARACTERS:
        raise BadOption(
            f"A query has at most {MOST_CHARACTERS} characters, this one has {len(text)}."
        )
    wanted: list[Phrase] = []
    unwanted: list[Phrase] = []
    last = None
    for piece in _PIECE.finditer(text):
        parts = tuple(_PART.findall(folded(piece["bare"] or piece["quoted"] or "").text))
        if not parts:
            continue
        if piece["minus"]:
            unwanted.append(Phrase(parts))
        else:
            wanted.append(_without_particle(parts) if piece["bare"] else Phrase(parts))
        last = piece
    if not wanted or last is None:
        raise BadOption("The query names no word to look for. Give one at least.")
    if last["bare"] and not last["minus"] and _may_go_on(wanted[-1].parts[-1]):
        wanted[-1] = replace(wanted[-1], open=True)
    return Query(tuple(wanted), tuple(unwanted))


def _without_particle(parts: tuple[str, ...]) -> Phrase:
    """Who looks for 북문에서 wants 북문은 as well."""
    found = _WITH_PARTICLE.fullmatch(parts[-1])
    if found is None or not _may_follow(found[2][0], found[1][-1]):
        return Phrase(parts)
    return Phrase((*parts[:-1], found[1]), particle=found[2])


def _may_follow(particle: str, syllable: str) -> bool:
    """전문가 is not 전문 with 가: that follows vowels only."""
    final = (ord(syllable) - ord("가")) % 28
    if particle in "으로":
        return (final in (0, _RIEUL)) == (particle == "로")
    return (particle not in "는가를와" or final == 0) and (particle not in "은이을과" or final != 0)


def _may_go_on(part: str) -> bool:
    """Numbers are whole: who looks for channel 1 does not mean 16."""
    is_word = not _is_syllables(part) and not part.isdecimal()
    return is_word and len(part) >= _SHORTEST_BEGINNING


def _is_syllables(part: str) -> bool:
    return _SYLLABLE.match(part) is not None


def _syllables(part: str, begins: bool) -> str:
    """Anywhere in a run, as compounds are written together; but one syllable, or several with
    spaces between, only where a run begins: 문 is not in 전문, nor 서북 in 에서 북문."""
    start = f"(?<!{SYLLABLE})" if begins else ""
    if len(part) == 1:
        return start + part
    return f"(?:{part}|{start}{_SPACES.join(part)})"


def _score(
    phrases: Sequence[Phrase],
    found: Sequence[Sequence[re.Match[str]]],
    spans: Sequence[tuple[int, int]],
    text: str,
) -> float:
    """Whole words before parts of words, words close together before words apart, little text
    around them before much."""
    fits = [
        max(_fit(phrase, place, text) for place in places)
        for phrase, places in zip(phrases, found, strict=True)
    ]
    covered = sum(end - start for start, end in spans)
    closeness = covered / (spans[-1][1] - spans[0][0])
    score = 0.6 * sum(fits) / len(fits) + 0.25 * closeness + 0.15 * covered / len(text)
    return round(score, 4)


def _fit(phrase: Phrase, place: re.Match[str], text: str) -> float:
    start, end = place.span()
    begins = start == 0 or not text[start - 1].isalnum()
    ends = end == len(text) or not text[end].isalnum()
    is_longer = phrase.open and end - start > phrase.length
    return 0.4 + 0.35 * begins + 0.25 * (ends and not is_longer)


def _merged(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)

"""Taking out what nobody said: stock phrases that recognisers invent in noise, and loops.

Only whole utterances are taken out, and never one with a word that could be a call for help. They
are marked, not deleted. The phrases and the words are in stock_phrases.yaml.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import chain, zip_longest
from typing import Any

import yaml

from malgwi.text.rules import Rule
from malgwi.types import Utterance

_FEWEST_REPEATS = 3


@dataclass(frozen=True, slots=True)
class Evidence:
    """How much has to speak against an utterance."""

    no_speech: float = 0.6
    """A doubtful phrase is taken out above this probability that nobody spoke,"""
    confidence: float = 0.4
    """or below this confidence."""
    repeats: int = 6
    """What is said more often than this in a row is a loop; digits are not, they are read out."""
    letters_per_second: float = 25.0
    """Above this even three in a row are a loop. A Hangul syllable is two or three letters."""


def suppression(evidence: Evidence | None = None) -> Rule:
    """The rule that sets `suppressed` to `stock-phrase:<id>`, `loop` or `no-words`.

    It changes nothing else, and an utterance that is suppressed already not at all.
    """
    limits = evidence or Evidence()
    phrases, never_drop = _data()

    def suppress(utterance: Utterance) -> Utterance:
        if utterance.suppressed is not None:
            return utterance
        reason = _reason(utterance, limits, phrases)
        if reason is None or never_drop.search(_folded(utterance)):
            return utterance
        return replace(utterance, suppressed=reason)

    return suppress


def _reason(utterance: Utterance, limits: Evidence, phrases: "_StockPhrases") -> str | None:
    letters = _letters(utterance.text)
    if not letters:
        return "no-words"
    found = phrases.all_of(letters)
    if found and (_in_doubt(utterance, limits) or not any(each.doubtful for each in found)):
        return f"stock-phrase:{found[0].id}"
    return "loop" if _is_loop(letters, utterance.span.duration, limits) else None


def _in_doubt(utterance: Utterance, limits: Evidence) -> bool:
    """What the engine did not measure speaks against nobody."""
    no_speech, confidence = utterance.no_speech, utterance.confidence
    return (no_speech is not None and no_speech > limits.no_speech) or (
        confidence is not None and confidence < limits.confidence
    )


def _is_loop(letters: str, seconds: float, limits: Evidence) -> bool:
    """Whether it is one thing over and over, from the beginning to the end."""
    longest = len(letters) // _FEWEST_REPEATS
    periods = (size for size in range(1, longest + 1) if letters.startswith(letters[size:]))
    period = next(periods, None)
    if period is None:
        return False
    if len(letters) / period > limits.repeats and not letters.isdigit():
        return True
    return 0 < seconds * limits.letters_per_second < len(unicodedata.normalize("NFD", letters))


def _letters(text: str) -> str:
    """Letters and digits alone, all cases alike: what is left when the writing is not counted."""
    folded = unicodedata.normalize("NFC", text.casefold())
    return "".join(each for each in folded if unicodedata.category(each)[0] in "LNM")


def _folded(utterance: Utterance) -> str:
    """What the engine gave as well as what is written: a word may be in one alone."""
    return unicodedata.normalize("NFC", f"{utterance.raw_text}\n{utterance.text}".casefold())


@dataclass(frozen=True, slots=True)
class _Phrase:
    id: str
    doubtful: bool
    pattern: str


@dataclass(frozen=True, slots=True)
class _StockPhrases:
    pattern: re.Pattern[str]
    phrases: tuple[_Phrase, ...]
    """One for each group of the pattern."""

    def all_of(self, letters: str) -> list[_Phrase]:
        """The phrases that it is made of; none where there is anything else in it."""
        found: list[_Phrase] = []
        place = 0
        while place < len(letters):
            match = self.pattern.match(letters, place)
            if match is None or match.lastindex is None:
                return []
            found.append(self.phrases[match.lastindex - 1])
            place = match.end()
        return found


@cache
def _data() -> tuple[_StockPhrases, re.Pattern[str]]:
    text = (files("malgwi.text") / "stock_phrases.yaml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    terms = chain.from_iterable(data["never_drop"].values())
    return _stock_phrases(data["stock_phrases"]), re.compile("|".join(map(_term, terms)))


def _stock_phrases(groups: dict[str, dict[str, Any]]) -> _StockPhrases:
    phrases = [
        _Phrase(id, group.get("doubtful", False), _phrase(text))
        for id, group in groups.items()
        for text in group["phrases"]
    ]
    phrases.sort(key=lambda phrase: -len(phrase.pattern))
    pattern = re.compile("|".join(f"({phrase.pattern})" for phrase in phrases))
    return _StockPhrases(pattern, tuple(phrases))


def _phrase(text: str) -> str:
    """Letters alone, as `_letters` has them; each star stands for up to four."""
    pieces = re.split(r"(\*+)", text)
    names = [rf"\w{{1,{4 * len(piece)}}}" for piece in pieces[1::2]]
    texts = [_letters(piece) for piece in pieces[::2]]
    return "".join(chain.from_iterable(zip_longest(texts, names, fillvalue="")))


def _term(term: str) -> str:
    """A word that must not be dropped, with any spaces and hyphens in it.

    Korean is found inside of words, since particles follow and spaces are made up; the rest only
    as whole words, or from the start of one where a star follows.
    """
    folded = unicodedata.normalize("NFC", term.casefold())
    words = re.findall(r"\w+", folded)
    if re.search("[가-힣]", folded):
        return r"[\W_]*".join("".join(words))
    end = "" if term.endswith("*") else "(?![a-z0-9])"
    return "(?<![a-z0-9])" + r"[\W_]*".join(words) + end

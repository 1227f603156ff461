"""One timeline of all channels, and the same words heard on two of them.

A microphone picks up its neighbour, radios are patched together, a repeater sends again what it
received: then what was said once is on several channels. What was said at the same time by two
people looks much like it, and must not get lost. So a copy is only marked, never removed, and
only where time, text and level all say so; in doubt both stay.

Pure functions over all utterances of a recording: no model, no clock, no sound.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from malgwi.types import Span, Utterance


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """When an utterance is a copy of what was heard better on another channel."""

    lag: float = 0.5
    """Seconds by which a copy may come earlier or later than the original, as by a repeater."""
    within: float = 0.8
    """Share of the copy's time in which the original must be heard too, give or take the lag."""
    similarity: float = 0.6
    """Share of the copy's trigrams of letters that the original must have. Measured with Whisper
    base: unrelated sentences have a quarter in common at most, and one that is heard through a
    telephone band at 15 dB over noise keeps two thirds in three cases of four."""
    short: int = 16
    """Letters (Hangul counted by its letters, about seven syllables). Less is what two people may
    well say at once, "roger that" or "알겠습니다", and has to pass the three rules below."""
    simultaneous: float = 0.1
    """Seconds by which both ends of a short copy may differ. Its text must be the same."""
    weaker_by: float = 6.0
    """dB by which a short copy must be weaker."""


DEFAULT_RULE = DuplicateRule()
_FAINTEST = -200.0  # dBFS; what digital silence and an unknown level are taken for


def merge(utterances_by_channel: Iterable[Iterable[Utterance]]) -> tuple[Utterance, ...]:
    """All of them in the order in which they were said."""
    everything = chain.from_iterable(utterances_by_channel)
    return tuple(sorted(everything, key=lambda each: (each.span.start, each.channel, each.id)))


def mark_duplicates(
    utterances: Sequence[Utterance], rule: DuplicateRule = DEFAULT_RULE
) -> tuple[Utterance, ...]:
    """The same utterances in the same order, each copy with the id of its original.

    An original is no copy itself. Suppressed utterances are neither. Marks that are there already
    are decided anew, so that the answer depends on nothing but what was heard.
    """
    copies = _copies([_Heard.of(each) for each in utterances if each.suppressed is None], rule)
    return tuple(replace(each, duplicate_of=copies.get(each.id)) for each in utterances)


@dataclass(frozen=True, slots=True, eq=False)
class _Heard:
    """What matters of an utterance here."""

    id: str
    channel: int
    span: Span
    letters: str
    trigrams: frozenset[str]
    level: float | None
    rank: tuple[float, float, int, float, str]
    """Sorts the one that was heard better first; levels within a dB are taken for equal."""

    @classmethod
    def of(cls, utterance: Utterance) -> "_Heard":
        id, channel, span = utterance.id, utterance.channel, utterance.span
        level = _FAINTEST if utterance.level is None else max(utterance.level, _FAINTEST)
        rank = (-round(level), -(utterance.confidence or 0.0), channel, span.start, id)
        letters = _letters(utterance.text)
        trigrams = frozenset(letters[i : i + 3] for i in range(len(letters) - 2))
        return cls(id, channel, span, letters, trigrams, utterance.level, rank)


def _letters(text: str) -> str:
    """Letters and digits only. Hangul is taken apart, for a vowel misheard is not a new word."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text.casefold())))


def _copies(heard: Iterable[_Heard], rule: DuplicateRule) -> dict[str, str]:
    """The id of the original by the id of its copy. The best heard is decided on first, so that
    what the others are compared with are originals."""
    meanwhile = _heard_meanwhile(heard, rule.lag)
    copies: dict[str, str] = {}
    decided: set[_Heard] = set()
    for each in sorted(meanwhile, key=lambda each: each.rank):
        better = [other for other in meanwhile[each] if other in decided]
        original = _original(each, sorted(better, key=lambda other: other.rank), rule)
        if original is None:
            decided.add(each)
        else:
            copies[each.id] = original.id
    return copies


def _heard_meanwhile(heard: Iterable[_Heard], lag: float) -> dict[_Heard, list[_Heard]]:
    """What else was heard on other channels at the time of each, give or take the lag."""
    meanwhile: dict[_Heard, list[_Heard]] = {}
    going_on: list[_Heard] = []
    for each in sorted(heard, key=lambda each: (each.span.start, each.rank)):
        going_on = [other for other in going_on if other.span.end + lag >= each.span.start]
        meanwhile[each] = [other for other in going_on if other.channel != each.channel]
        for other in meanwhile[each]:
            meanwhile[other].append(each)
        going_on.append(each)
    return meanwhile


def _original(each: _Heard, better: Sequence[_Heard], rule: DuplicateRule) -> _Heard | None:
    """What `each` is a copy of; `better` has the best heard first."""
    if len(each.letters) < rule.short:
        return next((other for other in better if _is_echo(each, other, rule)), None)
    by_channel: dict[int, list[_Heard]] = {}
    for other in better:
        by_channel.setdefault(other.channel, []).append(other)
    for there in by_channel.values():
        if _is_covered(each, there, rule):
            return min(there, key=lambda other: each.span.apart(other.span))
    return None


def _is_echo(each: _Heard, other: _Heard, rule: DuplicateRule) -> bool:
    """Whether a short utterance is the very same, and clearly weaker."""
    if not each.letters or each.letters != other.letters:
        return False
    if each.level is None or other.level is None or other.level - each.level < rule.weaker_by:
        return False
    starts, ends = each.span.start - other.span.start, each.span.end - other.span.end
    return max(abs(starts), abs(ends)) <= rule.simultaneous


def _is_covered(each: _Heard, there: Sequence[_Heard], rule: DuplicateRule) -> bool:
    """Whether another channel has both the time and the text of an utterance, in whatever pieces
    it was cut there. It may have more; that is then no copy of this one, which has less."""
    seconds = sum(_together(each.span, other.span, rule.lag) for other in there)
    if seconds < rule.within * each.span.duration:
        return False
    found: set[str] = set()
    for other in there:
        found |= each.trigrams & other.trigrams
    return len(found) >= rule.similarity * len(each.trigrams)


def _together(span: Span, other: Span, lag: float) -> float:
    """Seconds of `span` in which `other` is heard too, give or take the lag."""
    return max(0.0, min(span.end, other.end + lag) - max(span.start, other.start - lag))

"""What becomes of an utterance when somebody corrects it. Pure functions over values."""

from dataclasses import replace
from itertools import takewhile

from malgwi.store.alignment import aligned
from malgwi.store.base import Correction
from malgwi.types import Change, Utterance, Word

RULE = "correction"
"""The rule of the change that it leaves."""


def corrected(utterance: Utterance, correction: Correction) -> Utterance:
    """The very same where it says so already. What somebody wrote counts as said: where a rule had
    suppressed the utterance, it is no more, also by the text that it has."""
    if correction.speaker is not None:
        utterance = replace(utterance, speaker=correction.speaker or None)
    if correction.text is None:
        return utterance
    return _saying(replace(utterance, suppressed=None), correction.text.strip())


def _saying(utterance: Utterance, text: str) -> Utterance:
    if text == utterance.text:
        return utterance
    words = _words(utterance, text)
    return replace(
        utterance,
        text=text,
        words=words,
        confidence=_mean(words),
        changes=(*utterance.changes, _change(utterance.text, text)),
    )


def _words(utterance: Utterance, text: str) -> tuple[Word, ...]:
    if utterance.text and not utterance.words:
        return ()  # the engine gave no times, and we make none up
    return aligned(utterance.words, text, utterance.span)


def _mean(words: tuple[Word, ...]) -> float | None:
    """Of those that were recognised; None where none of them was."""
    known = [word.confidence for word in words if word.confidence is not None]
    return sum(known) / len(known) if known else None


def _change(before: str, after: str) -> Change:
    start = _alike(before, after)
    behind = _alike(before[start:][::-1], after[start:][::-1])
    end, new_end = len(before) - behind, len(after) - behind
    return Change(RULE, start, end, before[start:end], after[start:new_end])


def _alike(one: str, other: str) -> int:
    """How many characters they have in common from the beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))

"""What a text rule is, and how one changes an utterance without losing its word times.

A rule is a pure function. Whatever it changes it leaves in `Utterance.changes`, so that replaying
the changes on `raw_text` gives `text`; and the words always join to the text.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import accumulate

from malgwi.types import Change, Span, Utterance, Word

Rule = Callable[[Utterance], Utterance]

_WORD = re.compile(r"\s*\S+(?:\s+$)?")


def apply(rules: Iterable[Rule], utterance: Utterance) -> Utterance:
    """Run the rules, each on what the one before it returned."""
    for rule in rules:
        utterance = rule(utterance)
    return utterance


def rewrite(utterance: Utterance, changes: Sequence[Change]) -> Utterance:
    """Make the changes, given from left to right, none empty and none over another.

    All offsets are places in the text as it is now. They are recorded from right to left: then
    they stay true while they are replayed one after the other. The new text must not begin or
    end with a space, or the words could not join to it.
    """
    if not changes:
        return utterance
    backwards = changes[::-1]
    text = utterance.text
    for change in backwards:
        text = change.apply(text)
    words = _rewrite_words(utterance.words, backwards)
    return replace(utterance, text=text, words=words, changes=(*utterance.changes, *backwards))


def _rewrite_words(words: Sequence[Word], backwards: Sequence[Change]) -> tuple[Word, ...]:
    if not words:
        return ()
    joined = "".join(word.text for word in words)
    indent = len(joined) - len(joined.lstrip())
    changed = list(words)
    starts = list(accumulate((len(word.text) for word in words[:-1]), initial=-indent))
    for change in backwards:
        # What lies left of a change keeps its place, so `starts` stays true up to here.
        first = bisect_right(starts, change.start) - 1
        behind = bisect_left(starts, change.end)
        touched = changed[first:behind]
        begin = starts[first]
        region = "".join(word.text for word in touched)
        region = region[: change.start - begin] + change.after + region[change.end - begin :]
        texts = _split(region)
        changed[first:behind] = _timed(texts, touched)
        starts[first:behind] = list(accumulate(map(len, texts), initial=begin))[: len(texts)]
    return tuple(changed)


def _split(region: str) -> list[str]:
    """Words with their leading space; nothing where nothing is left."""
    return _WORD.findall(region) or ([region] if region else [])


def _timed(texts: Sequence[str], old: Sequence[Word]) -> list[Word]:
    """Give the new words the time of the old: one for one, or else shared by length."""
    if len(texts) == len(old):
        return [replace(word, text=text) for text, word in zip(texts, old, strict=True)]
    spans = _shares(Span(old[0].span.start, max(word.span.end for word in old)), texts)
    confidence = _lowest(old)
    return [Word(text, span, confidence) for text, span in zip(texts, spans, strict=True)]


def _shares(span: Span, texts: Sequence[str]) -> list[Span]:
    lengths = list(accumulate(len(text.strip()) for text in texts))
    total = lengths[-1] if lengths and lengths[-1] else 1
    cuts = [min(span.end, span.start + span.duration * length / total) for length in lengths]
    starts, ends = [span.start, *cuts[:-1]], [*cuts[:-1], span.end]
    return [Span(start, end) for start, end in zip(starts, ends, strict=False)][: len(texts)]


def _lowest(words: Sequence[Word]) -> float | None:
    """The least sure of them; None where the confidence of one is not known."""
    known = [word.confidence for word in words if word.confidence is not None]
    return min(known) if len(known) == len(words) else None

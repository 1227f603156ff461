"""Times for the words of a text that somebody has corrected.

Words that stay, in another case or with other punctuation perhaps, keep their times and their
confidence. New words have no confidence: nobody heard them. As many as they stand for have the time
of one each; more or fewer share it, by the number of their letters.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from malgwi.types import Span, Word

_WORD = re.compile(r"\s*\S+")  # with the space before it, as recognised words have
_MARKS = re.compile(r"^[\W_]+|[\W_]+$")


def aligned(old: Sequence[Word], text: str, within: Span) -> tuple[Word, ...]:
    """The words of `text`, which is stripped. `within` is the utterance's span."""
    texts = _WORD.findall(text)
    matcher = SequenceMatcher(
        None, [_heard(word.text) for word in old], [_heard(each) for each in texts], autojunk=False
    )
    words: list[Word] = []
    for tag, first, last, new_first, new_last in matcher.get_opcodes():
        new = texts[new_first:new_last]
        if tag == "equal":
            pairs = zip(old[first:last], new, strict=True)
            words += [Word(each, word.span, word.confidence) for word, each in pairs]
        elif len(new) == last - first:
            pairs = zip(old[first:last], new, strict=True)
            words += [Word(each, word.span) for word, each in pairs]
        else:
            words += _shared(new, _stretch(old, first, last, within))
    return tuple(words)


def _heard(text: str) -> str:
    """What of a word can be heard."""
    word = unicodedata.normalize("NFC", text.strip()).casefold()
    return _MARKS.sub("", word) or word


def _stretch(old: Sequence[Word], first: int, last: int, within: Span) -> Span:
    """From the first to the last of them; where there are none, what is free between."""
    if first < last:
        return Span(old[first].span.start, old[last - 1].span.end)
    start = old[first - 1].span.end if first else within.start
    end = old[first].span.start if first < len(old) else within.end
    return Span(start, max(start, end))


def _shared(texts: Sequence[str], stretch: Span) -> Iterator[Word]:
    letters = sum(len(text.strip()) for text in texts)
    passed, start = 0, stretch.start
    for text in texts:
        passed += len(text.strip())
        part = stretch.start + stretch.duration * passed / letters
        end = stretch.end if passed == letters else min(part, stretch.end)  # as floats are rounded
        yield Word(text, Span(start, end))
        start = end

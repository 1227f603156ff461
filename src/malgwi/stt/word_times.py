"""When each word was said, from the path of the decoder's attention over the sound.

Dynamic time warping over the cross-attention of chosen heads, as in openai/whisper's `timing`
(2022); CTranslate2 computes the path, this module reads words from it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from malgwi.types import Span, Word

FRAMES_A_SECOND = 50  # of the encoder's output
OPENING = "\"'“¿([{-"
CLOSING = "\"'.。,，!！?？:：”)]}、…"


def timed_words(
    texts: Sequence[str], lengths: Sequence[int], path: Any, duration: float
) -> tuple[Word, ...]:
    """Words with times and probabilities.

    `texts` are the words and `lengths` how many tokens each has; `path` is CTranslate2's
    WhisperAlignmentResult for these tokens. Times lie in [0, duration] and do not go back.
    """
    starts = _token_starts(path.alignments, sum(lengths), duration)
    ends = np.cumsum(lengths)
    words = []
    for text, end, length in zip(texts, ends, lengths, strict=True):
        span = Span(float(starts[end - length]), float(starts[end]))
        sure = float(np.mean(path.text_token_probs[end - length : end]))
        words.append(Word(text, span, min(1.0, sure)))
    return join_punctuation(words)


def _token_starts(path: Sequence[tuple[int, int]], tokens: int, duration: float) -> Any:
    """Seconds at which each token begins, and at which the last one ends."""
    starts = np.full(tokens + 1, duration)
    steps = np.asarray(path, dtype=np.int64).reshape(-1, 2)
    first = np.flatnonzero(np.diff(steps[:, 0], prepend=-1))
    inside = steps[first, 0] <= tokens
    starts[steps[first, 0][inside]] = steps[first, 1][inside] / FRAMES_A_SECOND
    return np.maximum.accumulate(np.clip(starts, 0.0, duration))


def join_punctuation(words: Sequence[Word]) -> tuple[Word, ...]:
    """Give a mark that stands alone to the word it belongs to."""
    joined: list[Word] = []
    for word in words:
        mark = word.text.strip()
        if joined and mark and all(each in CLOSING for each in mark) and word.text[0] != " ":
            joined[-1] = _one(joined[-1], word, joined[-1].confidence)
        elif (
            joined
            and joined[-1].text.strip()
            and all(each in OPENING for each in joined[-1].text.strip())
        ):
            joined[-1] = _one(joined[-1], word, word.confidence)
        else:
            joined.append(word)
    return tuple(joined)


def _one(first: Word, second: Word, confidence: float | None) -> Word:
    return Word(first.text + second.text, Span(first.span.start, second.span.end), confidence)

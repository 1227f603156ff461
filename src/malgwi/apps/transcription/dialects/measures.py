"""The measures that Whisper's own JSON has of a segment, and of a word's probability.

What the engine did not measure is None: a default would pass for a measurement.
"""

import math
import zlib
from collections.abc import Iterable

from malgwi.types import Word

LEAST = 1e-10  # a probability; the logarithm of zero is no number that JSON has


def log_probability(word: Word) -> float | None:
    if word.confidence is None:
        return None
    return round(math.log(max(word.confidence, LEAST)), 4)


def mean_log_probability(words: Iterable[Word]) -> float | None:
    """Over words, where Whisper's is over its tokens: the two are close, not the same."""
    known = [each for each in map(log_probability, words) if each is not None]
    return round(sum(known) / len(known), 4) if known else None


def compression_ratio(text: str) -> float:
    """How much smaller the text gets, as Whisper measures it; above 2.4 it may be a loop."""
    packed = text.strip().encode("utf-8")
    return round(len(packed) / len(zlib.compress(packed)), 4)


def probability(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def seconds(value: float) -> float:
    return round(value, 3)


def mean_probability(words: Iterable[Word]) -> float | None:
    known = [word.confidence for word in words if word.confidence is not None]
    return probability(sum(known) / len(known)) if known else None

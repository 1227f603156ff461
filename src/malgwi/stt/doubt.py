"""When not to believe a recogniser: loops, and words it was not sure of.

The measures and their thresholds are those of Radford et al. 2022, "Robust speech recognition
via large-scale weak supervision", section 4.5; the token limit is ours.
"""

import zlib

LOOP_RATIO = 2.4
"""How well text compresses that repeats itself."""
LEAST_LOG_PROBABILITY = -1.0
"""Mean a token; below it the text is more guessed than heard."""
FASTEST = 25
"""Letters a second; nobody speaks as fast as that."""
FEW = 20
"""Letters that are no loop however short the piece: it may have been cut close."""
NO_SPEECH = 0.6
"""Above it, a text with a low probability is taken for silence, and not worth a second try."""


def compression_ratio(text: str) -> float:
    """How many times smaller `text` gets; above LOOP_RATIO it says the same over and over."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def token_limit(seconds: float) -> int:
    """More tokens than anybody says in this time, five a second at most in what was measured, of
    Korean and English: what reaches it is a loop."""
    return min(220, 24 + round(8 * seconds))


def doubt(
    text: str, tokens: int, log_probability: float, no_speech: float, seconds: float
) -> str | None:
    """Why `text` should not be trusted: `loop`, `low-confidence`, or None where it can be.

    `tokens` counts all that were written, time stamps too; `seconds` is the length of the piece.
    """
    spoken = sum(map(str.isalnum, text))
    if tokens >= token_limit(seconds) or spoken > max(FEW, FASTEST * seconds):
        return "loop"
    if compression_ratio(text) > LOOP_RATIO:
        return "loop"
    if log_probability < LEAST_LOG_PROBABILITY and no_speech <= NO_SPEECH:
        return "low-confidence"
    return None

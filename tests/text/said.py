"""Utterances to test with, as an engine gives them: each word with a leading space."""

from malgwi.types import Span, Utterance, Word


def said(  # noqa: PLR0913
    text: str,
    *,
    channel: int = 0,
    language: str = "ko",
    seconds: float | None = None,
    confidence: float | None = None,
    no_speech: float | None = None,
) -> Utterance:
    """Words of half a second each, if not told otherwise, the first the most sure."""
    spoken = text.split(" ")
    length = (len(spoken) / 2 if seconds is None else seconds) / len(spoken)
    words = tuple(
        Word(f" {each}", Span(place * length, (place + 0.8) * length), 1 - place / 100)
        for place, each in enumerate(spoken)
    )
    span = Span(0.0, length * len(spoken))
    return Utterance(
        "00-0000",
        channel,
        span,
        raw_text=text,
        text=text,
        words=words,
        language=language,
        confidence=confidence,
        no_speech=no_speech,
    )

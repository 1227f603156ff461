"""What servers of Whisper answer, read as words with times.

They differ in how they cut words: OpenAI leaves out spaces and marks, faster-whisper keeps them,
whisper.cpp gives parts of words. The text of the segments is what was heard; the words only say
when, and where the two do not fit the text is spread over the time of its segment.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from malgwi.stt.base import Recognition, spread_evenly
from malgwi.stt.doubt import doubt
from malgwi.stt.languages import WITHOUT_SPACES
from malgwi.types import Span, Word, written


@dataclass(frozen=True, slots=True)
class Timed:
    """A stretch of text as a server gave it; None where it said nothing of the kind."""

    text: str
    start: float | None
    end: float | None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """What a server calls a segment: a sentence or a part of one."""

    timed: Timed
    tokens: int | None
    log_probability: float | None
    """Mean a token."""
    no_speech: float | None


def segments(answer: dict[str, Any]) -> list[Segment]:
    """The segments of a verbose_json. Raises ValueError where it is none."""
    return [
        Segment(
            Timed(_text(each, "text"), number(each, "start"), number(each, "end")),
            len(each["tokens"]) if isinstance(each.get("tokens"), list) else None,
            number(each, "avg_logprob"),
            number(each, "no_speech_prob"),
        )
        for each in objects(answer, "segments")
    ]


def objects(answer: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The list at `key`, empty where there is none. Raises ValueError where it is no such list."""
    found = answer.get(key) or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ValueError(f"{key} is no list of objects")
    return found


def number(answer: dict[str, Any], key: str) -> float | None:
    """The number at `key`; None where there is none, or one that is not finite."""
    found = answer.get(key)
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        return None
    return float(found)


def _text(answer: dict[str, Any], key: str) -> str:
    found = answer.get(key)
    if not isinstance(found, str):
        raise ValueError(f"{key} is no text")
    return found


def words(answer: dict[str, Any], key: str = "words") -> list[Timed]:
    """The words of an answer or of a segment, as the server cut them. Raises ValueError."""
    return [
        Timed(
            _text(each, "word"),
            number(each, "start"),
            number(each, "end"),
            number(each, "probability"),
        )
        for each in objects(answer, key)
    ]


def fitted(text: str, parts: Sequence[Timed]) -> list[Timed] | None:
    """`parts` with the spaces and marks that `text` has around them; None where they do not fit.

    A mark goes to the word before it, a space and what follows it to the word after.
    """
    found: list[Timed] = []
    place = 0
    for part in parts:
        bare = part.text.strip()
        start = text.find(bare, place)
        between = text[place:start]
        if start < 0 or any(letter.isalnum() for letter in between):
            return None
        before, after = _divided(between)
        if found:
            found[-1] = _with_text(found[-1], found[-1].text + before)
        else:
            after = before + after
        found.append(_with_text(part, after + bare))
        place = start + len(bare)
    rest = text[place:]
    if any(letter.isalnum() for letter in rest):
        return None
    if found:
        found[-1] = _with_text(found[-1], found[-1].text + rest.rstrip())
    return found


def _divided(between: str) -> tuple[str, str]:
    """What stands before the first space, and the rest with one space for many."""
    before = between.split(maxsplit=1)[0] if between and not between[0].isspace() else ""
    after = between[len(before) :]
    return before, " " + after.lstrip() if after else ""


def _with_text(part: Timed, text: str) -> Timed:
    return Timed(text, part.start, part.end, part.confidence)


def joined(parts: Sequence[Timed]) -> list[Timed]:
    """Parts of words put together: a word begins where there is a space."""
    groups: list[list[Timed]] = []
    for part in parts:
        if groups and part.text and not part.text[0].isspace():
            groups[-1].append(part)
        else:
            groups.append([part])
    return [_one(group) for group in groups]


def _one(parts: Sequence[Timed]) -> Timed:
    sure = [each.confidence for each in parts if each.confidence is not None]
    return Timed(
        "".join(each.text for each in parts),
        parts[0].start,
        parts[-1].end,
        sum(sure) / len(sure) if sure else None,
    )


def spread(part: Timed, duration: float) -> list[Timed]:
    """The words of a text that is timed as a whole, in equal shares of its time."""
    start, end = part.start or 0.0, duration if part.end is None else part.end
    shares = [
        Timed(word.text, start + word.span.start, start + word.span.end, part.confidence)
        for word in spread_evenly(part.text, max(0.0, end - start))
    ]
    if shares and not part.text[0].isspace():
        shares[0] = _with_text(shares[0], shares[0].text.lstrip())
    return shares


def led(text: str, language: str) -> str:
    """`text` with one space before it where the language puts one between words."""
    bare = text.strip()
    return f" {bare}" if bare and language not in WITHOUT_SPACES else bare


def placed(parts: Sequence[Timed], duration: float) -> tuple[Word, ...]:
    """Words whose times lie in [0, duration] and do not go back, whatever the server said."""
    found = []
    earliest = 0.0
    for part in parts:
        if not part.text.strip():
            continue
        start = min(duration, max(earliest, part.start or 0.0))
        end = min(duration, max(start, start if part.end is None else part.end))
        sure = part.confidence
        confidence = None if sure is None else min(1.0, max(0.0, sure))
        found.append(Word(part.text, Span(start, end), confidence))
        earliest = start
    return tuple(found)


def mean_log_probability(parts: Sequence[Segment]) -> float | None:
    """Mean a token over all segments; None where the server told none."""
    told = [
        (each.log_probability, each.tokens or 1)
        for each in parts
        if each.log_probability is not None
    ]
    total = sum(tokens for _, tokens in told)
    return sum(log * tokens for log, tokens in told) / total if total else None


def recognition(
    parts: Sequence[Segment], heard: tuple[Word, ...], language: str, duration: float
) -> Recognition:
    """What was heard, with what the segments tell about how far it can be trusted."""
    told = [each.no_speech for each in parts if each.no_speech is not None]
    no_speech = min(1.0, max(0.0, *told)) if told else None
    why = doubt(
        written(heard),
        sum(each.tokens or 0 for each in parts),
        mean_log_probability(parts) or 0.0,
        no_speech or 0.0,
        duration,
    )
    return Recognition(heard, language, no_speech, doubt=why)

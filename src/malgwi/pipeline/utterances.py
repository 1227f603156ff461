"""What an engine heard in a piece becomes utterances: a line for each stretch of speech.

Pure functions; the times that come out are from the start of the recording.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from malgwi.pipeline.cutter import Cut
from malgwi.stt import Recognition
from malgwi.types import SAMPLE_RATE, Samples, Span, Utterance, Word, written

PAUSE = 1.0
"""Seconds of quiet after which the same voice begins a new utterance."""
SLACK = 0.1
"""Seconds by which a word may reach out of the speech that the detector found."""


def utterances_of(cut: Cut, heard: Recognition) -> list[Utterance]:
    """The utterances of one piece, in order and without ids. Nothing that was heard is lost."""
    speech = cut.stretch.speech
    lines = _lines(speech)
    words = [
        replace(word, span=_inside(word.span.later(cut.span.start), speech)) for word in heard.words
    ]
    groups = groupby(words, key=lambda word: _nearest(word.span, lines))
    return [_utterance(list(group), cut, heard) for _, group in groups]


def numbered(utterances: Iterable[Utterance]) -> list[Utterance]:
    """Give the utterances of a recording, in order of time, their ids."""
    counts: dict[int, int] = {}
    result = []
    for each in sorted(utterances, key=lambda each: (each.channel, each.span)):
        counts[each.channel] = counts.get(each.channel, 0) + 1
        result.append(replace(each, id=f"{each.channel:02d}-{counts[each.channel]:04d}"))
    return result


def level(samples: Samples) -> float | None:
    """Root mean square in dBFS; None where there is no sound at all."""
    power = float(np.mean(np.square(samples, dtype=np.float64))) if samples.size else 0.0
    return 10 * float(np.log10(power)) if power > 0 else None


def _lines(speech: Sequence[Span]) -> list[Span]:
    """The spans of speech, those joined between which there is hardly a pause."""
    lines: list[Span] = []
    for span in speech:
        if lines and lines[-1].apart(span) < PAUSE:
            lines[-1] = Span(lines[-1].start, span.end)
        else:
            lines.append(span)
    return lines


def _inside(word: Span, speech: Sequence[Span]) -> Span:
    """The word without the pause before or after it: an engine that reads time from attention
    gives the whole of a pause to a word beside it. One that was said in a pause stays there."""
    if not speech:
        return word
    stretch = speech[_nearest(word, speech)]
    begin, end = max(word.start, stretch.start - SLACK), min(word.end, stretch.end + SLACK)
    return Span(begin, end) if begin < end else word


def _nearest(word: Span, lines: Sequence[Span]) -> int:
    """The stretch of speech that covers most of the word, or is nearest to it."""
    return min(range(len(lines)), key=lambda i: lines[i].apart(word), default=0)


def _utterance(words: list[Word], cut: Cut, heard: Recognition) -> Utterance:
    span = Span(words[0].span.start, words[-1].span.end)
    first, last = (round((t - cut.span.start) * SAMPLE_RATE) for t in (span.start, span.end))
    sure = [word.confidence for word in words if word.confidence is not None]
    text = written(words)
    return Utterance(
        id="",
        channel=cut.channel,
        span=span,
        raw_text=text,
        text=text,
        words=tuple(words),
        language=heard.language,
        confidence=sum(sure) / len(sure) if sure else None,
        no_speech=heard.no_speech,
        attempts=heard.attempts,
        level=level(cut.samples[first:last]),
    )

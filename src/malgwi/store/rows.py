"""Transcripts as rows and back. What comes back is equal to what was saved, to the last bit."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Row

from malgwi.store.base import TranscriptRecord
from malgwi.types import (
    Change,
    Channel,
    Engine,
    Notice,
    Span,
    Timings,
    Transcript,
    Utterance,
    Word,
)


def of_transcript(transcript: Transcript) -> dict[str, Any]:
    """All but its utterances, and but where it belongs."""
    return {
        "sources": transcript.sources,
        "duration": float(transcript.duration),
        "channels": [asdict(each) for each in transcript.channels],
        "engine": asdict(transcript.engine),
        "timings": asdict(transcript.timings),
        "notices": [asdict(each) for each in transcript.notices],
        "complete": transcript.complete,
    }


def transcript(row: Row[Any], utterances: Iterable[Utterance]) -> Transcript:
    return Transcript(
        sources=tuple(row.sources),
        duration=row.duration,
        channels=channels(row),
        utterances=tuple(utterances),
        engine=Engine(**row.engine),
        timings=Timings(**row.timings),
        notices=tuple(Notice(**each) for each in row.notices),
        complete=row.complete,
    )


def record(row: Row[Any]) -> TranscriptRecord:
    return TranscriptRecord(
        id=row.id,
        recording_id=row.recording_id,
        created=row.created,
        revision=row.revision,
        duration=row.duration,
        channels=channels(row),
        engine=Engine(**row.engine),
        complete=row.complete,
    )


def of_utterance(each: Utterance) -> dict[str, Any]:
    """All but where it stands, and from when until when."""
    return {
        "id": each.id,
        "channel": each.channel,
        "start": float(each.span.start),
        "end": float(each.span.end),
        "speaker": each.speaker,
        "language": each.language,
        "raw_text": each.raw_text,
        "text": each.text,
        "words": [_word_row(word) for word in each.words],
        "confidence": _number(each.confidence),
        "no_speech": _number(each.no_speech),
        "attempts": each.attempts,
        "level": _number(each.level),
        "changes": [
            [change.rule, change.start, change.end, change.before, change.after]
            for change in each.changes
        ],
        "suppressed": each.suppressed,
        "duplicate_of": each.duplicate_of,
    }


def utterance(row: Row[Any]) -> Utterance:
    return Utterance(
        id=row.id,
        channel=row.channel,
        span=Span(row.start, row.end),
        raw_text=row.raw_text,
        text=row.text,
        words=tuple(
            Word(text, Span(start, end), confidence) for text, start, end, confidence in row.words
        ),
        language=row.language,
        speaker=row.speaker,
        confidence=row.confidence,
        no_speech=row.no_speech,
        attempts=row.attempts,
        level=row.level,
        changes=tuple(Change(*each) for each in row.changes),
        suppressed=row.suppressed,
        duplicate_of=row.duplicate_of,
    )


def channels(row: Row[Any]) -> tuple[Channel, ...]:
    """Under the names that their recording has for them now; one without keeps its own."""
    now = dict(enumerate(row.channel_labels))
    found = (Channel(**each) for each in row.channels)
    return tuple(replace(each, label=now.get(each.index, each.label)) for each in found)


def _word_row(word: Word) -> Sequence[Any]:
    """A list: there are thousands of them an hour, and the names would be most of it."""
    return [word.text, float(word.span.start), float(word.span.end), _number(word.confidence)]


def _number(value: float | None) -> float | None:
    """A number of Python's: engines give those of NumPy, which the drivers do not know."""
    return None if value is None else float(value)

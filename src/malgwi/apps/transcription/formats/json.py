"""Everything that is known, for programs: `malgwi.transcript/1`.

docs/reference/transcript.schema.json describes it. It is written utterance by utterance, a
line each, so that memory does not grow with the recording; the facts about the whole stand
first. The row classes are its layout, for the writer, for the reader and for the API: what `write`
gives, `read_json` takes, and both agree to the millisecond.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

from malgwi.apps.transcription.formats.shown import channel_labels
from malgwi.errors import BadInput
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

if TYPE_CHECKING:
    from pydantic import ValidationError

SCHEMA: Literal["malgwi.transcript/1"] = "malgwi.transcript/1"

# Not slotted: `json` writes them as their `vars`.


@dataclass(frozen=True)
class ChannelRow:
    """A channel of the recording."""

    index: int
    label: str
    language: str | None
    language_source: Literal["given", "detected"] | None
    language_probability: float | None


@dataclass(frozen=True)
class EngineRow:
    """What did the recognising."""

    name: str
    model: str
    device: str
    compute_type: str | None
    fallback_reason: str | None


@dataclass(frozen=True)
class CountsRow:
    """How many utterances there are, and how many of them are marked."""

    utterances: int
    suppressed: int
    duplicates: int
    retried: int


@dataclass(frozen=True)
class TimingsRow:
    """Where the time went, in seconds, for the whole run."""

    wall: float
    decoding: float
    vad: float
    recognition: float
    audio: float
    speech: float
    real_time_factor: float | None


@dataclass(frozen=True)
class NoticeRow:
    """What the user should know about the result."""

    code: str
    message: str


@dataclass(frozen=True)
class WordRow:
    """A word with its times."""

    text: str
    start: float
    end: float
    confidence: float | None


@dataclass(frozen=True)
class ChangeRow:
    """What one text rule did."""

    rule: str
    start: int
    end: int
    before: str
    after: str


@dataclass(frozen=True)
class UtteranceRow:
    """A line of the transcript."""

    id: str
    channel: int
    channel_label: str
    speaker: str | None
    start: float
    end: float
    raw_text: str
    text: str
    language: str
    confidence: float | None
    no_speech: float | None
    attempts: int
    level: float | None
    words: Sequence[WordRow]
    changes: Sequence[ChangeRow]
    suppressed: str | None
    duplicate_of: str | None


@dataclass(frozen=True)
class TranscriptRow:
    """The file."""

    schema: Literal["malgwi.transcript/1"]
    sources: Sequence[str]
    duration: float
    complete: bool
    channels: Sequence[ChannelRow]
    engine: EngineRow
    counts: CountsRow
    timings: TimingsRow
    notices: Sequence[NoticeRow]
    utterances: Sequence[UtteranceRow]


def write(transcript: Transcript, file: TextIO) -> None:
    file.write("{\n")
    for key, value in vars(_head(transcript)).items():
        if key != "utterances":
            file.write(f'"{key}": {_dumps(value)},\n')
    file.write('"utterances": [')
    labels = channel_labels(transcript)
    before = "\n"
    for each in transcript.utterances:
        file.write(before + _dumps(utterance_row(each, labels[each.channel])))
        before = ",\n"
    file.write("\n]\n}\n")


def read_json(path: Path) -> Transcript:
    """The transcript in a file that `write` made. Raises BadInput where it is something else."""
    from pydantic import TypeAdapter, ValidationError

    try:
        row = TypeAdapter(TranscriptRow).validate_json(path.read_bytes())
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        # Without its cause: that quotes the input, which is what somebody said.
        raise BadInput(f"{path} is not a transcript of ours ({SCHEMA}): {_place(error)}.") from None
    return _transcript(row)


def _place(error: "ValidationError") -> str:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(map(str, first["loc"]))
    if where == "schema":
        return "its schema is another one"
    return f"{where or 'the file'} is wrong ({first['type'].replace('_', ' ')})"


def _dumps(value: Any) -> str:
    return json.dumps(value, default=vars, ensure_ascii=False, allow_nan=False)


def _head(transcript: Transcript) -> TranscriptRow:
    """All but the utterances, which are written one at a time."""
    engine, each = transcript.engine, transcript.utterances
    return TranscriptRow(
        schema=SCHEMA,
        sources=transcript.sources,
        duration=round(transcript.duration, 3),
        complete=transcript.complete,
        channels=[channel_row(channel) for channel in transcript.channels],
        engine=EngineRow(
            engine.name, engine.model, engine.device, engine.compute_type, engine.fallback_reason
        ),
        counts=CountsRow(
            utterances=len(each),
            suppressed=sum(one.suppressed is not None for one in each),
            duplicates=sum(one.duplicate_of is not None for one in each),
            retried=sum(one.attempts > 1 for one in each),
        ),
        timings=_timings_row(transcript.timings),
        notices=[NoticeRow(notice.code, notice.message) for notice in transcript.notices],
        utterances=(),
    )


def channel_row(channel: Channel) -> ChannelRow:
    """As `write` has it."""
    source: Literal["given", "detected"] | None = None
    if channel.language is not None:
        source = "given" if channel.language_probability is None else "detected"
    probability = _rounded(channel.language_probability, 4)
    return ChannelRow(channel.index, channel.label, channel.language, source, probability)


def _timings_row(timings: Timings) -> TimingsRow:
    return TimingsRow(
        wall=round(timings.wall, 3),
        decoding=round(timings.decoding, 3),
        vad=round(timings.vad, 3),
        recognition=round(timings.recognition, 3),
        audio=round(timings.audio, 3),
        speech=round(timings.speech, 3),
        real_time_factor=_rounded(timings.real_time_factor, 6),
    )


def utterance_row(each: Utterance, label: str) -> UtteranceRow:
    """As `write` has it, a line; `label` is that of its channel."""
    return UtteranceRow(
        id=each.id,
        channel=each.channel,
        channel_label=label,
        speaker=each.speaker,
        start=round(each.span.start, 3),
        end=round(each.span.end, 3),
        raw_text=each.raw_text,
        text=each.text,
        language=each.language,
        confidence=_rounded(each.confidence, 4),
        no_speech=_rounded(each.no_speech, 4),
        attempts=each.attempts,
        level=_rounded(each.level, 2),
        words=[_word_row(word) for word in each.words],
        changes=[
            ChangeRow(change.rule, change.start, change.end, change.before, change.after)
            for change in each.changes
        ],
        suppressed=each.suppressed,
        duplicate_of=each.duplicate_of,
    )


def _word_row(word: Word) -> WordRow:
    start, end = round(word.span.start, 3), round(word.span.end, 3)
    return WordRow(word.text, start, end, _rounded(word.confidence, 4))


def _rounded(value: float | None, places: int) -> float | None:
    """None for what is not a number: the level of digital silence is minus infinity."""
    return None if value is None or not math.isfinite(value) else round(value, places)


def _transcript(row: TranscriptRow) -> Transcript:
    engine, timings = row.engine, row.timings
    return Transcript(
        sources=tuple(row.sources),
        duration=row.duration,
        channels=tuple(
            Channel(each.index, each.label, each.language, each.language_probability)
            for each in row.channels
        ),
        utterances=tuple(_utterance(each) for each in row.utterances),
        engine=Engine(
            engine.name, engine.model, engine.device, engine.compute_type, engine.fallback_reason
        ),
        timings=Timings(
            timings.wall,
            timings.decoding,
            timings.vad,
            timings.recognition,
            timings.audio,
            timings.speech,
        ),
        notices=tuple(Notice(each.code, each.message) for each in row.notices),
        complete=row.complete,
    )


def _utterance(row: UtteranceRow) -> Utterance:
    return Utterance(
        id=row.id,
        channel=row.channel,
        span=Span(row.start, row.end),
        raw_text=row.raw_text,
        text=row.text,
        words=tuple(
            Word(word.text, Span(word.start, word.end), word.confidence) for word in row.words
        ),
        language=row.language,
        speaker=row.speaker,
        confidence=row.confidence,
        no_speech=row.no_speech,
        attempts=row.attempts,
        level=row.level,
        changes=tuple(
            Change(each.rule, each.start, each.end, each.before, each.after) for each in row.changes
        ),
        suppressed=row.suppressed,
        duplicate_of=row.duplicate_of,
    )

"""Deepgram's answers: a result a channel, utterances across them, and what is known of the run.

A result is never a mix of channels, whether `multichannel` is asked for or not.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from fastapi import Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from malgwi.apps.transcription.dialects.deepgram.query import Asked
from malgwi.apps.transcription.dialects.extras import Extras, extras
from malgwi.apps.transcription.dialects.measures import mean_probability, probability, seconds
from malgwi.apps.transcription.dialects.spoken import spoken
from malgwi.gateway import Answer
from malgwi.types import Channel, Transcript, Utterance, Word, written

_AROUND = re.compile(r"^\W+|\W+$")
_SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！")
_CODES = {
    400: "Bad Request",
    401: "INVALID_AUTH",
    413: "PAYLOAD_TOO_LARGE",
    429: "TOO_MANY_REQUESTS",
}


class HeardWord(BaseModel):
    """A word, bare and as it is written."""

    word: str
    start: float
    end: float
    confidence: float | None
    punctuated_word: str


class Sentence(BaseModel):
    """A sentence of a paragraph."""

    text: str
    start: float
    end: float


class Paragraph(BaseModel):
    """What was said without a long pause."""

    sentences: list[Sentence]
    start: float
    end: float
    num_words: int


class Paragraphs(BaseModel):
    """All of them, and the text with empty lines between."""

    transcript: str
    paragraphs: list[Paragraph]


class Alternative(BaseModel):
    """What was said on a channel. There is one: nothing else was thought of."""

    transcript: str
    confidence: float | None
    """Null where nothing was said, or the engine gives none."""
    words: list[HeardWord]
    paragraphs: Paragraphs | None = None


class ChannelResult(BaseModel):
    """A channel of the recording."""

    alternatives: list[Alternative]
    detected_language: str | None = None
    """Only where it was not given."""
    language_confidence: float | None = None


class SaidUtterance(BaseModel):
    """What was said on a channel without a pause."""

    id: str
    start: float
    end: float
    confidence: float | None
    channel: int
    transcript: str
    words: list[HeardWord]


class Results(BaseModel):
    """What was said."""

    channels: list[ChannelResult]
    utterances: list[SaidUtterance] = []


class Caveat(BaseModel):
    """What was done otherwise than it was asked for."""

    parameter: str
    type: str
    message: str


class ModelInfo(BaseModel):
    """A model that was at work."""

    name: str
    arch: str


class Metadata(BaseModel):
    """What is known of the run."""

    request_id: str
    sha256: str
    """Of the upload."""
    created: str
    duration: float
    channels: int
    models: list[str]
    model_info: dict[str, ModelInfo]
    warnings: list[Caveat] = []


class Listened(BaseModel):
    """The answer."""

    metadata: Metadata
    results: Results
    x_malgwi: Extras


class Refusal(BaseModel):
    """Every error."""

    err_code: str
    err_msg: str
    request_id: str


def listened(transcript: Transcript, asked: Asked, sha256: str, request_id: str) -> Listened:
    said = spoken(transcript.utterances)
    split = asked.query.utt_split
    turns = {channel.index: _turns(said, channel.index, split) for channel in transcript.channels}
    results = Results(
        channels=[
            _channel(channel, said, turns[channel.index] if asked.query.paragraphs else None)
            for channel in transcript.channels
        ]
    )
    if asked.query.utterances:
        results.utterances = sorted(
            (each for channel in turns for each in _utterances(channel, turns[channel])),
            key=lambda each: (each.start, each.channel),
        )
    return Listened(
        metadata=_metadata(transcript, asked, sha256, request_id),
        results=results,
        x_malgwi=extras(transcript, asked.ignored),
    )


def shape(answer: Answer, request_id: str) -> Response:
    """An error, as Deepgram says it."""
    code = _CODES.get(answer.status, answer.code.upper())
    refusal = Refusal(err_code=code, err_msg=answer.message, request_id=request_id)
    return JSONResponse(refusal.model_dump(), answer.status)


def _metadata(transcript: Transcript, asked: Asked, sha256: str, request_id: str) -> Metadata:
    engine = transcript.engine
    metadata = Metadata(
        request_id=request_id,
        sha256=sha256,
        created=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        duration=seconds(transcript.duration),
        channels=len(transcript.channels),
        models=[engine.model],
        model_info={engine.model: ModelInfo(name=engine.model, arch=engine.name)},
    )
    if warnings := list(_warnings(transcript, asked)):
        metadata.warnings = warnings
    return metadata


def _warnings(transcript: Transcript, asked: Asked) -> Iterator[Caveat]:
    count = len(transcript.channels)
    if count > 1 and not asked.query.multichannel:
        message = f"All {count} channels are answered, each by itself: none is mixed with another."
        yield Caveat(parameter="multichannel", type="channels_not_mixed", message=message)
    for name in asked.ignored:
        yield Caveat(parameter=name, type="ignored", message=f"{name} changes nothing here.")


def _channel(
    channel: Channel, said: Sequence[Utterance], turns: Sequence[list[Word]] | None
) -> ChannelResult:
    own = [each for each in said if each.channel == channel.index]
    words = [word for each in own for word in each.words]
    alternative = Alternative(
        transcript=" ".join(each.text for each in own),
        confidence=mean_probability(words),
        words=[_word(word) for word in words],
    )
    if turns is not None:
        alternative.paragraphs = _paragraphs(turns)
    result = ChannelResult(alternatives=[alternative])
    if channel.language and channel.language_probability is not None:
        result.detected_language = channel.language
        result.language_confidence = probability(channel.language_probability)
    return result


def _turns(said: Sequence[Utterance], channel: int, split: float) -> list[list[Word]]:
    """The words of a channel, parted where it is quiet for `split` seconds."""
    words = [word for each in said if each.channel == channel for word in each.words]
    ends = [0, *(at for at, gap in enumerate(_gaps(words), 1) if gap >= split), len(words)]
    return [words[start:end] for start, end in pairwise(ends) if start < end]


def _gaps(words: Sequence[Word]) -> Iterator[float]:
    for before, after in pairwise(words):
        yield before.span.apart(after.span)


def _utterances(channel: int, turns: Sequence[list[Word]]) -> Iterator[SaidUtterance]:
    for number, words in enumerate(turns, 1):
        yield SaidUtterance(
            id=f"{channel:02d}-{number:04d}",
            start=seconds(words[0].span.start),
            end=seconds(words[-1].span.end),
            confidence=mean_probability(words),
            channel=channel,
            transcript=written(words),
            words=[_word(word) for word in words],
        )


def _paragraphs(turns: Sequence[list[Word]]) -> Paragraphs:
    return Paragraphs(
        transcript="\n\n".join(written(words) for words in turns),
        paragraphs=[
            Paragraph(
                sentences=[_sentence(each) for each in _sentences(words)],
                start=seconds(words[0].span.start),
                end=seconds(words[-1].span.end),
                num_words=len(words),
            )
            for words in turns
        ],
    )


def _sentences(words: Sequence[Word]) -> Iterator[list[Word]]:
    sentence: list[Word] = []
    for word in words:
        sentence.append(word)
        if word.text.rstrip("\"')]”’」』").endswith(_SENTENCE_ENDS):
            yield sentence
            sentence = []
    if sentence:
        yield sentence


def _sentence(words: Sequence[Word]) -> Sentence:
    start, end = seconds(words[0].span.start), seconds(words[-1].span.end)
    return Sentence(text=written(words), start=start, end=end)


def _word(word: Word) -> HeardWord:
    text = word.text.strip()
    return HeardWord(
        word=_AROUND.sub("", text).lower() or text,
        start=seconds(word.span.start),
        end=seconds(word.span.end),
        confidence=probability(word.confidence),
        punctuated_word=text,
    )

"""Utterances as Whisper's own tools write segments, for the dialects that took them over."""

from pydantic import BaseModel, Field

from malgwi.apps.transcription.dialects.extras import UtteranceExtras, utterance_extras
from malgwi.apps.transcription.dialects.measures import (
    compression_ratio,
    mean_log_probability,
    probability,
    seconds,
)
from malgwi.apps.transcription.dialects.spoken import spoken
from malgwi.apps.transcription.formats.shown import channel_labels
from malgwi.types import Transcript, Utterance, Word


class Segment(BaseModel):
    """An utterance. What was not measured is null."""

    id: int
    seek: int = Field(description="Always 0: there are no windows to seek in.")
    start: float
    end: float
    text: str
    tokens: list[int] = Field(description="Always empty: engines differ in theirs.")
    temperature: float
    avg_logprob: float | None
    compression_ratio: float
    no_speech_prob: float | None
    x_malgwi: UtteranceExtras


class SegmentWord(BaseModel):
    """A word in a segment, whole, with the space before it."""

    word: str
    start: float
    end: float
    probability: float | None


class SegmentWithWords(Segment):
    """The same with its words, which is not where OpenAI has them."""

    words: list[SegmentWord]


def segments_of(transcript: Transcript) -> list[Segment]:
    labels = channel_labels(transcript)
    return [
        _segment(number, each, labels[each.channel])
        for number, each in enumerate(spoken(transcript.utterances))
    ]


def segments_with_words(transcript: Transcript) -> list[SegmentWithWords]:
    pairs = zip(segments_of(transcript), spoken(transcript.utterances), strict=True)
    return [
        SegmentWithWords(**dict(segment), words=[_word(word) for word in each.words])
        for segment, each in pairs
    ]


def _segment(number: int, each: Utterance, label: str) -> Segment:
    return Segment(
        id=number,
        seek=0,
        start=seconds(each.span.start),
        end=seconds(each.span.end),
        text=f" {each.text}",  # as Whisper does: clients put segments together as they are
        tokens=[],
        temperature=0.0,
        avg_logprob=mean_log_probability(each.words),
        compression_ratio=compression_ratio(each.text),
        no_speech_prob=probability(each.no_speech),
        x_malgwi=utterance_extras(each, label),
    )


def _word(word: Word) -> SegmentWord:
    return SegmentWord(
        word=word.text,
        start=seconds(word.span.start),
        end=seconds(word.span.end),
        probability=probability(word.confidence),
    )

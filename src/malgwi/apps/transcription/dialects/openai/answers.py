"""OpenAI's answers: a transcript as json or verbose_json, and the errors.

Fields that were not asked for are not set, and what is not set is not sent.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from fastapi import Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from malgwi.apps.transcription.dialects.extras import Extras, extras
from malgwi.apps.transcription.dialects.languages import name_of
from malgwi.apps.transcription.dialects.measures import log_probability, seconds
from malgwi.apps.transcription.dialects.openai.form import Shown
from malgwi.apps.transcription.dialects.segments import Segment, segments_of
from malgwi.apps.transcription.dialects.spoken import main_language, spoken, text_of
from malgwi.gateway import Answer
from malgwi.stt import Task
from malgwi.types import Transcript, Utterance, Word


class Usage(BaseModel):
    """What was transcribed."""

    type: Literal["duration"] = "duration"
    seconds: float


class Logprob(BaseModel):
    """Of a word, which stands where OpenAI has a token."""

    token: str
    logprob: float | None
    bytes: list[int]


class Language(BaseModel):
    """A language that is spoken."""

    code: str


class Transcription(BaseModel):
    """`json`."""

    text: str
    languages: list[Language] = []
    logprobs: list[Logprob] = []
    usage: Usage
    x_malgwi: Extras


class WordExtras(BaseModel):
    """Of a word, where the recording has more than one channel."""

    channel: int


class TimedWord(BaseModel):
    """A word of `verbose_json`."""

    word: str
    start: float
    end: float
    x_malgwi: WordExtras | None = None


class VerboseTranscription(BaseModel):
    """`verbose_json`."""

    task: Task
    language: str | None
    duration: float
    text: str
    segments: list[Segment]
    words: list[TimedWord] = []
    logprobs: list[Logprob] = []
    usage: Usage
    x_malgwi: Extras


class Fault(BaseModel):
    """What was wrong, with what, and what to do."""

    message: str
    type: str
    param: str | None
    code: str | None


class Refusal(BaseModel):
    """Every error."""

    error: Fault


def transcription(transcript: Transcript, shown: Shown, ignored: Sequence[str]) -> Transcription:
    answer = Transcription(
        text=text_of(transcript),
        languages=languages_of(transcript),
        usage=usage(transcript),
        x_malgwi=extras(transcript, ignored),
    )
    if shown.logprobs:
        answer.logprobs = logprobs_of(spoken(transcript.utterances))
    return answer


def verbose_transcription(
    transcript: Transcript, shown: Shown, ignored: Sequence[str]
) -> VerboseTranscription:
    language = "en" if shown.task == "translate" else main_language(transcript)
    answer = VerboseTranscription(
        task=shown.task,
        language=name_of(language),
        duration=seconds(transcript.duration),
        text=text_of(transcript),
        segments=segments_of(transcript) if shown.segments else [],
        usage=usage(transcript),
        x_malgwi=extras(transcript, ignored),
    )
    if shown.words:
        answer.words = _timed_words(transcript)
    if shown.logprobs:
        answer.logprobs = logprobs_of(spoken(transcript.utterances))
    return answer


def languages_of(transcript: Transcript) -> list[Language]:
    codes = dict.fromkeys(each.language for each in spoken(transcript.utterances))
    return [Language(code=code) for code in codes]


def logprobs_of(utterances: Iterable[Utterance]) -> list[Logprob]:
    return [_logprob(word) for each in utterances for word in each.words]


def usage(transcript: Transcript) -> Usage:
    return Usage(type="duration", seconds=seconds(transcript.duration))


def shape(answer: Answer) -> Response:
    """An error, as OpenAI says it."""
    refusal = Refusal(error=fault_of(answer))
    return JSONResponse(refusal.model_dump(), answer.status)


def fault_of(answer: Answer) -> Fault:
    return Fault(
        message=answer.message, type=_kind(answer.status), param=answer.param, code=answer.code
    )


def _kind(status: int) -> str:
    if status == 429:
        return "rate_limit_error"
    return "invalid_request_error" if status < 500 else "server_error"


def _timed_words(transcript: Transcript) -> list[TimedWord]:
    several = len(transcript.channels) > 1
    return [
        _timed_word(word, each.channel if several else None)
        for each in spoken(transcript.utterances)
        for word in each.words
    ]


def _timed_word(word: Word, channel: int | None) -> TimedWord:
    start, end = seconds(word.span.start), seconds(word.span.end)
    timed = TimedWord(word=word.text.strip(), start=start, end=end)
    if channel is not None:
        timed.x_malgwi = WordExtras(channel=channel)
    return timed


def _logprob(word: Word) -> Logprob:
    return Logprob(
        token=word.text, logprob=log_probability(word), bytes=list(word.text.encode("utf-8"))
    )

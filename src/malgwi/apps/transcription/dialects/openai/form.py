"""The fields of OpenAI's forms, and what they ask of the service and of its answer."""

import json
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError

from malgwi.apps.transcription.dialects.cutting import WHOLE, cut_rule
from malgwi.apps.transcription.dialects.languages import wanted_language
from malgwi.apps.transcription.dialects.reception import hotwords, not_known
from malgwi.apps.transcription.dialects.refusals import Unsupported
from malgwi.apps.transcription.service import Wanted
from malgwi.gateway import BadField, Form, FormModel, read_form
from malgwi.pipeline import CutRule
from malgwi.scheduling import Lane
from malgwi.stt import Task

Milliseconds = Annotated[float, Field(ge=0, le=5000)]


class ServerVad(BaseModel):
    """`chunking_strategy` where it is an object."""

    type: Literal["server_vad"] = "server_vad"
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    prefix_padding_ms: Milliseconds | None = None
    silence_duration_ms: Annotated[float, Field(ge=100, le=60_000)] | None = None
    """Below a tenth of a second every consonant would be an end."""

    def rule(self) -> CutRule:
        return cut_rule(
            threshold=self.threshold,
            silence_ms=self.silence_duration_ms,
            padding_ms=self.prefix_padding_ms,
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """What the answer shows."""

    format: str
    task: Task
    segments: bool = True
    words: bool = False
    logprobs: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """All that a form asks for."""

    wanted: Wanted
    shown: Shown
    ignored: list[str]
    """Fields that are sent and change nothing."""
    stream: bool = False


class SpeechForm(FormModel):
    """What both forms have, and our own fields in both."""

    model: str = ""
    """Name or alias; empty for the default."""
    language: str = ""
    """ISO 639-1, as `ko`; empty or `auto` to detect it."""
    prompt: str = ""
    hotwords: str = ""
    """Ours: names and terms to lean towards, divided by commas."""
    temperature: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Only 0 is done: the same sound is heard the same way."""
    response_format: str = "json"
    x_malgwi_vad: bool = True
    """Ours: false where all of it is speech, as in a piece that was cut elsewhere."""
    x_malgwi_lane: Lane | None = None
    """Ours: how urgent it is; the header X-Malgwi-Lane says the same."""


class TranslationForm(SpeechForm):
    """`/v1/audio/translations`."""

    response_format: Literal["json", "text", "srt", "verbose_json", "vtt"] = "json"


class TranscriptionForm(SpeechForm):
    """`/v1/audio/transcriptions`."""

    languages: tuple[str, ...] = ()
    """ISO 639-1, one of which a detected language is."""
    keywords: tuple[str, ...] = ()
    """Names and terms to lean towards."""
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"] = "json"
    timestamp_granularities: tuple[Literal["word", "segment"], ...] = ()
    include: tuple[Literal["logprobs"], ...] = ()
    stream: bool = False
    chunking_strategy: str = ""
    """`auto`, or an object of type `server_vad` as JSON."""
    known_speaker_names: tuple[str, ...] = ()
    known_speaker_references: tuple[str, ...] = ()


def asked_transcription(form: Form, lane: Lane) -> Asked:
    """Raises BadField, and Unsupported for what needs diarization."""
    form = _joined(form)
    asked = read_form(TranscriptionForm, form)
    _check_possible(asked)
    granularities = asked.timestamp_granularities or ["segment"]
    shown = Shown(
        asked.response_format,
        "transcribe",
        "segment" in granularities,
        "word" in granularities,
        "logprobs" in asked.include,
    )
    language = wanted_language(asked.language)
    wanted = replace(
        _wanted(asked, "transcribe", lane),
        among=() if language else asked.languages,
        hotwords=hotwords([asked.hotwords, *asked.keywords]),
        cut=_cut(asked.chunking_strategy) if asked.x_malgwi_vad else WHOLE,
    )
    return Asked(wanted, shown, [*_ignored(form, asked), *_pointless(asked)], asked.stream)


def asked_translation(form: Form, lane: Lane) -> Asked:
    """Raises BadField."""
    asked = read_form(TranslationForm, form)
    shown = Shown(asked.response_format, "translate")
    return Asked(_wanted(asked, "translate", lane), shown, _ignored(form, asked))


def _check_possible(asked: TranscriptionForm) -> None:
    for name in ("known_speaker_names", "known_speaker_references"):
        if getattr(asked, name):
            raise Unsupported(name, f"Speakers cannot be told apart yet. Leave {name} out.")
    if asked.response_format == "diarized_json":
        raise Unsupported(
            "response_format",
            "Speakers cannot be told apart yet, so there is no diarized_json. Ask for "
            "verbose_json, which keeps the channels of a recording apart.",
        )
    if asked.stream and asked.response_format not in ("json", "text"):
        raise Unsupported(
            "response_format",
            f"A stream is events, not {asked.response_format}. Ask for json, or leave stream out.",
        )


def _wanted(asked: SpeechForm, task: Task, lane: Lane) -> Wanted:
    language = wanted_language(asked.language)
    return Wanted(
        model=asked.model,
        languages=[language] if language else (),
        task=task,
        prompt=asked.prompt,
        hotwords=hotwords([asked.hotwords]),
        find_speech=asked.x_malgwi_vad,
        cut=CutRule() if asked.x_malgwi_vad else WHOLE,
        lane=asked.x_malgwi_lane or lane,
    )


def _ignored(form: Form, asked: SpeechForm) -> list[str]:
    return not_known(form, type(asked)) + (["temperature"] if asked.temperature else [])


def _pointless(asked: TranscriptionForm) -> list[str]:
    """Fields that are known, and change nothing beside the others."""
    verbose = asked.response_format == "verbose_json"
    pointless = {
        "languages": asked.languages and wanted_language(asked.language),
        "include": asked.include and not verbose and asked.response_format != "json",
        "timestamp_granularities": asked.timestamp_granularities and not verbose,
        "chunking_strategy": asked.chunking_strategy and not asked.x_malgwi_vad,
    }
    return [name for name, is_so in pointless.items() if is_so]


def _cut(strategy: str) -> CutRule:
    if strategy in ("", "auto"):
        return CutRule()
    try:
        return ServerVad.model_validate(_object(strategy)).rule()
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, fault["loc"])) or "it"
        raise BadField("chunking_strategy", f"{where}: {fault['msg']}") from error


def _object(strategy: str) -> object:
    try:
        return json.loads(strategy)
    except (ValueError, RecursionError) as error:
        raise BadField("chunking_strategy", "it is neither auto nor JSON") from error


def _joined(form: Form) -> Form:
    """With `chunking_strategy[type]` and its like, as OpenAI's own client writes an object, in
    one field."""
    prefix = "chunking_strategy["
    parts = {
        name.removeprefix(prefix).removesuffix("]"): values[-1]
        for name, values in form.fields.items()
        if name.startswith(prefix) and values
    }
    if not parts:
        return form
    rest = {name: each for name, each in form.fields.items() if not name.startswith(prefix)}
    return Form({**rest, "chunking_strategy": [json.dumps(parts)]}, form.files)

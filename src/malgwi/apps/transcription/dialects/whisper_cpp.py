"""The dialect of whisper.cpp's server: /inference and /load; /health is everybody's."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, Field

from malgwi.apps.transcription.dialects.cutting import cut_rule
from malgwi.apps.transcription.dialects.doors import Doors
from malgwi.apps.transcription.dialects.extras import Extras, extra_headers, extras
from malgwi.apps.transcription.dialects.languages import name_of, wanted_language
from malgwi.apps.transcription.dialects.measures import probability, seconds
from malgwi.apps.transcription.dialects.reception import (
    UNNAMED,
    form_reader,
    lane_of,
    not_known,
    transcribed,
)
from malgwi.apps.transcription.dialects.refusals import Unsupported, refusals
from malgwi.apps.transcription.dialects.segments import SegmentWithWords, segments_with_words
from malgwi.apps.transcription.dialects.spoken import main_language, rendered, spoken
from malgwi.apps.transcription.service import Wanted
from malgwi.errors import BadOption, ModelMissing
from malgwi.gateway import Answer, Form, FormModel, form_openapi, read_form
from malgwi.stt import LanguageGuess, Task
from malgwi.types import Channel, Transcript

Milliseconds = Annotated[float, Field(ge=0, le=60_000)]


class InferenceForm(FormModel):
    """The fields of /inference that change something. All others are ignored, and said so."""

    model: str = ""
    """Ours: name or alias; empty for the default."""
    language: str = ""
    """Code or English name; empty or `auto` to detect it."""
    detect_language: bool = False
    """Only tell the language; there is no text then."""
    translate: bool = False
    prompt: str = ""
    response_format: Literal["json", "text", "srt", "vtt", "verbose_json"] = "json"
    no_timestamps: bool = False
    no_language_probabilities: bool = False
    temperature: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Only 0 is done: the same sound is heard the same way."""
    offset_t: int = 0
    """Milliseconds; only 0 is taken."""
    duration: int = 0
    """Milliseconds; only 0, which means all of it, is taken."""
    diarize: bool = False
    tinydiarize: bool = False
    vad: bool = True
    """Speech is looked for in any case."""
    vad_threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    vad_min_speech_duration_ms: Milliseconds | None = None
    vad_min_silence_duration_ms: Annotated[float, Field(ge=100, le=60_000)] | None = None
    vad_max_speech_duration_s: Annotated[float, Field(ge=1)] | None = None
    vad_speech_pad_ms: Annotated[float, Field(ge=0, le=5000)] | None = None

    @property
    def task(self) -> Task:
        return "translate" if self.translate else "transcribe"


class LoadForm(FormModel):
    """The field of /load. It is the name of a model, never a path."""

    model: str = ""


class Inference(BaseModel):
    """`json`."""

    text: str
    x_malgwi: Extras | None = None


class VerboseInference(BaseModel):
    """`verbose_json`."""

    task: Task
    language: str | None
    duration: float | None
    """Null where only the language was asked for."""
    text: str
    segments: list[SegmentWithWords]
    detected_language: str | None = None
    detected_language_probability: float | None = None
    language_probabilities: dict[str, float | None] = {}
    """Of the language that was detected only: the others were not asked for."""
    x_malgwi: Extras | None = None


class Refusal(BaseModel):
    """Every error."""

    error: str


_TEXTS: dict[str, Any] = {
    kind: {"schema": {"type": "string"}}
    for kind in ("text/plain", "text/vtt", "application/x-subrip")
}
_KINDS = {"text": "text/plain", "srt": "application/x-subrip", "vtt": "text/vtt"}


def router(doors: Doors) -> APIRouter:
    routes = APIRouter(tags=["whisper.cpp"], responses=refusals(Refusal))
    received = form_reader(doors)

    @routes.post(
        "/inference",
        responses={200: {"model": Inference | VerboseInference, "content": _TEXTS}},
        openapi_extra=form_openapi(InferenceForm),
    )
    async def inference(request: Request, form: Annotated[Form, Depends(received)]) -> Response:
        """What was said."""
        upload = form.file("file")
        if upload is None:
            raise BadOption("no 'file' field in the request")  # their sentence: clients look for it
        asked = read_form(InferenceForm, form)
        _check_possible(asked)
        wanted = _wanted(asked, request)
        if asked.detect_language:
            name = upload.name or UNNAMED
            guesses = await doors.crossing.run(
                request,
                lambda stop: doors.service.detect_language(upload.path, name, wanted, stop),
            )
            return _language_only(asked, guesses)
        return await transcribed(doors, request, upload, wanted, _answerer(asked, form))

    @routes.post(
        "/load",
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
        openapi_extra=form_openapi(LoadForm, None, ["model"]),
    )
    async def load(request: Request, form: Annotated[Form, Depends(received)]) -> Response:
        """Load one of the models that are here, by its name."""
        name = read_form(LoadForm, form).model
        if not name:
            raise BadOption("no 'model' field in the request")
        try:
            await doors.crossing.run(request, lambda stop: doors.service.fleet.load(name))
        except ModelMissing as error:
            known = ", ".join(each.name for each in doors.service.fleet.models())
            raise BadOption(f"model not found! Known: {known}.") from error
        return PlainTextResponse("Load was successful!")

    return routes


def shape(answer: Answer) -> Response:
    """An error, as whisper.cpp says it."""
    return JSONResponse(Refusal(error=answer.message).model_dump(), answer.status)


def _check_possible(asked: InferenceForm) -> None:
    for name in ("offset_t", "duration"):
        if getattr(asked, name):
            raise Unsupported(name, f"{name} is not done here. Send the part that is wanted.")
    for name in ("diarize", "tinydiarize"):
        if getattr(asked, name):
            raise Unsupported(
                name,
                f"Speakers cannot be told apart yet. Leave {name} out; channels are kept apart "
                "in any case.",
            )


def _wanted(asked: InferenceForm, request: Request) -> Wanted:
    language = wanted_language(asked.language)
    return Wanted(
        model=asked.model,
        languages=[language] if language else (),
        task=asked.task,
        prompt=asked.prompt,
        cut=cut_rule(
            threshold=asked.vad_threshold,
            silence_ms=asked.vad_min_silence_duration_ms,
            padding_ms=asked.vad_speech_pad_ms,
            shortest_ms=asked.vad_min_speech_duration_ms,
            longest=asked.vad_max_speech_duration_s,
        ),
        lane=lane_of(request),
    )


def _ignored(asked: InferenceForm, form: Form) -> list[str]:
    pointless = {"temperature": asked.temperature, "vad": not asked.vad}
    names = [name for name, is_so in pointless.items() if is_so]
    return not_known(form, InferenceForm) + names


def _answerer(asked: InferenceForm, form: Form) -> Callable[[Transcript], Response]:
    ignored = _ignored(asked, form)

    def answer(transcript: Transcript) -> Response:
        headers = extra_headers(transcript, ignored)
        match asked.response_format:
            case "json":
                found = Inference(text=_text(transcript), x_malgwi=extras(transcript, ignored))
                return JSONResponse(found.model_dump(), headers=headers)
            case "verbose_json":
                return JSONResponse(_verbose(transcript, asked, ignored), headers=headers)
            case "text":
                return PlainTextResponse(_text(transcript), headers=headers)
            case kind:
                body = rendered(transcript, kind)
                return PlainTextResponse(body, headers=headers, media_type=_KINDS[kind])

    return answer


def _text(transcript: Transcript) -> str:
    """A line a segment, with a space before each."""
    return "".join(f" {each.text}\n" for each in spoken(transcript.utterances))


def _verbose(
    transcript: Transcript, asked: InferenceForm, ignored: Sequence[str]
) -> dict[str, Any]:
    main = main_language(transcript)
    answer = VerboseInference(
        task=asked.task,
        language=name_of(main),
        duration=seconds(transcript.duration),
        text=_text(transcript),
        segments=segments_with_words(transcript),
        x_malgwi=extras(transcript, ignored),
    )
    told = _detected(transcript.channels, main)
    if told and not asked.no_language_probabilities:
        _set_detected(answer, told.language or "", told.language_probability)
    said = answer.model_dump(exclude_unset=True)
    said["segments"] = [_segment(each, asked.no_timestamps) for each in said["segments"]]
    return said


def _segment(segment: dict[str, Any], no_timestamps: bool) -> dict[str, Any]:
    if not no_timestamps:
        return {**segment, "words": [{**word, "t_dtw": -1} for word in segment["words"]]}
    words = [_without_times(word) for word in segment["words"]]
    return {**_without_times(segment), "words": words}


def _without_times(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name not in ("start", "end")}


def _detected(channels: Sequence[Channel], main: str | None) -> Channel | None:
    """The channel that the main language was detected on; None where it was given."""
    detected = [each for each in channels if each.language_probability is not None]
    return next((each for each in detected if each.language == main), None)


def _set_detected(answer: VerboseInference, code: str, sure: float | None) -> None:
    answer.detected_language = name_of(code)
    answer.detected_language_probability = probability(sure)
    answer.language_probabilities = {code: probability(sure)}


def _language_only(asked: InferenceForm, guesses: Sequence[LanguageGuess]) -> Response:
    best = max(guesses, key=lambda guess: guess.probability)
    answer = VerboseInference(
        task=asked.task, language=name_of(best.language), duration=None, text="", segments=[]
    )
    if not asked.no_language_probabilities:
        _set_detected(answer, best.language, best.probability)
    if asked.response_format in ("json", "verbose_json"):
        return JSONResponse(answer.model_dump(exclude_unset=True))
    return PlainTextResponse("", media_type=_KINDS[asked.response_format])

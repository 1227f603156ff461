"""OpenAI's dialect: transcriptions, translations and models, as its own SDKs speak it.

form      the fields of a request
answers   a transcript as json and verbose_json, and errors
events    a transcript as it is made
models    what can be asked for
"""

from collections.abc import AsyncGenerator, Callable
from threading import Event
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from malgwi.apps.transcription.dialects.doors import Doors
from malgwi.apps.transcription.dialects.extras import extra_headers
from malgwi.apps.transcription.dialects.openai.answers import (
    Refusal,
    Transcription,
    VerboseTranscription,
    shape,
    transcription,
    verbose_transcription,
)
from malgwi.apps.transcription.dialects.openai.events import Deltas, done, event_stream
from malgwi.apps.transcription.dialects.openai.form import (
    Asked,
    TranscriptionForm,
    TranslationForm,
    asked_transcription,
    asked_translation,
)
from malgwi.apps.transcription.dialects.openai.models import add_model_routes
from malgwi.apps.transcription.dialects.reception import (
    UNNAMED,
    form_reader,
    lane_of,
    transcribed,
    upload_in,
)
from malgwi.apps.transcription.dialects.refusals import Unsupported, refusals
from malgwi.apps.transcription.dialects.spoken import rendered, text_of
from malgwi.gateway import Form, Upload, form_openapi
from malgwi.types import Transcript

__all__ = ["router", "shape"]

_TEXT: dict[str, Any] = {"text/plain": {"schema": {"type": "string"}}}
_EVENTS: dict[str, Any] = {"text/event-stream": {"schema": {"type": "string"}}}
_ANSWER: dict[str, Any] = {"model": Transcription | VerboseTranscription}


def router(doors: Doors) -> APIRouter:
    routes = APIRouter(tags=["OpenAI"], responses=refusals(Refusal))
    received = form_reader(doors)

    @routes.post(
        "/v1/audio/transcriptions",
        responses={200: {**_ANSWER, "content": {**_TEXT, **_EVENTS}}},
        openapi_extra=form_openapi(TranscriptionForm),
    )
    async def transcriptions(
        request: Request, form: Annotated[Form, Depends(received)]
    ) -> Response:
        """What was said, in its own language."""
        try:
            asked = asked_transcription(form, lane_of(request))
        except Unsupported as refusal:
            return shape(refusal.answer)
        upload = upload_in(form, "file")
        if asked.stream:
            return await _streamed(doors, request, upload, asked)
        return await transcribed(doors, request, upload, asked.wanted, _answerer(asked))

    @routes.post(
        "/v1/audio/translations",
        responses={200: {**_ANSWER, "content": _TEXT}},
        openapi_extra=form_openapi(TranslationForm),
    )
    async def translations(request: Request, form: Annotated[Form, Depends(received)]) -> Response:
        """What was said, in English."""
        asked = asked_translation(form, lane_of(request))
        upload = upload_in(form, "file")
        return await transcribed(doors, request, upload, asked.wanted, _answerer(asked))

    add_model_routes(routes, doors)
    return routes


def _answerer(asked: Asked) -> Callable[[Transcript], Response]:
    shown, ignored = asked.shown, asked.ignored

    def answer(transcript: Transcript) -> Response:
        headers = extra_headers(transcript, ignored)
        match shown.format:
            case "json":
                return _json(transcription(transcript, shown, ignored), headers)
            case "verbose_json":
                return _json(verbose_transcription(transcript, shown, ignored), headers)
            case "text":
                return PlainTextResponse(f"{text_of(transcript)}\n", headers=headers)
            case subtitles:
                return PlainTextResponse(rendered(transcript, subtitles), headers=headers)

    return answer


def _json(answer: BaseModel, headers: dict[str, str]) -> Response:
    body = answer.model_dump_json(exclude_unset=True)
    return Response(body, media_type="application/json", headers=headers)


async def _streamed(doors: Doors, request: Request, upload: Upload, asked: Asked) -> Response:
    def work(stop: Event, put: Callable[[BaseModel], None]) -> None:
        deltas = Deltas(put, asked.shown)
        name = upload.name or UNNAMED
        transcript = doors.service.transcribe(upload.path, name, asked.wanted, stop, deltas.push)
        put(done(transcript, asked.shown, asked.ignored))

    events = cast(AsyncGenerator[BaseModel], doors.crossing.stream(request, work))
    return await event_stream(events)

"""The dialect of whisper-asr-webservice: /asr and /detect-language, as Bazarr and Speakr use it."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel

from malgwi.apps.transcription.dialects.bare_sound import with_header
from malgwi.apps.transcription.dialects.doors import Doors
from malgwi.apps.transcription.dialects.extras import extra_headers, extras
from malgwi.apps.transcription.dialects.languages import name_of, wanted_language
from malgwi.apps.transcription.dialects.reception import (
    UNNAMED,
    form_reader,
    lane_of,
    not_known,
    query_of,
    query_openapi,
    transcribed,
    upload_in,
)
from malgwi.apps.transcription.dialects.refusals import Unsupported, refusals
from malgwi.apps.transcription.dialects.segments import segments_of, segments_with_words
from malgwi.apps.transcription.dialects.spoken import (
    lines_of,
    main_language,
    rendered,
    spoken,
    text_of,
)
from malgwi.apps.transcription.service import Wanted
from malgwi.gateway import Answer, Form, FormModel, Upload, form_openapi, read_form
from malgwi.types import Transcript

Output = Literal["txt", "vtt", "srt", "tsv", "json"]


class AsrQuery(FormModel):
    """The query of /asr."""

    encode: bool = True
    """False where the file is bare samples: 16 kHz, one channel, 16 bits."""
    task: Literal["transcribe", "translate"] = "transcribe"
    language: str = ""
    """Code or English name; empty to detect it."""
    initial_prompt: str = ""
    vad_filter: bool = True
    """Speech is looked for in any case."""
    word_timestamps: bool = False
    output: Output = "txt"
    diarize: bool = False


class DetectQuery(FormModel):
    """The query of /detect-language."""

    encode: bool = True
    """As in /asr."""


class AudioForm(FormModel):
    """Nothing but the file."""


class ChannelLanguage(BaseModel):
    """What a channel is spoken in."""

    index: int
    language_code: str
    confidence: float


class DetectedExtras(BaseModel):
    """All channels."""

    channels: list[ChannelLanguage]


class Detected(BaseModel):
    """Of the channel on which the language is surest."""

    detected_language: str
    language_code: str
    confidence: float
    x_malgwi: DetectedExtras


class Refusal(BaseModel):
    """Every error."""

    detail: str


_FILE = "audio_file"


def router(doors: Doors) -> APIRouter:
    routes = APIRouter(tags=["whisper-asr-webservice"], responses=refusals(Refusal))
    received = form_reader(doors)

    @routes.post(
        "/asr",
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
        openapi_extra={**form_openapi(AudioForm, _FILE), "parameters": query_openapi(AsrQuery)},
    )
    async def asr(request: Request, form: Annotated[Form, Depends(received)]) -> Response:
        """What was said, as a file of the output that is asked for."""
        query = query_of(request)
        asked = read_form(AsrQuery, query)
        if asked.diarize:
            raise Unsupported("diarize", "Speakers cannot be told apart yet. Leave diarize out.")
        ignored = not_known(query, AsrQuery) + ([] if asked.vad_filter else ["vad_filter"])
        async with _sound(doors, form, asked.encode) as upload:
            answer = _answerer(asked, upload.name, ignored)
            return await transcribed(doors, request, upload, _wanted(asked, request), answer)

    @routes.post(
        "/detect-language",
        responses={200: {"model": Detected}},
        openapi_extra={**form_openapi(AudioForm, _FILE), "parameters": query_openapi(DetectQuery)},
    )
    async def detect_language(
        request: Request, form: Annotated[Form, Depends(received)]
    ) -> Response:
        """The language of each channel, told from its first half minute."""
        asked = read_form(DetectQuery, query_of(request))
        async with _sound(doors, form, asked.encode) as upload:
            found = await _detected(doors, request, upload)
        return JSONResponse(found.model_dump())

    return routes


def shape(answer: Answer) -> Response:
    """An error, as FastAPI says it, on which that service is built."""
    return JSONResponse(Refusal(detail=answer.message).model_dump(), answer.status)


@asynccontextmanager
async def _sound(doors: Doors, form: Form, encode: bool) -> AsyncIterator[Upload]:
    upload = upload_in(form, _FILE)
    if encode:
        yield upload
        return
    async with with_header(doors, upload) as whole:
        yield whole


def _wanted(asked: AsrQuery, request: Request) -> Wanted:
    language = wanted_language(asked.language)
    return Wanted(
        languages=[language] if language else (),
        task=asked.task,
        prompt=asked.initial_prompt,
        lane=lane_of(request),
    )


async def _detected(doors: Doors, request: Request, upload: Upload) -> Detected:
    name, wanted = upload.name or UNNAMED, Wanted(lane=lane_of(request))
    guesses = await doors.crossing.run(
        request, lambda stop: doors.service.detect_language(upload.path, name, wanted, stop)
    )
    best = max(guesses, key=lambda guess: guess.probability)
    return Detected(
        detected_language=name_of(best.language) or best.language,
        language_code=best.language,
        confidence=best.probability,
        x_malgwi=DetectedExtras(
            channels=[
                ChannelLanguage(
                    index=index, language_code=guess.language, confidence=guess.probability
                )
                for index, guess in enumerate(guesses)
            ]
        ),
    )


def _answerer(
    asked: AsrQuery, name: str, ignored: Sequence[str]
) -> Callable[[Transcript], Response]:
    def answer(transcript: Transcript) -> Response:
        headers = {
            **extra_headers(transcript, ignored),
            "Asr-Engine": transcript.engine.name,
            "Content-Disposition": f'attachment; filename="{quote(name)}.{asked.output}"',
        }
        return PlainTextResponse(_body(transcript, asked, ignored), headers=headers)

    return answer


def _body(transcript: Transcript, asked: AsrQuery, ignored: Sequence[str]) -> str:
    match asked.output:
        case "txt":
            return "".join(f"{line}\n" for line in lines_of(transcript))
        case "tsv":
            return _tsv(transcript)
        case "json":
            return json.dumps(_json(transcript, asked, ignored), ensure_ascii=False)
        case subtitles:
            return rendered(transcript, subtitles)


def _tsv(transcript: Transcript) -> str:
    rows = zip(spoken(transcript.utterances), lines_of(transcript), strict=True)
    lines = (
        f"{round(each.span.start * 1000)}\t{round(each.span.end * 1000)}\t{line}\n"
        for each, line in rows
    )
    return "start\tend\ttext\n" + "".join(lines)


def _json(transcript: Transcript, asked: AsrQuery, ignored: Sequence[str]) -> dict[str, Any]:
    found = segments_with_words(transcript) if asked.word_timestamps else segments_of(transcript)
    return {
        "language": main_language(transcript),
        "text": text_of(transcript),
        "segments": [each.model_dump() for each in found],
        "x_malgwi": extras(transcript, ignored).model_dump(),
    }

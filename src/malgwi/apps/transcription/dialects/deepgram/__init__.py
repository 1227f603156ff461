"""Deepgram's dialect: /v1/listen for recordings, a result a channel.

query     what is asked for
answers   what was said
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import file_digest
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from malgwi import logs
from malgwi.apps.transcription.dialects.bare_sound import with_header
from malgwi.apps.transcription.dialects.deepgram.answers import Listened, Refusal, listened
from malgwi.apps.transcription.dialects.deepgram.answers import shape as shape_with_id
from malgwi.apps.transcription.dialects.deepgram.query import Asked, ListenQuery, asked_of
from malgwi.apps.transcription.dialects.doors import Doors
from malgwi.apps.transcription.dialects.extras import extra_headers
from malgwi.apps.transcription.dialects.reception import (
    body_reader,
    lane_of,
    query_of,
    query_openapi,
    transcribed,
)
from malgwi.apps.transcription.dialects.refusals import refusals
from malgwi.errors import BadOption, TooLarge
from malgwi.gateway import Answer, Upload
from malgwi.types import Transcript

__all__ = ["router", "shape"]

_LONGEST = 64 * 1024  # bytes of JSON around an address
_SOUND = {"schema": {"type": "string", "format": "binary"}}
_ADDRESS = {
    "schema": {
        "type": "object",
        "properties": {"url": {"type": "string", "format": "uri"}},
        "required": ["url"],
    }
}
_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/octet-stream": _SOUND,
        "audio/*": _SOUND,
        "application/json": _ADDRESS,
    },
}


def router(doors: Doors) -> APIRouter:
    routes = APIRouter(tags=["Deepgram"], responses=refusals(Refusal))
    received = body_reader(doors)

    @routes.post(
        "/v1/listen",
        responses={200: {"model": Listened}},
        openapi_extra={"parameters": query_openapi(ListenQuery), "requestBody": _BODY},
    )
    async def listen(request: Request, body: Annotated[Upload, Depends(received)]) -> Response:
        """What was said in the body, or at the address in it."""
        asked = asked_of(query_of(request), lane_of(request))
        async with (
            _recording(doors, request, body) as recording,
            _with_header(doors, recording, asked) as upload,
        ):

            def answer(transcript: Transcript) -> Response:
                found = listened(transcript, asked, _digest(recording.path), _request_id())
                text = found.model_dump_json(exclude_unset=True)
                headers = extra_headers(transcript, asked.ignored)
                return Response(text, media_type="application/json", headers=headers)

            return await transcribed(doors, request, upload, asked.wanted, answer)

    return routes


def shape(answer: Answer) -> Response:
    """An error, as Deepgram says it."""
    return shape_with_id(answer, _request_id())


@asynccontextmanager
async def _recording(doors: Doors, request: Request, body: Upload) -> AsyncIterator[Upload]:
    """The body, or what is at the address in it."""
    if body.content_type.partition(";")[0].strip().lower() != "application/json":
        yield body
        return
    address = await doors.crossing.briefly(lambda: _address(body))
    async with doors.fetch(request, address) as fetched:
        yield fetched


@asynccontextmanager
async def _with_header(doors: Doors, upload: Upload, asked: Asked) -> AsyncIterator[Upload]:
    if not asked.query.encoding:
        yield upload
        return
    async with with_header(doors, upload, asked.query.sample_rate, asked.query.channels) as whole:
        yield whole


def _address(body: Upload) -> str:
    if body.size > _LONGEST:
        raise TooLarge("The JSON is too large: it has a url, and nothing else.")
    try:
        said = json.loads(body.path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BadOption("The body is said to be JSON, and is not.") from error
    address = said.get("url") if isinstance(said, dict) else None
    if not isinstance(address, str):
        raise BadOption('The JSON must be {"url": ...} with the address of a recording.')
    return address


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _request_id() -> str:
    return logs.request_id.get() or ""

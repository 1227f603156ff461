"""/v1/recordings/{id}/sound: a piece of a recording to be played, all channels on one clock."""

import hashlib
import struct
from collections.abc import Sequence
from threading import Event
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Header, Query, Request, Response

from malgwi.apps.transcription.api.access import SCHEMES, Viewer
from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.problems import problems
from malgwi.audio import Excerpt
from malgwi.errors import NotFound
from malgwi.gateway import Answer, BadField, Refusal
from malgwi.store import Recording
from malgwi.types import SAMPLE_RATE, Block

_TYPE = "audio/wav"
_FULL_SCALE = 32768
_LONGEST = 30.0  # seconds a piece
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
    304: {"description": "It is the one that `If-None-Match` names."},
    416: {"description": "The recording ends before."},
}

Start = Annotated[float, Query(ge=0, le=1e6, allow_inf_nan=False, examples=[6600.0])]
"""Seconds from the start of the recording."""
Length = Annotated[float, Query(gt=0, le=_LONGEST, allow_inf_nan=False, examples=[5.0])]
Channels = Annotated[
    str | None, Query(pattern=r"^[0-9]{1,2}(,[0-9]{1,2}){0,63}$", examples=["0,3"])
]
"""Which, in that order; all where it is left out. They count from 0."""


def router(doors: ApiDoors) -> APIRouter:
    routes = APIRouter(
        tags=["recordings"], responses={**problems(), **_RESPONSES}, dependencies=SCHEMES
    )

    @routes.get("/v1/recordings/{recording_id}/sound", response_class=Response)
    async def read_sound(  # noqa: PLR0913 - a route has as many parameters
        *,
        caller: Viewer,
        request: Request,
        recording_id: str,
        seconds: Length,
        start: Start = 0.0,
        channels: Channels = None,
        known: Annotated[str | None, Header(alias="If-None-Match", max_length=500)] = None,
    ) -> Response:
        """A piece as WAV, 16 kHz, 16 bits, channels interleaved. Pieces join sample by sample; at
        the end of the recording there is less, and behind it 416."""
        first, end = round(start * SAMPLE_RATE), round((start + seconds) * SAMPLE_RATE)
        wanted = None if channels is None else [int(each) for each in channels.split(",")]

        def work(stop: Event) -> Response:
            recording = doors.store.recording(recording_id)
            tag = _tag(recording, first, end, channels)
            headers = {"etag": tag, "cache-control": "private, no-cache"}
            if known is not None and tag in known:
                return Response(status_code=304, headers=headers)
            if not recording.media:
                raise NotFound(f"Recording {recording_id} has no sound.")
            files = [(doors.store.media_path(part.sha256), part.offset) for part in recording.media]
            content = _wav(doors.listen(files, first, end, stop), wanted)
            if content is None:
                raise Refusal(Answer(416, "past_the_end", _past(recording, start), param="start"))
            return Response(content, media_type=_TYPE, headers=headers)

        return await doors.crossing.run(request, work)

    return routes


def _wav(excerpt: Excerpt, wanted: Sequence[int] | None) -> bytes | None:
    """None where there is no sound any more. Raises BadField."""
    chosen = list(range(excerpt.channels)) if wanted is None else wanted
    if max(chosen) >= excerpt.channels:
        raise BadField("channels", f"there are {excerpt.channels}, and they count from 0")
    sound = bytearray()
    for block in excerpt.blocks:
        sound += _interleaved(block, chosen)
    return _header(len(chosen), len(sound)) + sound if sound else None


def _past(recording: Recording, start: float) -> str:
    return f"Recording {recording.id} ends before {start:g} s."


def _interleaved(block: Block, channels: Sequence[int]) -> bytes:
    """What was stored in 16 bits at our rate is that again."""
    scaled = np.rint(block.samples[channels].T * _FULL_SCALE)
    return np.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1).astype("<i2").tobytes()


def _header(channels: int, size: int) -> bytes:
    frame = 2 * channels
    layout = struct.pack("<HHIIHH", 1, channels, SAMPLE_RATE, SAMPLE_RATE * frame, frame, 16)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + size)
        + b"WAVEfmt \x10\0\0\0"
        + layout
        + b"data"
        + (struct.pack("<I", size))
    )


def _tag(recording: Recording, first: int, end: int, channels: str | None) -> str:
    """Weak, as two decodings may differ by what rounding makes of them."""
    media = [(part.sha256, part.offset) for part in recording.media]
    content = repr((media, first, end, channels)).encode()
    return f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'

"""Sound as it came, any part of it: /v1/recordings/{id}/media/{position}, /v1/media/{sha256}."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import FileResponse

from malgwi.apps.transcription.api.access import SCHEMES, Viewer
from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.file_names import disposition
from malgwi.apps.transcription.api.problems import problems
from malgwi.apps.transcription.api.ranges import AnyPart
from malgwi.errors import NotFound

_PATH = "/v1/recordings/{recording_id}/media/{position}"
_BY_SUM = "/v1/media/{sha256}"
_ANYTHING = "application/octet-stream"
_SOUND = ("audio/", "video/")
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {_ANYTHING: {"schema": {"type": "string", "format": "binary"}}}},
    206: {"description": "The part that the header Range asks for."},
}

Position = Annotated[int, Path(ge=0, lt=2**15)]
Sum = Annotated[str, Path(pattern="^[0-9a-f]{64}$", examples=["e3b0c442" * 8])]


def router(doors: ApiDoors) -> APIRouter:
    routes = APIRouter(
        tags=["recordings"], responses={**problems(416), **_RESPONSES}, dependencies=SCHEMES
    )

    @routes.get(_PATH, response_class=FileResponse)
    def read_media(caller: Viewer, recording_id: str, position: Position) -> FileResponse:
        """A file of the recording, as it came. Parts of it by the header Range."""
        return _file(doors, recording_id, position)

    @routes.head(_PATH, response_class=FileResponse)
    def look_at_media(caller: Viewer, recording_id: str, position: Position) -> FileResponse:
        """What GET would send, without the sound."""
        return _file(doors, recording_id, position)

    @routes.get(_BY_SUM, response_class=FileResponse)
    def read_media_by_sum(caller: Viewer, sha256: Sum) -> FileResponse:
        """A file of any recording by its SHA-256, as workers on other nodes fetch it."""
        kept = doors.store.media(sha256)
        path = doors.store.media_path(kept.sha256)
        return AnyPart(path, headers={"etag": f'"{sha256}"'}, media_type=_ANYTHING)

    return routes


def _file(doors: ApiDoors, recording_id: str, position: int) -> FileResponse:
    parts = doors.store.recording(recording_id).media
    if position >= len(parts):
        raise NotFound(f"Recording {recording_id} has {len(parts)} files; they count from 0.")
    part = parts[position]
    media = doors.store.media(part.sha256)
    headers = {"content-disposition": disposition("inline", part.name), "etag": f'"{part.sha256}"'}
    return AnyPart(
        doors.store.media_path(part.sha256), headers=headers, media_type=_type(media.content_type)
    )


def _type(said: str | None) -> str:
    """What the sender said, if a browser would play it: anything else it might run."""
    kind = (said or "").partition(";")[0].strip().lower()
    plain = kind.isascii() and kind.replace("/", "").replace("-", "").replace(".", "").isalnum()
    return kind if plain and kind.startswith(_SOUND) else _ANYTHING

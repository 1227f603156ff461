"""/v1/exports/{format}: a transcript as a file."""

from collections.abc import AsyncIterator
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import FileResponse

from malgwi.apps.transcription.api.access import SCHEMES, Viewer
from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.fields import ChannelIndex, RevisionNumber
from malgwi.apps.transcription.api.file_names import disposition
from malgwi.apps.transcription.api.kept import Kept, kept
from malgwi.apps.transcription.api.problems import problems
from malgwi.apps.transcription.api.ranges import AnyPart
from malgwi.apps.transcription.formats import FORMATS, Format
from malgwi.errors import OutputError

TYPES = {
    "json": "application/json",
    "srt": "application/x-subrip; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "rttm": "text/plain; charset=utf-8",
    "ctm": "text/plain; charset=utf-8",
}
"""By the name of the format."""

_ANY = {"schema": {"type": "string", "format": "binary"}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": dict.fromkeys((each.partition(";")[0] for each in TYPES.values()), _ANY)}
}

FormatName = Literal["json", "srt", "vtt", "txt", "csv", "docx", "rttm", "ctm"]


def router(doors: ApiDoors) -> APIRouter:
    routes = APIRouter(
        tags=["exports"], responses={**problems(416), **_RESPONSES}, dependencies=SCHEMES
    )

    async def place(caller: Viewer) -> AsyncIterator[Path]:
        """It is there until the answer is out."""
        async with doors.spool.place() as path:
            yield path

    @routes.get("/v1/exports/{format}", response_class=FileResponse)
    def export_transcript(  # noqa: PLR0913 - a parameter each
        caller: Viewer,
        *,
        path: Annotated[Path, Depends(place)],
        format: FormatName,
        transcript: Annotated[str, Query(max_length=100)],
        revision: Annotated[RevisionNumber | None, Query()] = None,
        channel: Annotated[ChannelIndex | None, Query()] = None,
    ) -> FileResponse:
        """All channels in one, or one of them, as a file: docs/reference/formats.md."""
        found = kept(doors.store, transcript, revision, channel)
        _write(FORMATS[format], found, path)
        name = _name(doors, found, channel, format)
        headers = {
            "content-disposition": disposition("attachment", name),
            "x-malgwi-revision": str(found.number),
        }
        return AnyPart(path, headers=headers, media_type=TYPES[format])

    return routes


def _write(format: Format, found: Kept, path: Path) -> None:
    try:
        if format.encoding is None:
            with path.open("wb") as binary:
                format.write(found.transcript, binary)
        else:
            with path.open("w", encoding=format.encoding, newline="", errors="replace") as text:
                format.write(found.transcript, text)
    except OSError as error:
        raise OutputError("There is no room left here to write the file. Try again.") from error


def _name(doors: ApiDoors, found: Kept, channel: int | None, ending: str) -> str:
    stem = PurePath(doors.store.recording(found.record.recording_id).name).stem
    part = "" if channel is None else f" {found.transcript.channels[0].label}"
    return f"{stem}{part}.{ending}"

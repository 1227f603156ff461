"""/v1/uploads: recordings in pieces, resumable after any break: tus 1.0.0, https://tus.io/protocols.

The core and the extensions creation, termination, expiration and checksum. A finished upload
becomes a recording with a job, as if it had come in one piece; one that is a part waits until
`POST /v1/recordings` makes one recording of several. What was received and counted survives a
kill of the service; at most a stretch is sent again.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from malgwi.apps.transcription.api import tus, whole
from malgwi.apps.transcription.api.access import SCHEMES, Caller, Editor
from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.file_names import bare
from malgwi.apps.transcription.api.intake import check
from malgwi.apps.transcription.api.pieces import Piece
from malgwi.apps.transcription.api.problems import problems
from malgwi.errors import Overloaded
from malgwi.gateway import BadField
from malgwi.store import PendingUpload, Writing

_BASE = "/v1/uploads"

AskedKey = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]


class UploadOut(BaseModel):
    """How far an upload is."""

    id: str
    name: str
    size: int
    received: int
    created: datetime
    expires: datetime
    recording: str | None
    """Its id, once it is one, or part of one."""


@dataclass(frozen=True, slots=True)
class _Desk:
    """What the routes share."""

    doors: ApiDoors
    turns: asyncio.Semaphore

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """As many are received at once as the limits say. Raises Overloaded."""
        limits = self.doors.limits
        try:
            async with asyncio.timeout(limits.turn):
                await self.turns.acquire()
        except TimeoutError as error:
            raise Overloaded(
                f"{limits.uploads} uploads are being received, the most at a time.",
                tus.RETRY_AFTER,
            ) from error
        try:
            yield
        finally:
            self.turns.release()


def router(doors: ApiDoors) -> APIRouter:
    routes = APIRouter(
        prefix=_BASE,
        tags=["uploads"],
        responses=problems(412, 415, 423, 460),
        dependencies=SCHEMES,
    )
    desk = _Desk(doors, asyncio.Semaphore(doors.limits.uploads))

    @routes.options("", status_code=204)
    @routes.options("/{upload_id}", status_code=204, include_in_schema=False)
    async def upload_options() -> Response:
        """Which protocol is spoken here."""
        headers = {
            "tus-version": tus.VERSION,
            "tus-extension": tus.EXTENSIONS,
            "tus-max-size": str(doors.limits.upload_bytes),
            "tus-checksum-algorithm": ",".join(tus.HASHES),
        }
        return tus.answer(204, headers)

    @routes.post("", status_code=201, response_class=Response)
    async def begin_upload(
        caller: Editor,
        *,
        version: tus.Version = None,
        length: tus.Length = None,
        said: tus.Said = None,
        idempotency_key: AskedKey = None,
    ) -> Response:
        """Announce an upload; `Location` says where its pieces go. `Upload-Metadata` takes
        `filename`, `filetype` and the fields of `POST /v1/recordings`, lists as JSON; or `part`
        as `true`, and it waits until that request makes one recording of several."""
        tus.check_version(version)
        size = tus.size(length, doors.limits.upload_bytes)
        fields = tus.metadata(said or "")
        metadata = {"said": said or "", "asked": idempotency_key, "part": _is_part(fields)}
        if not metadata["part"]:
            check(doors, whole.described(fields), 1)
        name = bare(fields.get("filename", "")) or bare(fields.get("name", "")) or "upload"
        pending = await doors.crossing.briefly(
            lambda: doors.uploads.begin(
                size, name, fields.get("filetype") or None, metadata, caller.id
            )
        )
        headers = {"location": f"{_BASE}/{pending.id}", **tus.expires(pending)}
        return tus.answer(201, headers)

    @routes.head("/{upload_id}", response_class=Response)
    async def upload_offset(
        caller: Editor, upload_id: str, version: tus.Version = None
    ) -> Response:
        """How much of it is here: go on from `Upload-Offset`."""
        tus.check_version(version)
        pending = await doors.crossing.briefly(lambda: _look(doors, caller, upload_id))
        said = str(pending.metadata.get("said", ""))
        headers = {
            **tus.progress(pending),
            "upload-length": str(pending.size),
            "cache-control": "no-store",
            **({"upload-metadata": said} if said else {}),
        }
        return tus.answer(200, headers)

    @routes.get("/{upload_id}")
    async def read_upload(caller: Editor, upload_id: str) -> UploadOut:
        """How far it is, as JSON, and which recording it has become."""
        pending = await doors.crossing.briefly(lambda: _look(doors, caller, upload_id))
        return UploadOut(
            id=pending.id,
            name=pending.name,
            size=pending.size,
            received=pending.received,
            created=pending.created,
            expires=pending.expires,
            recording=pending.recording_id,
        )

    @routes.patch(
        "/{upload_id}",
        status_code=204,
        openapi_extra=_piece_openapi(),
    )
    async def send_piece(  # noqa: PLR0913 - a header each
        caller: Editor,
        request: Request,
        upload_id: str,
        *,
        version: tus.Version = None,
        offset: tus.Offset = None,
        checksum: tus.Checksum = None,
    ) -> Response:
        """The next piece. What came of one that breaks off is kept, unless it has a checksum."""
        tus.check_version(version)
        return await _send(desk, caller, request, upload_id, offset=offset, checksum=checksum)

    @routes.delete("/{upload_id}", status_code=204)
    async def drop_upload(caller: Editor, upload_id: str, version: tus.Version = None) -> Response:
        """It is not wanted any more. A recording that it has become stays."""
        tus.check_version(version)
        return await _drop(doors, caller, upload_id)

    @routes.post("/{upload_id}", include_in_schema=False)
    async def overridden(caller: Editor, request: Request, upload_id: str) -> Response:
        """For clients that know no PATCH and no DELETE: they say which one they mean."""
        headers = request.headers
        meant = headers.get("x-http-method-override", "").upper()
        if meant not in ("PATCH", "DELETE"):
            raise HTTPException(405)
        tus.check_version(headers.get("tus-resumable"))
        if meant == "DELETE":
            return await _drop(doors, caller, upload_id)
        offset, checksum = headers.get("upload-offset"), headers.get("upload-checksum")
        return await _send(desk, caller, request, upload_id, offset=offset, checksum=checksum)

    return routes


def _is_part(fields: Mapping[str, str]) -> bool:
    part = fields.get("part", "false")
    if part not in ("true", "false"):
        raise BadField("part", "it is true or false")
    return part == "true"


def _look(doors: ApiDoors, caller: Caller, upload_id: str) -> PendingUpload:
    """As it is; one that is whole becomes a recording, if a kill came before it did."""
    pending = whole.find(doors, caller, upload_id)
    return whole.complete(doors, pending) if _is_due(pending) else pending


def _is_due(pending: PendingUpload) -> bool:
    return pending.whole and not pending.done and not whole.is_part(pending)


async def _drop(doors: ApiDoors, caller: Caller, upload_id: str) -> Response:
    def work() -> None:
        whole.find(doors, caller, upload_id)
        doors.uploads.remove(upload_id)

    await doors.crossing.briefly(work)
    return tus.answer(204)


async def _send(  # noqa: PLR0913 - a header each
    desk: _Desk,
    caller: Caller,
    request: Request,
    upload_id: str,
    *,
    offset: str | None,
    checksum: str | None,
) -> Response:
    if request.headers.get("content-type", "").strip().lower() != tus.PIECE:
        raise tus.refused(415, "unsupported_media_type", f"A piece is sent as {tus.PIECE}.")
    expected = tus.digest(checksum)
    begins_at = tus.number("Upload-Offset", offset)
    doors = desk.doors
    async with desk.turn():
        with ExitStack() as open_things:

            def begin() -> Writing | None:
                pending = whole.find(doors, caller, upload_id)
                tus.check_offset(pending, begins_at)
                if pending.done:
                    raise tus.refused(409, "complete", "All of the upload is here already.")
                return open_things.enter_context(doors.uploads.writing(upload_id))

            writing = await doors.crossing.briefly(begin)
            if writing is None:
                message = "Another request is sending to this upload."
                raise tus.refused(423, "locked", message, tus.RETRY_AFTER)
            tus.check_offset(writing.pending, begins_at)
            piece = Piece(doors, writing, expected)
            await piece.receive(request)
            pending = writing.pending
    if _is_due(pending):
        pending = await doors.crossing.run(request, lambda _: whole.complete(doors, pending))
    return tus.answer(204, tus.progress(pending))


def _piece_openapi() -> dict[str, Any]:
    schema = {"type": "string", "format": "binary"}
    return {"requestBody": {"required": True, "content": {tus.PIECE: {"schema": schema}}}}

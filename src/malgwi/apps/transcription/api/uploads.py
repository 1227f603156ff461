"""/v1/uploads: recordings in pieces, resumable after any break: tus 1.0.0, https://tus.io/protocols.

The core and the extensions creation, termination, expiration and checksum. A finished upload
becomes a recording with a job, as if it had come in one piece. What was received and counted
survives a kill of the service; at most a stretch of `_STRETCH` is sent again.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import re
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from malgwi.apps.transcription.api import problems as shapes
from malgwi.apps.transcription.api.access import SCHEMES, Caller, Editor
from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.file_names import bare
from malgwi.apps.transcription.api.intake import Arrived, Described, TakenIn, check, take_in
from malgwi.errors import Cancelled, MalgwiError, NotFound, Overloaded, TooLarge
from malgwi.gateway import Answer, BadField, Refusal, read_form
from malgwi.store import PendingUpload, Role, Source, Writing

VERSION = "1.0.0"
_EXTENSIONS = "creation,termination,expiration,checksum"
_HASHES = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}  # sha1 is what every client knows
_PIECE = "application/offset+octet-stream"
_BUFFER = 1024 * 1024  # bytes that are gathered before a thread writes them
_STRETCH = 16 * 1024 * 1024  # bytes after which what came is brought to disk, and counts
_RETRY_AFTER = 5  # seconds
_BASE = "/v1/uploads"
_KEY = re.compile(r"[^\s,]{1,100}")
_LISTS = ("labels", "channel_labels", "offsets", "languages")

logger = logging.getLogger(__name__)

TusVersion = Annotated[str | None, Header(alias="Tus-Resumable", examples=[VERSION])]
Length = Annotated[str | None, Header(alias="Upload-Length", examples=["115200044"])]
Said = Annotated[
    str | None,
    Header(alias="Upload-Metadata", examples=["filename cmFkaW8ud2F2,labels WyJyYWRpbyJd"]),
]
Offset = Annotated[str | None, Header(alias="Upload-Offset", examples=["0"])]
Checksum = Annotated[str | None, Header(alias="Upload-Checksum")]
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
    """Its id, once it is one."""


@dataclass(frozen=True, slots=True)
class _Tus:
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
                f"{limits.uploads} uploads are being received, the most at a time.", _RETRY_AFTER
            ) from error
        try:
            yield
        finally:
            self.turns.release()

    def find(self, caller: Caller, upload_id: str) -> PendingUpload:
        """Raises NotFound, for another's as well: who does not know of it need not hear of it."""
        pending = self.doors.uploads.find(upload_id)
        if caller.role is not Role.ADMIN and pending.owner != caller.id:
            raise NotFound(f"There is no upload {upload_id}.")
        return pending


def router(doors: ApiDoors) -> APIRouter:
    routes = APIRouter(
        prefix=_BASE,
        tags=["uploads"],
        responses=shapes.problems(412, 415, 423, 460),
        dependencies=SCHEMES,
    )
    tus = _Tus(doors, asyncio.Semaphore(doors.limits.uploads))

    @routes.options("", status_code=204)
    @routes.options("/{upload_id}", status_code=204, include_in_schema=False)
    async def upload_options() -> Response:
        """Which protocol is spoken here."""
        headers = {
            "tus-version": VERSION,
            "tus-extension": _EXTENSIONS,
            "tus-max-size": str(doors.limits.upload_bytes),
            "tus-checksum-algorithm": ",".join(_HASHES),
        }
        return _answer(204, headers)

    @routes.post("", status_code=201, response_class=Response)
    async def begin_upload(
        caller: Editor,
        *,
        version: TusVersion = None,
        length: Length = None,
        said: Said = None,
        idempotency_key: AskedKey = None,
    ) -> Response:
        """Announce an upload; `Location` says where its pieces go. `Upload-Metadata` takes
        `filename`, `filetype` and the fields of `POST /v1/recordings`, lists as JSON."""
        _check_version(version)
        size = _size(doors, length)
        metadata = {"said": said or "", "asked": idempotency_key}
        fields = _metadata(said or "")
        check(doors, _described(fields), 1)
        name = bare(fields.get("filename", "")) or bare(fields.get("name", "")) or "upload"
        pending = await doors.crossing.briefly(
            lambda: doors.uploads.begin(
                size, name, fields.get("filetype") or None, metadata, caller.id
            )
        )
        headers = {"location": f"{_BASE}/{pending.id}", **_expires(pending)}
        return _answer(201, headers)

    @routes.head("/{upload_id}", response_class=Response)
    async def upload_offset(caller: Editor, upload_id: str, version: TusVersion = None) -> Response:
        """How much of it is here: go on from `Upload-Offset`."""
        _check_version(version)
        pending = await doors.crossing.briefly(lambda: _look(tus, caller, upload_id))
        said = str(pending.metadata.get("said", ""))
        headers = {
            **_progress(pending),
            "upload-length": str(pending.size),
            "cache-control": "no-store",
            **({"upload-metadata": said} if said else {}),
        }
        return _answer(200, headers)

    @routes.get("/{upload_id}")
    async def read_upload(caller: Editor, upload_id: str) -> UploadOut:
        """How far it is, as JSON, and which recording it has become."""
        pending = await doors.crossing.briefly(lambda: _look(tus, caller, upload_id))
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
        version: TusVersion = None,
        offset: Offset = None,
        checksum: Checksum = None,
    ) -> Response:
        """The next piece. What came of one that breaks off is kept, unless it has a checksum."""
        _check_version(version)
        return await _send(tus, caller, request, upload_id, offset=offset, checksum=checksum)

    @routes.delete("/{upload_id}", status_code=204)
    async def drop_upload(caller: Editor, upload_id: str, version: TusVersion = None) -> Response:
        """It is not wanted any more. A recording that it has become stays."""
        _check_version(version)
        return await _drop(tus, caller, upload_id)

    @routes.post("/{upload_id}", include_in_schema=False)
    async def overridden(caller: Editor, request: Request, upload_id: str) -> Response:
        """For clients that know no PATCH and no DELETE: they say which one they mean."""
        headers = request.headers
        meant = headers.get("x-http-method-override", "").upper()
        if meant not in ("PATCH", "DELETE"):
            raise HTTPException(405)
        _check_version(headers.get("tus-resumable"))
        if meant == "DELETE":
            return await _drop(tus, caller, upload_id)
        offset, checksum = headers.get("upload-offset"), headers.get("upload-checksum")
        return await _send(tus, caller, request, upload_id, offset=offset, checksum=checksum)

    return routes


def shape(answer: Answer) -> Response:
    """An error, as the API says it, with the headers that every answer of tus has."""
    response = shapes.shape(answer)
    response.headers["tus-resumable"] = VERSION
    if answer.status == 412:
        response.headers["tus-version"] = VERSION
    return response


def sweep(doors: ApiDoors) -> int:
    """Finishes what a kill kept from being finished, and removes what expired. How many uploads."""
    finished = 0
    for each in doors.uploads.unfinished():
        try:
            _complete(doors, each)
        except MalgwiError as error:  # its owner hears of it at the next question
            logger.warning("an upload is not finished", extra={"upload": each.id}, exc_info=error)
        else:
            finished += 1
    return finished + doors.uploads.sweep()


def _look(tus: _Tus, caller: Caller, upload_id: str) -> PendingUpload:
    """As it is; one that is whole becomes a recording, if a kill came before it did."""
    pending = tus.find(caller, upload_id)
    if pending.whole and not pending.done:
        return _complete(tus.doors, pending)
    return pending


async def _drop(tus: _Tus, caller: Caller, upload_id: str) -> Response:
    def work() -> None:
        tus.find(caller, upload_id)
        tus.doors.uploads.remove(upload_id)

    await tus.doors.crossing.briefly(work)
    return _answer(204)


async def _send(  # noqa: PLR0913 - a header each
    tus: _Tus,
    caller: Caller,
    request: Request,
    upload_id: str,
    *,
    offset: str | None,
    checksum: str | None,
) -> Response:
    if request.headers.get("content-type", "").strip().lower() != _PIECE:
        raise _refused(415, "unsupported_media_type", f"A piece is sent as {_PIECE}.")
    expected = _digest(checksum)
    begins_at = _number("Upload-Offset", offset)
    doors = tus.doors
    async with tus.turn():
        with ExitStack() as open_things:

            def begin() -> Writing | None:
                pending = tus.find(caller, upload_id)
                _check_offset(pending, begins_at)
                return open_things.enter_context(doors.uploads.writing(upload_id))

            writing = await doors.crossing.briefly(begin)
            if writing is None:
                message = "Another request is sending to this upload."
                raise _refused(423, "locked", message, _RETRY_AFTER)
            _check_offset(writing.pending, begins_at)
            piece = _Piece(doors, writing, expected)
            await piece.receive(request)
            pending = writing.pending
    if pending.whole and not pending.done:
        pending = await doors.crossing.run(request, lambda _: _complete(doors, pending))
    return _answer(204, _progress(pending))


@dataclass(frozen=True, slots=True)
class _Expected:
    """What a piece shall add up to."""

    algorithm: str
    digest: bytes


class _Piece:
    """The body of a PATCH on its way to disk: memory does not grow with it."""

    def __init__(self, doors: ApiDoors, writing: Writing, expected: _Expected | None) -> None:
        self._doors, self._writing, self._expected = doors, writing, expected
        self._sum = _HASHES[expected.algorithm]() if expected else None
        self._buffer = bytearray()

    async def receive(self, request: Request) -> None:
        """Whatever ends it, what came is kept; with a checksum only all of it."""
        self._check(int(request.headers.get("content-length") or 0))
        try:
            async for chunk in self._chunks(request):
                self._check(len(self._buffer) + len(chunk))
                self._buffer += chunk
                if len(self._buffer) >= _BUFFER:
                    await self._flush()
        except BaseException:
            await self._end(whole=False)
            raise
        await self._end(whole=True)

    async def _chunks(self, request: Request) -> AsyncIterator[bytes]:
        silence = self._doors.limits.silence
        stream = request.stream()
        try:
            while True:
                async with asyncio.timeout(silence):
                    chunk = await anext(stream, None)
                if chunk is None:
                    return
                yield chunk
        except TimeoutError as error:
            raise Cancelled(f"No byte of the upload came for {silence:.0f} s.") from error
        except ClientDisconnect as error:
            raise Cancelled("The client has gone.") from error

    def _check(self, more: int) -> None:
        size = self._writing.pending.size
        if self._writing.offset + more > size:
            raise TooLarge(f"The upload was announced with {size:,} bytes; there are more.")

    async def _flush(self) -> None:
        data, self._buffer = self._buffer, bytearray()
        unkept = self._writing.offset + len(data) - self._writing.pending.received

        def work() -> None:
            if self._sum:
                self._sum.update(data)
            self._writing.write(data)
            if not self._expected and unkept >= _STRETCH:
                self._writing.keep()

        await self._doors.crossing.briefly(work)

    async def _end(self, whole: bool) -> None:
        if self._expected is None:
            await self._flush()
            await self._doors.crossing.briefly(self._writing.keep)
            return
        await self._flush()
        assert self._sum
        right = whole and hmac.compare_digest(self._sum.digest(), self._expected.digest)
        end = self._writing.keep if right else self._writing.take_back
        await self._doors.crossing.briefly(end)
        if whole and not right:
            raise _refused(460, "checksum_mismatch", "The piece is not what its checksum says.")


def _complete(doors: ApiDoors, pending: PendingUpload) -> PendingUpload:
    """The upload as a recording with a job. Done twice it is done once."""
    taken, sha256 = _taken_in(doors, pending)
    return doors.uploads.finish(pending.id, sha256, taken.recording.id)


def _taken_in(doors: ApiDoors, pending: PendingUpload) -> tuple[TakenIn, str]:
    described = _described(_metadata(str(pending.metadata.get("said", ""))))
    with doors.uploads.whole_file(pending.id) as path:
        media = doors.store.take_media(path, pending.content_type)
    caller = Caller(pending.owner, Role.EDITOR)
    arrived = [Arrived(media, pending.name)]
    asked = pending.metadata.get("asked")
    return take_in(
        doors, caller, arrived, described, source=Source.UPLOAD, asked=asked
    ), media.sha256


def _described(fields: Mapping[str, str]) -> Described:
    return read_form(Described, {name: _values(name, value) for name, value in fields.items()})


def _values(name: str, value: str) -> list[str]:
    """A field as a form has it: a list is JSON here, and one that has one value may be bare."""
    if name in _LISTS and value.lstrip().startswith("["):
        try:
            items = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise BadField(name, "it is not JSON") from error
        return [each if isinstance(each, str) else json.dumps(each) for each in items]
    return [value]


def _metadata(said: str) -> dict[str, str]:
    """Upload-Metadata. Raises BadField."""
    found: dict[str, str] = {}
    for pair in filter(None, map(str.strip, said.split(","))):
        name, _, coded = pair.partition(" ")
        if not _KEY.fullmatch(name) or name in found:
            raise BadField("Upload-Metadata", "its keys are words, each there once")
        try:
            found[name] = b64decode(coded.strip(), validate=True).decode("utf-8")
        except ValueError as error:
            raise BadField("Upload-Metadata", "its values are Base64 of UTF-8") from error
    return found


def _size(doors: ApiDoors, length: str | None) -> int:
    size = _number("Upload-Length", length)
    if not size:
        raise BadField("Upload-Length", "an empty file is no recording")
    if size > doors.limits.upload_bytes:
        most = doors.limits.upload_bytes
        raise TooLarge(f"An upload has at most {most:,} bytes; this one has {size:,}.")
    return size


def _number(header: str, value: str | None) -> int:
    if not value or not (value.isascii() and value.isdecimal() and len(value) <= 18):
        raise BadField(header, "it is a number of bytes, and it is needed")
    return int(value)


def _digest(checksum: str | None) -> _Expected | None:
    if checksum is None:
        return None
    algorithm, _, coded = checksum.partition(" ")
    if algorithm not in _HASHES:
        raise BadField("Upload-Checksum", f"the sums known here are {', '.join(_HASHES)}")
    try:
        return _Expected(algorithm, b64decode(coded.strip(), validate=True))
    except ValueError as error:
        raise BadField("Upload-Checksum", "the sum is not Base64") from error


def _check_version(version: str | None) -> None:
    if version != VERSION:
        message = f"This speaks tus {VERSION}: send Tus-Resumable: {VERSION}."
        raise _refused(412, "precondition_failed", message)


def _check_offset(pending: PendingUpload, offset: int) -> None:
    if pending.received != offset:
        message = f"{pending.received} bytes of the upload are here. Go on from there."
        raise _refused(409, "wrong_offset", message)


def _refused(status: int, code: str, message: str, retry_after: int | None = None) -> Refusal:
    return Refusal(Answer(status, code, message, retry_after))


def _progress(pending: PendingUpload) -> dict[str, str]:
    recording = pending.recording_id
    return {
        "upload-offset": str(pending.received),
        **_expires(pending),
        **({"x-malgwi-recording": recording} if recording else {}),
    }


def _expires(pending: PendingUpload) -> dict[str, str]:
    return {"upload-expires": format_datetime(pending.expires, usegmt=True)}


def _answer(status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status_code=status, headers={"tus-resumable": VERSION, **(headers or {})})


def _piece_openapi() -> dict[str, Any]:
    schema = {"type": "string", "format": "binary"}
    return {"requestBody": {"required": True, "content": {_PIECE: {"schema": schema}}}}

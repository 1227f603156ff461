"""Uploads go to disk as they come, never into memory, and are gone when the request is.

Names from outside are labels and never become paths.
"""

import asyncio
import errno
import os
import secrets
import unicodedata
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.requests import ClientDisconnect

from malgwi.errors import BadOption, Cancelled, OutputError, Overloaded, TooLarge
from malgwi.gateway.crossing import Crossing
from malgwi.gateway.limits import Limits
from malgwi.gateway.metrics import Metrics
from malgwi.gateway.multipart import End, Event, Head, Parts, boundary_of
from malgwi.gateway.spool_folder import SpoolFolder

_BUFFER = 1024 * 1024  # bytes that are gathered before a thread writes them
_LONGEST_NAME = 200  # characters
_RETRY_AFTER = 5  # seconds


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came in. It is there as long as the context that gave it."""

    path: Path
    name: str
    """What the client calls it: for labels, never for paths. May be empty."""
    size: int
    content_type: str = ""
    """What the client says it is; may be empty, and may be wrong."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it came: every field may be there several times, with a text or a file."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    files: list[tuple[str, Upload]] = field(default_factory=list)
    """Each with the name of its field, in the order in which they came."""

    def file(self, name: str) -> Upload | None:
        """The file of that field. Raises BadOption where there are several."""
        found = [upload for field, upload in self.files if field == name]
        if len(found) > 1:
            raise BadOption(f"The form has several files called {label(name)!r}. Send one.")
        return found[0] if found else None


class Spool:
    """Receives uploads into a private folder in `folder`; `crossing` has the threads that write.

    Opening it removes what dead processes left there. Raises OutputError.

    As FastAPI's dependency, a function that yields, a form lives as long as the answer, streams
    included:

        async def form_of(request: Request) -> AsyncIterator[Form]:
            async with spool.form(request) as form:
                yield form
    """

    def __init__(
        self, folder: Path, limits: Limits, crossing: Crossing, metrics: Metrics | None = None
    ) -> None:
        self.active = 0
        """Uploads that are being received."""
        self.received = 0
        """Bytes since the start."""
        self._folder = SpoolFolder(folder)
        self._limits = limits
        self._crossing = crossing
        self._turns = asyncio.Semaphore(limits.uploads)
        if metrics:
            metrics.pull("malgwi_uploads_active", lambda: {(): self.active})
            metrics.pull("malgwi_upload_bytes_total", lambda: {(): self.received})

    def close(self) -> None:
        """Remove the folder."""
        self._folder.close()

    @asynccontextmanager
    async def form(self, request: Request) -> AsyncIterator[Form]:
        """The form in the request's body, whatever the order of its fields.

        Raises BadOption, TooLarge, Overloaded, OutputError where there is no room, and Cancelled
        where the client has gone or sends nothing any more. The files are gone in any case when
        this is left.
        """
        async with self._files() as files:
            async with self._received(request) as chunks:
                form = await self._read_form(request.headers.get("content-type", ""), chunks, files)
            yield form

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[Upload]:
        """The request's body as a file, without a name. Raises what `form` raises."""
        content_type = request.headers.get("content-type", "")
        async with self._files() as files:
            file = files.new("", content_type)
            async with self._received(request) as chunks:
                async for chunk in chunks:
                    await file.write(chunk)
                upload = await file.finish()
            yield upload

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Path]:
        """The path of a file that may be made there; gone when this is left."""
        async with self._files() as files:
            yield files.new_path()

    @asynccontextmanager
    async def _files(self) -> AsyncIterator["_Files"]:
        files = _Files(self._folder.path, self._crossing)
        try:
            yield files
        finally:
            if files.paths:
                await self._crossing.briefly(files.remove)

    @asynccontextmanager
    async def _received(self, request: Request) -> AsyncIterator[AsyncIterator[bytes]]:
        """The chunks of the body, in turn with other uploads and within the limits."""
        declared = request.headers.get("content-length", "")
        if declared.isdecimal():
            self._check(int(declared))
        await self._take_turn()
        self.active += 1
        try:
            async with aclosing(self._chunks(request)) as chunks:
                yield chunks
        except ClientDisconnect as error:
            raise Cancelled("The client has gone.") from error
        finally:
            self.active -= 1
            self._turns.release()

    async def _take_turn(self) -> None:
        try:
            async with asyncio.timeout(self._limits.turn):
                await self._turns.acquire()
        except TimeoutError as error:
            raise Overloaded(
                f"{self._limits.uploads} uploads are being received, the most at a time. "
                "Send this one again.",
                _RETRY_AFTER,
            ) from error

    async def _chunks(self, request: Request) -> AsyncGenerator[bytes]:
        total = 0
        stream = request.stream()
        while (chunk := await self._next(stream)) is not None:
            total += len(chunk)
            self._check(total)
            self.received += len(chunk)
            yield chunk

    async def _next(self, stream: AsyncIterator[bytes]) -> bytes | None:
        try:
            async with asyncio.timeout(self._limits.silence):
                return await anext(stream, None)
        except TimeoutError as error:
            raise Cancelled(
                f"No byte of the upload came for {self._limits.silence:.0f} s. Send it again."
            ) from error

    def _check(self, size: int) -> None:
        if size > self._limits.upload_bytes:
            raise TooLarge(
                f"The upload has more than {self._limits.upload_bytes:,} bytes, the most that is "
                "taken at once. Send it in parts, or compressed."
            )

    async def _read_form(
        self, content_type: str, chunks: AsyncIterator[bytes], files: "_Files"
    ) -> Form:
        boundary = boundary_of(content_type)
        if boundary is not None:
            reader = _MultipartReader(self._limits, files)
            parts = Parts(boundary)
            async for chunk in chunks:
                for event in parts.feed(chunk):
                    await reader.take(event)
            parts.finish()
            return reader.form
        if content_type.lower().startswith("application/x-www-form-urlencoded"):
            return await _read_urlencoded(chunks, self._limits)
        raise BadOption("The body must be a form: multipart/form-data with the recording as file.")


class _MultipartReader:
    """Puts the parts of a form where they belong: fields into memory, files onto disk."""

    def __init__(self, limits: Limits, files: "_Files") -> None:
        self.form = Form()
        self._limits = limits
        self._files = files
        self._parts = 0
        self._text = 0  # bytes of fields that are no files
        self._head = Head("", None, "")
        self._value = bytearray()
        self._file: _File | None = None

    async def take(self, event: Event) -> None:
        if isinstance(event, Head):
            self._begin(event)
        elif isinstance(event, End):
            await self._end()
        elif self._file:
            await self._file.write(event)
        else:
            self._value += event
            self._text += len(event)
            _check_field(self._head.field, len(self._value), self._limits)
            if self._text > self._limits.text_bytes:
                raise TooLarge(
                    f"The fields of the form have more than {self._limits.text_bytes:,} bytes."
                )

    def _begin(self, head: Head) -> None:
        self._parts += 1
        _check_count(self._parts, self._limits)
        self._head, self._value = head, bytearray()
        self._file = None
        if head.is_file:
            self._file = self._files.new(head.filename or "", head.content_type)

    async def _end(self) -> None:
        if not self._file:
            value = _text(self._head.field, self._value)
            self.form.fields.setdefault(self._head.field, []).append(value)
            return
        upload = await self._file.finish()
        self._file = None
        if upload.size or self._head.filename:  # else a browser's input that nobody filled in
            self.form.files.append((self._head.field, upload))


async def _read_urlencoded(chunks: AsyncIterator[bytes], limits: Limits) -> Form:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > limits.text_bytes:
            raise TooLarge("The form is too large. Send recordings as multipart/form-data.")
    form = Form()
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=limits.fields,
        )
    except ValueError as error:
        raise BadOption(
            f"The form is not urlencoded UTF-8, or has more than {limits.fields} fields."
        ) from error
    for name, value in pairs:
        _check_field(name, len(value.encode()), limits)
        form.fields.setdefault(name, []).append(value)
    return form


class _Files:
    """The files of one request."""

    def __init__(self, folder: Path, crossing: Crossing) -> None:
        self.paths: list[Path] = []
        self._folder = folder
        self._crossing = crossing

    def new(self, name: str, content_type: str) -> "_File":
        return _File(self.new_path(), label(name), content_type, self._crossing)

    def new_path(self) -> Path:
        path = self._folder / secrets.token_hex(16)
        self.paths.append(path)
        return path

    def remove(self) -> None:
        for path in self.paths:
            with suppress(OSError):
                path.unlink(missing_ok=True)


class _File:
    """A file that grows by large writes in a thread. It is not kept open in between."""

    def __init__(self, path: Path, name: str, content_type: str, crossing: Crossing) -> None:
        self._path = path
        self._name = name
        self._content_type = content_type
        self._crossing = crossing
        self._size = 0
        self._buffer = bytearray()

    async def write(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) >= _BUFFER:
            await self._flush()

    async def finish(self) -> Upload:
        await self._flush()
        return Upload(self._path, self._name, self._size, self._content_type)

    async def _flush(self) -> None:
        data, self._buffer = self._buffer, bytearray()
        await self._crossing.briefly(partial(append, self._path, data))
        self._size += len(data)


def label(name: str) -> str:
    """What is left of a name from outside: no folder, nothing invisible, not too long."""
    last = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(c for c in last if not unicodedata.category(c).startswith("C"))
    return unicodedata.normalize("NFC", seen).strip()[:_LONGEST_NAME]


def append(path: Path, data: bytes | bytearray) -> None:
    """To a file that only this user can read. Raises OutputError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    with _translated(), os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(data)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise OutputError("There is no room left here for uploads. Try again later.") from error
        raise OutputError("Uploads cannot be kept here at the moment. Try again later.") from error


def _check_count(count: int, limits: Limits) -> None:
    if count > limits.fields:
        raise TooLarge(f"The form has more than {limits.fields} fields.")


def _check_field(name: str, size: int, limits: Limits) -> None:
    if size > limits.field_bytes:
        raise TooLarge(
            f"The field {label(name)!r} has more than {limits.field_bytes:,} bytes. A recording "
            "must be sent as a file: with a filename."
        )


def _text(name: str, value: bytearray) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadOption(f"The field {label(name)!r} is not UTF-8.") from error

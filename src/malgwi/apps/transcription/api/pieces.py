"""A piece of an upload on its way from the network to the disk."""

import asyncio
import hmac
from collections.abc import AsyncIterator

from fastapi import Request
from starlette.requests import ClientDisconnect

from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.tus import HASHES, Expected, refused
from malgwi.errors import Cancelled, TooLarge
from malgwi.store import Writing

_BUFFER = 1024 * 1024  # bytes that are gathered before a thread writes them
_STRETCH = 16 * 1024 * 1024  # bytes after which what came is brought to disk, and counts


class Piece:
    """The body of a PATCH on its way to disk: memory does not grow with it."""

    def __init__(self, doors: ApiDoors, writing: Writing, expected: Expected | None) -> None:
        self._doors, self._writing, self._expected = doors, writing, expected
        self._sum = HASHES[expected.algorithm]() if expected else None
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
            raise refused(460, "checksum_mismatch", "The piece is not what its checksum says.")

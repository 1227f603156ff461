"""Samples without a header, which some clients send: with one, they are a file like any other."""

import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from malgwi.apps.transcription.dialects.doors import Doors
from malgwi.errors import OutputError
from malgwi.gateway import Upload
from malgwi.types import SAMPLE_RATE

_CHUNK = 1024 * 1024


@asynccontextmanager
async def with_header(
    doors: Doors, upload: Upload, rate: int = SAMPLE_RATE, channels: int = 1
) -> AsyncIterator[Upload]:
    """The upload, taken for little-endian 16-bit samples unless it is a WAV file after all."""
    async with doors.spool.place() as path:
        await doors.crossing.briefly(lambda: _write(upload.path, path, rate, channels))
        yield replace(upload, path=path)


def _write(samples: Path, path: Path, rate: int, channels: int) -> None:
    try:
        if _is_wave(samples):
            path.symlink_to(samples)
            return
        with samples.open("rb") as source, wave.open(str(path), "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(2)
            file.setframerate(rate)
            while chunk := source.read(_CHUNK):
                file.writeframesraw(chunk)
    except OSError as error:
        raise OutputError("There is no room left here for uploads. Try again later.") from error


def _is_wave(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"RIFF"

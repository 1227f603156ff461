"""A file becomes an open container with its sound track, or a sentence that says why not.

The file is opened here and handed to the library as an object, and the library may open nothing
itself: a playlist or a crafted container leads to no other file and to no network.
"""

import errno
import os
import stat
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Discard, Disposition

from malgwi.errors import BadAudio

LEADING_ELSEWHERE = {
    *("concat", "dash", "hls", "hls,applehttp", "image2", "imf", "mlv", "vobsub"),  # to files
    *("rtp", "rtsp", "sap", "sdp", "webm_dash_manifest"),  # to the network
    *("alsa", "fbdev", "kmsgrab", "lavfi", "oss", "video4linux2,v4l2", "x11grab"),  # to devices
    *("avisynth", "sbg", "vapoursynth"),  # to whatever a script says
}
"""Formats that hold no sound themselves and say where it is to be had."""
OPTIONS = {
    "protocol_whitelist": "none",  # there is no such protocol: nothing else can be opened
    "format_whitelist": ",".join(sorted(av.formats_available - LEADING_ELSEWHERE)),
}
TAGS: dict[str, Any] = (
    {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "replace"}
)
"""So that text in a tag that is not UTF-8 costs nothing; from 19 on PyAV does that unasked."""
PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"[playlist]", b"<MPD", b"<?xml", b"#PLAYLIST")


class QuietFile(FileIO):
    """A file whose errors do not run into the library, which would print them: it sees the end.

    Unbuffered, because the library has a buffer of its own.
    """

    trouble = ""
    """Why reading ended before the file did."""

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            return super().read(size) or b""
        except OSError as error:
            self.trouble = error.strerror or "unknown error"
            return b""
        except MemoryError:  # the library would ask again and again
            self.trouble = "there is not enough memory"
            return b""

    def seek(self, place: int, whence: int = os.SEEK_SET, /) -> int:
        """The new place; negative where there is none, as broken headers ask for."""
        try:
            return super().seek(place, whence)
        except OSError as error:
            return -(error.errno or errno.EINVAL)


@dataclass(frozen=True, slots=True)
class Source:
    """An open file and its sound track."""

    file: QuietFile
    container: InputContainer
    stream: AudioStream

    @property
    def is_film(self) -> bool:
        """Whether there are moving pictures; the cover of a record is none."""
        pictures = self.container.streams.video
        return any(not track.disposition & Disposition.attached_pic for track in pictures)


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """The file, ready to be decoded. Raises BadAudio."""
    with _file(path) as file, _container(path, file) as container:
        stream = container.streams.best("audio")
        if not isinstance(stream, AudioStream):
            raise BadAudio(f"{path} has no sound track. Give a file that has one.")
        if stream.codec_context is None:
            raise BadAudio(
                f"The sound of {path} is in a format that is not known here. Convert it to WAV "
                "or FLAC."
            )
        for other in container.streams:
            if other is not stream:
                other.discard = Discard.all
        stream.codec_context.thread_count = 1  # sound decodes fast; many files share few cores
        yield Source(file, container, stream)


def _file(path: Path) -> QuietFile:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise BadAudio(f"{path} is a folder. Name the sound files in it.")
        if not stat.S_ISREG(status.st_mode):
            raise BadAudio(f"{path} is not an ordinary file. Save the sound to one first.")
        if status.st_size == 0:
            raise BadAudio(f"{path} is empty. Record or copy it again.")
        return QuietFile(path)
    except FileNotFoundError as error:
        raise BadAudio(f"{path} does not exist. Check the name and the folder.") from error
    except PermissionError as error:
        raise BadAudio(f"{path} may not be read. Change its permissions or its owner.") from error
    except (OSError, ValueError) as error:
        raise BadAudio(f"{path} cannot be read: {error}.") from error


def _container(path: Path, file: QuietFile) -> InputContainer:
    head = file.read(4096)
    file.seek(0)
    if head.removeprefix(BOM_UTF8).lstrip().startswith(PLAYLISTS):
        raise BadAudio(f"{path} is a playlist, not sound. Name the files that it lists.")
    try:
        container: InputContainer = av.open(file, "r", options=OPTIONS, **TAGS)
    except FFmpegError as error:
        if file.trouble:
            raise BadAudio(f"{path} cannot be read: {file.trouble}. Copy it anew.") from error
        raise BadAudio(_why_not(path, head)) from error
    return container


def _why_not(path: Path, head: bytes) -> str:
    if head[4:8] == b"ftyp":
        return (
            f"{path} has no index, which is written last: its recording or copying was cut short. "
            "Copy it again, or repair it with a tool for MP4 files."
        )
    return (
        f"{path} is not a sound file that can be read, or its beginning is damaged. Give WAV, "
        "FLAC, MP3, M4A, Ogg, WebM or the like."
    )

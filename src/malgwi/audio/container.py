"""A file becomes an open container with its sound track, or a sentence that says why not.

The file is opened here and handed to the library as an object, and the library may open nothing
itself: a playlist or a crafted container leads to no other file and to no network.
"""

import stat
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Discard, Disposition

from malgwi.errors import BadAudio

OPTIONS = {"protocol_whitelist": "none"}  # there is no such protocol: nothing else can be opened
PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"[playlist]", b"<MPD", b"<?xml", b"#PLAYLIST")


@contextmanager
def opened(path: Path) -> Iterator[tuple[InputContainer, AudioStream]]:
    """The file and its sound track, ready to decode. Raises BadAudio."""
    with binary(path) as file, _container(path, file) as container:
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
        yield container, stream


def has_film(container: InputContainer) -> bool:
    """Whether there are moving pictures; the cover of a record is none."""
    return any(
        not stream.disposition & Disposition.attached_pic for stream in container.streams.video
    )


def binary(path: Path) -> BinaryIO:
    """The file, unbuffered: the library has a buffer of its own."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise BadAudio(f"{path} is a folder. Name the sound files in it.")
        if not stat.S_ISREG(status.st_mode):
            raise BadAudio(f"{path} is not an ordinary file. Save the sound to one first.")
        if status.st_size == 0:
            raise BadAudio(f"{path} is empty. Record or copy it again.")
        return path.open("rb", buffering=0)
    except FileNotFoundError as error:
        raise BadAudio(f"{path} does not exist. Check the name and the folder.") from error
    except PermissionError as error:
        raise BadAudio(f"{path} may not be read. Change its permissions or its owner.") from error
    except (OSError, ValueError) as error:
        raise BadAudio(f"{path} cannot be read: {error}.") from error


def _container(path: Path, file: BinaryIO) -> InputContainer:
    head = b""
    try:
        head = file.read(4096)
        file.seek(0)
        if head.removeprefix(BOM_UTF8).lstrip().startswith(PLAYLISTS):
            raise BadAudio(f"{path} is a playlist, not sound. Name the files that it lists.")
        return av.open(file, "r", options=OPTIONS, metadata_errors="replace")
    except FFmpegError as error:
        raise BadAudio(_why_not(path, head)) from error
    except OSError as error:
        raise BadAudio(f"{path} cannot be read: {error.strerror}.") from error


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

"""What a file itself says of its length, read where PyAV keeps it to itself.

PyAV takes the length of a WAV file from what is there, so that one which was cut off looks
whole; and it guesses the length of a bare stream of packets from the first few.
"""

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

RELIABLE = {"aiff", "au", "flac", "mov", "matroska", "asf", "wv", "tta", "ape"}
"""Containers of whose length, as PyAV tells it, one can be sure."""
UNKNOWN = (0, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
"""Sizes that recorders write who do not know them yet; some take the header's off."""
UNPACKED = (1, 3, 6, 7, 0xFFFE)
"""The codes of WAV formats in which all samples take the same room."""
OGG_PAGE = 65_307  # bytes at most
LAST_PAGE = 4  # a flag in the sixth byte of a page
MP3_LENGTH_TAGS = (b"Xing", b"Info", b"VBRI")


def wav_seconds(file: BinaryIO) -> float | None:
    """The length that the header of a WAV, RF64 or W64 file promises; None where it does not."""
    chunks: dict[bytes, tuple[int, bytes]] = {}
    for name, size, payload in _chunks(file):
        chunks[name] = size, payload
        if name == b"data":
            break
    if b"fmt " not in chunks or b"data" not in chunks:
        return None
    size, rate = chunks[b"data"][0], _bytes_a_second(chunks[b"fmt "][1])
    if b"ds64" in chunks:
        size = struct.unpack_from("<8xQ", chunks[b"ds64"][1])[0]
    if not rate or any(0 <= unknown - size <= 64 for unknown in UNKNOWN):
        return None
    return float(size / rate)


def _bytes_a_second(layout: bytes) -> int:
    kind, _, rate, bytes_a_second, frame = struct.unpack_from("<HHIIH", layout)
    return int(rate * frame if kind in UNPACKED else bytes_a_second)  # some write nonsense there


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, bytes]]:
    """Name, size and first bytes of each chunk."""
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(40)
    if head[:4] == b"riff":  # W64: names are 16 bytes, sizes 8 and count the chunk's own header
        layout, own, pad = "<4s12xQ", 24, 8
    elif head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        layout, own, pad = "<4sI", 0, 2
    else:
        return
    place = 40 if own else 12
    while place < end:
        file.seek(place)
        header = file.read(struct.calcsize(layout))
        payload = file.read(32)
        if len(payload) < 16:
            return
        name, size = struct.unpack(layout, header)
        size = max(size - own, 0)
        yield name, size, payload
        place += len(header) + size + -size % pad


def ogg_is_whole(file: BinaryIO) -> bool:
    """Whether the last page says that it is the last."""
    file.seek(-min(OGG_PAGE, file.seek(0, os.SEEK_END)), os.SEEK_END)
    tail = file.read()
    place = tail.rfind(b"OggS", 0, -5)
    return place >= 0 and bool(tail[place + 5] & LAST_PAGE)


def mp3_has_length(file: BinaryIO) -> bool:
    """Whether the first packet of an MP3 file is a table of contents."""
    file.seek(0)
    tag = file.read(10)
    if tag[:3] == b"ID3" and len(tag) == 10:  # its size has seven bits a byte
        a, b, c, d = (byte & 0x7F for byte in tag[6:])
        file.seek(10 + (a << 21 | b << 14 | c << 7 | d))
    first = file.read(512)
    return any(name in first for name in MP3_LENGTH_TAGS)

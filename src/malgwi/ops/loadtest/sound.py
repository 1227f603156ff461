"""The sound of a piece: every channel with its clips and a faint noise between, as one file."""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from malgwi.ops.loadtest.clips import Clip, Pcm
from malgwi.ops.loadtest.placement import Placement
from malgwi.ops.loadtest.plan import Plan
from malgwi.types import SAMPLE_RATE

_NOISE = 24  # of 32768: -67 dBFS
_NOISE_SECONDS = 7
_CHANNEL_BYTES = 2


class Sound:
    """All that will be sent, made a piece at a time."""

    def __init__(
        self, plan: Plan, clips: Sequence[Clip], placed: Sequence[Sequence[Placement]]
    ) -> None:
        self.plan, self.placed = plan, placed
        self._clips = clips
        chance = np.random.default_rng([plan.seed, 2**31])
        self._noise = chance.integers(
            -_NOISE, _NOISE + 1, _NOISE_SECONDS * SAMPLE_RATE, dtype=np.int16
        )

    def piece(self, index: int) -> Pcm:
        """Shaped [channels, samples]."""
        size = round(self.plan.piece * SAMPLE_RATE)
        begin = index * size
        rows = np.empty((self.plan.channels, size), np.int16)
        chance = np.random.default_rng([self.plan.seed, 2**31, index])
        for row, placed in zip(rows, self.placed, strict=True):
            row[:] = np.resize(np.roll(self._noise, chance.integers(len(self._noise))), size)
            for each in placed:
                self._add(each, row, begin)
        return rows

    def _add(self, placed: Placement, row: Pcm, begin: int) -> None:
        """What of the clip is in the piece; the rest of it is in the next one."""
        samples = self._clips[placed.clip].samples
        first, last = placed.first - begin, placed.first - begin + len(samples)
        if last <= 0 or first >= len(row):
            return
        taken = samples[max(0, -first) : len(row) - first]
        there = row[max(0, first) : max(0, first) + len(taken)]
        there[:] = np.clip(there.astype(np.int32) + taken, -32768, 32767)

    def write(self, index: int, path: Path, run: str) -> None:
        """As WAV of 16 bits. The run's name in it makes it another file than that of any other run:
        what is sent twice is kept once, and its transcript would be there already."""
        interleaved = self.piece(index).T.tobytes()
        with path.open("wb") as file:
            file.write(_header(self.plan.channels, len(interleaved), run))
            file.write(interleaved)


def _header(channels: int, size: int, run: str) -> bytes:
    comment = run.encode("ascii") + bytes(1 + (len(run) + 1) % 2)
    info = b"INFO" + _chunk(b"ICMT", comment)
    frame = channels * _CHANNEL_BYTES
    kind = struct.pack(
        "<HHIIHH", 1, channels, SAMPLE_RATE, SAMPLE_RATE * frame, frame, 8 * _CHANNEL_BYTES
    )
    before = b"WAVE" + _chunk(b"fmt ", kind) + _chunk(b"LIST", info)
    return b"RIFF" + struct.pack("<I", len(before) + 8 + size) + before + b"data" + _long(size)


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + _long(len(body)) + body


def _long(number: int) -> bytes:
    return struct.pack("<I", number)

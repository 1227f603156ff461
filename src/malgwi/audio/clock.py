"""A file's time stamps against the samples that came: where some are missing, silence is put.

No file and no library in here: pieces of sound in, pieces of sound out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from malgwi.audio.conversion import Sound
from malgwi.audio.defects import Defects

JITTER = 0.05  # seconds by which stamps may be off: containers round them
LONGEST_GAP = 12 * 3600.0  # seconds, all gaps of a file of unknown length together
RESTART = -1.0  # seconds; stamps that fall back further begin to count anew


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Some sound of one file, at the file's own rate."""

    samples: Sound
    rate: int
    at: float | None = None
    """The container's time stamp, in seconds from the start of the file; None where it has none."""

    @property
    def seconds(self) -> float:
        return float(self.samples.shape[1] / self.rate)


def gapless(
    pieces: Iterable[Piece], defects: Defects, length: float | None = None, heard: float = 0.0
) -> Iterator[Piece]:
    """The pieces, with silence where the stamps say that sound is missing.

    `heard` is how many seconds came before them.

    Stamps that jump back, or so far that more would be missing than the file is long (`length`,
    in seconds, where it is known), are taken for the beginning of a new count.
    """
    most = LONGEST_GAP if length is None else length
    shift = 0.0
    for piece in pieces:
        gap = 0.0 if piece.at is None else piece.at + shift - heard
        if gap < RESTART or gap + defects.gaps.amount > most + JITTER:
            defects.jumps.add(heard)
            shift -= gap
        elif gap > JITTER:
            defects.gaps.add(heard, gap)
            yield from silence(gap, piece)
            heard += gap
        yield piece
        heard += piece.seconds
        defects.heard = heard
    defects.ended = True


def silence(seconds: float, like: Piece) -> Iterator[Piece]:
    """That much silence, in pieces of a second at most."""
    left = round(seconds * like.rate)
    while left > 0:
        samples = min(left, like.rate)
        yield Piece(np.zeros((like.samples.shape[0], samples), np.float32), like.rate)
        left -= samples

"""What a decoder gives is made to keep our promises, and what had to be changed is remembered.

No file and no library in here: pieces of sound in, pieces of sound out.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from malgwi.audio.clock import Piece
from malgwi.audio.conversion import Sound, clip, within_range
from malgwi.audio.defects import Defects

FLAT = 1e-3  # of full scale: a channel that moves less is a dead line


def checked(
    pieces: Iterable[Piece], channels: int, exact: bool, defects: Defects
) -> Iterator[Piece]:
    """The pieces with as many channels as were promised, and every sample in [-1, 1]."""
    still: dict[int, float] | None = None
    for piece in pieces:
        if piece.samples.shape[0] != channels:
            defects.layouts.add(piece.at or defects.heard)
        samples = _fitted(piece.samples, channels)
        if not within_range(samples):
            _mend(samples, exact, defects)
        if still is None:
            still = {i: float(v) for i, v in enumerate(samples[:, 0]) if abs(v) > 10 * FLAT}
        still = {i: v for i, v in still.items() if np.abs(samples[i] - v).max() <= FLAT}
        yield Piece(samples, piece.rate, piece.at)
    defects.constant = still or {}


def _mend(samples: Sound, exact: bool, defects: Defects) -> None:
    finite = np.isfinite(samples)
    if not finite.all():
        defects.not_finite += int(samples.size - np.count_nonzero(finite))
        samples[~finite] = 0.0
    if exact:
        loud = np.abs(samples)
        defects.clipped += int(np.count_nonzero(loud > 1.0))
        defects.peak = max(defects.peak, float(loud.max()))
    clip(samples)


def _fitted(samples: Sound, channels: int) -> Sound:
    if samples.shape[0] == channels:
        return samples
    fitted = np.zeros((channels, samples.shape[1]), np.float32)
    both = min(channels, samples.shape[0])
    fitted[:both] = samples[:both]
    return fitted

"""Samples as a decoder leaves them become planar float32 in [-1, 1]."""

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]
"""Shaped [channels, samples], at whatever rate."""

DTYPES = {
    name: np.dtype(code)
    for name, code in {
        "u8": "u1",
        "s16": "i2",
        "s32": "i4",
        "s64": "i8",
        "flt": "f4",
        "dbl": "f8",
    }.items()
}
"""FFmpeg's names of the sample formats, without the p of the planar ones."""


def to_float(samples: NDArray[np.generic]) -> Sound:
    """Samples [channels, samples] of any type and order as float32, C-contiguous.

    Integers are scaled by their full scale.
    """
    with np.errstate(over="ignore"):  # a double beyond float32 is infinite, and told so later
        sound: Sound = samples.astype(np.float32, order="C")
    if samples.dtype.kind != "f":
        sound *= np.float32(2.0 ** (1 - 8 * samples.dtype.itemsize))
    if samples.dtype.kind == "u":
        sound -= np.float32(1.0)
    return sound


def within_range(sound: Sound) -> bool:
    """Whether every sample is a number in [-1, 1]."""
    return sound.size == 0 or bool(sound.min() >= -1.0 and sound.max() <= 1.0)  # NaN: False


def clip(sound: Sound) -> Sound:
    """The sound, cut to [-1, 1] in place where it is beyond."""
    return sound if within_range(sound) else np.clip(sound, -1.0, 1.0, out=sound)

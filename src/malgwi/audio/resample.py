"""Pieces of sound at a file's own rate become sound at SAMPLE_RATE.

Each channel has a resampler of its own. That costs nothing (the filter is the work, not the
call), and no channel layout can make the library mix channels.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby

import numpy as np
from av import AudioFrame
from av.audio.resampler import AudioResampler

from malgwi.audio.clock import Piece
from malgwi.audio.conversion import Sound, clip
from malgwi.types import SAMPLE_RATE, Samples

CHUNK = 24_000  # samples a call: fewer, and calls cost more than filtering; more gains nothing


def at_sample_rate(pieces: Iterable[Piece]) -> Iterator[Sound]:
    """The pieces at SAMPLE_RATE, whatever their rate, even where it changes on the way."""
    for rate, run in groupby(pieces, key=lambda piece: piece.rate):
        sound = (piece.samples for piece in run)
        yield from sound if rate == SAMPLE_RATE else _resampled(sound, rate)


def _resampled(sound: Iterable[Sound], rate: int) -> Iterator[Sound]:
    resamplers: list[AudioResampler] = []
    for chunk in _chunks(sound):
        if not resamplers:
            resamplers = [AudioResampler("flt", "mono", SAMPLE_RATE) for _ in chunk]
        frames = (_frame(channel, rate) for channel in chunk)
        yield _together(resamplers, frames)
    yield _together(resamplers, (None for _ in resamplers))  # what the filters still hold


def _together(resamplers: list[AudioResampler], frames: Iterable[AudioFrame | None]) -> Sound:
    return clip(np.stack([_push(*pair) for pair in zip(resamplers, frames, strict=True)]))


def _push(resampler: AudioResampler, frame: AudioFrame | None) -> Samples:
    parts = [
        np.frombuffer(memoryview(part.planes[0]), np.float32, part.samples)
        for part in resampler.resample(frame)
    ]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


def _frame(channel: Samples, rate: int) -> AudioFrame:
    frame = AudioFrame.from_ndarray(channel[np.newaxis], format="flt", layout="mono")
    frame.sample_rate = rate
    return frame


def _chunks(sound: Iterable[Sound]) -> Iterator[Sound]:
    """The sound in pieces of CHUNK samples or more; only the last has fewer."""
    kept: list[Sound] = []
    held = 0
    for piece in sound:
        kept.append(piece)
        held += piece.shape[1]
        if held >= CHUNK:
            yield np.concatenate(kept, axis=1)
            kept, held = [], 0
    if kept:
        yield np.concatenate(kept, axis=1)

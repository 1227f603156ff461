"""One file's sound at SAMPLE_RATE, from any sample on as it is in a reading of the whole.

For that the resampler must stand where it would stand then: it begins at a sample of the file that
is one of ours, too, and so early that nothing of its beginning is left.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain, islice
from math import gcd

from malgwi.audio.check import checked
from malgwi.audio.clock import Piece, gapless
from malgwi.audio.container import Source, opened
from malgwi.audio.conversion import Sound
from malgwi.audio.decode import decoded, is_exact
from malgwi.audio.defects import Defects
from malgwi.audio.resample import at_sample_rate
from malgwi.audio.seek import Unsure, frames_of, pieces_from
from malgwi.audio.track import Track
from malgwi.types import SAMPLE_RATE

FILTER = 0.1  # seconds; more than a resampler looks back
NEAR = 5 * SAMPLE_RATE
"""Nobody jumps to a sample before this one: the start is as near."""


def sound_of(track: Track, first: int, defects: Defects, files: ExitStack) -> Iterator[Sound]:
    """The sound from sample `first` on, which counts at SAMPLE_RATE.

    What has no sure points is decoded from its start. `defects` are those of what is decoded.
    """
    source = files.enter_context(opened(track.path))
    if first < NEAR:
        return _from_start(source, track, first, defects)
    if track.promised is not None and first > (track.promised + 1.0) * SAMPLE_RATE:
        return iter(())
    try:
        return _from_middle(source, track, first, defects)
    except Unsure:
        return _from_start(files.enter_context(opened(track.path)), track, first, defects)


def _from_start(source: Source, track: Track, first: int, defects: Defects) -> Iterator[Sound]:
    pieces = decoded(source, defects)
    return _without(first, _processed(source, track, pieces, 0.0, defects))


def _from_middle(source: Source, track: Track, first: int, defects: Defects) -> Iterator[Sound]:
    """Raises Unsure."""
    frames = frames_of(source)
    stride = frames.rate // gcd(frames.rate, SAMPLE_RATE)
    begin = int((first / SAMPLE_RATE - FILTER) * frames.rate) // stride * stride
    pieces = pieces_from(source, frames, begin)
    landed = islice(pieces, 1)
    whole = chain(list(landed), pieces)  # now it is known where that is
    sound = _processed(source, track, whole, begin / frames.rate, defects)
    return _without(first - begin * SAMPLE_RATE // frames.rate, sound)


def _processed(
    source: Source, track: Track, pieces: Iterator[Piece], heard: float, defects: Defects
) -> Iterator[Sound]:
    """Checked, on the clock after `heard` seconds, at SAMPLE_RATE."""
    sane = checked(pieces, track.channels, is_exact(source), defects)
    return at_sample_rate(gapless(sane, defects, track.duration, heard))


def _without(samples: int, sound: Iterator[Sound]) -> Iterator[Sound]:
    """The sound without its first samples."""
    for each in sound:
        yield each[:, samples:]
        samples = max(0, samples - each.shape[1])

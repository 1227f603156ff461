"""A jump in a file to a moment, and where exactly it has led.

A container that jumps lands somewhere before, and tells by a time stamp where. That is a sure point
where stamps are as fine as samples, or where all frames are of one length, so that a rounded stamp
still tells which frame it is. Elsewhere there is no sure point but the beginning.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from av.error import FFmpegError

from malgwi.audio.clock import JITTER, Piece
from malgwi.audio.container import Source
from malgwi.audio.decode import decoded, origin_of
from malgwi.audio.defects import Defects

WARM_UP = 1.0  # seconds until a decoder has forgotten that it began in the middle
STAMPED = {"flac", "ogg", "mov", "matroska", "wv", "tta", "mp3", "aac"}
"""Containers whose stamps after a jump are those of a reading from the start."""
STAMPED_PCM = {"wav", "w64", "aiff", "au", "caf"}
"""The same, where each sample is stored by itself."""
LOOKED_AT = 4  # frames at the beginning, to see whether they are of one length


class Unsure(Exception):
    """Nobody knows where the jump would lead: read from the start."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Where the frames of a file begin: at `phase`, and every `unit` samples."""

    origin: float
    """The stamp of sample 0."""
    rate: int
    unit: int
    phase: int

    def begin(self, piece: Piece) -> int:
        """The sample at which it begins. Raises Unsure."""
        if piece.at is None or piece.rate != self.rate:
            raise Unsure
        frame = round((piece.at * self.rate - self.phase) / self.unit)
        return self.phase + frame * self.unit


def frames_of(source: Source) -> Frames:
    """What the first of them tell. Raises Unsure."""
    if not _is_stamped(source) or not source.stream.time_base:
        raise Unsure
    stamped = decoded(source, Defects(""), origin=0.0)
    first = list(islice(stamped, LOOKED_AT))
    if not first or first[0].at is None:
        raise Unsure
    rate = first[0].rate
    start = origin_of(source)
    late = 0.0 if start is None else first[0].at - start
    silent = round(late * rate) if late > JITTER else 0  # put before it, as in every reading
    origin = first[0].at - silent / rate
    grain = float(source.stream.time_base) * rate  # samples from one stamp to the next
    if grain <= 1.0:
        return Frames(origin, rate, 1, 0)
    begins, *sizes = [piece.samples.shape[1] for piece in first]
    if len(sizes) < LOOKED_AT - 1 or len({*sizes}) > 1 or sizes[0] <= 4 * grain:
        raise Unsure
    return Frames(origin, rate, sizes[0], (silent + begins) % sizes[0])


def pieces_from(source: Source, frames: Frames, sample: int) -> Iterator[Piece]:
    """The sound from a sample on, at the file's own rate; the first piece has its exact time.

    Nothing comes where the file ends before. Raises Unsure.
    """
    base = source.stream.time_base
    assert base
    stamp = sample / frames.rate - WARM_UP + frames.origin
    try:
        source.container.seek(int(stamp / base), stream=source.stream)
    except FFmpegError as error:
        raise Unsure from error
    for piece in (pieces := decoded(source, Defects(""), frames.origin)):
        early = sample - frames.begin(piece)
        if early < 0:  # too far, or into a gap
            raise Unsure
        if early < piece.samples.shape[1]:
            yield Piece(piece.samples[:, early:], piece.rate, sample / piece.rate)
            yield from pieces


def _is_stamped(source: Source) -> bool:
    names = set(source.container.format.name.split(","))
    plain = source.stream.codec_context.codec.name.startswith("pcm_")
    return bool(names & STAMPED) or bool(names & STAMPED_PCM and plain)

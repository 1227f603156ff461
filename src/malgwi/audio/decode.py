"""The sound track of an open container becomes pieces of sound at its own rate."""

from collections.abc import Iterator

import av
import numpy as np
from av import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.error import FFmpegError
from av.packet import Packet

from malgwi.audio.clock import Piece
from malgwi.audio.container import Source
from malgwi.audio.conversion import DTYPES, Sound, to_float
from malgwi.audio.defects import Defects

EXACT = ("pcm_f", "wavpack")  # decoders whose samples are what was stored; others overshoot a bit
SAFE_PLANES = 7  # planar frames with more channels crash PyAV 18 when they are looked at
RATES = range(2_000, 1_000_001)  # Hz; what claims another is damaged, and would last for days
PATIENCE = 16  # attempts in a row to read on after damage


def decoded(source: Source, defects: Defects, origin: float | None = None) -> Iterator[Piece]:
    """The sound in pieces; what cannot be decoded is left out and goes to `defects`.

    `origin` is the stamp at which the file begins, where that is known.
    """
    unpack = Unpacker()
    origin = origin_of(source) if origin is None else origin
    reached = 0.0
    for packet in _packets(source, defects):
        try:
            frames = source.stream.codec_context.decode(packet)
        except FFmpegError:
            defects.damaged.add(reached)
            continue
        for frame in frames:
            if frame.sample_rate not in RATES:
                defects.damaged.add(reached)
                continue
            stamp = _stamp(frame)
            origin = stamp if origin is None else origin
            at = None if stamp is None or origin is None else stamp - origin
            piece = Piece(unpack(frame), frame.sample_rate, at)
            reached = (reached if at is None else at) + piece.seconds
            if piece.seconds:
                yield piece


def is_exact(source: Source) -> bool:
    """Whether the samples are what was stored, so that a value beyond full scale is a defect."""
    return source.stream.codec_context.codec.name.startswith(EXACT)


class Unpacker:
    """Takes the samples out of frames."""

    def __init__(self) -> None:
        self._packer: AudioResampler | None = None
        self._packs: tuple[str, str, int] | None = None

    def __call__(self, frame: AudioFrame) -> Sound:
        channels = frame.layout.nb_channels
        if frame.format.is_planar and channels > SAFE_PLANES:
            return self._packed(frame)
        return _samples(frame)

    def _packed(self, frame: AudioFrame) -> Sound:
        """By way of the library's own conversion, which knows where the many planes are."""
        packs = (frame.format.name, frame.layout.name, frame.sample_rate)
        if packs != self._packs:
            self._packer, self._packs = AudioResampler(format="flt"), packs
        assert self._packer is not None
        return np.concatenate([_samples(part) for part in self._packer.resample(frame)], axis=1)


def _samples(frame: AudioFrame) -> Sound:
    dtype = DTYPES[frame.format.name.removesuffix("p")]
    if frame.format.is_planar:
        rows = [np.frombuffer(memoryview(plane), dtype, frame.samples) for plane in frame.planes]
        return to_float(np.stack(rows))
    channels = frame.layout.nb_channels
    packed = np.frombuffer(memoryview(frame.planes[0]), dtype, frame.samples * channels)
    return to_float(packed.reshape(-1, channels).T)


def _packets(source: Source, defects: Defects) -> Iterator["Packet[AudioStream] | None"]:
    """The packets of the sound track, then None, which asks the decoder for what it holds."""
    failures = 0
    while failures < PATIENCE:
        try:
            for packet in source.container.demux(source.stream):
                failures = 0
                if packet.size:
                    yield packet
            break
        except (FFmpegError, IndexError) as error:  # PyAV has no name for a track that comes late
            failures += 1
            reason = getattr(error, "strerror", None) or "the container is broken"
    else:
        defects.unreadable = reason
    defects.unreadable = source.file.trouble or defects.unreadable
    yield None


def _stamp(frame: AudioFrame) -> float | None:
    if frame.pts is None or not frame.time_base:
        return None
    return float(frame.pts * frame.time_base.numerator / frame.time_base.denominator)


def origin_of(source: Source) -> float | None:
    """Where time begins: with a film its beginning, else (None) the first sound."""
    start = source.container.start_time
    return start / av.time_base if start is not None and source.is_film else None

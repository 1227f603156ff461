"""Sound for tests: made with numpy, written in any codec with PyAV, recognised again by its pitch.

from audio.soundfiles import tones, write

path = write(tmp_path / "call.flac", tones(2, seconds=3.0, rate=8000), 8000, "flac")
"""

import struct
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from numpy.typing import NDArray

from malgwi.audio import Recording

Sound = NDArray[np.float32]
"""Shaped [channels, samples]."""

RATE = 16_000


def pitch(channel: int) -> float:
    """The frequency of a channel of `tones` in Hz; all lie in the telephone band."""
    return 350.0 + 45.0 * channel


def tone(frequency: float, seconds: float, rate: int = RATE, level: float = 0.3) -> Sound:
    """One channel with a sine."""
    times = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * frequency * times)).astype(np.float32)[np.newaxis]


def tones(channels: int, seconds: float, rate: int = RATE, level: float = 0.3) -> Sound:
    """Channels that each have a pitch of their own."""
    return np.concatenate([tone(pitch(i), seconds, rate, level) for i in range(channels)])


def pitches(sound: Sound, rate: int = RATE) -> list[float]:
    """The strongest frequency of each channel in Hz, to within a few."""
    windowed = sound * np.hanning(sound.shape[1])
    size = max(2**15, sound.shape[1])
    spectrum = np.abs(np.fft.rfft(windowed, n=size))
    return [float(peak) * rate / size for peak in spectrum.argmax(axis=1)]


def write(
    path: Path,
    sound: Sound,
    rate: int = RATE,
    codec: str = "pcm_s16le",
    options: Mapping[str, str] | None = None,
) -> Path:
    """Write the sound in a container that the name's ending chooses.

    `options` are those of the container's writer.
    """
    with av.open(str(path), "w", options=dict(options or {})) as container:
        _encode(container, _sound_track(container, sound, rate, codec), sound, rate)
    return path


def write_film(path: Path, sound: Sound, rate: int = RATE, late: float = 0.0) -> Path:
    """Pictures, and sound (FLAC in Matroska, else AAC) that begins so many seconds after them."""
    codec = "flac" if path.suffix == ".mkv" else "aac"
    with av.open(str(path), "w") as container:
        stream = _sound_track(container, sound, rate, codec)
        _add_pictures(container, late + sound.shape[1] / rate)
        _encode(container, stream, sound, rate, round(late * rate))
    return path


def write_silent_film(path: Path, seconds: float = 1.0) -> Path:
    """A film without a sound track."""
    with av.open(str(path), "w") as container:
        _add_pictures(container, seconds)
    return path


def write_with_gap(path: Path, sound: Sound, rate: int, lost: tuple[float, float]) -> Path:
    """Opus packets without those that begin in [lost[0], lost[1]) seconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libopus", rate=rate, layout=layout_of(sound.shape[0]))
        assert isinstance(stream, AudioStream)
        for piece in (frame(sound, rate), None):
            for packet in stream.encode(piece):
                assert packet.pts is not None and packet.time_base is not None
                if not lost[0] <= float(packet.pts * packet.time_base) < lost[1]:
                    container.mux(packet)
    return path


def layout_of(channels: int) -> str:
    named = {1: "mono", 2: "stereo", 4: "quad", 6: "5.1", 8: "7.1"}
    return named.get(channels, f"{channels} channels")


def frame(sound: Sound, rate: int, first: int = 0) -> AudioFrame:
    """Packed, because planar frames of eight channels and more crash PyAV 18."""
    packed = np.ascontiguousarray(sound.T).reshape(1, -1)
    made = AudioFrame.from_ndarray(packed, format="flt", layout=layout_of(sound.shape[0]))
    made.sample_rate = rate
    made.pts = first
    made.time_base = Fraction(1, rate)
    return made


def _sound_track(container: OutputContainer, sound: Sound, rate: int, codec: str) -> AudioStream:
    stream = container.add_stream(codec, rate=rate, layout=layout_of(sound.shape[0]))
    assert isinstance(stream, AudioStream)
    formats = stream.codec_context.codec.audio_formats
    if formats:
        stream.codec_context.format = formats[0]
    if codec == "wmav2":  # has no bit rate of its own choosing
        stream.codec_context.bit_rate = 128_000
    return stream


def _encode(
    container: OutputContainer, stream: AudioStream, sound: Sound, rate: int, late: int = 0
) -> None:
    for place in range(0, sound.shape[1], rate):
        part = frame(sound[:, place : place + rate], rate, late + place)
        container.mux(stream.encode(part))
    container.mux(stream.encode(None))


def _add_pictures(container: OutputContainer, seconds: float) -> None:
    stream = container.add_stream("mpeg4", rate=5, options={"b": "50000"})
    stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
    for number in range(max(1, round(seconds * 5))):
        picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), number % 255, np.uint8))
        picture.pts, picture.time_base = number, Fraction(1, 5)
        container.mux(stream.encode(picture))
    container.mux(stream.encode(None))


def wav_bytes(sound: Sound, rate: int = RATE, promised: int | None = None) -> bytes:
    """A float WAV with any number of channels, written by hand.

    `promised` is how many bytes of samples the header speaks of, where that is not the truth.
    """
    data = np.ascontiguousarray(sound.T, dtype="<f4").tobytes()
    size = len(data) if promised is None else promised
    channels = sound.shape[0]
    layout = struct.pack("<HHIIHH", 3, channels, rate, rate * channels * 4, channels * 4, 32)
    chunks = b"fmt " + struct.pack("<I", len(layout)) + layout + b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", min(36 + size, 2**32 - 1)) + b"WAVE" + chunks + data


def samples_of(recording: Recording) -> Sound:
    """All of it in one array."""
    return np.concatenate([block.samples for block in recording.blocks()], axis=1)


def codes(recording: Recording) -> list[str]:
    """The codes of its notices."""
    return [notice.code for notice in recording.notices]

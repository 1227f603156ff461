"""Whatever the file, each channel arrives where it was, as long as it was, at 16 kHz."""

import struct
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import pytest
from audio.soundfiles import (
    frame,
    pitch,
    pitches,
    samples_of,
    tone,
    tones,
    wav_bytes,
    write,
    write_film,
    write_silent_film,
)

from malgwi.audio import open_recording
from malgwi.errors import BadAudio
from malgwi.types import SAMPLE_RATE

SECONDS = 2.0


class Format(NamedTuple):
    file: str
    codec: str
    rate: int = 16_000
    channels: int = 2
    options: tuple[tuple[str, str], ...] = ()
    slack: float = 0.001
    """Seconds by which the length may differ; a few codecs only have whole packets."""


FORMATS = [
    Format("8bit.wav", "pcm_u8"),
    Format("16bit.wav", "pcm_s16le"),
    Format("24bit.wav", "pcm_s24le"),
    Format("32bit.wav", "pcm_s32le"),
    Format("float.wav", "pcm_f32le"),
    Format("double.wav", "pcm_f64le"),
    Format("mulaw.wav", "pcm_mulaw", 8_000),
    Format("alaw.wav", "pcm_alaw", 8_000),
    Format("adpcm.wav", "adpcm_ms", 8_000, slack=0.2),
    Format("rf64.wav", "pcm_s16le", options=(("rf64", "always"),)),
    Format("sony.w64", "pcm_s24le", 48_000),
    Format("big.aiff", "pcm_s16be", 44_100),
    Format("big.au", "pcm_s16be", 8_000),
    Format("apple.caf", "pcm_s16be", 48_000),
    Format("8000.wav", "pcm_s16le", 8_000),
    Format("11025.wav", "pcm_s16le", 11_025),
    Format("12000.wav", "pcm_s16le", 12_000),
    Format("22050.wav", "pcm_s16le", 22_050),
    Format("24000.wav", "pcm_s16le", 24_000, 16),
    Format("44100.wav", "pcm_s16le", 44_100),
    Format("96000.wav", "pcm_s24le", 96_000),
    Format("192000.wav", "pcm_s24le", 192_000),
    Format("one.wav", "pcm_s16le", channels=1),
    Format("three.wav", "pcm_s16le", channels=3),
    Format("sixteen.wav", "pcm_s16le", channels=16),
    Format("all.wav", "pcm_s16le", 8_000, 64),
    Format("all-float.wav", "pcm_f32le", 24_000, 64),
    Format("one.flac", "flac", channels=1),
    Format("eight.flac", "flac", 8_000, 8),
    Format("lossless.wv", "wavpack", 44_100),
    Format("planar.wv", "wavpack", 44_100, 8),
    Format("lossless.m4a", "alac", 44_100),
    Format("stereo.mp3", "libmp3lame", 44_100),
    Format("telephone.mp3", "libmp3lame", 8_000, 1),
    Format("old.mp2", "mp2", 48_000, slack=0.06),
    Format("stereo.m4a", "aac", 44_100, slack=0.05),
    Format("bare.aac", "aac", 44_100, slack=0.1),
    Format("opus.ogg", "libopus", 48_000),
    Format("opus.webm", "libopus", 48_000, slack=0.03),
    Format("opus.mka", "libopus", 48_000, slack=0.03),
    Format("sound.mkv", "flac", 48_000),
    Format("windows.wma", "wmav2", 44_100, slack=0.1),
    Format("telephone.amr", "libopencore_amrnb", 8_000, 1, slack=0.05),
    Format("telephone.3gp", "libopencore_amrnb", 8_000, 1, slack=0.05),
    Format("stream.ts", "aac", 48_000, slack=0.1),
]


@pytest.mark.parametrize("entry", FORMATS, ids=[entry.file for entry in FORMATS])
def test_every_channel_of_every_format_keeps_its_pitch_its_place_and_its_length(
    tmp_path: Path, entry: Format
) -> None:
    if entry.codec not in av.codecs_available:
        pytest.skip(f"this PyAV cannot write {entry.codec}")  # from 19 on it only reads it
    sound = tones(entry.channels, SECONDS, entry.rate)
    path = write(tmp_path / entry.file, sound, entry.rate, entry.codec, dict(entry.options))

    recording = open_recording([path])
    samples = samples_of(recording)

    assert samples.shape[0] == entry.channels == len(recording.labels)
    assert samples.dtype == np.float32
    assert samples.shape[1] / SAMPLE_RATE == pytest.approx(SECONDS, abs=entry.slack)
    assert recording.duration == pytest.approx(SECONDS, abs=0.3)
    expected = [pitch(channel) for channel in range(entry.channels)]
    assert pitches(samples) == pytest.approx(expected, abs=3.0)
    assert recording.notices == ()


@pytest.mark.parametrize(("file", "codec"), [("a.m4a", "aac"), ("a.ogg", "libopus")])
def test_surround_sound_keeps_its_order_and_is_not_mixed_down(
    tmp_path: Path, file: str, codec: str
) -> None:
    sound = tones(8, SECONDS, 48_000)
    bass = 3  # the codecs keep only what is below 200 Hz of it
    sound[bass] = tone(80.0, SECONDS, 48_000)
    path = write(tmp_path / file, sound, 48_000, codec)

    samples = samples_of(open_recording([path]))

    expected = [pitch(channel) if channel != bass else 80.0 for channel in range(8)]
    assert pitches(samples) == pytest.approx(expected, abs=3.0)


def test_the_sound_track_of_a_film_is_heard(tmp_path: Path) -> None:
    for name in ("film.mp4", "film.mkv"):
        path = write_film(tmp_path / name, tones(2, 2.0, 48_000), 48_000)

        samples = samples_of(open_recording([path]))

        assert pitches(samples) == pytest.approx([pitch(0), pitch(1)], abs=3.0)
        assert samples.shape[1] / SAMPLE_RATE == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize(
    ("file", "codec"),
    [("a.wav", "pcm_s16le"), ("a.flac", "flac"), ("a.mp3", "libmp3lame"), ("a.m4a", "aac")],
)
@pytest.mark.parametrize("rate", [8_000, 24_000, 48_000])
def test_a_click_stays_where_it_was(tmp_path: Path, file: str, codec: str, rate: int) -> None:
    sound = np.zeros((1, 2 * rate), np.float32)
    sound[:, rate : rate + rate // 200] = tone(1000.0, 0.005, rate, 0.8)
    path = write(tmp_path / file, sound, rate, codec)

    samples = samples_of(open_recording([path]))[0]

    loudest = np.abs(samples).argmax() / SAMPLE_RATE
    assert 0.995 <= loudest <= 1.010


@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_u8"])
def test_full_scale_stays_full_scale_and_silence_stays_silence(tmp_path: Path, codec: str) -> None:
    sound = np.array([[-1.0, 0.0, 0.5, -0.5] * 4000], np.float32)
    path = write(tmp_path / "levels.wav", sound, codec=codec)

    (block,) = open_recording([path]).blocks()

    assert block.samples == pytest.approx(sound, abs=0.01 if codec == "pcm_u8" else 1e-4)


def test_sixteen_bit_samples_at_our_rate_arrive_bit_by_bit(tmp_path: Path) -> None:
    numbers = np.random.default_rng(7).integers(-32768, 32767, (3, 20_000))
    sound = (numbers / 32768).astype(np.float32)
    path = write(tmp_path / "exact.wav", sound, codec="pcm_s16le")

    (block,) = open_recording([path]).blocks()

    assert np.array_equal(block.samples * 32768, numbers)


def test_a_title_in_an_old_korean_encoding_does_no_harm(tmp_path: Path) -> None:
    title = "관제 녹음 ".encode("cp949")
    info = b"INFOINAM" + struct.pack("<I", len(title)) + title
    path = tmp_path / "titled.wav"
    path.write_bytes(wav_bytes(tones(1, 1.0)) + b"LIST" + struct.pack("<I", len(info)) + info)

    assert samples_of(open_recording([path])).shape == (1, 16_000)


def test_of_two_sound_tracks_one_is_used_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "two.mka"
    with av.open(str(path), "w") as container:
        tracks = [container.add_stream("flac", rate=16_000, layout="mono") for _ in range(2)]
        for number, track in enumerate(tracks):
            container.mux([*track.encode(frame(tone(pitch(number), 1.0), 16_000)), *track.encode()])

    recording = open_recording([path])

    assert len(recording.labels) == 1
    assert [notice.code for notice in recording.notices] == ["audio-tracks"]


def test_a_film_without_sound_is_refused(tmp_path: Path) -> None:
    path = write_silent_film(tmp_path / "silent.mp4")

    with pytest.raises(BadAudio, match=r"silent\.mp4 has no sound track"):
        open_recording([path])

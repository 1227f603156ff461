"""What can be decoded is, the clock is kept, and what was wrong is said."""

from pathlib import Path

import numpy as np
import pytest
from audio.soundfiles import (
    Sound,
    codes,
    pitch,
    pitches,
    samples_of,
    tone,
    tones,
    wav_bytes,
    write,
    write_film,
    write_with_gap,
)

from malgwi.audio import open_recording
from malgwi.types import SAMPLE_RATE

SECONDS = 10.0


def heard(sound: Sound) -> Sound:
    """The loudness of each tenth of a second of the first channel."""
    tenths = sound[0, : sound.shape[1] // 1600 * 1600].reshape(-1, 1600)
    return np.asarray(np.abs(tenths).max(axis=1))


@pytest.mark.parametrize(
    ("file", "codec", "rate"),
    [
        ("a.wav", "pcm_s16le", 16_000),
        ("a.w64", "pcm_s24le", 48_000),
        ("a.aiff", "pcm_s16be", 16_000),
        ("a.flac", "flac", 16_000),
        ("a.mp3", "libmp3lame", 44_100),
        ("a.ogg", "libopus", 48_000),
        ("a.webm", "libopus", 48_000),
        ("a.mkv", "flac", 16_000),
        ("a.wv", "wavpack", 16_000),
    ],
)
def test_what_is_before_the_break_is_used_and_the_break_is_said(
    tmp_path: Path, file: str, codec: str, rate: int
) -> None:
    path = write(tmp_path / file, tones(2, SECONDS, rate), rate, codec)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])

    recording = open_recording([path])
    samples = samples_of(recording)

    assert 3.9 <= samples.shape[1] / SAMPLE_RATE <= 6.1
    assert pitches(samples) == pytest.approx([pitch(0), pitch(1)], abs=3.0)
    assert codes(recording) == ["audio-truncated"]
    message = recording.notices[0].message
    assert str(path) in message
    assert f"at {samples.shape[1] / SAMPLE_RATE:.1f} s" in message


def test_a_film_with_its_index_in_front_is_used_up_to_the_break(tmp_path: Path) -> None:
    sound = tones(2, SECONDS, 44_100)
    path = write(tmp_path / "a.m4a", sound, 44_100, "aac", {"movflags": "faststart"})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])

    recording = open_recording([path])

    assert samples_of(recording).shape[1] / SAMPLE_RATE == pytest.approx(6.0, abs=0.2)
    assert codes(recording) == ["audio-truncated"]


@pytest.mark.parametrize("promised", [0, 0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_recorder_that_did_not_know_the_length_is_not_reproached(
    tmp_path: Path, promised: int
) -> None:
    path = tmp_path / "streamed.wav"
    path.write_bytes(wav_bytes(tone(440.0, 2.0), promised=promised))

    recording = open_recording([path])

    assert samples_of(recording).shape == (1, 32_000)
    assert recording.notices == ()


def test_an_rf64_file_that_breaks_off_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "big.wav", tones(2, 4.0), options={"rf64": "always"})
    path.write_bytes(path.read_bytes()[:100_000])

    recording = open_recording([path])

    assert samples_of(recording).shape[1] / SAMPLE_RATE == pytest.approx(1.56, abs=0.01)
    assert codes(recording) == ["audio-truncated"]
    assert "promises 4.0 s" in recording.notices[0].message


@pytest.mark.parametrize(
    ("file", "codec", "rate"),
    [
        ("a.flac", "flac", 16_000),
        ("a.m4a", "aac", 44_100),
        ("a.ogg", "libopus", 48_000),
        ("a.mkv", "flac", 16_000),
    ],
)
def test_damage_in_the_middle_becomes_silence_and_the_clock_is_kept(
    tmp_path: Path, file: str, codec: str, rate: int
) -> None:
    sound = tone(pitch(0), SECONDS, rate)
    sound[:, round(9.5 * rate) :] = 0.0  # the end of the tone must not move
    options = {"cluster_time_limit": "500"} if file == "a.mkv" else {}  # ms; the rest of it is lost
    path = write(tmp_path / file, sound, rate, codec, options)
    data = bytearray(path.read_bytes())
    middle, length = len(data) // 2, len(data) // 25
    data[middle : middle + length] = np.random.default_rng(1).bytes(length)
    path.write_bytes(bytes(data))

    recording = open_recording([path])
    samples = samples_of(recording)

    assert samples.shape[1] / SAMPLE_RATE == pytest.approx(SECONDS, abs=0.05)
    loud = np.flatnonzero(np.abs(samples[0]) > 0.1)
    assert loud[-1] / SAMPLE_RATE == pytest.approx(9.5, abs=0.05)
    assert "audio-gap" in codes(recording)


def test_damage_where_there_are_no_time_stamps_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "a.aac", tones(2, SECONDS, 44_100), 44_100, "aac")
    data = bytearray(path.read_bytes())
    data[70_000:72_000] = bytes(2_000)
    path.write_bytes(bytes(data))

    recording = open_recording([path])

    assert samples_of(recording).shape[1] / SAMPLE_RATE > SECONDS - 1.0
    assert codes(recording) == ["audio-damaged"]
    assert "could not be decoded" in recording.notices[0].message


@pytest.mark.parametrize("file", ["call.webm", "call.mka"])
def test_packets_that_are_missing_leave_silence(tmp_path: Path, file: str) -> None:
    sound = tone(440.0, 6.0, 48_000)
    path = write_with_gap(tmp_path / file, sound, 48_000, lost=(2.0, 3.5))

    recording = open_recording([path])
    samples = samples_of(recording)

    assert samples.shape[1] / SAMPLE_RATE == pytest.approx(6.0, abs=0.05)
    quiet = np.flatnonzero(heard(samples) < 0.01) / 10
    assert quiet[0] == pytest.approx(2.0, abs=0.15)
    assert quiet[-1] == pytest.approx(3.4, abs=0.15)
    assert codes(recording) == ["audio-gap"]
    assert "1.50 s" in recording.notices[0].message


def test_a_film_whose_sound_begins_late_keeps_the_films_clock(tmp_path: Path) -> None:
    path = write_film(tmp_path / "late.mkv", tone(440.0, 3.0, 48_000), 48_000, late=1.5)

    samples = samples_of(open_recording([path]))

    assert np.flatnonzero(heard(samples) > 0.1)[0] == 15


def test_samples_that_are_no_numbers_become_silence(tmp_path: Path) -> None:
    sound = tones(2, 1.0)
    sound[0, 100:103] = np.nan, np.inf, -np.inf
    path = tmp_path / "broken.wav"
    path.write_bytes(wav_bytes(sound))

    recording = open_recording([path])
    samples = samples_of(recording)

    assert np.isfinite(samples).all()
    assert not samples[0, 100:103].any()
    assert np.array_equal(samples[1], sound[1])
    assert codes(recording) == ["samples-not-finite"]
    assert "3 samples" in recording.notices[0].message


def test_samples_beyond_full_scale_are_cut_and_that_is_said(tmp_path: Path) -> None:
    sound = tones(1, 1.0)
    sound[0, 100:102] = 40.0, -1.5
    path = tmp_path / "loud.wav"
    path.write_bytes(wav_bytes(sound))

    recording = open_recording([path])
    samples = samples_of(recording)

    assert samples[0, 100:102] == pytest.approx([1.0, -1.0])
    assert codes(recording) == ["samples-clipped-range"]
    assert "2 samples" in recording.notices[0].message
    assert "40 times" in recording.notices[0].message


@pytest.mark.parametrize(("file", "codec"), [("a.mp3", "libmp3lame"), ("a.wav", "pcm_s16le")])
def test_the_overshoot_of_a_codec_or_a_filter_is_cut_without_a_word(
    tmp_path: Path, file: str, codec: str
) -> None:
    square = np.sign(tone(500.0, 2.0, 44_100)) * np.float32(0.99)
    path = write(tmp_path / file, square, 44_100, codec)

    recording = open_recording([path])
    samples = samples_of(recording)

    assert np.abs(samples).max() == 1.0
    assert recording.notices == ()


def test_the_notices_are_those_of_the_last_reading(tmp_path: Path) -> None:
    path = tmp_path / "loud.wav"
    path.write_bytes(wav_bytes(tones(1, 0.5, level=1.5)))
    recording = open_recording([path])
    assert recording.notices == ()

    for _ in range(2):
        samples_of(recording)

    assert codes(recording) == ["samples-clipped-range"]


def test_a_track_that_appears_in_the_middle_of_a_broadcast_ends_nothing() -> None:
    recording = open_recording([Path(__file__).with_name("late-track.ts")])  # of a tone, damaged

    seconds = sum(block.duration for block in recording.blocks())

    assert seconds > 0.2
    assert recording.notices

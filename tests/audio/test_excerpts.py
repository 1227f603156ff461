"""From wherever reading begins, each sample is what it is in a reading of the whole."""

from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path
from threading import Event

import av
import numpy as np
import pytest
from audio.soundfiles import RATE, Sound, samples_of, tones, write, write_film, write_with_gap
from deadline import until

from malgwi.audio import Decoders, Listening, open_recording
from malgwi.errors import BadAudio, Cancelled

SECONDS = 14.0
PLACES = (0, 3 * RATE + 1, 6 * RATE + 13, 9 * RATE + 1001, 12 * RATE)
LSB = 2.0**-15
FORMATS = {
    "wav": ("pcm_s16le", 16_000, 16),
    "w64": ("pcm_s24le", 44_100, 2),
    "aiff": ("pcm_s16be", 44_100, 1),
    "flac": ("flac", 44_100, 2),
    "mp3": ("libmp3lame", 44_100, 2),
    "m4a": ("aac", 44_100, 2),
    "aac": ("aac", 16_000, 1),
    "opus": ("libopus", 48_000, 2),
    "webm": ("libopus", 48_000, 2),
    "mka": ("flac", 22_050, 2),
    "wv": ("wavpack", 11_025, 1),
    "wma": ("wmav2", 44_100, 1),
    "avi": ("pcm_s16le", 8_000, 1),
}


def speechlike(channels: int, rate: int, seconds: float = SECONDS) -> Sound:
    """No two moments of it are alike, so that a shift by a sample shows."""
    times = np.arange(round(seconds * rate)) / rate
    rows = [
        0.3 * np.sin(2 * np.pi * (300 + 40 * i) * times * (1 + times / 50)) for i in range(channels)
    ]
    return np.array(rows, np.float32)


def written(folder: Path, ending: str) -> Path:
    codec, rate, channels = FORMATS[ending]
    return write(folder / f"sound.{ending}", speechlike(channels, rate), rate, codec)


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with Decoders(processes=1, most=2) as pool:
        yield pool


@pytest.mark.parametrize("ending", FORMATS)
def test_each_sample_is_that_of_a_reading_of_the_whole(tmp_path: Path, ending: str) -> None:
    recording = open_recording([written(tmp_path, ending)], block_seconds=1.0)
    whole = samples_of(recording)

    for place in PLACES:
        blocks = list(islice(recording.blocks(place), 2))

        part = np.concatenate([block.samples for block in blocks], axis=1)
        assert blocks[0].first == place
        assert np.abs(part - whole[:, place : place + part.shape[1]]).max() <= LSB
    assert list(recording.blocks(whole.shape[1])) == []
    assert list(recording.blocks(100 * RATE)) == []


def test_a_variable_bit_rate_without_an_index_is_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "variable.mp3"
    rng = np.random.default_rng(5)
    sound = speechlike(1, 44_100, 30.0)
    sound += (np.arange(sound.shape[1]) // 44_100 % 7 == 3) * rng.normal(0, 0.2, sound.shape[1])
    with av.open(str(path), "w", options={"write_xing": "0"}) as container:
        stream = container.add_stream("libmp3lame", rate=44_100, layout="mono")
        stream.codec_context.options = {"compression_level": "9"}
        stream.codec_context.global_quality = 4 * 118
        stream.codec_context.flags |= 0x2  # by quality, not by rate
        frame = av.AudioFrame.from_ndarray(sound.astype(np.float32), "fltp", "mono")
        frame.sample_rate = 44_100
        for piece in (frame, None):
            container.mux(stream.encode(piece))
    recording = open_recording([path], block_seconds=1.0)
    whole = samples_of(recording)

    (block,) = islice(recording.blocks(21 * RATE + 5), 1)

    assert np.abs(block.samples - whole[:, 21 * RATE + 5 : 22 * RATE + 5]).max() <= LSB


def test_files_are_on_one_clock_from_the_middle_on_too(tmp_path: Path) -> None:
    early = write(tmp_path / "early.flac", speechlike(2, 44_100, 7.0), 44_100, "flac")
    late = write(tmp_path / "late.wav", speechlike(1, 16_000, 12.0))
    recording = open_recording([early, late], offsets=[0.0, 4.25], block_seconds=1.0)
    whole = samples_of(recording)

    for place in (2 * RATE, 4 * RATE + 100, 6 * RATE + 7, 10 * RATE + 3, 15 * RATE):
        (block,) = islice(recording.blocks(place), 1)
        assert np.array_equal(block.samples, whole[:, place : place + block.samples.shape[1]])


def test_a_gap_is_where_it_is_in_a_reading_of_the_whole(tmp_path: Path) -> None:
    path = write_with_gap(tmp_path / "gap.ogg", speechlike(1, 48_000), 48_000, (6.0, 8.0))
    recording = open_recording([path], block_seconds=1.0)
    whole = samples_of(recording)

    for place in (5 * RATE, 7 * RATE + 3, 7 * RATE + 15_000, 9 * RATE, 11 * RATE):
        (block,) = islice(recording.blocks(place), 1)
        assert np.abs(block.samples - whole[:, place : place + RATE]).max() <= LSB


def test_the_sound_of_a_film_that_begins_late_does_so_here(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mkv", speechlike(1, 16_000), late=1.5)
    recording = open_recording([path], block_seconds=1.0)
    whole = samples_of(recording)

    (block,) = islice(recording.blocks(9 * RATE + 1), 1)

    assert np.abs(block.samples - whole[:, 9 * RATE + 1 : 10 * RATE + 1]).max() <= LSB


@pytest.mark.parametrize("ending", ["wav", "mp3", "wma"])
def test_pieces_of_any_length_join(decoders: Decoders, tmp_path: Path, ending: str) -> None:
    files = [(written(tmp_path, ending), 0.0)]
    listening = Listening(decoders)
    whole = piece(listening, files, 0, 20 * RATE)

    cuts = [0, 16_000, 16_001, 40_000, 40_500, 150_000, whole.shape[1]]
    parts = [piece(listening, files, *each) for each in pairwise(cuts)]

    assert np.abs(np.concatenate(parts, axis=1) - whole).max() <= LSB


def test_a_piece_after_the_piece_before_it_opens_no_file_again(
    decoders: Decoders, tmp_path: Path
) -> None:
    path = written(tmp_path, "wav")
    listening = Listening(decoders)
    whole = samples_of(open_recording([path]))
    first = piece(listening, [(path, 0.0)], 6 * RATE, 7 * RATE)
    path.unlink()

    after = piece(listening, [(path, 0.0)], 7 * RATE, 8 * RATE)

    joined = np.concatenate([first, after], axis=1)
    assert np.array_equal(joined, whole[:, 6 * RATE : 8 * RATE])


def test_who_listens_to_what_is_no_sound_hears_why(decoders: Decoders, tmp_path: Path) -> None:
    path = tmp_path / "page.wav"
    path.write_text("<html>")

    with pytest.raises(BadAudio, match="not a sound file"):
        piece(Listening(decoders), [(path, 0.0)], 0, RATE)


@pytest.mark.slow
def test_who_goes_is_let_go_while_it_is_looked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "long.wma", tones(1, 1200.0, 44_100), 44_100, "wmav2")
    stop = Event()
    with Decoders(processes=1) as one:
        listening = Listening(one)
        piece(listening, [(path, 0.0)], 0, RATE)
        stop.set()
        with pytest.raises(Cancelled):
            piece(listening, [(path, 0.0)], 1190 * RATE, 1191 * RATE, stop)
        until(lambda: one.pids)
        assert piece(listening, [(path, 0.0)], 0, RATE).shape == (1, RATE)


def piece(
    listening: Listening,
    files: list[tuple[Path, float]],
    first: int,
    end: int,
    stop: Event | None = None,
) -> Sound:
    excerpt = listening.excerpt(files, first, end, stop or Event())
    return np.concatenate([block.samples for block in excerpt.blocks], axis=1)

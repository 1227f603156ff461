"""What a header says is read with care: it may say anything."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from audio.soundfiles import tone, tones, wav_bytes, write
from hypothesis import given
from hypothesis import strategies as st

from malgwi.audio.promises import mp3_has_length, ogg_is_whole, wav_seconds

FLOAT_STEREO = 8  # bytes a sample of both channels


def test_the_length_of_a_wav_file_is_that_of_its_header() -> None:
    promised = 5 * 16_000 * FLOAT_STEREO

    assert wav_seconds(BytesIO(wav_bytes(tones(2, 1.0), promised=promised))) == 5.0


@pytest.mark.parametrize(("file", "rf64"), [("a.wav", "never"), ("a.wav", "always"), ("a.w64", "")])
def test_every_kind_of_wav_file_is_understood(tmp_path: Path, file: str, rf64: str) -> None:
    path = write(tmp_path / file, tones(3, 2.5), options={"rf64": rf64} if rf64 else {})

    with path.open("rb") as opened:
        assert wav_seconds(opened) == pytest.approx(2.5)


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0x7FFFFFDB, 0x80000000, 0xFFFFFFFF])
def test_a_placeholder_is_no_promise(size: int) -> None:
    assert wav_seconds(BytesIO(wav_bytes(tone(440.0, 0.1), promised=size))) is None


def test_two_hours_of_sixteen_channels_are_no_placeholder() -> None:
    size = 2 * 3600 * 16_000 * FLOAT_STEREO

    assert wav_seconds(BytesIO(wav_bytes(tones(2, 0.1), promised=size))) == 7200.0


def test_an_ogg_file_without_its_last_page_is_not_whole(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.ogg", tone(440.0, 5.0, 48_000), 48_000, "libopus").read_bytes()

    assert ogg_is_whole(BytesIO(whole))
    assert not ogg_is_whole(BytesIO(whole[:-1_000]))


def test_an_mp3_file_may_begin_with_its_length(tmp_path: Path) -> None:
    sound = tone(440.0, 2.0, 44_100)
    with_length = write(tmp_path / "a.mp3", sound, 44_100, "libmp3lame")
    without = write(tmp_path / "b.mp3", sound, 44_100, "libmp3lame", {"write_xing": "0"})

    assert mp3_has_length(BytesIO(with_length.read_bytes()))
    assert not mp3_has_length(BytesIO(without.read_bytes()))


@given(
    seed=st.integers(0, 2**32 - 1), kind=st.sampled_from([b"RIFF", b"RF64", b"riff", b"ID3", b""])
)
def test_no_header_breaks_the_reader(seed: int, kind: bytes) -> None:
    noise = np.random.default_rng(seed)
    header = bytearray(kind + wav_bytes(tone(440.0, 0.01))[len(kind) :])
    for place in noise.integers(4, 60, 20):
        header[place] = noise.integers(256)

    file = BytesIO(bytes(header))

    assert wav_seconds(file) is None or isinstance(wav_seconds(file), float)
    assert isinstance(ogg_is_whole(file), bool)
    assert isinstance(mp3_has_length(file), bool)

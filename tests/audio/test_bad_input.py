"""What is not sound is refused, with a sentence that has the file's name and says what to do."""

import os
from pathlib import Path

import av
import numpy as np
import pytest
from audio.soundfiles import tone, wav_bytes, write
from ordinary_user import as_an_ordinary_user

from malgwi.audio import open_recording
from malgwi.audio.container import OPTIONS, QuietFile
from malgwi.errors import BadAudio


def refusal(path: Path) -> str:
    with pytest.raises(BadAudio) as caught:
        open_recording([path])
    message = str(caught.value)
    assert str(path) in message
    assert message.endswith(".")
    return message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "gone.wav")


def test_a_folder(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)

    assert "not an ordinary file" in refusal(pipe)


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = write(tmp_path / "secret.wav", tone(440.0, 0.1))
    path.chmod(0)

    with as_an_ordinary_user():
        assert "may not be read" in refusal(path)


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.wav"
    path.touch()

    assert "is empty" in refusal(path)


@pytest.mark.parametrize("name", ["notes.txt", "notes.wav", "notes.mp3", "notes"])
def test_text(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("The quick brown fox.\n" * 200, encoding="utf-8")

    refusal(path)


@pytest.mark.parametrize("name", ["noise.wav", "noise.mp3", "noise.ogg", "noise"])
def test_bytes_without_meaning(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(np.random.default_rng(3).bytes(50_000))

    refusal(path)


@pytest.mark.parametrize("name", ["picture.png", "picture.wav"])
def test_a_picture(tmp_path: Path, name: str) -> None:
    path = tmp_path / "first.png"
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "rgb24"
        picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))
        container.mux([*stream.encode(picture), *stream.encode()])

    assert "has no sound track" in refusal(path.rename(tmp_path / name))


def test_a_header_without_samples(tmp_path: Path) -> None:
    path = tmp_path / "header.wav"
    path.write_bytes(wav_bytes(np.zeros((2, 0), np.float32)))

    assert "holds no sound" in refusal(path)


def test_a_film_whose_index_is_missing_is_said_to_be_cut_short(tmp_path: Path) -> None:
    path = write(tmp_path / "call.m4a", tone(440.0, 2.0, 44_100), 44_100, "aac")
    path.write_bytes(path.read_bytes()[:8_000])

    assert "cut short" in refusal(path)


def test_sound_that_no_decoder_makes_sense_of(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.m4a", tone(440.0, 2.0, 44_100), 44_100, "aac", {"movflags": "faststart"}
    )
    whole = path.read_bytes()
    samples = whole.index(b"mdat") + 4
    path.write_bytes(whole[:samples] + bytes(len(whole) - samples))

    assert "Nothing of" in refusal(path)


def test_a_rate_at_which_nothing_can_be_heard(tmp_path: Path) -> None:
    path = tmp_path / "slow.wav"
    path.write_bytes(wav_bytes(tone(440.0, 1.0), rate=1))

    assert "Nothing of" in refusal(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"),
        ("list.wav", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"),
        ("list.txt", "ffconcat version 1.0\nfile '{}'\n"),
        ("list.m3u", "\ufeff#EXTM3U\n{}\n"),
        ("list.pls", "[playlist]\nFile1={}\nNumberOfEntries=1\n"),
    ],
)
def test_a_playlist_leads_nowhere(tmp_path: Path, name: str, text: str) -> None:
    other = write(tmp_path / "other.aac", tone(440.0, 2.0, 44_100), 44_100, "aac")
    path = tmp_path / name
    path.write_text(text.format(other), encoding="utf-8")

    assert "is a playlist" in refusal(path)


def test_the_library_itself_may_open_no_other_file(tmp_path: Path) -> None:
    """The second lock: a playlist that we did not know for one would lead nowhere either."""
    other = write(tmp_path / "other.aac", tone(440.0, 2.0, 44_100), 44_100, "aac")
    path = tmp_path / "list.m3u8"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{other}\n#EXT-X-ENDLIST\n")

    with path.open("rb") as file, pytest.raises(av.error.FFmpegError):
        list(av.open(file, "r", options=OPTIONS).decode())


def test_the_library_is_silent(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "a.mp3", tone(440.0, 5.0, 44_100), 44_100, "libmp3lame")
    broken = bytearray(path.read_bytes())
    broken[9_000:20_000] = np.random.default_rng(5).bytes(11_000)
    path.write_bytes(bytes(broken))

    recording = open_recording([path])
    for _ in recording.blocks():
        pass

    assert capfd.readouterr() == ("", "")
    assert recording.notices


def test_a_disk_that_fails_ends_the_file_and_is_remembered(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(440.0, 0.1))
    file = QuietFile(os.open(path, os.O_WRONLY))  # to read from it fails

    with file:
        assert file.read(10) == b""
        assert file.trouble
        assert file.seek(-5) < 0

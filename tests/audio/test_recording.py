"""Several files on one clock, in blocks, in memory that does not grow."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from audio.soundfiles import codes, pitch, pitches, samples_of, tone, tones, wav_bytes, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from malgwi.audio import open_recording
from malgwi.errors import BadAudio, BadOption
from malgwi.types import SAMPLE_RATE


def one_each(folder: Path, lengths: list[float], rate: int = SAMPLE_RATE) -> list[Path]:
    """A mono file for each of the lengths, each with a pitch of its own."""
    return [
        write(folder / f"radio{number}.wav", tone(pitch(number), seconds, rate), rate)
        for number, seconds in enumerate(lengths)
    ]


@pytest.mark.parametrize(
    ("file", "codec", "rate"),
    [("a.wav", "pcm_s16le", 16_000), ("b.wav", "pcm_s16le", 11_025), ("c.ogg", "libopus", 48_000)],
)
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seconds=st.floats(0.01, 4.0))
def test_the_block_size_makes_no_difference_to_the_samples(
    tmp_path: Path, file: str, codec: str, rate: int, seconds: float
) -> None:
    path = tmp_path / file
    if not path.exists():
        write(path, tones(3, 2.0, rate)[:2], rate, codec)
    whole = samples_of(open_recording([path]))

    blocks = list(open_recording([path], block_seconds=seconds).blocks())

    assert np.array_equal(np.concatenate([block.samples for block in blocks], axis=1), whole)
    size = round(seconds * SAMPLE_RATE)
    assert [block.first for block in blocks] == [size * number for number in range(len(blocks))]
    assert all(block.samples.shape[1] == size for block in blocks[:-1])
    assert all(block.samples.flags.c_contiguous for block in blocks)


def test_a_recording_can_be_read_again(tmp_path: Path) -> None:
    recording = open_recording([write(tmp_path / "a.flac", tones(2, 1.0), codec="flac")])

    first, second = samples_of(recording), samples_of(recording)

    assert np.array_equal(first, second)


def test_reading_can_be_given_up(tmp_path: Path) -> None:
    recording = open_recording(one_each(tmp_path, [1.0, 2.0]), block_seconds=0.1)
    blocks = recording.blocks()
    next(blocks)

    blocks.close()  # type: ignore[attr-defined]

    assert samples_of(recording).shape == (2, 32_000)


def test_the_channels_of_one_file_are_counted(tmp_path: Path) -> None:
    recording = open_recording([write(tmp_path / "r.wav", tones(16, 0.1))])

    assert recording.labels[0] == "ch01"
    assert recording.labels[15] == "ch16"


def test_the_channels_of_several_files_have_the_files_names(tmp_path: Path) -> None:
    tower = write(tmp_path / "tower.wav", tones(1, 0.1))
    calls = write(tmp_path / "calls.flac", tones(2, 0.1, 8000), 8000, "flac")

    recording = open_recording([tower, calls])

    assert recording.labels == ("tower", "calls-1", "calls-2")
    assert recording.sources == (str(tower), str(calls))


def test_files_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    paths = []
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
        paths.append(write(tmp_path / folder / "radio.wav", tones(1, 0.1)))

    assert open_recording(paths).labels == ("radio", "radio~2", "radio~3")


def test_labels_that_were_given_are_used(tmp_path: Path) -> None:
    path = write(tmp_path / "r.wav", tones(2, 0.1))

    assert open_recording([path], labels=["tower", "지상"]).labels == ("tower", "지상")


@pytest.mark.parametrize("labels", [["one"], ["a", "b", "c"], ["same", "same"], ["a", " "]])
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, labels: list[str]) -> None:
    path = write(tmp_path / "r.wav", tones(2, 0.1))

    with pytest.raises(BadOption, match="label"):
        open_recording([path], labels=labels)


def test_files_of_different_rates_share_one_clock(tmp_path: Path) -> None:
    slow = write(tmp_path / "slow.wav", tone(500.0, 2.0, 8000), 8000)
    fast = write(tmp_path / "fast.flac", tone(900.0, 2.0, 48_000), 48_000, "flac")

    samples = samples_of(open_recording([slow, fast]))

    assert samples.shape == (2, 32_000)
    assert pitches(samples) == pytest.approx([500.0, 900.0], abs=3.0)


def test_an_offset_is_silence_before_the_file(tmp_path: Path) -> None:
    early, late = one_each(tmp_path, [2.0, 1.0])

    recording = open_recording([early, late], offsets=[0.0, 0.75], block_seconds=0.3)
    samples = samples_of(recording)

    assert recording.duration == pytest.approx(2.0)
    assert not samples[1, :12_000].any()
    assert samples[1, 12_000:28_000] == pytest.approx(tone(pitch(1), 1.0)[0], abs=1e-3)
    assert not samples[1, 28_000:].any()


def test_an_offset_counts_for_a_file_alone_too(tmp_path: Path) -> None:
    (path,) = one_each(tmp_path, [1.0])

    recording = open_recording([path], offsets=[3.0])

    assert recording.duration == pytest.approx(4.0)
    assert samples_of(recording).shape == (1, 64_000)
    assert recording.notices == ()


@pytest.mark.parametrize("seconds", [-0.5, float("nan"), float("inf"), 1e9])
def test_an_offset_that_makes_no_sense_is_refused(tmp_path: Path, seconds: float) -> None:
    (path,) = one_each(tmp_path, [0.1])

    with pytest.raises(BadOption, match=r"offset of .*radio0\.wav"):
        open_recording([path], offsets=[seconds])


def test_each_file_has_an_offset_or_none_has(tmp_path: Path) -> None:
    (path,) = one_each(tmp_path, [0.1])

    with pytest.raises(BadOption, match="1 files have 2 offsets"):
        open_recording([path], offsets=[0.0, 1.0])


def test_channels_of_the_same_bytes_are_channels_each(tmp_path: Path) -> None:
    (path,) = one_each(tmp_path, [1.0])

    recording = open_recording([path, path], offsets=[0.0, 0.5])

    assert recording.labels == ("radio0", "radio0~2")
    first, second = samples_of(recording)
    assert second[8_000:] == pytest.approx(first[:16_000])


def test_no_file_is_refused() -> None:
    with pytest.raises(BadOption, match="No sound file"):
        open_recording([])


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_block_size_that_makes_no_sense_is_refused(tmp_path: Path, seconds: float) -> None:
    with pytest.raises(BadOption, match="block"):
        open_recording(one_each(tmp_path, [0.1]), block_seconds=seconds)


def test_shorter_files_end_in_silence_and_that_is_said(tmp_path: Path) -> None:
    recording = open_recording(one_each(tmp_path, [3.0, 1.0, 2.8]))

    samples = samples_of(recording)

    assert samples.shape == (3, 48_000)
    assert not samples[1, 16_000:].any()
    (notice,) = recording.notices
    assert notice.code == "channels-unequal"
    assert "radio1.wav by 2.0 s" in notice.message
    assert "radio2.wav" not in notice.message  # 0.2 s: nobody would miss it


def test_sixty_four_files_are_sixty_four_channels(tmp_path: Path) -> None:
    recording = open_recording(one_each(tmp_path, [0.5] * 64))

    samples = samples_of(recording)

    expected = [pitch(channel) for channel in range(64)]
    assert pitches(samples) == pytest.approx(expected, abs=4.0)


def test_more_than_sixty_four_channels_are_refused(tmp_path: Path) -> None:
    wide = tmp_path / "wide.wav"
    wide.write_bytes(wav_bytes(tones(65, 0.1)))
    half = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for path in half:
        path.write_bytes(wav_bytes(tones(33, 0.1)))

    with pytest.raises(BadAudio, match=r"wide\.wav has 65 channels"):
        open_recording([wide])
    with pytest.raises(BadAudio, match="66 channels together"):
        open_recording(half)


def test_a_dead_line_is_told_and_a_silent_one_is_not(tmp_path: Path) -> None:
    sound = np.stack([np.full(40_000, -1.0), np.zeros(40_000), tone(440.0, 2.5)[0]])
    path = write(tmp_path / "lines.wav", sound.astype(np.float32))

    recording = open_recording([path], labels=["stuck", "silent", "alive"], block_seconds=0.5)
    samples_of(recording)

    assert codes(recording) == ["channel-constant"]
    assert "Channel stuck of" in recording.notices[0].message


PEAK = """
import resource, sys
from pathlib import Path
from malgwi.audio import open_recording
recording = open_recording([Path(name) for name in sys.argv[1:]], block_seconds=2.0)
seconds = sum(block.duration for block in recording.blocks())
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(seconds, peak / (2**20 if sys.platform == "darwin" else 2**10))
"""


def peak_of(*paths: Path) -> tuple[float, float]:
    """Seconds of sound, and megabytes that a process of its own needed to read them."""
    command = [sys.executable, "-c", PEAK, *map(str, paths)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, megabytes = map(float, run.stdout.split())
    return seconds, megabytes


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    sound = tones(4, 10.0, 24_000)
    short, long = tmp_path / "short.wav", tmp_path / "long.wav"
    short.write_bytes(wav_bytes(sound, 24_000))
    header = wav_bytes(sound[:, :0], 24_000, promised=40 * sound.nbytes)
    long.write_bytes(header + 40 * short.read_bytes()[-sound.nbytes :])

    (_, little), (seconds, much) = peak_of(short), peak_of(long)

    assert seconds == pytest.approx(400.0, abs=0.1)
    assert much < little + 10  # as one array it would be 100 MB more


def test_importing_the_room_loads_no_decoder() -> None:
    check = "import sys, malgwi.audio; sys.exit('av' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0

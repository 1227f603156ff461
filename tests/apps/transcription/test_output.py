"""Files on disk: all or none, and never over another without being told to."""

import errno
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from malgwi.apps.transcription import FORMATS, check_free, planned, read_json, write
from malgwi.errors import BadOption, OutputError, OutputExists
from malgwi.types import Channel, Transcript

needs_rights = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")


def test_every_format_is_written_whole_and_per_channel(radio: Transcript, tmp_path: Path) -> None:
    paths = write(radio, FORMATS, tmp_path / "new" / "out", "a", per_channel=True)

    assert len(paths) == len(FORMATS) * 5
    assert sorted(paths) == sorted((tmp_path / "new" / "out").iterdir())
    assert paths == planned(radio.channels, FORMATS, tmp_path / "new/out", "a", per_channel=True)
    assert (tmp_path / "new/out/a.지상 관제.srt").read_text("utf-8").startswith("1\n00:00:04,100")
    assert (tmp_path / "new/out/a.csv").read_bytes().startswith(b"\xef\xbb\xbfid,")


def test_the_file_of_a_channel_is_the_transcript_of_that_channel(
    radio: Transcript, tmp_path: Path
) -> None:
    write(radio, ["json"], tmp_path, "a", per_channel=True)

    ground = read_json(tmp_path / "a.지상 관제.json")

    assert ground.channels == (radio.channels[1],)
    assert ground.utterances == radio.of_channel(1)
    assert ground.timings == radio.timings


def test_labels_are_made_safe_for_file_names_and_stay_apart(tmp_path: Path) -> None:
    labels = ["../../etc", ".hidden", "A/B", "a_b", "타워 1", "...", "x" * 300, "con:\n*?"]
    channels = [Channel(index, label) for index, label in enumerate(labels)]

    _, *paths = planned(channels, ["srt"], tmp_path, "s", per_channel=True)

    assert [path.name for path in paths] == [
        "s._.._etc.srt", "s.hidden.srt", "s.A_B.srt", "s.a_b-2.srt", "s.타워 1.srt",
        "s.channel-6.srt", f"s.{'x' * 40}.srt", "s.con____.srt",
    ]  # fmt: skip
    assert all(path.parent == tmp_path for path in paths)


def test_an_existing_file_is_refused_by_name_before_anything_is_written(
    radio: Transcript, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("mine")

    with pytest.raises(OutputExists, match=r"a\.txt exists already\. Give --overwrite"):
        write(radio, ["srt", "txt"], tmp_path, "a")

    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "mine"


def test_many_existing_files_are_named_in_short(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.srt" for number in range(5)]
    for path in paths:
        path.touch()

    with pytest.raises(OutputExists, match=r"2\.srt and 2 more exist already"):
        check_free(paths)
    check_free([tmp_path / "free.srt"])


def test_overwrite_replaces_and_keeps_what_is_not_named(radio: Transcript, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "b.txt").write_text("other")

    write(radio, ["txt"], tmp_path, "a", overwrite=True)

    assert "tower" in (tmp_path / "a.txt").read_text("utf-8")
    assert (tmp_path / "b.txt").read_text() == "other"


def test_an_unknown_format_is_answered_with_the_known_ones_and_a_guess(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match=r"'strt'. Did you mean srt\? Known: json, srt, vtt, txt"):
        planned([], ["strt"], tmp_path, "a")


def test_a_format_named_twice_is_written_once(tmp_path: Path) -> None:
    assert planned([], ["srt", " SRT"], tmp_path, "a") == [tmp_path / "a.srt"]


@contextmanager
def no_room_after(size: int) -> Iterator[None]:
    """The system refuses any file larger than this, as it does on a disk that is full."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_disk_that_fills_up_leaves_nothing_half_written(
    radio: Transcript, tmp_path: Path
) -> None:
    (tmp_path / "a.srt").write_text("old")

    with no_room_after(4_000), pytest.raises(OutputError) as caught:
        write(radio, ["srt", "json"], tmp_path, "a", overwrite=True)

    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.EFBIG
    assert [path.name for path in tmp_path.iterdir()] == ["a.srt"]
    assert (tmp_path / "a.srt").read_text() == "old"


def test_a_full_device_is_a_sentence_with_the_remedy(radio: Transcript, tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full on this system")
    part = tmp_path / f".a.txt.{os.getpid()}.part"
    part.symlink_to(full)

    with pytest.raises(OutputError, match=r"There is no room left to write .*Make room"):
        write(radio, ["txt"], tmp_path, "a")

    assert list(tmp_path.iterdir()) == []


@needs_rights
def test_a_folder_without_the_right_to_write_is_a_sentence(
    radio: Transcript, tmp_path: Path
) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(OutputError, match=r"It is not allowed to write .*\. Give another"):
        write(radio, ["txt"], tmp_path, "a")


def test_a_file_where_the_folder_should_be_is_a_sentence(radio: Transcript, tmp_path: Path) -> None:
    (tmp_path / "out").touch()

    with pytest.raises(OutputError, match="out is a file, where a folder is needed"):
        write(radio, ["txt"], tmp_path / "out", "a")


def test_what_cannot_be_written_is_said_before_the_long_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "a.srt").mkdir()

    with pytest.raises(OutputError, match="file is a file, where a folder is needed"):
        planned([], ["srt"], tmp_path / "file" / "out", "a")
    with pytest.raises(OutputError, match="is too long a name for a file"):
        planned([], ["srt"], tmp_path / "new" / "out", "a" * 250)
    with pytest.raises(OutputError, match=r"a\.srt is a folder"):
        planned([], ["srt"], tmp_path, "a")
    assert planned([], [], tmp_path / "file", "a") == []
    assert planned([], ["srt"], tmp_path / "new" / "out", "a") == [tmp_path / "new/out/a.srt"]
    assert not (tmp_path / "new").exists()


@needs_rights
def test_a_folder_without_the_right_to_write_is_said_before_the_long_work(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(OutputError, match="It is not allowed to write"):
        planned([], ["srt"], tmp_path / "new", "a")


def test_a_folder_where_a_file_should_be_keeps_the_other_files_away(
    radio: Transcript, tmp_path: Path
) -> None:
    (tmp_path / "a.srt").mkdir()

    with pytest.raises(OutputError, match=r"a\.srt is a folder, where a file is to be written"):
        write(radio, ["txt", "srt"], tmp_path, "a", overwrite=True)

    assert [path.name for path in tmp_path.iterdir()] == ["a.srt"]


def test_a_name_that_is_too_long_is_a_sentence(radio: Transcript, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is too long a name for a file"):
        write(radio, ["txt"], tmp_path, "a" * 300)


def test_a_source_whose_name_is_no_text_does_not_cost_the_transcript(
    radio: Transcript, tmp_path: Path
) -> None:
    odd = replace(radio, sources=("/a\udcff.wav",))

    write(odd, FORMATS, tmp_path, "a")

    assert read_json(tmp_path / "a.json").sources == ("/a?.wav",)

"""What falls into the folder, and what becomes of it."""

import io
import json
import os
import shutil
import time
import wave
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from zoneinfo import ZoneInfo

import pytest

from malgwi.apps.transcription.watch import Names, Scan, Told, Watcher
from malgwi.apps.transcription.watch.folder import Changed, Seen, blocks, is_written_on, opened
from malgwi.apps.transcription.work import Source as Part
from malgwi.audio import Recording, open_recording
from malgwi.errors import BadInput, BadOption, StoreError, StoreGone
from malgwi.store import Source, SqlStore

SETTLED, PATIENCE = 10.0, 600.0
SEOUL = ZoneInfo("Asia/Seoul")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def opening(sources: Sequence[Part], labels: Sequence[str], stop: Event) -> Iterator[Recording]:
    yield open_recording([part.path for part in sources], labels=labels)


class Post:
    """A folder, whoever watches it, and what came of it."""

    def __init__(self, root: Path, store: SqlStore) -> None:
        self.folder, self.store = root / "in", store
        self.memory = root / "watch.db"
        self.clock = Clock()
        self.jobs: list[tuple[str, Told]] = []
        self.on_job: Callable[[], object] = lambda: None
        self.watchers: list[Watcher] = []
        self.folder.mkdir()

    def start(self, names: Names | None = None) -> Watcher:
        self.watchers.append(
            Watcher(
                self.folder,
                self.store,
                self._add_job,
                open=opening,
                memory=self.memory,
                names=names,
                settled=SETTLED,
                patience=PATIENCE,
                clock=self.clock,
            )
        )
        return self.watchers[-1]

    def settled(self, watcher: Watcher, seconds: float = SETTLED) -> Scan:
        """Two looks, so long apart."""
        watcher.scan()
        self.clock.now += seconds
        return watcher.scan()

    def put(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def recordings(self) -> int:
        return len(self.store.recordings().items)

    def _add_job(self, recording: str, told: Told) -> None:
        self.on_job()
        self.jobs.append((recording, told))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a store with nothing in it."""
    folder = tmp_path_factory.mktemp("template")
    SqlStore(f"sqlite:///{folder}/malgwi.db", folder).close()
    return folder


@pytest.fixture
def post(template: Path, tmp_path: Path) -> Iterator[Post]:
    data = tmp_path / "data"
    shutil.copytree(template, data)
    store = SqlStore(f"sqlite:///{data}/malgwi.db", data)
    post = Post(tmp_path, store)
    yield post
    for each in post.watchers:
        each.close()
    store.close()


def sound(seed: int = 0, channels: int = 1) -> bytes:
    """A second of a WAV file; of each seed another."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes([seed % 256, seed // 256 % 100]) * 8000 * channels)
    return file.getvalue()


# -- taken, once, and left there


def test_a_file_that_has_stopped_growing_is_taken_and_left_there(post: Post) -> None:
    path = post.put("말귀 call.wav", sound())
    watcher = post.start()

    assert watcher.scan() == Scan(waiting=1)
    post.clock.now += SETTLED
    scan = watcher.scan()

    recording = post.store.recording(scan.taken[0])
    assert (recording.name, recording.source) == ("말귀 call.wav", Source.WATCH)
    assert recording.duration == pytest.approx(1.0)
    assert post.store.media_path(recording.media[0].sha256).read_bytes() == sound()
    assert [each[0] for each in post.jobs] == [recording.id]
    assert path.read_bytes() == sound()
    assert watcher.scan() == Scan()


def test_a_file_that_grows_waits_by_our_own_watch(post: Post) -> None:
    watcher, content = post.start(), sound()
    path = post.put("call.wav", content[:1000])
    watcher.scan()
    os.utime(path, (0, 0))  # whatever other clocks say

    for end in (2000, 4000, len(content)):
        post.clock.now += SETTLED
        with path.open("ab") as file:
            file.write(content[path.stat().st_size : end])
        assert watcher.scan() == Scan(waiting=1)
    post.clock.now += SETTLED

    assert len(watcher.scan().taken) == 1


def test_a_file_that_somebody_has_open_to_write_waits(post: Post) -> None:
    path = post.put("call.wav", sound())
    watcher = post.start()
    with path.open("ab") as file:
        with path.open("rb") as ours:
            if not is_written_on(ours.fileno()):
                pytest.skip("This system does not tell who writes.")
        assert post.settled(watcher) == Scan(waiting=1)
        file.flush()
    post.clock.now += SETTLED

    assert len(watcher.scan().taken) == 1


@pytest.mark.parametrize(
    "name",
    [
        *(".call.wav", "~call.wav", "call.wav~", ".hidden/call.wav", "rejected/call.wav"),
        *("call.wav.part", "call.PART", "call.tmp", "call.wav.crdownload", "call.filepart"),
        *("Thumbs.db", "call.wav.reason.txt", "only.json"),
    ],
)
def test_what_is_under_way_or_nobodys_recording_is_left_alone(post: Post, name: str) -> None:
    path = post.put(name, b"anything")

    assert post.settled(post.start(), PATIENCE) == Scan()
    assert path.read_bytes() == b"anything"


def test_a_file_that_gets_its_name_when_it_is_whole_is_taken(post: Post) -> None:
    path = post.put("call.wav.part", sound())
    watcher = post.start()
    post.settled(watcher)

    path.rename(post.folder / "call.wav")

    assert len(post.settled(watcher).taken) == 1


def test_the_same_content_is_not_taken_again_under_another_name(post: Post) -> None:
    watcher = post.start()
    post.put("one.wav", sound())
    post.settled(watcher)

    post.put("day/two.wav", sound())

    assert post.settled(watcher) == Scan(known=1)
    assert (post.recordings(), len(post.jobs)) == (1, 1)


def test_after_a_restart_nothing_is_taken_or_read_again(post: Post) -> None:
    post.put("one.wav", sound())
    post.settled(post.start())

    assert post.settled(post.start()) == Scan()


def test_a_recording_that_was_deleted_does_not_come_back(post: Post) -> None:
    path = post.put("one.wav", sound())
    (recording,) = post.settled(post.start()).taken
    post.store.purge_recording(recording)

    again = post.start()
    path.rename(path.with_name("two.wav"))

    assert post.settled(again) == Scan(known=1)
    assert post.recordings() == 0


def test_where_the_memory_is_lost_the_store_still_knows(post: Post) -> None:
    post.put("one.wav", sound())
    (recording,) = post.settled(post.start()).taken
    post.memory.unlink()

    assert post.settled(post.start()).taken == (recording,)
    assert post.recordings() == 1


def test_a_name_with_a_new_content_is_a_new_recording(post: Post) -> None:
    watcher = post.start()
    for seed in range(3):
        post.put("latest.wav", sound(seed))
        assert len(post.settled(watcher).taken) == 1
    post.put("latest.wav", sound(0))

    assert post.settled(watcher) == Scan(known=1)
    assert post.recordings() == 3


def test_a_kill_before_the_job_is_added_makes_neither_two_recordings_nor_none(
    post: Post,
) -> None:
    post.put("one.wav", sound())
    post.on_job = no_database
    with pytest.raises(StoreGone):
        post.settled(post.start())

    post.on_job = lambda: None
    scan = post.settled(post.start())

    assert [each[0] for each in post.jobs] == list(scan.taken)
    assert post.recordings() == 1


def no_database() -> None:
    raise StoreGone("The database does not answer.")


def test_two_that_watch_the_same_folder_make_one_recording(post: Post) -> None:
    post.put("one.wav", sound())
    first, second = post.start(), post.start()
    for each in (first, second):
        each.scan()
    post.clock.now += SETTLED

    first.scan()
    second.scan()

    assert post.recordings() == 1


# -- what is no file of ours


def test_links_and_what_is_no_file_are_not_looked_into(post: Post, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.wav").write_bytes(sound())
    (post.folder / "link.wav").symlink_to(outside / "secret.wav")
    (post.folder / "linked").symlink_to(outside)
    os.mkfifo(post.folder / "pipe.wav")

    assert post.settled(post.start(), PATIENCE) == Scan()


def test_a_file_that_becomes_a_link_is_not_followed(post: Post, tmp_path: Path) -> None:
    path = post.put("one.wav", sound())
    outside = tmp_path / "secret.wav"
    shutil.copy2(path, outside)
    seen = Seen("one.wav", path.stat().st_size, path.stat().st_mtime_ns)
    path.unlink()
    path.symlink_to(outside)

    with pytest.raises(OSError, match="symbolic"), opened(post.folder, seen):
        pass


def test_what_vanishes_or_grows_while_others_are_taken_is_let_be(post: Post) -> None:
    paths = [post.put(f"{number}.wav", sound(number)) for number in range(3)]
    watcher = post.start()

    def meddle() -> None:
        post.on_job = lambda: None
        taken = post.store.recordings().items[0].name
        others = [path for path in paths if path.name != taken]
        others[0].unlink()
        with others[1].open("ab") as file:
            file.write(b"more")

    post.on_job = meddle
    scan = post.settled(watcher)

    assert (len(scan.taken), scan.waiting, scan.rejected) == (1, 1, 0)
    assert not (post.folder / "rejected").exists()


def cut(path: Path) -> None:
    os.truncate(path, 2_000_000)


def write_over(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"x")
    os.utime(path, (1, 1))


@pytest.mark.parametrize("change", [cut, write_over])
def test_a_file_that_changes_while_it_is_read_is_not_kept(
    post: Post, change: Callable[[Path], None]
) -> None:
    path = post.put("one.wav", bytes(3_000_000))
    seen = Seen("one.wav", path.stat().st_size, path.stat().st_mtime_ns)

    with opened(post.folder, seen) as file, pytest.raises(Changed):
        for number, _ in enumerate(blocks(file, seen)):
            if number == 0:
                change(path)


def test_a_file_of_which_a_part_was_not_there_to_read_is_not_kept(post: Post) -> None:
    path = post.put("one.wav", bytes(3_000_000))
    seen = Seen("one.wav", path.stat().st_size, path.stat().st_mtime_ns)

    with opened(post.folder, seen) as file:
        os.lseek(file, 1_000_000, os.SEEK_SET)  # as a share gives back less after a break
        with pytest.raises(Changed):
            list(blocks(file, seen))


def test_who_watches_over_it_is_told_of_each_look(post: Post) -> None:
    watcher, stop, looks = post.start(), Event(), list[Scan]()
    post.put("call.wav", sound())

    def looked(scan: Scan) -> None:
        looks.append(scan)
        post.clock.now += SETTLED
        if scan.taken:
            stop.set()

    watcher.run(stop, every=0, looked=looked)

    assert [(len(each.taken), each.waiting) for each in looks] == [(0, 1), (1, 0)]


def test_a_folder_that_is_not_there_is_said_with_a_remedy(post: Post) -> None:
    watcher = post.start()
    post.folder.rmdir()

    with pytest.raises(BadInput, match="Is the disk mounted"):
        watcher.scan()


def test_where_nothing_can_be_kept_files_wait_and_are_not_set_aside(post: Post) -> None:
    post.put("one.wav", sound())
    watcher = post.start()
    data = post.folder.parent / "data"
    shutil.rmtree(data / "media", ignore_errors=True)
    (data / "media").write_text("in the way")
    with pytest.raises(StoreError):
        post.settled(watcher)

    (data / "media").unlink()
    (data / "media").mkdir()

    assert len(watcher.scan().taken) == 1


def test_a_file_for_which_there_is_no_room_waits_and_holds_up_no_other(post: Post) -> None:
    large = post.put("large.wav", b"")
    os.truncate(large, 2**42)  # and has nothing in it
    others = [post.put(f"{number}.wav", sound(number)) for number in range(3)]
    watcher = post.start()

    scan = post.settled(watcher)

    assert (len(scan.taken), scan.waiting, scan.rejected) == (len(others), 1, 0)
    assert large.exists()


def test_where_its_memory_cannot_be_kept_nothing_is_taken_until_it_can(post: Post) -> None:
    post.put("one.wav", sound())
    post.memory = post.memory / "in a folder that is a file"
    post.memory.parent.write_text("in the way")
    watcher = post.start()
    with pytest.raises(StoreError, match="cannot be kept"):
        post.settled(watcher)
    assert post.recordings() == 0

    post.memory.parent.unlink()

    assert len(post.settled(watcher).taken) == 1


# -- bad ones


def test_a_file_without_sound_is_set_aside_with_its_reason(post: Post) -> None:
    post.put("day/notes.wav", b"this is no sound")
    watcher = post.start()

    assert post.settled(watcher) == Scan(rejected=1)

    aside = post.folder / "rejected" / "day"
    assert (aside / "notes.wav").read_bytes() == b"this is no sound"
    assert "not a sound file" in (aside / "notes.wav.reason.txt").read_text("utf-8")
    assert not (post.folder / "day" / "notes.wav").exists()
    assert watcher.scan() == Scan()
    assert post.recordings() == 0


def test_another_bad_file_of_that_name_replaces_none(post: Post) -> None:
    watcher = post.start()
    for content in (b"one", b"two"):
        post.put("notes.wav", content)
        post.settled(watcher)

    aside = post.folder / "rejected"
    assert {each.name for each in aside.iterdir()} == {
        "notes.wav",
        "notes.wav.reason.txt",
        "2-notes.wav",
        "2-notes.wav.reason.txt",
    }
    assert (aside / "2-notes.wav").read_bytes() == b"two"


def test_what_lies_among_the_bad_ones_is_not_replaced(post: Post) -> None:
    post.put("rejected/notes.wav", b"somebody's")
    post.put("notes.wav", b"this is no sound")

    assert post.settled(post.start()) == Scan(rejected=1)

    assert (post.folder / "rejected" / "notes.wav").read_bytes() == b"somebody's"
    assert (post.folder / "rejected" / "2-notes.wav").exists()


def test_an_empty_file_is_given_time_to_be_written(post: Post) -> None:
    post.put("call.wav", b"")
    watcher = post.start()

    assert post.settled(watcher) == Scan(waiting=1)
    assert post.settled(watcher, PATIENCE) == Scan(rejected=1)


@pytest.mark.parametrize("obstacle", ["file", "link"])
def test_a_bad_file_that_cannot_be_moved_is_left_and_said_once(
    post: Post, tmp_path: Path, caplog: pytest.LogCaptureFixture, obstacle: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    if obstacle == "file":
        (post.folder / "rejected").write_text("in the way")
    else:
        (post.folder / "rejected").symlink_to(outside)
    path = post.put("notes.wav", b"this is no sound")
    watcher = post.start()

    assert post.settled(watcher) == Scan(rejected=1)
    assert post.settled(watcher) == Scan()
    assert post.settled(post.start()) == Scan()

    assert path.exists()
    assert list(outside.iterdir()) == []
    said = [each for each in caplog.records if "cannot be used" in getattr(each, "reason", "")]
    assert len(said) == 1
    path.write_bytes(sound())
    assert len(post.settled(watcher).taken) == 1


# -- what is said of them


def test_a_sidecar_says_what_is_known_of_the_recording(post: Post) -> None:
    told = {
        "name": "Morning call",
        "started": "2026-03-01T09:30:00",
        "labels": ["gate", "<script>"],
        "channel_labels": ["agent", "customer"],
        "metadata": {"call": 17, "note": "'; DROP TABLE recording; --"},
        "language": ["ko", "auto"],
        "glossary": "names",
    }
    post.put("call.json", json.dumps(told).encode())
    post.put("call.wav", sound(channels=2))

    (taken,) = post.settled(post.start(Names(zone=SEOUL))).taken

    recording = post.store.recording(taken)
    assert recording.name == "Morning call"
    assert recording.started == datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
    assert recording.labels == {"gate", "<script>"}
    assert recording.channel_labels == ("agent", "customer")
    assert recording.metadata == {"call": "17", "note": "'; DROP TABLE recording; --"}
    (job,) = post.jobs
    assert (job[1].languages, job[1].glossary) == (("ko", None), "names")


@pytest.mark.parametrize(
    ("sidecar", "said"),
    [
        (b"{", "json"),
        (b"[]", "call.json"),
        (b'{"labls": ["secret"]}', "labls"),
        (b'{"started": "secret"}', "started"),
        (b'{"started": "0001-01-01T00:00:00"}', "started"),
        (b'{"metadata": {"a": ["secret"]}}', "metadata: a"),
        (b'{"language": "secret"}', "language"),
        (b'{"name": "secret\\u0000"}', "NUL"),
        (b'{"channel_labels": ["secret", "other"]}', "1 channels"),
        (b"[" * 100_000, "call.json"),
        (b" " * 300_000, "bytes"),
        (b"\xff\xfe", "call.json"),
    ],
)
def test_a_bad_sidecar_is_a_reason_which_does_not_repeat_what_it_says(
    post: Post, sidecar: bytes, said: str
) -> None:
    post.put("call.json", sidecar)
    post.put("call.wav", sound())

    assert post.settled(post.start()) == Scan(rejected=1)

    aside = post.folder / "rejected"
    reason = (aside / "call.wav.reason.txt").read_text("utf-8")
    assert said.lower() in reason.lower()
    assert "secret" not in reason
    assert (aside / "call.json").read_bytes() == sidecar
    assert post.recordings() == 0


def test_a_sidecar_that_still_grows_is_waited_for(post: Post) -> None:
    post.put("call.wav", sound())
    watcher = post.start()
    watcher.scan()
    post.clock.now += SETTLED
    path = post.put("call.json", b'{"labels": [')
    assert watcher.scan() == Scan(waiting=1)

    path.write_bytes(b'{"labels": ["gate"]}')

    (taken,) = post.settled(watcher).taken
    assert post.store.recording(taken).labels == {"gate"}


def test_a_name_says_when_and_on_which_channel(post: Post) -> None:
    post.put("7/north-gate_20260301-093000_17.wav", sound())
    names = Names("{channel}_{started:%Y%m%d-%H%M%S}_{call}.*", zone=SEOUL)

    (taken,) = post.settled(post.start(names)).taken

    recording = post.store.recording(taken)
    assert recording.started == datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
    assert recording.channel_labels == ("north-gate",)
    assert recording.metadata == {"call": "17"}


def test_the_channel_in_the_name_of_a_file_with_several_is_kept_beside(post: Post) -> None:
    post.put("desk.wav", sound(channels=2))

    (taken,) = post.settled(post.start(Names("{channel}.wav"))).taken

    recording = post.store.recording(taken)
    assert (recording.channel_labels, recording.metadata) == ((), {"channel": "desk"})


def test_a_file_that_the_pattern_does_not_fit_is_left_alone_and_said_once(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    path = post.put("other.wav", sound())
    watcher = post.start(Names("{channel}_{started:%Y%m%d}.wav"))

    assert post.settled(watcher) == Scan(unfit=1)
    assert watcher.scan() == Scan(unfit=1)

    assert path.exists()
    assert len([each for each in caplog.records if "pattern" in str(vars(each))]) == 1


def test_files_of_one_recording_wait_for_each_other(post: Post) -> None:
    watcher = post.start(Names("{call}-{channel}.wav", files=3))
    for channel in ("10", "9"):
        post.put(f"a-{channel}.wav", sound(int(channel)))
    post.put("b-1.wav", sound(1))
    assert post.settled(watcher) == Scan(waiting=3)

    post.put("a-8.wav", sound(8))
    assert watcher.scan() == Scan(waiting=4)
    post.clock.now += SETTLED
    (taken,) = watcher.scan().taken

    recording = post.store.recording(taken)
    assert recording.channel_labels == ("8", "9", "10")
    assert [each.name for each in recording.media] == ["a-8.wav", "a-9.wav", "a-10.wav"]
    assert recording.metadata == {"call": "a"}


def test_files_of_different_folders_are_no_recording(post: Post) -> None:
    watcher = post.start(Names("{channel}.wav", files=2))
    post.put("one/left.wav", sound(1))
    post.put("two/right.wav", sound(2))

    assert post.settled(watcher) == Scan(waiting=2)


def test_a_channel_that_never_comes_is_not_waited_for_forever_and_is_said(post: Post) -> None:
    watcher = post.start(Names("{call}-{channel}.wav", files=2))
    post.put("a-1.wav", sound())

    (taken,) = post.settled(watcher, PATIENCE).taken

    assert post.store.recording(taken).metadata == {"call": "a", "files_missing": "1"}


def test_files_of_one_recording_are_set_aside_together(post: Post) -> None:
    watcher = post.start(Names("{call}-{channel}.wav", files=2))
    post.put("a-1.wav", sound())
    post.put("a-2.wav", b"this is no sound")

    assert post.settled(watcher) == Scan(rejected=2)
    assert len(list((post.folder / "rejected").iterdir())) == 4


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("{a}.wav", "x.wav", True),
        ("{a}.wav", "x.WAV", False),
        ("{a}.wav", "xwav", False),
        ("{a}.wav", "folder/x.wav", True),
        ("{day}/{a}.wav", "x.wav", False),
        ("{day}/{a}.wav", "mon/x.wav", True),
        ("{day}/{a}.wav", "a/mon/x.wav", False),
        ("{started:%Y/%m/%d/%H%M%S}.wav", "2026/03/01/093000.wav", True),
        ("{started:%Y%m%d}.wav", "20261301.wav", False),
        ("{started:%Y-%m-%dT%H%M%S%z}.wav", "2026-03-01T093000+0900.wav", True),
        ("rec(1)+*.wav", "rec(1)+anything.wav", True),
    ],
)
def test_what_a_pattern_fits(pattern: str, name: str, fits: bool) -> None:
    assert (Names(pattern).read(name) is not None) == fits


def test_fields_are_as_short_as_will_do_and_the_last_takes_the_rest() -> None:
    said = Names("{call}-{agent}_{started:%Y%m%d}*.wav").read("17-a_b_20260301-night.wav")

    assert said is not None
    assert said.fields == {"call": "17", "agent": "a_b"}
    assert said.started is not None


def test_no_name_takes_long_to_read() -> None:
    names = Names("{a}-{b}-{c}-{channel}_{started:%Y%m%d}.wav")
    began = time.monotonic()

    assert names.read("-" * 240 + ".wav") is None

    assert time.monotonic() - began < 2.0


@pytest.mark.parametrize(
    "pattern",
    ["{", "{}", "a}b", "{a}{a}", "{started}", "{a:%Y}", "{started:%Q}", "{started:%", "{1a}.wav"],
)
def test_a_pattern_that_cannot_be_is_refused(pattern: str) -> None:
    with pytest.raises(BadOption):
        Names(pattern)


def test_files_of_one_recording_need_a_channel_in_the_pattern() -> None:
    with pytest.raises(BadOption, match="channel"):
        Names("{call}.wav", files=2)


# -- all of it


def test_it_runs_until_it_is_stopped(post: Post) -> None:
    watcher, stop = post.start(), Event()
    post.put("one.wav", sound())
    running = Thread(target=watcher.run, args=(stop, 0.01))
    running.start()
    until = time.monotonic() + 20
    while not post.jobs:
        assert time.monotonic() < until
        post.clock.now += 1
        time.sleep(0.01)

    stop.set()
    running.join(20)

    assert not running.is_alive()

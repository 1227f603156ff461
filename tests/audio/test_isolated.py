"""A file that does harm costs its own recording, and nothing else; others are decoded as ever."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import av
import numpy as np
import psutil
import pytest
from audio.soundfiles import (
    Sound,
    samples_of,
    tone,
    tones,
    wav_bytes,
    write,
    write_film,
    write_silent_film,
    write_with_gap,
)
from deadline import until

from malgwi.audio import Decoders, Recording, open_recording
from malgwi.audio.container import OPTIONS
from malgwi.errors import BadAudio, BadInput, BadOption, Cancelled, EngineGone, TooLarge

PATIENCE = 20.0  # seconds that a test waits for what must come
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    """For tests that do them no harm."""
    with Decoders() as pool:
        yield pool


@pytest.fixture
def one() -> Iterator[Decoders]:
    """A single decoder, which may be harmed."""
    with Decoders(processes=1, patience=0.5) as pool:
        yield pool


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("sound") / "short.wav", tones(1, 1.0))


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve blocks of four channels: far more than a pipe holds."""
    return write(tmp_path_factory.mktemp("sound") / "long.wav", tones(4, 120.0))


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def only_pid(decoders: Decoders) -> int:
    """The process, once it is ready for work."""
    until(lambda: decoders.pids)
    return decoders.pids[0]


def assert_alike(one: Recording, other: Recording) -> None:
    blocks, others = list(one.blocks()), list(other.blocks())
    assert [block.first for block in blocks] == [block.first for block in others]
    for block, its_like in zip(blocks, others, strict=True):
        assert np.array_equal(block.samples, its_like.samples)
        assert block.samples.dtype == its_like.samples.dtype
        assert block.samples.flags.c_contiguous
    assert one.sources == other.sources
    assert one.labels == other.labels
    assert one.duration == other.duration
    assert one.notices == other.notices


def cut_off(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-20_000])
    return path


FILES: dict[str, Callable[[Path], Path]] = {
    "mono.wav": lambda path: write(path, tones(1, 2.5)),
    "sixteen.wav": lambda path: write(path, tones(16, 2.0, 8_000), 8_000),
    "float.wav": lambda path: write(path, tones(64, 1.0, 24_000), 24_000, "pcm_f32le"),
    "loud.wav": lambda path: write(path, tones(1, 1.0, level=3.0), codec="pcm_f32le"),
    "short.wav": lambda path: cut_off(write(path, tones(1, 2.0))),
    "stereo.flac": lambda path: write(path, tones(2, 2.0, 44_100), 44_100, "flac"),
    "stereo.mp3": lambda path: write(path, tones(2, 2.0, 44_100), 44_100, "libmp3lame"),
    "stereo.m4a": lambda path: write(path, tones(2, 2.0, 44_100), 44_100, "aac"),
    "bare.aac": lambda path: write(path, tones(1, 2.0, 44_100), 44_100, "aac"),
    "opus.ogg": lambda path: write_with_gap(path, tones(1, 3.0, 48_000), 48_000, (1.0, 1.5)),
    "opus.webm": lambda path: write(path, tones(2, 2.0, 48_000), 48_000, "libopus"),
    "film.mkv": lambda path: write_film(path, tones(2, 2.0), late=0.5),
}


@pytest.mark.parametrize("name", FILES)
def test_what_comes_out_is_what_comes_out_in_this_process(
    decoders: Decoders, tmp_path: Path, name: str
) -> None:
    path = FILES[name](tmp_path / name)

    isolated = decoders.open([path], block_seconds=0.7)

    assert_alike(isolated, open_recording([path], block_seconds=0.7))


def test_several_files_are_on_one_clock(decoders: Decoders, tmp_path: Path) -> None:
    paths = [
        write(tmp_path / "tower.wav", tones(1, 2.0)),
        write(tmp_path / "ground.flac", tones(2, 1.0, 8_000), 8_000, "flac"),
    ]
    offsets = [0.0, 0.25]

    isolated = decoders.open(paths, offsets=offsets, labels=["a", "b", "c"])

    assert_alike(isolated, open_recording(paths, offsets=offsets, labels=["a", "b", "c"]))
    assert [notice.code for notice in isolated.notices] == ["channels-unequal"]


def test_a_recording_may_be_read_twice(decoders: Decoders, long: Path, short: Path) -> None:
    recording = decoders.open([long])
    decoders.open([short])

    first, second = samples_of(recording), samples_of(recording)

    assert np.array_equal(first, second)


def test_a_file_that_was_replaced_is_opened_anew(one: Decoders, tmp_path: Path) -> None:
    path = write(tmp_path / "upload.wav", tones(1, 1.0))
    samples_of(one.open([path]))
    write(path, tones(2, 2.0))

    recording = one.open([path])

    assert (recording.duration, recording.labels) == (2.0, ("ch01", "ch02"))


def test_a_file_with_other_channels_than_when_it_was_opened_is_refused(
    one: Decoders, tmp_path: Path, short: Path
) -> None:
    path = write(tmp_path / "upload.wav", tones(1, 1.0))
    recording = one.open([path])
    write(path, tones(2, 1.0))
    one.open([short])  # the decoder has forgotten the other by now

    with pytest.raises(BadAudio, match="was changed"):
        samples_of(recording)


# --- names -----------------------------------------------------------------------------------


def test_files_are_called_what_the_user_called_them(decoders: Decoders, tmp_path: Path) -> None:
    spooled = [tmp_path / "d41d8c.1", tmp_path / "d41d8c.12", tmp_path / "d41d8c.123"]
    for path, channels in zip(spooled, (1, 2, 1), strict=True):
        path.write_bytes(wav_bytes(tones(channels, 1.0), promised=10**6))
    names = ["tower.wav", "ground.wav", "tower.wav"]

    recording = decoders.open(spooled, names=names)
    samples_of(recording)

    assert recording.sources == ("tower.wav", "ground.wav", "tower.wav")
    assert recording.labels == ("tower", "ground-1", "ground-2", "tower~2")
    assert [notice.code for notice in recording.notices] == ["audio-truncated"] * 3
    told = " ".join(notice.message for notice in recording.notices)
    assert "ground.wav breaks off" in told
    assert str(tmp_path) not in told
    assert "d41d8c" not in told


BAD: dict[str, Callable[[Path], object]] = {
    "is empty": lambda path: path.touch(),
    "does not exist": lambda path: None,
    "is a folder": lambda path: path.mkdir(),
    "is not a sound file": lambda path: path.write_text("The quick brown fox.\n" * 200),
    "has no sound track": lambda path: write_silent_film(path.with_suffix(".mp4")).rename(path),
    "holds no sound": lambda path: path.write_bytes(wav_bytes(np.zeros((1, 0), np.float32))),
    "Nothing of": lambda path: path.write_bytes(wav_bytes(tone(440.0, 1.0), rate=1)),
}


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_file_is_refused_in_the_same_words(
    decoders: Decoders, tmp_path: Path, reason: str
) -> None:
    path = tmp_path / "a81f"
    BAD[reason](path)
    with pytest.raises(BadAudio, match=reason) as here:
        open_recording([path])

    with pytest.raises(BadAudio) as there:
        decoders.open([path])
    with pytest.raises(BadAudio) as named:
        decoders.open([path], names=["meeting.mp3"])

    assert str(there.value) == str(here.value)
    assert str(named.value) == str(here.value).replace(str(path), "meeting.mp3")


@pytest.mark.parametrize(
    "options",
    [
        {"labels": ["a", "b"]},
        {"offsets": [1.0, 2.0]},
        {"block_seconds": 0.0},
        {"block_seconds": float("nan")},
    ],
)
def test_a_bad_option_is_refused_in_the_same_words(
    decoders: Decoders, short: Path, options: dict[str, object]
) -> None:
    with pytest.raises(BadOption) as here:
        open_recording([short], **options)  # type: ignore[arg-type]

    with pytest.raises(BadOption) as there:
        decoders.open([short], **options)  # type: ignore[arg-type]

    assert str(there.value) == str(here.value)


def test_no_file_is_refused(decoders: Decoders) -> None:
    with pytest.raises(BadOption, match="Name at least one"):
        decoders.open([])


@pytest.mark.parametrize("names", [["a.wav", "b.wav"], [" "]])
def test_each_file_has_one_name(decoders: Decoders, short: Path, names: list[str]) -> None:
    with pytest.raises(BadOption, match="Give each file one"):
        decoders.open([short], names=names)


# --- bounds ----------------------------------------------------------------------------------


def test_too_many_channels_are_refused(decoders: Decoders, long: Path) -> None:
    with pytest.raises(TooLarge, match=r"x\.wav has 4 channels, and 3 are"):
        decoders.open([long], names=["x.wav"], most_channels=3)

    assert len(decoders.open([long], most_channels=4).labels) == 4


def test_a_recording_that_says_that_it_is_too_long_is_refused_at_once(
    decoders: Decoders, long: Path
) -> None:
    with pytest.raises(TooLarge, match=r"x\.wav is longer than 119\.5 seconds"):
        decoders.open([long], names=["x.wav"], longest=119.5)

    assert samples_of(decoders.open([long], longest=120.0)).shape[1] == 120 * 16_000


def test_a_recording_that_is_longer_than_it_says_is_refused_where_it_gets_too_long(
    decoders: Decoders, tmp_path: Path
) -> None:
    path = tmp_path / "guess.aac"  # its length is guessed from the first packets
    dense = np.random.default_rng(7).uniform(-1, 1, (1, 44_100)).astype(np.float32)
    head = write(tmp_path / "head.aac", dense, 44_100, "aac").read_bytes()
    tail = write(tmp_path / "tail.aac", np.zeros((1, 44_100 * 60), np.float32), 44_100, "aac")
    path.write_bytes(head + tail.read_bytes())
    recording = decoders.open([path], longest=20.0)
    assert recording.duration is not None
    assert recording.duration < 20.0

    blocks = recording.blocks()
    heard = [next(blocks).duration, next(blocks).duration]
    with pytest.raises(TooLarge, match="is longer than 20 seconds"):
        next(blocks)

    assert heard == [10.0, 10.0]


# --- leading elsewhere -----------------------------------------------------------------------


class Visited(ThreadingHTTPServer):
    """A server that must see nobody."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), BaseHTTPRequestHandler)
        self.visits = 0

    def verify_request(self, request: object, client_address: object) -> bool:
        self.visits += 1
        return False


@pytest.fixture
def server() -> Iterator[Visited]:
    with Visited() as visited:
        thread = Thread(target=visited.serve_forever, args=(0.01,))
        thread.start()
        yield visited
        visited.shutdown()
        thread.join()


@pytest.mark.parametrize("ending", ["", ".wav", ".m3u8", ".mp3", ".sdp"])
@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{0}\n#EXT-X-ENDLIST\n",
        "\n \n#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{0}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{0}'\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\na=control:{0}\n"
        "m=audio {1} RTP/AVP 0\n",
        '<?xml version="1.0"?><MPD type="static" mediaPresentationDuration="PT9S"><Period>'
        '<AdaptationSet mimeType="audio/mp4"><Representation id="1"><BaseURL>{0}</BaseURL>'
        "</Representation></AdaptationSet></Period></MPD>",
        "[playlist]\nFile1={0}\nNumberOfEntries=1\n",
        "{0}\n",
    ],
    ids=["hls", "hls-later", "ffconcat", "sdp", "dash", "pls", "bare"],
)
def test_a_file_that_names_others_leads_nowhere(
    decoders: Decoders, tmp_path: Path, server: Visited, text: str, ending: str
) -> None:
    secret = write(tmp_path / "secret.aac", tone(440.0, 2.0, 44_100), 44_100, "aac")
    port = server.server_address[1]
    addresses = [str(secret), secret.name, f"file://{secret}", f"http://127.0.0.1:{port}/a.aac"]

    for number, address in enumerate(addresses):
        path = tmp_path / f"upload-{number}{ending}"
        path.write_text(text.format(address, port), encoding="utf-8")
        with pytest.raises(BadAudio):
            decoders.open([path])
        with pytest.raises(BadAudio):
            open_recording([path])

    assert server.visits == 0


@pytest.mark.parametrize("lock", OPTIONS)
def test_each_lock_of_the_library_holds_by_itself(tmp_path: Path, lock: str) -> None:
    write(tmp_path / "secret.aac", tone(440.0, 2.0, 44_100), 44_100, "aac")
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsecret.aac\n#EXT-X-ENDLIST\n")

    with path.open("rb") as file, pytest.raises(av.error.FFmpegError):
        list(av.open(file, "r", options={lock: OPTIONS[lock]}).decode())


def test_a_name_with_a_pattern_in_it_opens_no_series_of_files(
    decoders: Decoders, tmp_path: Path
) -> None:
    sound = write(tmp_path / "real.wav", tones(1, 1.0))
    path = sound.rename(tmp_path / "page-%03d.png")
    (tmp_path / "page-000.png").write_bytes(b"\x89PNG\r\n\x1a\n")

    with pytest.raises(BadAudio):
        decoders.open([path])


def test_a_script_that_makes_sound_for_ever_is_refused(decoders: Decoders, tmp_path: Path) -> None:
    path = tmp_path / "relax.sbg"
    path.write_text("-SE\n-L 10000:00\nall: 300+10/20\nNOW all\n", encoding="ascii")

    with pytest.raises(BadAudio, match="is not a sound file"):
        decoders.open([path])


# --- one reading at a time, and breaking it off ----------------------------------------------


def test_who_stops_reading_frees_the_decoder_at_once(
    one: Decoders, long: Path, short: Path
) -> None:
    pid = only_pid(one)
    blocks = one.open([long]).blocks()
    next(blocks)

    blocks.close()  # type: ignore[attr-defined]  # it is a generator

    assert samples_of(one.open([short])).shape == (1, 16_000)
    assert one.pids == (pid,)


def test_what_was_wrong_up_to_where_reading_stopped_is_said(one: Decoders, tmp_path: Path) -> None:
    path = write_with_gap(tmp_path / "a.ogg", tones(1, 30.0, 48_000), 48_000, (1.0, 1.5))
    recording = one.open([path], names=["call.ogg"])

    for _ in recording.blocks():
        break

    assert [notice.code for notice in recording.notices] == ["audio-gap"]
    assert recording.notices[0].message.startswith("call.ogg lacks")


@linux
def test_a_decoder_is_no_more_than_two_blocks_ahead(one: Decoders, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tones(2, 300.0))
    pid = only_pid(one)
    blocks = one.open([path], block_seconds=0.05).blocks()

    next(blocks)
    until(lambda: waits_for_orders(pid))

    assert 0 < place_in(path, pid) < 400_000 < path.stat().st_size  # the probing reads 230,000


def waits_for_orders(pid: int) -> bool:
    return psutil.Process(pid).status() == psutil.STATUS_SLEEPING


def place_in(path: Path, pid: int) -> int:
    """How far the process has read the file."""
    files = Path(f"/proc/{pid}/fd")
    (number,) = (link.name for link in files.iterdir() if link.readlink() == path)
    return int(Path(f"/proc/{pid}/fdinfo/{number}").read_text().split()[1])


class Asked(Event):
    """A stop event that tells when somebody has looked at it, and so is under way."""

    def __init__(self) -> None:
        super().__init__()
        self.looked = 0

    def is_set(self) -> bool:
        self.looked += 1
        return super().is_set()


def test_who_comes_first_is_served_first(one: Decoders, long: Path, short: Path) -> None:
    blocks = one.open([long]).blocks()
    next(blocks)
    served: list[int] = []

    def open_and_note(number: int, stop: Event) -> None:
        one.open([short], stop=stop)
        served.append(number)

    with ThreadPoolExecutor(4) as threads:
        for number in range(4):
            stop = Asked()
            threads.submit(open_and_note, number, stop)
            until(lambda stop=stop: stop.looked)  # type: ignore[misc]
        assert not served
        blocks.close()  # type: ignore[attr-defined]

    assert served == [0, 1, 2, 3]


def test_sixteen_threads_share_two_decoders(decoders: Decoders, tmp_path: Path) -> None:
    paths = [
        write(tmp_path / f"{i}.flac", tone(300.0 + 50 * i, 5.0), codec="flac") for i in range(16)
    ]

    def read(path: Path) -> Sound:
        return samples_of(decoders.open([path], block_seconds=0.5))

    with ThreadPoolExecutor(16) as threads:
        heard = list(threads.map(read, paths))

    for path, samples in zip(paths, heard, strict=True):
        assert np.array_equal(samples, samples_of(open_recording([path])))


def test_who_waits_for_a_decoder_can_call_it_off(one: Decoders, long: Path, short: Path) -> None:
    blocks = one.open([long]).blocks()
    next(blocks)
    stop = Asked()

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(one.open, [short], stop=stop)
        until(lambda: stop.looked)
        stop.set()
        with pytest.raises(Cancelled):
            waiting.result(PATIENCE)

    assert len(list(blocks)) == 11
    assert samples_of(one.open([short])).shape == (1, 16_000)


def test_who_reads_can_call_it_off(one: Decoders, long: Path, short: Path) -> None:
    pid = only_pid(one)
    stop = Event()
    blocks = one.open([long], stop=stop).blocks()
    next(blocks)

    stop.set()

    with pytest.raises(Cancelled):
        next(blocks)
    assert samples_of(one.open([short])).shape == (1, 16_000)
    assert one.pids == (pid,)


def test_a_call_to_stop_is_heard_while_a_decoder_hangs(long: Path) -> None:
    stop = Asked()
    with Decoders(processes=1, patience=100.0) as decoders:
        recording = decoders.open([long], stop=stop)
        os.kill(only_pid(decoders), signal.SIGSTOP)
        looked = stop.looked

        with ThreadPoolExecutor(1) as threads:
            reading = threads.submit(samples_of, recording)
            until(lambda: stop.looked > looked + 5)
            stop.set()
            with pytest.raises(Cancelled):
                reading.result(PATIENCE)


# --- decoders that die, hang or take too much ------------------------------------------------


@pytest.mark.parametrize("cause", [signal.SIGKILL, signal.SIGSEGV])
def test_a_decoder_that_dies_costs_its_own_recording(
    long: Path, short: Path, cause: signal.Signals
) -> None:
    with Decoders() as decoders:
        until(lambda: len(decoders.pids) == 2)
        mine, other = decoders.open([long], names=["call.wav"]), decoders.open([long])
        blocks = mine.blocks()
        next(blocks)
        mine_pid = reader_of(long, decoders.pids)
        others = other.blocks()
        next(others)

        os.kill(mine_pid, cause)
        with pytest.raises(BadAudio, match=rf"call\.wav could not .* died \(signal {cause:d}\)"):
            list(blocks)

        assert len(list(others)) == 11
        until(lambda: len(decoders.pids) == 2)
        assert mine_pid not in decoders.pids
        assert samples_of(decoders.open([short])).shape == (1, 16_000)


def reader_of(path: Path, pids: tuple[int, ...]) -> int:
    """The one of them that has the file open."""
    found: list[int] = []

    def look() -> bool:
        found[:] = [
            pid
            for pid in pids
            for file in psutil.Process(pid).open_files()
            if file.path == str(path)
        ]
        return bool(found)

    until(look)
    return found[0]


def test_one_that_dies_while_it_has_nothing_to_do_costs_nobody_anything(
    one: Decoders, short: Path
) -> None:
    one.open([short])
    pid = only_pid(one)

    os.kill(pid, signal.SIGKILL)
    until(lambda: gone(pid))

    assert samples_of(one.open([short])).shape == (1, 16_000)
    assert pid not in one.pids


def test_a_decoder_that_hangs_is_replaced(one: Decoders, long: Path, short: Path) -> None:
    blocks = one.open([long], names=["call.wav"]).blocks()
    next(blocks)
    pid = only_pid(one)

    os.kill(pid, signal.SIGSTOP)

    with pytest.raises(BadAudio, match=r"call\.wav could not .* no further for 0\.5 seconds"):
        list(blocks)
    assert gone(pid)
    assert samples_of(one.open([short])).shape == (1, 16_000)


def test_one_that_hangs_when_reading_is_broken_off_is_replaced(
    one: Decoders, long: Path, short: Path
) -> None:
    blocks = one.open([long]).blocks()
    next(blocks)
    pid = only_pid(one)
    os.kill(pid, signal.SIGSTOP)

    blocks.close()  # type: ignore[attr-defined]

    assert gone(pid)
    assert samples_of(one.open([short])).shape == (1, 16_000)


@linux
def test_what_needs_more_memory_than_there_is_for_it_is_refused(long: Path, short: Path) -> None:
    with Decoders(processes=1, memory=400 * 1024**2) as decoders:
        recording = decoders.open([long], names=["call.wav"], block_seconds=3600.0)  # 922 MB

        with pytest.raises(BadAudio, match=r"call\.wav could not .* more than 400 MiB"):
            samples_of(recording)

        assert samples_of(decoders.open([short])).shape == (1, 16_000)


def test_where_no_decoder_can_be_started_it_is_said(short: Path) -> None:
    with Decoders(memory=1024**2) as decoders, pytest.raises(EngineGone, match="can be started"):
        while True:
            decoders.open([short])


# --- the end, and what a decoder has of ours -------------------------------------------------


def test_closing_ends_all_that_wait_and_all_that_read(long: Path, short: Path) -> None:
    decoders = Decoders(processes=1, patience=100.0)
    stop = Asked()
    with decoders, ThreadPoolExecutor(1) as threads:
        blocks = decoders.open([long]).blocks()
        next(blocks)
        pid = only_pid(decoders)
        os.kill(pid, signal.SIGSTOP)
        waiting = threads.submit(decoders.open, [short], stop=stop)
        until(lambda: stop.looked)

        decoders.close()

        assert gone(pid)
        with pytest.raises(Cancelled):
            waiting.result(PATIENCE)
        with pytest.raises(Cancelled):
            list(blocks)
    with pytest.raises(Cancelled):
        decoders.open([short])
    assert decoders.pids == ()


PARENT = """
import os, signal, sys, threading
from pathlib import Path
from malgwi.audio import Decoders

with Decoders(processes=3) as decoders:
    while len(decoders.pids) < 3:
        decoders.open([Path(sys.argv[1])])
    reading = decoders.open([Path(sys.argv[1])]).blocks()
    next(reading)
    os.kill(decoders.pids[0], signal.SIGSTOP)
    print(*decoders.pids, flush=True)
    threading.Event().wait()
"""


@pytest.mark.slow
@linux
def test_no_decoder_outlives_its_parent_even_a_hung_one(long: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(long)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout as said:
        pids = [int(pid) for pid in said.readline().split()]
        assert len(pids) == 3

        parent.kill()
        parent.wait()

        for pid in pids:
            until(lambda pid=pid: gone(pid))  # type: ignore[misc]


@linux
def test_a_decoder_has_no_socket_no_secret_and_no_right_to_write(
    short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MALGWI_API_KEY", "a secret")
    with closing(socket.create_server(("127.0.0.1", 0))) as door:
        door.set_inheritable(True)
        with Decoders(processes=1) as decoders:
            decoders.open([short])
            process = Path(f"/proc/{only_pid(decoders)}")

            files = {str(link.readlink()).partition(":")[0] for link in (process / "fd").iterdir()}
            environment = (process / "environ").read_text()
            limits = (process / "limits").read_text().splitlines()
            status = (process / "status").read_text()

    assert "socket" not in files
    assert "secret" not in environment
    (largest,) = (line.split()[3:5] for line in limits if line.startswith("Max file size"))
    assert largest == ["0", "0"]
    assert "NoNewPrivs:\t1" in status
    assert "Threads:\t1" in status


@pytest.mark.slow
def test_a_decoder_is_replaced_after_many_recordings(tmp_path: Path) -> None:
    with Decoders(processes=1) as decoders:
        pid = only_pid(decoders)

        def replaced() -> bool:
            for _ in range(100):
                with pytest.raises(BadInput):
                    decoders.open([tmp_path / "gone"])
            return decoders.pids != (pid,)

        until(replaced)


@pytest.mark.slow
def test_long_recordings_that_are_read_slowly_do_not_stand_in_the_way_of_a_short_one(
    long: Path, short: Path
) -> None:
    with Decoders(processes=1, most=3) as pool:
        slow = [pool.open([path]).blocks() for path in (long, long)]
        for blocks in slow:
            next(blocks)

        with ThreadPoolExecutor(1) as one_more:
            heard = one_more.submit(lambda: list(pool.open([short]).blocks()))
            assert heard.result(PATIENCE)

        assert len(pool.pids) == 3
        for blocks in slow:
            blocks.close()  # type: ignore[attr-defined]

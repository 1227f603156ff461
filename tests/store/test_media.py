"""Media are here whole or not at all, once each, and as they came."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from threading import Barrier

import pytest
from store.conftest import quickly_in_both
from store.kept import aged, recorded, with_media

from malgwi.errors import BadInput, NotFound, StoreError
from malgwi.store import MediaPart, SqlStore
from malgwi.store.media import MediaFolder

SOUND = bytes(range(256)) * 1000
DIGEST = sha256(SOUND).hexdigest()
TWO_HOURS = 7200

# Takes in without an end what it is told to, until it is killed.
WRITING = """
import sys
from pathlib import Path
from malgwi.store import SqlStore

def content():
    while True:
        yield b"x" * 65536
        print("on", flush=True)

SqlStore(sys.argv[1], Path(sys.argv[2])).keep_media(content())
"""

# Files may grow to 64 KiB: a disk that is full, but for the number of the error.
WITHOUT_ROOM = """
import resource, sys
from pathlib import Path
from malgwi.errors import StoreFull
from malgwi.store import SqlStore

store = SqlStore(sys.argv[1], Path(sys.argv[2]))
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
try:
    store.keep_media([b"x" * 65000, b"x" * 65000])
except StoreFull as error:
    print(type(error).__name__)
"""


def files(data: Path) -> list[Path]:
    return sorted(path for path in (data / "media").rglob("*") if path.is_file())


def lain(path: Path) -> None:
    """As if it had been there for two hours."""
    long_ago = time.time() - TWO_HOURS
    os.utime(path, (long_ago, long_ago))


def test_what_is_kept_can_be_read_and_lies_where_its_sum_says(store: SqlStore, data: Path) -> None:
    kept = store.keep_media([SOUND[:1000], b"", SOUND[1000:]], "audio/wav")

    assert (kept.sha256, kept.size, kept.content_type) == (DIGEST, len(SOUND), "audio/wav")
    assert store.media(DIGEST) == kept
    assert store.media_path(DIGEST) == data / "media" / DIGEST[:2] / DIGEST[2:4] / DIGEST
    assert store.media_path(DIGEST).read_bytes() == SOUND


def test_the_same_content_is_kept_once(store: SqlStore, data: Path) -> None:
    first = store.keep_media([SOUND], "audio/wav")

    second = store.keep_media([SOUND], "audio/x-wav")

    assert (second.sha256, second.content_type) == (first.sha256, "audio/wav")
    assert len(files(data)) == 1


@quickly_in_both
def test_of_many_that_keep_the_same_at_once_all_succeed(store: SqlStore, data: Path) -> None:
    together = Barrier(4)

    def keep(_: int) -> str:
        together.wait(timeout=30)
        return store.keep_media([SOUND]).sha256

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(keep, range(4))) == {DIGEST}
    assert [path.name for path in files(data)] == [DIGEST]
    assert list(store.media_faults()) == []


def test_a_file_of_our_own_is_moved(store: SqlStore, data: Path) -> None:
    upload = data / "upload"
    upload.write_bytes(SOUND)

    kept = store.take_media(upload)

    assert kept.size == len(SOUND)
    assert store.media_path(kept.sha256).read_bytes() == SOUND
    assert not upload.exists()


def test_nothing_is_left_of_what_broke_off(store: SqlStore, data: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield SOUND
        raise ConnectionResetError("the client went")

    with pytest.raises(ConnectionResetError):
        store.keep_media(broken())

    assert files(data) == []


def test_nothing_is_left_of_what_the_database_does_not_take(store: SqlStore, data: Path) -> None:
    with pytest.raises(BadInput):
        store.keep_media([SOUND], "audio/\0wav")

    assert files(data) == []


def test_where_the_disk_is_not_there_any_more_nothing_is_kept_in_its_place(
    store: SqlStore, data: Path
) -> None:
    first = store.keep_media([SOUND])
    (data / "media").rename(data / "unmounted")

    for keep in (store.keep_media, lambda content: store.keep_media(content, size=1)):
        with pytest.raises(StoreError, match="Media cannot be kept"):
            keep([SOUND[1:]])

    assert not (data / "media").exists()
    (data / "unmounted").rename(data / "media")
    assert store.media_path(first.sha256).read_bytes() == SOUND
    store.keep_media([SOUND[1:]])


def test_a_kill_in_the_middle_leaves_no_half_file_under_its_name(
    store: SqlStore, url: str, data: Path
) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITING, url, str(data)], stdout=subprocess.PIPE, text=True
    )
    with writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "on\n"
        writer.send_signal(signal.SIGKILL)

    left = files(data)
    assert [path.parent.name for path in left] == ["incoming"]
    assert store.sweep_media() == 0, "somebody may be writing on it yet"
    lain(left[0])
    assert store.sweep_media() == 1
    assert files(data) == []


def test_what_no_recording_has_is_swept_after_a_while(store: SqlStore, data: Path) -> None:
    kept = store.keep_media([SOUND])
    used = with_media(store, b"used")

    assert store.sweep_media() == 0, "a recording may be about to have it"

    aged(store)
    assert store.sweep_media() == 1
    assert [path.name for path in files(data)] == [used.media[0].sha256]
    with pytest.raises(NotFound):
        store.media(kept.sha256)


def test_what_comes_again_is_not_swept(store: SqlStore) -> None:
    kept = store.keep_media([SOUND])
    aged(store)
    store.keep_media([SOUND])

    assert store.sweep_media() == 0
    assert recorded(store, media=(MediaPart(kept.sha256, "a.wav"),)).media


def test_media_that_came_again_are_left_when_a_recording_is_purged(store: SqlStore) -> None:
    first = with_media(store, SOUND)
    aged(store)
    again = store.keep_media([SOUND])

    store.purge_recording(first.id)

    assert recorded(store, media=(MediaPart(again.sha256, "a.wav"),)).media
    assert store.media_path(again.sha256).read_bytes() == SOUND


def test_a_file_that_a_kill_has_left_without_a_row_is_swept(store: SqlStore, data: Path) -> None:
    orphan = data / "media" / DIGEST[:2] / DIGEST[2:4] / DIGEST
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(SOUND)

    assert store.sweep_media() == 0
    lain(orphan)
    assert store.sweep_media() == 1
    assert not orphan.exists()
    assert store.keep_media([SOUND]).sha256 == DIGEST


def test_what_is_not_what_it_was_is_found(store: SqlStore) -> None:
    sums = [store.keep_media([SOUND + bytes([number])]).sha256 for number in range(5)]
    store.media_path(sums[1]).unlink()
    store.media_path(sums[2]).write_bytes(b"short")
    store.media_path(sums[3]).write_bytes(SOUND + b"X")

    faults = dict(store.media_faults())

    assert set(faults) == set(sums[1:4])
    assert "missing" in faults[sums[1]]
    assert "5 bytes" in faults[sums[2]]
    assert "not what it was" in faults[sums[3]]


def test_what_comes_again_mends_what_was_damaged(store: SqlStore) -> None:
    kept = store.keep_media([SOUND])
    store.media_path(kept.sha256).write_bytes(b"damaged")

    store.keep_media([SOUND])

    assert list(store.media_faults()) == []


@pytest.mark.parametrize(
    "name",
    ["", "../../etc/passwd", "/" * 64, "a" * 63, "a" * 65, "A" * 64, DIGEST + "\n", DIGEST + "/.."],
)
def test_what_is_no_sum_leads_nowhere(store: SqlStore, data: Path, name: str) -> None:
    store.keep_media([SOUND])

    with pytest.raises(NotFound):
        store.media_path(name)
    with pytest.raises(NotFound, match="64 hex digits"):
        MediaFolder(data).path(name)


def test_a_sum_that_nobody_brought_leads_nowhere(store: SqlStore) -> None:
    with pytest.raises(NotFound, match=DIGEST):
        store.media_path(DIGEST)
    with pytest.raises(NotFound, match=DIGEST):
        store.media(DIGEST)


def test_who_brings_and_who_purges_the_same_do_not_disturb_each_other(store: SqlStore) -> None:
    def bring_and_purge(_: int) -> None:
        for _ in range(5):
            mine = with_media(store, SOUND)
            assert store.media_path(mine.media[0].sha256).read_bytes() == SOUND
            store.purge_recording(mine.id)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(bring_and_purge, range(4)))

    assert list(store.media_faults()) == []


def test_where_there_is_no_room_it_is_said_and_nothing_is_kept(
    store: SqlStore, url: str, data: Path
) -> None:
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_ROOM, url, str(data)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert result.stdout == "StoreFull\n"
    assert files(data) == []

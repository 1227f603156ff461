"""Media that another node keeps are here when they are read, whole, and for as long as there is
room."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import deadline
import pytest
from store.full_disk import without_room
from store.keeper import KEY, Keeper, keeper
from store.kept import aged, with_media

from malgwi.errors import (
    BadOption,
    Cancelled,
    NetworkError,
    NotFound,
    Overloaded,
    StoreError,
    StoreFull,
)
from malgwi.store import Elsewhere, MediaSource, SqlStore

SOUND = bytes(range(256)) * 4000
ROOM = 10 * len(SOUND)
NEVER = Event()


@pytest.fixture
def kind() -> str:
    return "sqlite"


@pytest.fixture
def there(store: SqlStore, data: Path) -> Iterator[Keeper]:
    with keeper(data / "media") as made:
        yield made


Opening = Callable[..., SqlStore]


@pytest.fixture
def opening(url: str, tmp_path: Path, there: Keeper) -> Iterator[Opening]:
    """A store of another node with the same database, and a folder that is empty at first."""
    opened: list[SqlStore] = []

    def open_(bound: int = ROOM, source: MediaSource | None = None) -> SqlStore:
        elsewhere = Elsewhere(source or there.source(), bound)
        opened.append(SqlStore(url, tmp_path / "worker", elsewhere))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


@pytest.fixture
def fetched(tmp_path: Path) -> Callable[[], list[str]]:
    """The names of all files that are kept of others."""
    folder = tmp_path / "worker" / "fetched"
    return lambda: sorted(e.name for e in folder.rglob("*") if e.is_file() and e.name != "lock")


def read(store: SqlStore, *sums: str) -> list[bytes]:
    with store.reading_media(sums, NEVER) as paths:
        return [each.read_bytes() for each in paths]


def test_what_another_node_keeps_is_fetched_once_and_read_again_and_again(
    store: SqlStore, there: Keeper, opening: Opening
) -> None:
    kept = store.keep_media([SOUND]).sha256
    here = opening()

    assert read(here, kept, kept) == [SOUND, SOUND]
    assert read(here, kept) == [SOUND]
    assert there.asked == [(f"/v1/media/{kept}", None)]


def test_what_is_here_is_not_asked_for(store: SqlStore, there: Keeper, opening: Opening) -> None:
    here = opening()
    kept = here.keep_media([SOUND]).sha256

    assert read(here, kept) == [SOUND]
    assert there.asked == []


def test_where_the_connection_breaks_the_rest_is_asked_for(
    store: SqlStore, there: Keeper, opening: Opening
) -> None:
    kept = store.keep_media([SOUND]).sha256
    there.hang_up_after = 300_000

    assert read(opening(), kept) == [SOUND]
    assert [range_ for _, range_ in there.asked] == [None, "bytes=300000-"]


def test_what_an_attempt_before_has_left_is_gone_on_with(
    store: SqlStore, there: Keeper, opening: Opening, tmp_path: Path
) -> None:
    kept, stop = store.keep_media([SOUND]).sha256, Event()
    there.go_on.clear()
    here, folder = opening(), tmp_path / "worker" / "fetched"
    half = folder / "incoming" / f"{kept}.{len(SOUND)}"

    def first() -> None:
        with here.reading_media([kept], stop):
            pass

    with ThreadPoolExecutor(1) as one:
        attempt = one.submit(first)
        deadline.until(lambda: half.exists() and half.stat().st_size)
        stop.set()
        there.go_on.set()
        with pytest.raises(Cancelled):
            attempt.result(30)

    assert not (folder / kept).exists()
    assert read(here, kept) == [SOUND]
    assert there.asked[1][1] is not None
    assert not half.exists()


@pytest.mark.parametrize("left", [bytes(5000), SOUND + b"x"], ids=["torn", "longer"])
def test_what_a_power_cut_has_left_wrong_is_fetched_anew(
    store: SqlStore, there: Keeper, opening: Opening, tmp_path: Path, left: bytes
) -> None:
    """It is our disk's fault, and not that of who keeps it."""
    kept = store.keep_media([SOUND]).sha256
    here = opening()
    (tmp_path / "worker" / "fetched" / "incoming" / f"{kept}.{len(SOUND)}").write_bytes(left)

    assert read(here, kept) == [SOUND]
    assert there.asked[-1] == (f"/v1/media/{kept}", None)


@pytest.mark.parametrize("lie", [SOUND[:-1] + b"x", b"x" + SOUND], ids=["other", "longer"])
def test_what_is_not_what_its_sum_says_is_refused_and_never_kept(
    store: SqlStore, there: Keeper, opening: Opening, fetched: Callable[[], list[str]], lie: bytes
) -> None:
    kept = store.keep_media([SOUND]).sha256
    there.lie = lie

    with pytest.raises(StoreError, match="not what their sum says"):
        read(opening(), kept)

    assert fetched() == []
    there.lie = None
    assert read(opening(), kept) == [SOUND]


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        (302, (NetworkError, "not followed")),
        (403, (NetworkError, "MALGWI_SERVE__MEDIA_KEY_FILE")),
        (404, (NotFound, "has no media")),
        (418, (NetworkError, "does not speak as Malgwi does")),
    ],
)
def test_what_cannot_get_better_is_said_at_once(
    store: SqlStore,
    there: Keeper,
    opening: Opening,
    status: int,
    refusal: tuple[type[Exception], str],
) -> None:
    kept = store.keep_media([SOUND]).sha256
    there.status = status

    with pytest.raises(refusal[0], match=refusal[1]) as refused:
        read(opening(), kept)

    assert there.url in str(refused.value)
    assert len(there.asked) == 1


def test_a_wrong_key_is_said_and_shown_to_nobody(
    store: SqlStore, there: Keeper, opening: Opening
) -> None:
    kept = store.keep_media([SOUND]).sha256
    here = opening(source=there.source("another-key-than-the-right-one"))

    with pytest.raises(NetworkError, match="does not know our key") as refused:
        read(here, kept)

    assert "another-key" not in str(refused.value)


@pytest.mark.slow
def test_where_nobody_answers_the_address_is_said_and_what_to_do(
    store: SqlStore, there: Keeper, opening: Opening
) -> None:
    kept = store.keep_media([SOUND]).sha256
    there.status = 503

    with pytest.raises(NetworkError, match=r"MALGWI_STORE__MEDIA_URL") as refused:
        read(opening(), kept)

    assert there.url in str(refused.value)
    assert len(there.asked) == 5


def test_who_waits_for_a_node_that_does_not_answer_stops_when_told_to(
    store: SqlStore, opening: Opening
) -> None:
    kept, stop = store.keep_media([SOUND]).sha256, Event()
    here = opening(source=MediaSource("http://127.0.0.1:1"))

    def reading() -> None:
        with here.reading_media([kept], stop):
            pass

    with ThreadPoolExecutor(1) as one:
        attempt = one.submit(reading)
        stop.set()
        with pytest.raises(Cancelled):
            attempt.result(10)


def test_two_who_want_the_same_at_once_fetch_it_once(
    store: SqlStore, there: Keeper, opening: Opening
) -> None:
    kept = store.keep_media([SOUND]).sha256
    there.go_on.clear()
    stores = [opening(), opening()]

    with ThreadPoolExecutor(2) as both:
        attempts = [both.submit(read, each, kept) for each in stores]
        assert there.begun.wait(30)
        there.go_on.set()

        assert [each.result(30) for each in attempts] == [[SOUND], [SOUND]]
    assert len(there.asked) == 1


def test_what_was_unused_longest_goes_and_never_what_is_read(
    store: SqlStore, opening: Opening, fetched: Callable[[], list[str]]
) -> None:
    sums = [store.keep_media([SOUND, bytes([number])]).sha256 for number in range(4)]
    here = opening(bound=3 * len(SOUND))
    read(here, sums[0])
    read(here, sums[1])

    with here.reading_media([sums[0]], NEVER) as [path]:
        read(here, sums[2])
        read(here, sums[3])

        assert path.read_bytes() == SOUND + b"\0"
    assert sums[0] in fetched()
    assert len(fetched()) == 2
    read(here, sums[1])
    assert len(fetched()) == 2


def test_where_others_read_all_that_may_be_kept_a_job_comes_back_later(
    store: SqlStore, opening: Opening
) -> None:
    sums = [store.keep_media([SOUND, bytes([number])]).sha256 for number in range(2)]
    here = opening(bound=len(SOUND) + 1)

    with here.reading_media([sums[0]], NEVER), pytest.raises(Overloaded):
        read(here, sums[1])

    assert read(here, sums[1]) == [SOUND + b"\1"]


def test_a_recording_that_can_never_be_kept_is_refused_with_the_setting(
    store: SqlStore, there: Keeper, opening: Opening
) -> None:
    sums = [store.keep_media([SOUND, bytes([number])]).sha256 for number in range(2)]

    with pytest.raises(StoreFull, match="MALGWI_STORE__MEDIA_CACHE_BYTES"):
        read(opening(bound=2 * len(SOUND)), *sums)

    assert there.asked == []


def test_where_the_disk_is_full_it_is_said_and_nothing_is_left(
    store: SqlStore, opening: Opening, fetched: Callable[[], list[str]]
) -> None:
    kept = store.keep_media([SOUND]).sha256
    here = opening()

    with without_room(), pytest.raises(StoreFull, match="no room left on the disk"):
        read(here, kept)

    assert fetched() == []
    assert read(here, kept) == [SOUND]


def test_what_is_purged_where_it_is_kept_is_swept_here(
    store: SqlStore, opening: Opening, fetched: Callable[[], list[str]]
) -> None:
    recording, other = with_media(store, SOUND), with_media(store, SOUND[1:])
    sums = [each.media[0].sha256 for each in (recording, other)]
    here = opening()
    read(here, *sums)
    aged(store)
    store.purge_recording(recording.id)

    assert here.sweep_fetched() == 1
    assert fetched() == [sums[1]]


def test_a_file_that_was_cut_short_here_is_fetched_again(
    store: SqlStore, opening: Opening, tmp_path: Path
) -> None:
    kept, here = store.keep_media([SOUND]).sha256, opening()
    read(here, kept)
    (tmp_path / "worker" / "fetched" / kept).write_bytes(SOUND[:10])

    assert read(here, kept) == [SOUND]


def test_the_folder_of_a_node_that_keeps_none_may_be_empty_at_any_time_and_of_no_other(
    store: SqlStore, url: str, data: Path, opening: Opening, tmp_path: Path
) -> None:
    kept = store.keep_media([SOUND]).sha256
    read(opening(), kept)
    shutil.rmtree(tmp_path / "worker")

    assert read(opening(), kept) == [SOUND]

    store.close()
    shutil.rmtree(data)
    with pytest.raises(StoreError, match="no instance-id"):
        SqlStore(url, data)


def test_the_folder_of_a_worker_is_not_taken_for_the_one_that_has_the_recordings(
    store: SqlStore, url: str, opening: Opening, tmp_path: Path
) -> None:
    read(opening(), store.keep_media([SOUND]).sha256)

    with pytest.raises(StoreError, match="no instance-id"):
        SqlStore(url, tmp_path / "worker")


def test_a_folder_of_another_installation_is_refused_on_such_a_node_too(
    store: SqlStore, opening: Opening, tmp_path: Path
) -> None:
    SqlStore(f"sqlite:///{tmp_path / 'other.db'}", tmp_path / "worker").close()

    with pytest.raises(StoreError, match="not that of the database"):
        opening()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "10.0.0.1",
        "ftp://10.0.0.1",
        "http://",
        "http://u:p@host",
        "http://a:99999",
        "http://a?b",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(BadOption, match="MALGWI_STORE__MEDIA_URL"):
        MediaSource(address, KEY)


def test_a_certificate_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("none")

    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(BadOption, match="MALGWI_STORE__MEDIA_CA_FILE"):
            MediaSource("https://10.0.0.1", KEY, tmp_path / name)


def test_one_who_waits_for_anothers_fetch_goes_on_where_that_breaks(
    store: SqlStore, there: Keeper, opening: Opening
) -> None:
    kept, stop = store.keep_media([SOUND]).sha256, Event()
    there.go_on.clear()
    one, other = opening(), opening()

    def first() -> None:
        with one.reading_media([kept], stop):
            pass

    with ThreadPoolExecutor(2) as both:
        broken = both.submit(first)
        assert there.begun.wait(30)
        waiting = both.submit(read, other, kept)
        stop.set()
        there.go_on.set()
        with pytest.raises(Cancelled):
            broken.result(30)

        assert waiting.result(30) == [SOUND]
    assert len(there.asked) == 2

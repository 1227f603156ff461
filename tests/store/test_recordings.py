"""Recordings are kept once, found by what is known of them, and gone when they are purged."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from threading import Barrier

import pytest
import sqlalchemy as sa
from store.conftest import quickly_in_both
from store.kept import NASTY, SAID, aged, recorded, transcribed, with_media

from malgwi.errors import BadInput, BadOption, NotFound
from malgwi.store import (
    Correction,
    LastJob,
    LatestTranscript,
    MediaPart,
    NewRecording,
    Paging,
    Recording,
    RecordingChanges,
    RecordingFilter,
    RecordingOrder,
    Source,
    SqlStore,
)
from malgwi.store.ids import new_id
from malgwi.store.ledger import Ledger
from malgwi.store.paging import _cursor, sorted_place
from malgwi.types import JobState, Lane

SEOUL = timezone(timedelta(hours=9))
NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def names(store: SqlStore, which: RecordingFilter) -> list[str]:
    return [each.name for each in store.recordings(which).items]


@quickly_in_both
def test_what_is_added_can_be_read(store: SqlStore) -> None:
    kept = store.keep_media([b"sound"], "audio/wav")
    new = NewRecording(
        name="night shift",
        media=(MediaPart(kept.sha256, "a.wav"), MediaPart(kept.sha256, "b.wav", 1.5)),
        started=NOON,
        duration=3.25,
        channel_labels=("north", "south"),
        labels=frozenset({"drill", "2026"}),
        metadata={"unit": "4"},
        source=Source.WATCH,
        owner="key-1",
    )

    added = store.add_recording(new)

    assert store.recording(added.id) == added
    for field in ("name", "media", "started", "duration", "channel_labels", "labels", "metadata"):
        assert getattr(added, field) == getattr(new, field)
    assert (added.source, added.owner) == (Source.WATCH, "key-1")
    assert added.created.tzinfo is UTC


def test_a_moment_is_the_same_wherever_it_was_written(store: SqlStore) -> None:
    added = recorded(store, started=NOON.astimezone(SEOUL))

    assert added.started == NOON
    assert added.started is not None
    assert added.started.utcoffset() == timedelta(0)


@quickly_in_both
def test_whatever_people_write_is_kept_as_they_wrote_it(store: SqlStore) -> None:
    kept = store.keep_media([b"sound"], NASTY)
    name = NASTY.replace("/", "").replace("\\", "")

    added = recorded(
        store,
        NASTY,
        media=(MediaPart(kept.sha256, name),),
        channel_labels=(NASTY,),
        labels=frozenset({NASTY}),
        metadata={NASTY: NASTY},
        key=NASTY,
        owner=NASTY,
    )

    assert store.recording(added.id) == added
    assert (added.name, added.channel_labels, added.labels) == (NASTY, (NASTY,), frozenset({NASTY}))
    assert (added.metadata, added.owner, added.media[0].name) == ({NASTY: NASTY}, NASTY, name)
    assert kept.content_type == NASTY
    assert names(store, RecordingFilter(label=NASTY, name=NASTY, owner=NASTY)) == [NASTY]


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\Users\\passwd", "/passwd", "passwd"])
def test_of_the_name_of_a_file_no_folders_are_kept(store: SqlStore, name: str) -> None:
    kept = store.keep_media([b"sound"])

    added = recorded(store, media=(MediaPart(kept.sha256, name),))

    assert added.media[0].name == "passwd"


def test_a_second_recording_of_a_key_is_the_first(store: SqlStore) -> None:
    first = recorded(store, "first", key="upload-1", labels=frozenset({"a"}))

    second = recorded(store, "second", key="upload-1", labels=frozenset({"b"}))

    assert second == first
    assert len(store.recordings().items) == 1


@quickly_in_both
def test_of_many_that_add_a_key_at_once_all_get_the_same_recording(store: SqlStore) -> None:
    together = Barrier(4)

    def add(number: int) -> str:
        together.wait(timeout=30)
        return recorded(store, f"number {number}", key="upload-1").id

    with ThreadPoolExecutor(4) as threads:
        ids = set(threads.map(add, range(4)))

    assert ids == {each.id for each in store.recordings().items}
    assert len(ids) == 1


def test_a_recording_of_media_that_are_not_here_is_refused(store: SqlStore) -> None:
    with pytest.raises(NotFound, match="0" * 64):
        recorded(store, media=(MediaPart("0" * 64, "a.wav"),))

    assert store.recordings().items == ()


@quickly_in_both
def test_recordings_are_listed_newest_first_by_pages(store: SqlStore) -> None:
    added = [recorded(store, f"number {number}") for number in range(5)]

    first = store.recordings(paging=Paging(limit=2))
    second = store.recordings(paging=Paging(first.next_cursor, 2))
    third = store.recordings(paging=Paging(second.next_cursor, 2))

    assert [*first.items, *second.items, *third.items] == added[::-1]
    assert third.next_cursor is None


def test_what_comes_between_two_pages_neither_repeats_nor_hides_one(store: SqlStore) -> None:
    added = [recorded(store, f"number {number}") for number in range(4)]

    first = store.recordings(paging=Paging(limit=2))
    recorded(store, "came in between")
    store.delete_recording(added[3].id)
    second = store.recordings(paging=Paging(first.next_cursor, 2))

    assert [*first.items, *second.items] == added[::-1]
    assert second.next_cursor is None


LISTED = [  # name, seconds, when it started
    ("Bravo.wav", 30.0, NOON),
    ("관제 1", None, None),
    ("alpha.wav", 1e-3, NOON - timedelta(days=1)),
    ("관제 1", 1 / 3, NOON + timedelta(microseconds=1)),
    ("관" * 200 + NASTY, 30.0, NOON),
    ("\U0001f3a7" * 80, None, NOON - timedelta(days=9000)),
    ("관" * 200, 7200.0, None),
]
ORDERS = [
    (RecordingOrder.NEWEST, [6, 5, 4, 3, 2, 1, 0]),
    (RecordingOrder.OLDEST, [0, 1, 2, 3, 4, 5, 6]),
    (RecordingOrder.DURATION, [6, 4, 0, 3, 2, 5, 1]),
    (RecordingOrder.STARTED, [6, 1, 3, 4, 0, 2, 5]),
]


def in_order(store: SqlStore, order: RecordingOrder, limit: int) -> list[Recording]:
    """All of them, page after page."""
    page = store.recordings(paging=Paging(limit=limit), order=order)
    found = list(page.items)
    while page.next_cursor:
        assert len(page.next_cursor) <= 500, "more than the API takes"
        page = store.recordings(paging=Paging(page.next_cursor, limit), order=order)
        found += page.items
    return found


@quickly_in_both
def test_recordings_are_listed_in_any_order_by_pages(store: SqlStore) -> None:
    added = [
        recorded(store, name, duration=duration, started=started)
        for name, duration, started in LISTED
    ]

    for order, wanted in ORDERS:
        for limit in (1, 2, 100):
            assert in_order(store, order, limit) == [added[place] for place in wanted]
    by_name = in_order(store, RecordingOrder.NAME, 100)
    assert in_order(store, RecordingOrder.NAME, 1) == by_name
    places = [added.index(each) for each in by_name]
    assert [place for place in places if place in (2, 0)] == [2, 0], "alpha before Bravo"
    assert [place for place in places if place in (1, 3)] == [1, 3], "of one name the older"


@quickly_in_both
@pytest.mark.parametrize("order", list(RecordingOrder))
def test_in_any_order_what_comes_and_goes_neither_repeats_nor_hides_one(
    store: SqlStore, order: RecordingOrder
) -> None:
    for name, duration, started in LISTED:
        recorded(store, name, duration=duration, started=started)
    wanted = in_order(store, order, 100)

    first = store.recordings(paging=Paging(limit=3), order=order)
    store.update_recording(first.items[-1].id, RecordingChanges(name="zulu", duration=1.0))
    store.purge_recording(first.items[-1].id)
    recorded(store, "came in between", duration=9000.0)
    rest = store.recordings(paging=Paging(first.next_cursor), order=order)

    assert [each for each in rest.items if each.name != "came in between"] == wanted[3:]


@pytest.mark.parametrize(
    "key", ["", " ", "nan", "inf", "x", "2026-03-01", "\0", "2026-03-01T00:00"]
)
def test_a_cursor_that_somebody_made_up_is_refused_in_any_order(store: SqlStore, key: str) -> None:
    for order in (RecordingOrder.DURATION, RecordingOrder.STARTED):
        made_up = _cursor(f"recordings-{order}", sorted_place(key, new_id()))
        with pytest.raises(BadOption, match="cursor"):
            store.recordings(paging=Paging(made_up), order=order)
    with pytest.raises(BadInput):
        made_up = _cursor("recordings-name", sorted_place("\0", new_id()))
        store.recordings(paging=Paging(made_up), order=RecordingOrder.NAME)


def test_a_cursor_of_another_order_is_refused(store: SqlStore) -> None:
    for _ in range(2):
        recorded(store)

    for one in RecordingOrder:
        cursor = store.recordings(paging=Paging(limit=1), order=one).next_cursor
        for other in set(RecordingOrder) - {one}:
            with pytest.raises(BadOption, match="cursor"):
                store.recordings(paging=Paging(cursor), order=other)


@quickly_in_both
def test_a_recording_tells_its_newest_transcript_and_its_last_job(store: SqlStore) -> None:
    ledger, one, other = Ledger(store.database), recorded(store), recorded(store)
    assert (one.transcript, one.job) == (None, None)
    jobs = [
        ledger.add("x", {}, lane=Lane.BATCH, queue="batch", recording_id=one.id) for _ in range(2)
    ]
    saved = [store.save_transcript(one.id, SAID) for _ in range(2)]
    store.correct(saved[1].id, 1, [Correction("00-0000", text="x")])
    store.correct(saved[0].id, 1, [Correction("00-0000", text="x")])
    ledger.cancel(jobs[1].id)

    found = store.recording(one.id)

    assert found.transcript == LatestTranscript(saved[1].id, 2)
    assert found.job == LastJob(jobs[1].id, JobState.CANCELLED)
    assert store.recordings().items == (other, found)


def test_a_page_of_recordings_is_as_many_questions_as_one_of_them(store: SqlStore) -> None:
    asked: list[str] = []
    for _ in range(30):
        transcribed(store)
    listen = (store.database.engine, "before_cursor_execute")
    sa.event.listen(*listen, lambda *told: asked.append(told[2]))

    store.recordings(paging=Paging(limit=1))
    of_one = len(asked)
    store.recordings(paging=Paging(limit=30))

    assert len(asked) == 2 * of_one


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "é",
        "AAAA",
        "../..",
        "'; DROP TABLE recording",
        "cmVjb3JkaW5nczo",
        "cmVjb3JkaW5nczp4",
    ],
)
def test_a_malformed_cursor_is_refused(store: SqlStore, cursor: str) -> None:
    """The last two are well encoded: `recordings:` and `recordings:x`."""
    with pytest.raises(BadOption, match="cursor"):
        store.recordings(paging=Paging(cursor))
    with pytest.raises(BadOption, match="cursor"):
        store.utterances(transcribed(store).id, paging=Paging(cursor))


def test_a_cursor_of_another_list_is_refused(store: SqlStore) -> None:
    saved = transcribed(store)
    recorded(store)
    cursor = store.recordings(paging=Paging(limit=1)).next_cursor

    assert cursor is not None
    with pytest.raises(BadOption, match="cursor"):
        store.utterances(saved.id, paging=Paging(cursor))
    with pytest.raises(BadOption, match="cursor"):
        store.trail(paging=Paging(cursor))


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_page_of_no_or_too_many_items_is_refused(store: SqlStore, limit: int) -> None:
    with pytest.raises(BadOption, match="1000"):
        store.recordings(paging=Paging(limit=limit))


def test_recordings_are_found_by_label_name_and_owner(store: SqlStore) -> None:
    recorded(store, "Night shift", labels=frozenset({"drill"}), owner="key-1")
    recorded(store, "day 100%", labels=frozenset({"drill", "real"}))

    assert names(store, RecordingFilter(label="drill")) == ["day 100%", "Night shift"]
    assert names(store, RecordingFilter(label="real")) == ["day 100%"]
    assert names(store, RecordingFilter(label="dril")) == []
    assert names(store, RecordingFilter(name="NIGHT")) == ["Night shift"]
    assert names(store, RecordingFilter(name="0%")) == ["day 100%"]
    assert names(store, RecordingFilter(name="%n")) == []
    assert names(store, RecordingFilter(owner="key-1", label="drill")) == ["Night shift"]


def test_recordings_are_found_by_when_they_started_or_came(store: SqlStore) -> None:
    recorded(store, "noon", started=NOON.astimezone(SEOUL))
    recorded(store, "later", started=NOON + timedelta(hours=1))
    recorded(store, "who knows")

    assert names(store, RecordingFilter(until=NOON + timedelta(seconds=1))) == ["noon"]
    assert names(store, RecordingFilter(until=NOON)) == []
    until = NOON + timedelta(hours=1, seconds=1)
    assert names(store, RecordingFilter(since=NOON, until=until)) == ["later", "noon"]
    assert names(store, RecordingFilter(since=datetime.now(UTC) - timedelta(hours=1))) == [
        "who knows"
    ]


def test_recordings_are_found_by_the_state_of_their_last_job(store: SqlStore) -> None:
    ledger = Ledger(store.database)
    first, second = recorded(store, "first"), recorded(store, "second")
    done = ledger.add("x", {}, lane=Lane.BATCH, queue="batch", recording_id=first.id)
    ledger.cancel(done.id)
    ledger.add("x", {}, lane=Lane.BATCH, queue="batch", recording_id=first.id)
    other = ledger.add("x", {}, lane=Lane.BATCH, queue="batch", recording_id=second.id)
    ledger.cancel(other.id)

    assert names(store, RecordingFilter(state=JobState.QUEUED)) == ["first"]
    assert names(store, RecordingFilter(state=JobState.CANCELLED)) == ["second"]


def test_an_update_changes_what_it_names_and_nothing_else(store: SqlStore) -> None:
    added = recorded(store, labels=frozenset({"a"}), metadata={"unit": "4"}, duration=2.0)

    updated = store.update_recording(
        added.id, RecordingChanges(name="new name", labels=frozenset({"b", "c"}))
    )

    assert (updated.name, updated.labels) == ("new name", frozenset({"b", "c"}))
    assert (updated.metadata, updated.duration) == ({"unit": "4"}, 2.0)
    assert store.recording(added.id) == updated
    emptied = store.update_recording(
        added.id, RecordingChanges(labels=frozenset(), metadata={}, channel_labels=("x",))
    )
    assert (emptied.name, emptied.channel_labels) == ("new name", ("x",))
    assert not emptied.labels
    assert not emptied.metadata


def test_a_label_that_no_index_takes_is_refused(store: SqlStore) -> None:
    with pytest.raises(BadInput, match="500"):
        recorded(store, labels=frozenset({"x" * 501}))
    added = recorded(store, labels=frozenset({"말" * 500}), key="귀" * 500)

    assert store.recording(added.id).labels == {"말" * 500}


def test_what_is_deleted_is_not_found_and_its_key_is_free(store: SqlStore) -> None:
    added = recorded(store, key="upload-1")
    saved = store.save_transcript(added.id, SAID)

    store.delete_recording(added.id)

    assert store.recordings().items == ()
    with pytest.raises(NotFound):
        store.recording(added.id)
    with pytest.raises(NotFound):
        store.update_recording(added.id, RecordingChanges(name="x"))
    with pytest.raises(NotFound):
        store.delete_recording(added.id)
    with pytest.raises(NotFound):
        store.transcript(saved.id)
    with pytest.raises(NotFound):
        store.save_transcript(added.id, SAID)
    assert recorded(store, key="upload-1").id != added.id


def test_what_is_purged_takes_its_transcripts_and_media_along(store: SqlStore) -> None:
    added = with_media(store, b"sound")
    saved = store.save_transcript(added.id, SAID)
    path = store.media_path(added.media[0].sha256)
    store.delete_recording(added.id)
    aged(store)

    store.purge_recording(added.id)

    assert not path.exists()
    with pytest.raises(NotFound):
        store.media(added.media[0].sha256)
    with pytest.raises(NotFound):
        store.transcript(saved.id)
    with pytest.raises(NotFound):
        store.purge_recording(added.id)


def test_media_of_another_recording_stay_when_one_is_purged(store: SqlStore) -> None:
    one = with_media(store, b"sound")
    other = recorded(store, media=one.media)
    path = store.media_path(one.media[0].sha256)
    aged(store)

    store.purge_recording(one.id)
    still = path.read_bytes()
    store.purge_recording(other.id)

    assert still == b"sound"
    assert not path.exists()


def test_media_that_just_came_are_left_to_a_sweep_when_a_recording_is_purged(
    store: SqlStore,
) -> None:
    one = with_media(store, b"sound")

    store.purge_recording(one.id)
    assert store.media_path(one.media[0].sha256).is_file(), "somebody may have brought the same"

    aged(store)
    assert store.sweep_media() == 1


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
def test_what_no_database_can_keep_is_not_looked_for_either(store: SqlStore, text: str) -> None:
    asked = [RecordingFilter(name=text), RecordingFilter(label=text), RecordingFilter(owner=text)]

    for which in asked:
        with pytest.raises(BadInput):
            store.recordings(which)
    with pytest.raises(BadInput):
        store.recording(text)


@pytest.mark.parametrize(
    "unknown",
    ["", "x", "'; DROP TABLE recording; --", "a" * 500, "0190a1b2-0000-7000-8000-000000000000"],
)
def test_nothing_is_found_of_a_recording_that_is_not_there(store: SqlStore, unknown: str) -> None:
    for ask in (store.recording, store.delete_recording, store.purge_recording, store.transcripts):
        with pytest.raises(NotFound):
            ask(unknown)

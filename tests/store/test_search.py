"""What was said is found by its words: the same, in the same order, in both databases."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from store.conftest import quickly_in_both
from store.kept import NASTY, recorded, texts, transcript, utterance

from malgwi.errors import BadOption
from malgwi.store import (
    Correction,
    Database,
    Paging,
    RecordingChanges,
    SqlStore,
    TranscriptRecord,
    copy,
    migration,
)
from malgwi.store import schema as tables
from malgwi.store.findable import add, findable, forget
from malgwi.store.search import Search
from malgwi.store.search_base import Hit, Line, Order, SearchFilter
from malgwi.store.terms import terms_of
from malgwi.types import Span

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)

# The database is one for all examples; what one of them says does not matter to another.
ONE_STORE = [HealthCheck.function_scoped_fixture]


@pytest.fixture
def search(store: SqlStore) -> Search:
    return Search(store.database)


def said(store: SqlStore, *lines: str, **options: object) -> TranscriptRecord:
    """A recording in which that was said, ten seconds apart, by turns on two channels."""
    recording = recorded(store, **options)  # type: ignore[arg-type]
    utterances = [utterance(n, text, channel=n % 2) for n, text in enumerate(lines)]
    return store.save_transcript(recording.id, transcript(*utterances))


def found(search: Search, query: str, *args: Any) -> list[str]:
    return [hit.text for hit in search.find(query, *args).items]


def every_page(
    search: Search, query: str, order: Order, limit: int, meanwhile: Callable[[], object] = str
) -> list[Hit]:
    hits: list[Hit] = []
    cursor = None
    while True:
        page = search.find(query, order=order, paging=Paging(cursor, limit))
        hits += page.items
        cursor = page.next_cursor
        if cursor is None:
            return hits
        meanwhile()


@quickly_in_both
def test_a_hit_says_where_it_is_and_what_was_said_around_it(
    store: SqlStore, search: Search
) -> None:
    lines = ("one", "two", "three", "북문에서 확인", "five", "six")
    saved = said(store, *lines, started=NOON)

    [hit] = search.find("북문").items

    assert hit == Hit(
        recording=saved.recording_id,
        recording_name="radio.wav",
        transcript=saved.id,
        revision=1,
        utterance="01-0003",
        channel=1,
        channel_label="south gate",
        speaker=None,
        start=30.0,
        end=32.0,
        at=NOON + 30 * SECOND,
        text="북문에서 확인",
        parts=((0, 2),),
        before=Line("00-0002", 0, "north gate", None, 20.0, "three"),
        after=Line("00-0004", 0, "north gate", None, 40.0, "five"),
        score=hit.score,
    )


@quickly_in_both
def test_a_text_is_found_as_it_is_now(store: SqlStore, search: Search) -> None:
    saved = said(store, "at the north gate")
    store.correct(saved.id, 1, [Correction("00-0000", "at the south gate")])

    assert found(search, "north") == []
    assert [(hit.text, hit.revision) for hit in search.find("south").items] == [
        ("at the south gate", 2)
    ]

    store.undo(saved.id, 2, to=1)

    assert found(search, "north") == ["at the north gate"]
    assert found(search, "south") == []


@quickly_in_both
def test_what_is_deleted_is_not_found_and_nothing_of_it_stays(
    store: SqlStore, search: Search
) -> None:
    deleted, purged, kept = said(store, "gate a"), said(store, "gate b"), said(store, "gate c")

    store.delete_recording(deleted.recording_id)
    store.purge_recording(purged.recording_id)

    assert found(search, "gate") == ["gate c"]
    indexed = store.database.read(lambda it: it.execute(sa.select(findable)).all())
    assert len(indexed) == 1
    store.delete_recording(kept.recording_id)
    assert found(search, "gate") == []


def test_any_number_of_entries_can_be_forgotten(store: SqlStore, search: Search) -> None:
    said(store, "gate")

    store.database.write(lambda it: forget(it, range(100_000)))

    assert found(search, "gate") == []


def test_an_entry_that_is_there_still_is_not_found(store: SqlStore, search: Search) -> None:
    corrected, deleted = said(store, "north gate"), said(store, "north tower")
    entries = store.database.read(lambda it: it.execute(sa.select(findable)).mappings().all())
    store.correct(corrected.id, 1, [Correction("00-0000", "south gate")])
    store.delete_recording(deleted.recording_id)

    def put_back(connection: Connection) -> None:
        for entry in entries:
            connection.execute(findable.insert().values(dict(entry)))

    store.database.write(put_back)

    assert found(search, "north") == []


def test_what_is_hidden_is_found_only_by_who_asks_for_it(store: SqlStore, search: Search) -> None:
    lines = (
        replace(utterance(0, "gate, gate, gate"), suppressed="loop"),
        replace(utterance(1, "gate, better"), duplicate_of="00-0002"),
        utterance(2, "gate"),
    )
    store.save_transcript(recorded(store).id, transcript(*lines))

    assert found(search, "gate") == ["gate"]
    assert len(found(search, "gate", SearchFilter(hidden=True))) == 3


@quickly_in_both
def test_what_was_suppressed_is_found_once_somebody_wrote_what_was_said(
    store: SqlStore, search: Search
) -> None:
    noise = replace(utterance(0, "gate gate gate"), suppressed="loop")
    saved = store.save_transcript(recorded(store).id, transcript(noise))
    store.correct(saved.id, 1, [Correction(noise.id, "open the gate")])

    assert found(search, "gate") == ["open the gate"]

    store.undo(saved.id, 2, to=1)

    assert found(search, "gate") == []


def test_what_is_hidden_is_not_shown_beside_a_hit(store: SqlStore, search: Search) -> None:
    lines = (
        utterance(0, "first"),
        replace(utterance(1, "noise"), suppressed="loop"),
        utterance(2, "gate"),
        replace(utterance(3, "noise"), suppressed="loop"),
    )
    store.save_transcript(recorded(store).id, transcript(*lines))

    [hit] = search.find("gate").items

    assert hit.before
    assert (hit.before.text, hit.after) == ("first", None)


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (SearchFilter(), ["tower 0", "tower 1", "tower 2", "tower 3"]),
        (SearchFilter(channel=1), ["tower 1", "tower 3"]),
        (SearchFilter(speaker=NASTY), ["tower 3"]),
        (SearchFilter(speaker="nobody"), []),
        (SearchFilter(after=10.0), ["tower 1", "tower 3"]),
        (SearchFilter(before=10.0), ["tower 0", "tower 2"]),
        (SearchFilter(since=NOON), ["tower 2", "tower 3"]),
        (SearchFilter(since=NOON, until=NOON + 10 * SECOND), ["tower 2"]),
        (SearchFilter(until=NOON), ["tower 0", "tower 1"]),
        (SearchFilter(until=NOON + SECOND / 1_000_000), ["tower 0", "tower 1", "tower 2"]),
        (SearchFilter(since=NOON + SECOND / 1_000_000), ["tower 3"]),
        (SearchFilter(label=NASTY), ["tower 2", "tower 3"]),
        (SearchFilter(label="none"), []),
        (SearchFilter(recording="none"), []),
        (SearchFilter(transcript="none"), []),
    ],
)
def test_each_filter_leaves_what_it_names(
    store: SqlStore, search: Search, which: SearchFilter, expected: list[str]
) -> None:
    said(store, "tower 0", "tower 1", started=NOON - 60 * SECOND)
    later = said(store, "tower 2", "tower 3", started=NOON, labels=frozenset({NASTY}))
    store.correct(later.id, 1, [Correction("01-0001", speaker=NASTY)])

    assert sorted(found(search, "tower", which)) == expected


def test_one_recording_and_one_transcript_can_be_searched(store: SqlStore, search: Search) -> None:
    saved = said(store, "gate a")
    again = store.save_transcript(saved.recording_id, transcript(utterance(0, "gate b")))
    said(store, "gate c")

    assert sorted(found(search, "gate", SearchFilter(recording=saved.recording_id))) == [
        "gate a",
        "gate b",
    ]
    assert found(search, "gate", SearchFilter(transcript=again.id)) == ["gate b"]


@pytest.mark.slow
def test_a_label_of_many_recordings_is_found_in_all_of_them(
    store: SqlStore, search: Search
) -> None:
    for number in range(110):
        said(store, f"gate {number}", labels=frozenset({"many"}))
    said(store, "gate of another")

    assert (
        len(found(search, "gate", SearchFilter(label="many"), Order.TIME, Paging(None, 200))) == 110
    )


def test_a_time_without_a_zone_is_refused(search: Search) -> None:
    with pytest.raises(BadOption, match="time zone"):
        search.find("gate", SearchFilter(since=datetime(2026, 3, 1)))


def test_a_recording_that_started_nobody_knows_when_counts_by_when_it_came(
    store: SqlStore, search: Search
) -> None:
    said(store, "gate")
    now = datetime.now(UTC)

    [hit] = search.find(
        "gate", SearchFilter(since=now - 60 * SECOND, until=now + 60 * SECOND)
    ).items

    assert hit.at is None
    assert found(search, "gate", SearchFilter(until=now - 60 * SECOND)) == []


def test_a_recording_that_started_at_another_time_is_found_there(
    store: SqlStore, search: Search
) -> None:
    saved = said(store, "gate", started=NOON)

    store.update_recording(saved.recording_id, RecordingChanges(started=NOON - 3600 * SECOND))

    assert found(search, "gate", SearchFilter(since=NOON)) == []
    [hit] = search.find("gate", SearchFilter(until=NOON - 3599 * SECOND)).items
    assert hit.at == NOON - 3600 * SECOND


@pytest.mark.parametrize("start", [0.0009999, 0.001, 0.0014996, 1 / 3, 7199.9999996])
def test_a_stretch_of_time_starts_and_ends_to_the_microsecond(
    store: SqlStore, search: Search, start: float
) -> None:
    one = replace(utterance(0, "gate"), span=Span(start, start + 1))
    store.save_transcript(recorded(store, started=NOON).id, transcript(one))
    [hit] = search.find("gate").items
    assert hit.at

    assert found(search, "gate", SearchFilter(since=hit.at, until=hit.at + SECOND / 10**6))
    assert not found(search, "gate", SearchFilter(until=hit.at))
    assert not found(search, "gate", SearchFilter(since=hit.at + SECOND / 10**6))


@pytest.mark.parametrize("year", [1, 1900, 9999])
def test_no_time_is_too_far_away(store: SqlStore, search: Search, year: int) -> None:
    started = datetime(year, 1, 1, tzinfo=UTC)
    said(store, "gate", started=started)

    around = SearchFilter(since=started, until=started + timedelta(days=1))

    assert found(search, "gate", around) == ["gate"]
    assert found(search, "gate", SearchFilter(until=started)) == []


def test_the_best_or_the_latest_comes_first(store: SqlStore, search: Search) -> None:
    said(store, "gate", started=NOON)
    said(store, "somewhere at the gates I think", started=NOON + 3600 * SECOND)
    said(store, "gate", started=NOON - 3600 * SECOND)

    best, latest = search.find("gate").items, search.find("gate", order=Order.TIME).items

    later = NOON + 3600 * SECOND
    assert [hit.at for hit in best] == [NOON, NOON - 3600 * SECOND, later]
    assert [hit.at for hit in latest] == [later, NOON, NOON - 3600 * SECOND]


@pytest.mark.parametrize("order", list(Order))
def test_pages_have_every_hit_once_whatever_comes_meanwhile(
    store: SqlStore, search: Search, order: Order
) -> None:
    for number in range(12):
        said(store, f"gate {'x ' * number}", "other", started=NOON + number * SECOND)
    there = [hit.recording for hit in search.find("gate", order=order).items]

    def meanwhile() -> None:
        said(store, "gate", started=NOON + 3600 * SECOND)
        said(store, "gate x x", started=NOON - 3600 * SECOND)

    hits = [hit.recording for hit in every_page(search, "gate", order, 5, meanwhile)]

    assert len(set(hits)) == len(hits)
    assert [each for each in hits if each in there] == there


@pytest.mark.slow
@pytest.mark.parametrize("order", list(Order))
def test_all_of_what_is_frequent_is_found_stretch_by_stretch(
    store: SqlStore, search: Search, order: Order
) -> None:
    said(store, *(f"gate {number}" for number in range(1_700)), started=NOON)

    hits = every_page(search, "gate", order, 400)

    assert sorted(hit.start for hit in hits) == [10.0 * number for number in range(1_700)]


@pytest.mark.slow
def test_a_page_that_finds_nothing_in_many_candidates_says_how_to_go_on(
    store: SqlStore, search: Search
) -> None:
    said(store, "at the north gate", *["at the gate north"] * 3_100)

    first = search.find('"north gate"', order=Order.TIME)

    assert (first.items, first.next_cursor is None) == ((), False)
    for order in Order:
        [hit] = every_page(search, '"north gate"', order, 50)
        assert hit.text == "at the north gate"


@pytest.mark.parametrize(
    "place",
    ["", "x", "9999999999999999999", "-9999999999999999999", "1:2", "1:2:3", "+1", "٣", "1 "],
)
def test_a_cursor_of_nobody_is_refused(search: Search, place: str) -> None:
    cursor = urlsafe_b64encode(f"time:{place}".encode()).decode().rstrip("=")

    for each in (cursor, place, f"{cursor}=", "북문"):
        with pytest.raises(BadOption, match="cursor"):
            search.find("gate", order=Order.TIME, paging=Paging(each))


def test_a_cursor_of_the_other_order_is_refused(store: SqlStore, search: Search) -> None:
    said(store, "gate", "gate")
    cursor = search.find("gate", order=Order.TIME, paging=Paging(None, 1)).next_cursor
    assert cursor

    with pytest.raises(BadOption, match="cursor"):
        search.find("gate", paging=Paging(cursor))


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_page_has_a_size(search: Search, limit: int) -> None:
    with pytest.raises(BadOption, match="page"):
        search.find("gate", paging=Paging(None, limit))


@given(
    st.lists(
        texts
        | st.sampled_from(
            ['"', "*", "NEAR(a b)", "a:b", "'", "&", "|", "!", "<->", "AND", "OR", "NOT", "(", ")",
             "\\", "^", "--", ";", "gate", "-gate", "북문", "terms:", "%", "_", "{x}", "+", ":*"]
        ),
        min_size=1,
    ).map(" ".join)
)  # fmt: skip
@settings(deadline=None, suppress_health_check=ONE_STORE)
def test_no_query_breaks(search: Search, query: str) -> None:
    try:
        search.find(query)
    except BadOption as refused:
        assert "word" in str(refused) or "characters" in str(refused)


@given(texts)
@settings(deadline=None, suppress_health_check=ONE_STORE)
def test_every_word_of_an_utterance_finds_it(store: SqlStore, search: Search, text: str) -> None:
    saved = said(store, text)

    for word in text.replace('"', " ").split():
        if terms_of(word) and not word.startswith("-"):
            hits = search.find(word, SearchFilter(transcript=saved.id)).items
            assert [hit.text for hit in hits] == [text]


def test_what_is_said_at_the_same_moment_is_all_found(store: SqlStore, search: Search) -> None:
    saved = said(store, "gate", started=NOON)

    def twice(connection: Connection) -> None:
        """A row of a number that falls on the same place as the first one's."""
        first = connection.execute(sa.select(tables.utterance)).mappings().one()
        other = {**first, "row_id": first["row_id"] + 2**21, "id": "09-0000", "position": 9}
        connection.execute(tables.utterance.insert().values(other))
        add(connection, saved.id)

    store.database.write(twice)

    assert found(search, "gate") == ["gate", "gate"]


def test_what_was_said_before_there_was_an_index_is_found(store: SqlStore, search: Search) -> None:
    said(store, "at the north gate")
    while migration.version(store.database) != "0001":
        migration.downgrade(store.database)

    migration.upgrade(store.database)

    assert found(search, "gate") == ["at the north gate"]


def test_a_copy_is_found_in_as_well(
    store: SqlStore, other_url: str, connections: Callable[[str], Database]
) -> None:
    said(store, "at the north gate")
    target = connections(other_url)

    copy(store.database, target)

    assert found(Search(target), "gate") == ["at the north gate"]


@pytest.mark.slow
def test_words_are_found_that_were_frequent_only_long_ago(store: SqlStore, search: Search) -> None:
    saved = said(store, "gate", started=NOON - 86_400 * SECOND)
    lots = 120_000

    def fill(connection: Connection) -> None:
        """The oldest fortieth says 'gate' too."""
        is_sqlite = connection.dialect.name == "sqlite"
        connection.execute(sa.text(_UTTERANCES), {"transcript": saved.id, "lots": lots})
        terms = "CASE WHEN position <= :some THEN 'gate' ELSE 'door' END"
        connection.execute(
            sa.text(_FINDABLE.format(terms if is_sqlite else f"CAST({terms} AS tsvector)")),
            {"some": lots // 40},
        )

    store.database.write(fill)

    page = search.find("gate", order=Order.TIME)

    assert [hit.utterance for hit in page.items[:2]] == ["3000", "2999"]


_UTTERANCES = """
INSERT INTO utterance
    (transcript_id, id, from_revision, position, channel, start, "end", language, raw_text, text,
     words, attempts, changes)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :lots)
SELECT :transcript, CAST(i AS TEXT), 1, i, 0, i, i, 'en', '', 'gate', '[]', 1, '[]' FROM n
"""
_FINDABLE = """
INSERT INTO findable (place, row_id, terms)
SELECT 4000000000000000000 + position, row_id, {} FROM utterance WHERE position > 0
"""

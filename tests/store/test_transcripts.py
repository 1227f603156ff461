"""What was said stays as it was recognised, however often it is corrected."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from store.conftest import quickly_in_both
from store.kept import NASTY, SAID, recorded, transcribed, transcript, transcripts, utterance

from malgwi.errors import BadInput, BadOption, Conflict, NotFound, Stale
from malgwi.store import (
    Authorship,
    Correction,
    Page,
    Paging,
    Placed,
    Revision,
    RevisionKind,
    SqlStore,
    UtteranceFilter,
)
from malgwi.store.ids import new_id
from malgwi.types import Transcript, Utterance

# The database is one for all examples; they do not see each other's rows.
ONE_STORE = [HealthCheck.function_scoped_fixture]


@given(said=transcripts)
@settings(deadline=None, suppress_health_check=ONE_STORE)
def test_what_is_read_is_equal_to_what_was_saved(store: SqlStore, said: Transcript) -> None:
    saved = transcribed(store, said)

    assert store.transcript(saved.id) == said
    assert store.transcript(saved.id, 1) == said


@quickly_in_both
def test_order_is_kept_also_of_what_begins_at_once(store: SqlStore) -> None:
    both = [utterance(1, "you first", channel=1), utterance(1, "no you", channel=0)]

    saved = transcribed(store, transcript(*both))

    assert store.transcript(saved.id).utterances == tuple(both)


def test_a_transcript_is_described_without_its_utterances(store: SqlStore) -> None:
    saved = transcribed(store)

    assert store.transcript_record(saved.id) == saved
    assert (saved.revision, saved.duration, saved.complete) == (1, 120.0, True)
    assert (saved.channels, saved.engine) == (SAID.channels, SAID.engine)
    assert [each.kind for each in store.revisions(saved.id)] == [RevisionKind.RECOGNISED]


def test_a_recording_has_its_transcripts_newest_first(store: SqlStore) -> None:
    recording = recorded(store)

    first = store.save_transcript(recording.id, SAID)
    second = store.save_transcript(recording.id, SAID)

    assert store.transcripts(recording.id) == (second, first)
    assert store.transcripts(recorded(store, "another").id) == ()


def test_a_second_transcript_of_a_key_is_the_first(store: SqlStore) -> None:
    recording, another = recorded(store), recorded(store)
    first = store.save_transcript(recording.id, SAID, key="job-1")

    second = store.save_transcript(recording.id, transcript(), key="job-1")

    assert second == first
    assert store.transcripts(recording.id) == (first,)
    with pytest.raises(Conflict):
        store.save_transcript(another.id, SAID, key="job-1")


@quickly_in_both
def test_of_many_that_save_a_key_at_once_one_is_kept(store: SqlStore) -> None:
    recording = recorded(store)
    together = Barrier(4)

    def save(_: int) -> str:
        together.wait(timeout=30)
        return store.save_transcript(recording.id, SAID, key="job-1").id

    with ThreadPoolExecutor(4) as threads:
        ids = set(threads.map(save, range(4)))

    assert len(ids) == 1
    assert len(store.transcripts(recording.id)) == 1


def test_utterances_come_by_pages_in_order(store: SqlStore) -> None:
    saved = transcribed(store)

    found = list(walk(lambda paging: store.utterances(saved.id, paging=paging), limit=3))

    assert [each.utterance for each in found] == list(SAID.utterances)
    assert [each.position for each in found] == [0, 1, 2, 3]


def test_a_page_begins_at_a_position(store: SqlStore) -> None:
    saved = transcribed(store)

    first = store.utterances(saved.id, UtteranceFilter(position=1), Paging(limit=2))
    rest = store.utterances(saved.id, UtteranceFilter(position=1), Paging(first.next_cursor))
    of_one = store.utterances(saved.id, UtteranceFilter(position=2, channel=1))

    assert [each.position for each in first.items + rest.items] == [1, 2, 3]
    assert [each.position for each in of_one.items] == [3]


def test_utterances_of_a_channel_and_after_a_time(store: SqlStore) -> None:
    saved = transcribed(store)

    of_one = store.utterances(saved.id, UtteranceFilter(channel=1)).items
    later = store.utterances(saved.id, UtteranceFilter(after=20.0)).items

    assert [each.utterance.text for each in of_one] == ["say again", "copy that"]
    assert [each.utterance.span.start for each in later] == [20.0, 30.0]


@quickly_in_both
def test_a_correction_makes_a_revision_and_leaves_the_old_one(store: SqlStore) -> None:
    saved = transcribed(store)

    made = store.correct(
        saved.id,
        1,
        [Correction("00-0000", text="unit five at the north gate", speaker="Kim")],
        Authorship("key-1", "heard it twice"),
    )

    assert (made.number, made.author, made.note) == (2, "key-1", "heard it twice")
    assert made.kind is RevisionKind.CORRECTION
    assert store.transcript(saved.id, 1) == SAID
    now = store.transcript(saved.id)
    assert store.transcript(saved.id, 2) == now
    assert now.utterances[0].text == "unit five at the north gate"
    assert now.utterances[0].speaker == "Kim"
    assert now.utterances[0].raw_text == "unit four at the north gate"
    assert now.utterances[1:] == SAID.utterances[1:]
    assert store.transcript_record(saved.id).revision == 2


def test_a_correction_of_a_stale_revision_is_refused_with_the_current_one(
    store: SqlStore,
) -> None:
    saved = transcribed(store)
    store.correct(saved.id, 1, [Correction("00-0000", text="first")])

    with pytest.raises(Stale) as refused:
        store.correct(saved.id, 1, [Correction("00-0000", text="second")])

    assert refused.value.current == 2
    assert store.transcript(saved.id).utterances[0].text == "first"


def test_of_those_who_correct_at_once_one_wins_and_the_others_look_again(store: SqlStore) -> None:
    saved = transcribed(store)
    together = Barrier(4)

    def correct(number: int) -> Revision | Stale:
        together.wait(timeout=30)
        try:
            return store.correct(saved.id, 1, [Correction("00-0000", text=f"version {number}")])
        except Stale as stale:
            return stale

    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(correct, range(4)))

    won = [each for each in results if isinstance(each, Revision)]
    assert [each.number for each in won] == [2]
    assert [each.current for each in results if isinstance(each, Stale)] == [2, 2, 2]
    assert len(store.revisions(saved.id)) == 2
    assert store.transcript(saved.id).utterances[1:] == SAID.utterances[1:]


def test_a_correction_that_changes_nothing_makes_no_revision(store: SqlStore) -> None:
    saved = transcribed(store)

    same = store.correct(saved.id, 1, [Correction("00-0000", text=SAID.utterances[0].text)])

    assert same.number == 1
    assert len(store.revisions(saved.id)) == 1


def test_a_correction_is_made_whole_or_not_at_all(store: SqlStore) -> None:
    saved = transcribed(store)

    with pytest.raises(NotFound, match="99-9999"):
        store.correct(saved.id, 1, [Correction("00-0000", text="x"), Correction("99-9999", "x")])
    with pytest.raises(BadOption, match="twice"):
        store.correct(saved.id, 1, [Correction("00-0000", text="x"), Correction("00-0000", "y")])

    assert store.transcript(saved.id) == SAID


def test_many_utterances_are_corrected_at_once(store: SqlStore) -> None:
    many = [utterance(number, "one two") for number in range(1200)]
    saved = transcribed(store, transcript(*many))

    store.correct(saved.id, 1, [Correction(each.id, text="one too") for each in many])

    assert {each.text for each in store.transcript(saved.id).utterances} == {"one too"}
    assert store.transcript(saved.id, 1).utterances == tuple(many)


def test_what_a_glossary_would_write_is_a_revision_too(store: SqlStore) -> None:
    saved = transcribed(store)
    new = replace(SAID.utterances[2], text="at the North Gate over")

    made = store.revise(saved.id, 1, [new], Authorship(kind=RevisionKind.GLOSSARY))

    assert made.kind is RevisionKind.GLOSSARY
    assert store.transcript(saved.id).utterances[2] == new


def test_undoing_makes_a_revision_equal_to_the_old_one(store: SqlStore) -> None:
    saved = transcribed(store)
    store.correct(saved.id, 1, [Correction("00-0000", text="changed")])
    store.correct(saved.id, 2, [Correction("01-0001", speaker="Lee")])

    made = store.undo(saved.id, 3, to=1, by=Authorship("key-1"))

    assert (made.number, made.kind, made.author) == (4, RevisionKind.UNDO, "key-1")
    assert store.transcript(saved.id) == SAID
    assert store.transcript(saved.id, 3).utterances[0].text == "changed"
    with pytest.raises(Stale):
        store.undo(saved.id, 3, to=1)


def test_an_undo_can_be_undone(store: SqlStore) -> None:
    saved = transcribed(store)
    store.correct(saved.id, 1, [Correction("00-0000", text="changed")])
    changed = store.transcript(saved.id)
    store.undo(saved.id, 2, to=1)

    store.undo(saved.id, 3, to=2)

    assert store.transcript(saved.id) == changed


def test_a_difference_has_both_versions_of_what_is_other(store: SqlStore) -> None:
    saved = transcribed(store)
    store.correct(saved.id, 1, [Correction("00-0002", text="later")])
    store.correct(saved.id, 2, [Correction("00-0000", text="sooner")])

    there = store.diff(saved.id, 1, 3)
    back = store.diff(saved.id, 3, 1)

    assert [(each.utterance, texts(each.before, each.after)) for each in there] == [
        ("00-0000", ("unit four at the north gate", "sooner")),
        ("00-0002", ("at the north gate over", "later")),
    ]
    assert [(each.before, each.after) for each in back] == [
        (each.after, each.before) for each in there
    ]


def test_there_is_no_difference_where_a_change_was_undone(store: SqlStore) -> None:
    saved = transcribed(store)
    store.correct(saved.id, 1, [Correction("00-0000", text="changed")])
    store.undo(saved.id, 2, to=1)

    assert store.diff(saved.id, 1, 3) == ()
    assert len(store.diff(saved.id, 2, 3)) == 1


def test_whatever_people_write_is_kept_as_they_wrote_it(store: SqlStore) -> None:
    saved = transcribed(store)

    store.correct(
        saved.id, 1, [Correction("00-0000", NASTY, NASTY)], Authorship(author=NASTY, note=NASTY)
    )

    now = store.transcript(saved.id).utterances[0]
    assert (now.text, now.speaker) == (NASTY, NASTY)
    last = store.revisions(saved.id)[-1]
    assert (last.author, last.note) == (NASTY, NASTY)


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
def test_what_no_database_can_keep_is_refused_without_saying_it(store: SqlStore, text: str) -> None:
    saved = transcribed(store)

    with pytest.raises(BadInput) as refused:
        store.correct(saved.id, 1, [Correction("00-0000", text="secret " + text)])

    assert "secret" not in str(refused.value)
    assert store.transcript(saved.id) == SAID


def test_nothing_is_found_of_a_transcript_that_is_not_there(store: SqlStore) -> None:
    nobody = new_id()

    for ask in (store.transcript, store.transcript_record, store.utterances, store.revisions):
        with pytest.raises(NotFound):
            ask(nobody)
    with pytest.raises(NotFound):
        store.correct(nobody, 1, [Correction("00-0000", text="x")])
    with pytest.raises(NotFound):
        store.save_transcript(nobody, SAID)


@pytest.mark.parametrize("number", [-1, 0, 2, 99])
def test_nothing_is_found_of_a_revision_that_is_not_there(store: SqlStore, number: int) -> None:
    saved = transcribed(store)

    with pytest.raises(NotFound, match="revision"):
        store.transcript(saved.id, number)
    with pytest.raises(NotFound, match="revision"):
        store.diff(saved.id, 1, number)


def walk(ask: Callable[[Paging], Page[Placed]], limit: int) -> list[Placed]:
    page = ask(Paging(limit=limit))
    found = list(page.items)
    while page.next_cursor:
        page = ask(Paging(page.next_cursor, limit))
        found += page.items
    return found


def texts(*utterances: Utterance | None) -> tuple[str | None, ...]:
    return tuple(each.text if each else None for each in utterances)

"""What people write at a place of a recording stays there, and goes with it."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from store.kept import NASTY, recorded

from malgwi.errors import BadInput, BadOption, Conflict, NotFound
from malgwi.store import Database, NewNote, Note, Notes, Paging, SqlStore
from malgwi.store.copying import copy
from malgwi.store.ids import new_id
from malgwi.store.notes import LONGEST, MOST
from malgwi.store.paging import _cursor
from malgwi.store.schema import note


@pytest.fixture
def notes(store: SqlStore) -> Notes:
    return Notes(store.database)


def test_a_note_is_kept_as_it_was_written(store: SqlStore, notes: Notes) -> None:
    recording = recorded(store).id

    made = notes.add(recording, NewNote(1.5, 2.25, 3, NASTY), "key-1")

    assert notes.find(made.id) == made
    assert (made.at, made.until, made.channel, made.text) == (1.5, 2.25, 3, NASTY.strip())
    assert (made.recording_id, made.author, made.changed) == (recording, "key-1", None)


def test_notes_come_in_the_order_of_the_recording_by_pages(store: SqlStore, notes: Notes) -> None:
    recording, another = recorded(store).id, recorded(store).id
    notes.add(another, NewNote(0.5))
    made = [notes.add(recording, NewNote(at)) for at in (100.0, 9.5, 0.1 + 0.2, 9.5, 0.0)]

    found: list[Note] = []
    cursor = None
    while True:
        page = notes.listed(recording, Paging(cursor, 2))
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break

    assert found == sorted(made, key=lambda each: (each.at, each.id))


def test_what_comes_and_goes_while_somebody_reads_neither_repeats_nor_hides_a_note(
    store: SqlStore, notes: Notes
) -> None:
    recording = recorded(store).id
    for at in (1.0, 2.0, 3.0):
        notes.add(recording, NewNote(at))

    first = notes.listed(recording, Paging(limit=2))
    notes.add(recording, NewNote(0.0))
    notes.remove(first.items[-1].id)
    rest = notes.listed(recording, Paging(first.next_cursor, 2))

    assert [each.at for each in rest.items] == [3.0]


def test_a_note_is_changed_and_says_when(store: SqlStore, notes: Notes) -> None:
    made = notes.add(recorded(store).id, NewNote(1.0, 2.0, text="before"), "key-1")

    changed = notes.change(made.id, NewNote(3.0, text="after"))

    assert (changed.at, changed.until, changed.text) == (3.0, None, "after")
    assert (changed.author, changed.created) == (made.author, made.created)
    assert changed.changed is not None
    assert notes.find(made.id) == changed


def test_a_note_that_cannot_be_is_refused(store: SqlStore, notes: Notes) -> None:
    recording = recorded(store).id

    with pytest.raises(BadOption, match="before it begins"):
        notes.add(recording, NewNote(2.0, 1.0))
    with pytest.raises(BadOption, match="characters"):
        notes.add(recording, NewNote(2.0, text="x" * (LONGEST + 1)))
    with pytest.raises(BadInput):
        notes.add(recording, NewNote(2.0, text="a\0b"))
    with pytest.raises(NotFound):
        notes.add(new_id(), NewNote(2.0))

    assert notes.listed(recording).items == ()


def test_a_recording_has_only_so_many(store: SqlStore, notes: Notes) -> None:
    recording = recorded(store).id
    first = notes.add(recording, NewNote(0.0))
    more = [
        {"id": new_id(), "recording_id": recording, "at": 1.0, "text": "", "created": first.created}
        for _ in range(MOST - 1)
    ]
    store.database.write(lambda it: it.execute(note.insert(), more))

    with pytest.raises(Conflict, match="10,000"):
        notes.add(recording, NewNote(0.0))

    notes.remove(first.id)
    notes.add(recording, NewNote(0.0))


def test_the_notes_of_a_recording_go_with_it(store: SqlStore, notes: Notes) -> None:
    recording = recorded(store).id
    made = notes.add(recording, NewNote(1.0))

    store.delete_recording(recording)

    with pytest.raises(NotFound):
        notes.find(made.id)
    with pytest.raises(NotFound):
        notes.listed(recording)
    with pytest.raises(NotFound):
        notes.change(made.id, NewNote(2.0))
    with pytest.raises(NotFound):
        notes.remove(made.id)
    store.purge_recording(recording)
    assert store.database.read(lambda it: it.execute(sa.select(note)).all()) == []


def test_notes_go_along_into_another_database(
    store: SqlStore, notes: Notes, other_url: str, connections: Callable[[str], Database]
) -> None:
    made = notes.add(recorded(store).id, NewNote(1.0, text=NASTY), "key-1")
    target = connections(other_url)

    copy(store.database, target)

    assert Notes(target).find(made.id) == made


@pytest.mark.parametrize("place", ["x", "0190a1b2-0000-7000-8000-000000000000 nan", ""])
def test_a_cursor_that_is_none_is_refused(store: SqlStore, notes: Notes, place: str) -> None:
    with pytest.raises(BadOption, match="cursor"):
        notes.listed(recorded(store).id, Paging(_cursor("notes", place)))

"""What was done can be looked up, newest first."""

from datetime import UTC

from store.kept import NASTY

from malgwi.store import Paging, SqlStore


def test_what_is_noted_can_be_read(store: SqlStore) -> None:
    noted = store.note(NASTY, target=NASTY, actor=NASTY, details={NASTY: [1, NASTY, None]})

    assert store.trail().items == (noted,)
    assert noted.details == {NASTY: [1, NASTY, None]}
    assert noted.at.tzinfo is UTC


def test_the_trail_comes_newest_first_by_pages_of_all_or_of_one(store: SqlStore) -> None:
    noted = [store.note("update", target=f"recording-{number % 2}") for number in range(5)]

    first = store.trail(paging=Paging(limit=3))
    rest = store.trail(paging=Paging(first.next_cursor, 3))

    assert [*first.items, *rest.items] == noted[::-1]
    assert rest.next_cursor is None
    assert list(store.trail("recording-1").items) == noted[3::-2]
    assert store.trail("nobody").items == ()

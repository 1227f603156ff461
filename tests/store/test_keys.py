"""A key opens until it expires or is revoked, and nobody can read it where it is kept."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
import sqlalchemy as sa
from store.conftest import quickly_in_both
from store.full_disk import without_room
from store.kept import NASTY

from malgwi.errors import NotFound
from malgwi.store import Role, SqlStore
from malgwi.store.schema import api_key

YESTERDAY = datetime.now(UTC) - timedelta(days=1)
TOMORROW = datetime.now(UTC) + timedelta(days=1)


@quickly_in_both
def test_a_key_opens_as_who_it_was_made_for(store: SqlStore) -> None:
    made, plain = store.new_key(NASTY, Role.EDITOR, TOMORROW)
    store.new_key("another", Role.ADMIN)

    opened = store.key(plain)

    assert opened is not None
    assert (opened.id, opened.name, opened.role) == (made.id, NASTY, Role.EDITOR)
    assert (opened.expires, opened.revoked) == (TOMORROW, None)


@pytest.mark.parametrize(
    "presented", ["", "mg_", "mg_" + "A" * 43, "é\udcff", "\ud800\0", "' OR 1=1; --"]
)
def test_a_key_that_nobody_was_given_opens_nothing(store: SqlStore, presented: str) -> None:
    store.new_key("somebody", Role.ADMIN)

    assert store.key(presented) is None


def test_a_key_opens_nothing_after_its_time(store: SqlStore) -> None:
    _, plain = store.new_key("temporary", Role.VIEWER, YESTERDAY)

    assert store.key(plain) is None


def test_a_revoked_key_opens_nothing_and_is_listed_still(store: SqlStore) -> None:
    made, plain = store.new_key("lost", Role.VIEWER)

    revoked = store.revoke_key(made.id)

    assert store.key(plain) is None
    assert revoked.revoked is not None
    assert store.revoke_key(made.id) == revoked
    assert store.keys() == (revoked,)
    with pytest.raises(NotFound):
        store.revoke_key("nobody")


def test_of_a_key_only_its_sum_is_kept(store: SqlStore) -> None:
    _, plain = store.new_key("somebody", Role.VIEWER)

    row = store.database.read(lambda it: it.execute(sa.select(api_key)).one())

    assert row.sha256 == sha256(plain.encode()).hexdigest()
    assert all(plain not in str(value) for value in row)


def test_when_a_key_was_used_is_known_to_the_minute(store: SqlStore) -> None:
    made, plain = store.new_key("somebody", Role.VIEWER)
    assert made.last_used is None

    store.key(plain)
    first = store.keys()[0].last_used
    store.key(plain)

    assert first is not None
    assert datetime.now(UTC) - first < timedelta(minutes=1)
    assert store.keys()[0].last_used == first, "each use would be a write"


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_key_opens_where_the_disk_is_full_and_its_use_cannot_be_noted(store: SqlStore) -> None:
    made, plain = store.new_key("somebody", Role.VIEWER)

    with without_room():
        opened = store.key(plain)

    assert opened is not None
    assert (opened.id, store.keys()[0].last_used) == (made.id, None)

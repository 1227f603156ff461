"""What is kept in one database is all in the other after a move, and goes on there."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection
from store.kept import NASTY, SAID, recorded, with_media

from malgwi.errors import StoreError
from malgwi.store import Correction, Database, Role, SqlStore
from malgwi.store.copying import copy
from malgwi.store.ledger import Ledger
from malgwi.store.schema import metadata
from malgwi.types import Lane

Connecting = Callable[[str], Database]

# As a program that does not say which number the row has.
ANOTHER_UTTERANCE = """
INSERT INTO utterance
    (transcript_id, id, from_revision, position, channel, start, "end", language, raw_text, text,
     words, attempts, changes)
SELECT id, '09-0000', 2, 99, 9, 0, 1, 'en', '', '', '[]', 1, '[]' FROM transcript
"""


def everything(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    return {
        table.name: [
            tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key))
        ]
        for table in metadata.sorted_tables
    }


@pytest.fixture
def full(store: SqlStore) -> SqlStore:
    recording = with_media(store, b"sound", NASTY)
    saved = store.save_transcript(recording.id, SAID)
    store.correct(saved.id, 1, [Correction("00-0000", NASTY, NASTY)])
    store.new_key("somebody", Role.ADMIN)
    store.note("update", details={"recording": recording.id})
    ledger = Ledger(store.database)
    ledger.add("x", {"n": 1}, lane=Lane.BATCH, queue="batch", recording_id=recording.id)
    return store


def test_a_copy_in_a_database_of_the_other_kind_has_everything_and_goes_on_counting(
    full: SqlStore, other_url: str, connections: Connecting
) -> None:
    target = connections(other_url)

    copy(full.database, target)

    assert target.read(everything) == full.database.read(everything)
    target.write(lambda it: it.execute(sa.text(ANOTHER_UTTERANCE)))


def test_a_copy_in_a_database_of_the_same_kind_has_everything(
    full: SqlStore, empty_url: str, connections: Connecting
) -> None:
    target = connections(empty_url)

    copy(full.database, target)

    assert target.read(everything) == full.database.read(everything)


def test_a_database_that_is_not_empty_is_not_copied_to(
    full: SqlStore, other_url: str, connections: Connecting
) -> None:
    target = connections(other_url)
    copy(full.database, target)
    recorded(full, "another")

    with pytest.raises(StoreError, match="not empty"):
        copy(full.database, target)

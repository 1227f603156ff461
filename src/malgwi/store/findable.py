"""The index of words: a row for each utterance that can be found, kept along with what is said.

A row's `place` is when its words were said, by the wall clock, so that the index gives what it
finds in the order of time, and a stretch of time is a stretch of places. `terms` are those of the
text, and some that say where it belongs. It may hold rows of what is not current any more, and of
texts that do not quite match: whoever asks looks at the utterance too. All of it can be made anew
from what is kept, so it is not among the tables that are. PostgreSQL finds terms by a GIN index,
SQLite in FTS5's own table `findable_terms`, which triggers keep in step.

Every function works within the transaction that it is given.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import count
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, Connection, ForeignKey, Row, Table
from sqlalchemy.dialects import postgresql, sqlite

from malgwi.store.columns import RowId
from malgwi.store.schema import recording, transcript, utterance
from malgwi.store.terms import terms_of

findable = Table(
    "findable",
    sa.MetaData(),
    Column("place", RowId, primary_key=True, autoincrement=False),
    Column(
        "row_id",
        RowId,
        ForeignKey(utterance.c.row_id, ondelete="CASCADE"),
        nullable=False,
        unique=True,
    ),
    Column("terms", sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql"), nullable=False),
)

HIDDEN = "\ue000hidden"
"""The term of what is suppressed or a duplicate."""

_MARK = "\ue000"  # of private use, so no word has it
_MANY = 1_000  # ids in a statement: both databases take no more than some ten thousands
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIE_BITS = 21  # below the milliseconds: many speak at once
_SLACK = 1  # millisecond by which a sum of seconds may be rounded otherwise than a moment
_FARTHEST = 2**42 - 1  # milliseconds: the years 1830 to 2109; what is beyond stands at the end


def facet(kind: str, value: object) -> str:
    """A term that says what is said where, by whom. Values are of any length, terms are short."""
    return (
        _MARK + kind + blake2b(str(value).encode(errors="surrogatepass"), digest_size=6).hexdigest()
    )


def first_place(at: datetime) -> int:
    """Nothing that was said then or later stands before it."""
    return (_milliseconds(at, 0) - _SLACK) << _TIE_BITS


def end_place(at: datetime) -> int:
    """All that was said before stands before it."""
    return (_milliseconds(at, 0) + 1 + _SLACK) << _TIE_BITS


def add(connection: Connection, transcript_id: str) -> None:
    """Whatever its current revision says can be found from now on."""
    for attempt in count():
        rows = _missing(connection, transcript_id)
        if not rows:
            return
        insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        connection.execute(
            insert(findable).on_conflict_do_nothing(index_elements=[findable.c.place]),
            # In the order of places: FTS5 writes to the disk when they go back.
            sorted((_values(row, attempt) for row in rows), key=lambda each: each["place"]),
        )


def forget(connection: Connection, row_ids: Sequence[int]) -> None:
    """These are current no more."""
    for first in range(0, len(row_ids), _MANY):
        some = row_ids[first : first + _MANY]
        connection.execute(findable.delete().where(findable.c.row_id.in_(some)))


def forget_recording(connection: Connection, recording_id: str) -> None:
    mine = sa.select(utterance.c.row_id).join(transcript)
    mine = mine.where(transcript.c.recording_id == recording_id)
    connection.execute(findable.delete().where(findable.c.row_id.in_(mine)))


def move(connection: Connection, recording_id: str) -> None:
    """It started at another time than was thought."""
    forget_recording(connection, recording_id)
    query = sa.select(transcript.c.id).where(transcript.c.recording_id == recording_id)
    for transcript_id in connection.execute(query).scalars().all():
        add(connection, transcript_id)


def add_all(connection: Connection) -> None:
    """For a database that had no index, or one that is made anew."""
    query = sa.select(transcript.c.id).join(recording).where(recording.c.deleted.is_(None))
    for transcript_id in connection.execute(query.order_by(transcript.c.id)).scalars().all():
        add(connection, transcript_id)


def _missing(connection: Connection, transcript_id: str) -> list[Row[Any]]:
    known = sa.select(findable.c.row_id).where(findable.c.row_id == utterance.c.row_id)
    query = (
        sa.select(
            utterance.c.row_id,
            utterance.c.channel,
            utterance.c.start,
            utterance.c.speaker,
            utterance.c.text,
            utterance.c.suppressed,
            utterance.c.duplicate_of,
            transcript.c.recording_id,
            recording.c.started,
            recording.c.created,
        )
        .select_from(utterance.join(transcript).join(recording))
        .where(utterance.c.transcript_id == transcript_id, utterance.c.until_revision.is_(None))
        .where(~known.exists())
    )
    # Whoever says that it started at another time waits, or is waited for.
    return list(connection.execute(query.with_for_update(read=True, of=recording)))


def _values(row: Row[Any], attempt: int) -> dict[str, Any]:
    tie = (row.row_id + attempt) % (1 << _TIE_BITS)
    return {
        "place": (_milliseconds(row.started or row.created, row.start) << _TIE_BITS) + tie,
        "row_id": row.row_id,
        "terms": " ".join([*_facets(row), *terms_of(row.text)]),
    }


def _facets(row: Row[Any]) -> list[str]:
    terms = [facet("recording", row.recording_id), facet("channel", row.channel)]
    if row.speaker is not None:
        terms.append(facet("speaker", row.speaker))
    if row.suppressed is not None or row.duplicate_of is not None:
        terms.append(HIDDEN)
    return terms


def _milliseconds(at: datetime, seconds: float) -> int:
    since = (at - _EPOCH).total_seconds() + seconds
    return int(max(-_FARTHEST, min(_FARTHEST, since * 1000 // 1)))

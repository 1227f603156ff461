"""Notes: what people write at a place of a recording. One without text marks the place."""

from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from malgwi.errors import BadOption, Conflict, NotFound
from malgwi.store import paging as pages
from malgwi.store import recordings
from malgwi.store.base import Page, Paging
from malgwi.store.engine import Database
from malgwi.store.ids import new_id
from malgwi.store.schema import note, recording

MOST = 10_000
"""Of a recording."""
LONGEST = 4_000
"""Characters of one."""

_LIST = "notes"
_FIRST = Paging()


@dataclass(frozen=True, slots=True)
class NewNote:
    """What somebody says of a place."""

    at: float
    """Second of the recording."""
    until: float | None = None
    """Where it is about a stretch."""
    channel: int | None = None
    """None for all of them."""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Note(NewNote):
    """A note as it is kept."""

    id: str = field(kw_only=True)
    recording_id: str = field(kw_only=True)
    author: str | None = field(kw_only=True)
    """Id of who made it; None where nobody needed one."""
    created: datetime = field(kw_only=True)
    changed: datetime | None = field(kw_only=True)
    """Last; None where it is as it was made."""


class Notes:
    """Any thread may use it. Raises NotFound for what is not here, or of a recording that is not,
    BadOption for a note that cannot be, and StoreGone and its kin."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, recording_id: str, new: NewNote, author: str | None = None) -> Note:
        """Raises Conflict where the recording has as many as it may."""
        return self._database.write(lambda it: _add(it, recording_id, new, author))

    def find(self, note_id: str) -> Note:
        return self._database.read(lambda it: _find(it, note_id))

    def listed(self, recording_id: str, paging: Paging = _FIRST) -> Page[Note]:
        """In the order of the recording."""
        return self._database.read(lambda it: _listed(it, recording_id, paging))

    def change(self, note_id: str, new: NewNote) -> Note:
        """It says what `new` says."""
        return self._database.write(lambda it: _change(it, note_id, new))

    def remove(self, note_id: str) -> None:
        self._database.write(lambda it: _remove(it, note_id))


def _add(connection: Connection, recording_id: str, new: NewNote, author: str | None) -> Note:
    recordings.lock(connection, recording_id)  # so that no two are the last that may be
    mine = sa.select(sa.func.count()).where(note.c.recording_id == recording_id)
    if connection.execute(mine).scalar_one() >= MOST:
        raise Conflict(f"Recording {recording_id} has {MOST:,} notes, the most. Remove some.")
    values = {
        "id": new_id(),
        "recording_id": recording_id,
        "author": author,
        "created": datetime.now(UTC),
        **asdict(_checked(new)),
    }
    connection.execute(note.insert().values(values))
    return _find(connection, str(values["id"]))


def _find(connection: Connection, note_id: str) -> Note:
    query = sa.select(note).join(recording)
    query = query.where(note.c.id == note_id, recording.c.deleted.is_(None))
    row = connection.execute(query).first()
    if row is None:
        raise NotFound(f"There is no note {note_id}.")
    return _note(row)


def _listed(connection: Connection, recording_id: str, paging: Paging) -> Page[Note]:
    recordings.find(connection, recording_id)
    query = sa.select(note).where(note.c.recording_id == recording_id)
    if (after := pages.after_sorted(paging, _LIST)) is not None:
        place = sa.tuple_(sa.literal(pages.number(after[0])), sa.literal(after[1]))
        query = query.where(sa.tuple_(note.c.at, note.c.id) > place)
    found = connection.execute(query.order_by(note.c.at, note.c.id).limit(paging.limit + 1)).all()
    return pages.page(
        found,
        paging,
        _LIST,
        lambda row: pages.sorted_place(repr(row.at), row.id),
        lambda some: [_note(row) for row in some],
    )


def _change(connection: Connection, note_id: str, new: NewNote) -> Note:
    _find(connection, note_id)
    values = {"changed": datetime.now(UTC), **asdict(_checked(new))}
    connection.execute(note.update().where(note.c.id == note_id).values(values))
    return _find(connection, note_id)


def _remove(connection: Connection, note_id: str) -> None:
    _find(connection, note_id)
    connection.execute(note.delete().where(note.c.id == note_id))


def _checked(new: NewNote) -> NewNote:
    if new.until is not None and new.until < new.at:
        raise BadOption("A note ends before it begins: `until` is less than `at`.")
    text = new.text.strip()
    if len(text) > LONGEST:
        raise BadOption(f"A note has at most {LONGEST:,} characters, this one has {len(text):,}.")
    return replace(new, text=text)


def _note(row: Row[Any]) -> Note:
    return Note(
        at=row.at,
        until=row.until,
        channel=row.channel,
        text=row.text,
        id=row.id,
        recording_id=row.recording_id,
        author=row.author,
        created=row.created,
        changed=row.changed,
    )

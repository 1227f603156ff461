"""Transcripts, and every state that they were in.

An utterance is a row from the revision that brought it until the one that changed it, so a
revision costs as much as it changes: see docs/decisions/0010-utterance-rows-by-revision.md.
Every function asks within the transaction that it is given.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from malgwi.errors import BadOption, Conflict, NotFound, Stale
from malgwi.store import findable, recordings, rows, webhooks
from malgwi.store import paging as pages
from malgwi.store.base import (
    Authorship,
    Correction,
    Difference,
    Page,
    Paging,
    Placed,
    Revision,
    RevisionKind,
    TranscriptRecord,
    UtteranceFilter,
)
from malgwi.store.corrections import corrected
from malgwi.store.ids import new_id
from malgwi.store.schema import recording, revision, transcript, utterance
from malgwi.store.upsert import insert_if_new
from malgwi.types import Transcript, Utterance

KEPT = sa.select(transcript, recording.c.channel_labels).join(recording)
"""Transcripts, each with what its channels are called now."""

_LIST = "utterances"
_MANY = 500  # ids in a query: SQLite and PostgreSQL take no more than some thousands


def save(
    connection: Connection,
    recording_id: str,
    saved: Transcript,
    key: str | None,
    transcript_id: str | None = None,
) -> TranscriptRecord:
    recordings.lock(connection, recording_id)
    values = {
        "id": transcript_id or new_id(),
        "recording_id": recording_id,
        "key": key,
        "created": datetime.now(UTC),
        "revision": 1,
        **rows.of_transcript(saved),
    }
    if not insert_if_new(connection, transcript, values):
        return _of_key(connection, key, recording_id)
    _add_revision(connection, values["id"], 1, Authorship(kind=RevisionKind.RECOGNISED))
    _insert(connection, values["id"], 1, enumerate(saved.utterances))
    findable.add(connection, values["id"])
    webhooks.transcript_ready(connection, values["id"], recording_id)
    return record(connection, values["id"])


def record(connection: Connection, transcript_id: str) -> TranscriptRecord:
    return rows.record(row_of(connection, transcript_id))


def of_recording(connection: Connection, recording_id: str) -> tuple[TranscriptRecord, ...]:
    recordings.find(connection, recording_id)
    query = KEPT.where(transcript.c.recording_id == recording_id)
    return tuple(map(rows.record, connection.execute(query.order_by(transcript.c.id.desc()))))


def read(connection: Connection, transcript_id: str, number: int | None) -> Transcript:
    row = row_of(connection, transcript_id)
    query = as_of(row, number).order_by(utterance.c.position)
    return rows.transcript(row, map(rows.utterance, connection.execute(query)))


def utterances(
    connection: Connection, transcript_id: str, which: UtteranceFilter, paging: Paging
) -> Page[Placed]:
    after = pages.after_number(paging, _LIST)
    query = as_of(row_of(connection, transcript_id), which.revision)
    if which.position is not None:
        query = query.where(utterance.c.position >= which.position)
    if which.channel is not None:
        query = query.where(utterance.c.channel == which.channel)
    if which.after is not None:
        query = query.where(utterance.c.start >= which.after)
    if after is not None:
        query = query.where(utterance.c.position > after)
    found = connection.execute(query.order_by(utterance.c.position).limit(paging.limit + 1)).all()
    return pages.page(
        found,
        paging,
        _LIST,
        lambda row: int(row.position),
        lambda some: [Placed(row.position, rows.utterance(row)) for row in some],
    )


def correct(
    connection: Connection,
    transcript_id: str,
    base: int,
    corrections: Sequence[Correction],
    by: Authorship,
) -> Revision:
    wanted = {each.utterance: each for each in corrections}
    if len(wanted) < len(corrections):
        raise BadOption("An utterance is corrected twice at once. Say what it shall be, once.")
    lock(connection, transcript_id, base)
    found = map(rows.utterance, _current(connection, transcript_id, list(wanted)))
    new = [corrected(current, wanted[current.id]) for current in found]
    return revise(connection, transcript_id, base, new, by)


def revise(
    connection: Connection,
    transcript_id: str,
    base: int,
    new: Sequence[Utterance],
    by: Authorship,
) -> Revision:
    """Closes the rows of what becomes another, and adds new ones."""
    lock(connection, transcript_id, base)
    wanted = {each.id: each for each in new}
    found = _current(connection, transcript_id, list(wanted))
    found = [row for row in found if rows.utterance(row) != wanted[row.id]]
    if not found:
        return _one_revision(connection, transcript_id, base)
    number = base + 1
    for some in _portions([row.row_id for row in found]):
        closing = utterance.update().where(utterance.c.row_id.in_(some))
        connection.execute(closing.values(until_revision=number))
    placed = ((row.position, wanted[row.id]) for row in found)
    _insert(connection, transcript_id, number, placed)
    _add_revision(connection, transcript_id, number, by)
    this = transcript.c.id == transcript_id
    changed = transcript.update().where(this).values(revision=number)
    mine = connection.execute(changed.returning(transcript.c.recording_id)).scalar_one()
    findable.forget(connection, [row.row_id for row in found])
    findable.add(connection, transcript_id)
    webhooks.transcript_corrected(connection, transcript_id, mine, number)
    return _one_revision(connection, transcript_id, number)


def undo(
    connection: Connection, transcript_id: str, base: int, to: int, by: Authorship
) -> Revision:
    lock(connection, transcript_id, base)
    other = diff(connection, transcript_id, to, base)
    new = [each.before for each in other if each.before is not None]
    return revise(connection, transcript_id, base, new, replace(by, kind=RevisionKind.UNDO))


def labels(connection: Connection, transcript_ids: Iterable[str]) -> dict[str, dict[int, str]]:
    """What the channels of each are called."""
    found = connection.execute(KEPT.where(transcript.c.id.in_(set(transcript_ids))))
    return {row.id: {each.index: each.label for each in rows.channels(row)} for row in found}


def revisions(connection: Connection, transcript_id: str) -> tuple[Revision, ...]:
    row_of(connection, transcript_id)
    query = sa.select(revision).where(revision.c.transcript_id == transcript_id)
    return tuple(map(_revision, connection.execute(query.order_by(revision.c.number))))


def diff(
    connection: Connection, transcript_id: str, before: int, after: int
) -> tuple[Difference, ...]:
    row = row_of(connection, transcript_id)
    left = _by_place(connection, as_of(row, before).where(sa.not_(_valid_in(after))))
    right = _by_place(connection, as_of(row, after).where(sa.not_(_valid_in(before))))
    pairs = [(left.get(place), right.get(place)) for place in sorted({*left, *right})]
    return tuple(_difference(old, new) for old, new in pairs if old != new)


def row_of(connection: Connection, transcript_id: str) -> Row[Any]:
    query = KEPT.where(transcript.c.id == transcript_id, recording.c.deleted.is_(None))
    row = connection.execute(query).first()
    if row is None:
        raise NotFound(f"There is no transcript {transcript_id}.")
    return row


def _of_key(connection: Connection, key: str | None, recording_id: str) -> TranscriptRecord:
    row = connection.execute(KEPT.where(transcript.c.key == key)).one()
    if row.recording_id != recording_id:
        raise Conflict("The key is that of a transcript of another recording. Take a new one.")
    return rows.record(row)


def as_of(row: Row[Any], number: int | None) -> sa.Select[Any]:
    """The utterances of one revision."""
    mine = sa.select(utterance).where(utterance.c.transcript_id == row.id)
    if number is None or number == row.revision:
        return mine.where(utterance.c.until_revision.is_(None))
    if not 1 <= number < row.revision:
        raise NotFound(
            f"Transcript {row.id} has no revision {number}; the current one is {row.revision}."
        )
    return mine.where(_valid_in(number))


def _valid_in(number: int) -> sa.ColumnElement[bool]:
    begun = utterance.c.from_revision <= number
    until = sa.func.coalesce(utterance.c.until_revision, sa.literal(2**31 - 1))
    return sa.and_(begun, until > number)


def lock(connection: Connection, transcript_id: str, base: int) -> None:
    """Until the end of the transaction nobody else revises it."""
    row_of(connection, transcript_id)
    query = sa.select(transcript.c.revision).where(transcript.c.id == transcript_id)
    current = connection.execute(query.with_for_update()).scalar_one()
    if current != base:
        raise Stale(
            f"Transcript {transcript_id} is at revision {current}, not {base}. "
            "Read that one, and correct it.",
            current,
        )


def _current(connection: Connection, transcript_id: str, ids: Sequence[str]) -> list[Row[Any]]:
    mine = sa.select(utterance).where(
        utterance.c.transcript_id == transcript_id, utterance.c.until_revision.is_(None)
    )
    found: list[Row[Any]] = []
    for some in _portions(ids):
        found += connection.execute(mine.where(utterance.c.id.in_(some)))
    if missing := set(ids) - {row.id for row in found}:
        raise NotFound(f"Transcript {transcript_id} has no utterance {min(missing)}.")
    return found


def _insert(
    connection: Connection,
    transcript_id: str,
    number: int,
    placed: Iterable[tuple[int, Utterance]],
) -> None:
    new = [
        {
            "transcript_id": transcript_id,
            "from_revision": number,
            "position": position,
            **rows.of_utterance(each),
        }
        for position, each in placed
    ]
    if new:
        connection.execute(utterance.insert(), new)


def _add_revision(connection: Connection, transcript_id: str, number: int, by: Authorship) -> None:
    connection.execute(
        revision.insert().values(
            transcript_id=transcript_id,
            number=number,
            created=datetime.now(UTC),
            author=by.author,
            note=by.note,
            kind=by.kind,
        )
    )


def _one_revision(connection: Connection, transcript_id: str, number: int) -> Revision:
    query = sa.select(revision).where(
        revision.c.transcript_id == transcript_id, revision.c.number == number
    )
    return _revision(connection.execute(query).one())


def _revision(row: Row[Any]) -> Revision:
    return Revision(
        transcript_id=row.transcript_id,
        number=row.number,
        created=row.created,
        author=row.author,
        note=row.note,
        kind=RevisionKind(row.kind),
    )


def _by_place(connection: Connection, query: sa.Select[Any]) -> dict[tuple[int, str], Utterance]:
    return {(row.position, row.id): rows.utterance(row) for row in connection.execute(query)}


def _difference(before: Utterance | None, after: Utterance | None) -> Difference:
    one = before or after
    assert one is not None
    return Difference(one.id, before, after)


def _portions(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[first : first + _MANY] for first in range(0, len(items), _MANY))

"""Recordings: what came, when it was, what people call it. Their files are in `media.py`.

Every function asks within the transaction that it is given.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from malgwi.errors import NotFound
from malgwi.store import findable
from malgwi.store import paging as pages
from malgwi.store.base import (
    LastJob,
    LatestTranscript,
    MediaPart,
    NewRecording,
    Page,
    Paging,
    Recording,
    RecordingChanges,
    RecordingFilter,
    RecordingOrder,
    Source,
)
from malgwi.store.columns import Moment
from malgwi.store.schema import (
    job,
    media,
    recording,
    recording_label,
    recording_media,
    transcript,
)
from malgwi.store.upsert import insert_if_new
from malgwi.types import JobState

_LIST = "recordings"
_HERE = recording.c.deleted.is_(None)


def _started_or_came() -> sa.ColumnElement[datetime]:
    """The wall clock at its start, as far as anybody knows."""
    return sa.func.coalesce(recording.c.started, recording.c.created, type_=Moment())


@dataclass(frozen=True, slots=True)
class _Sort:
    """By what to sort, and how a cursor has it."""

    key: sa.ColumnElement[Any]
    descending: bool
    read: Callable[[str], Any]
    write: Callable[[Any], str]


_SORTS = {
    # As much of a name as a cursor can hold: it must not lose its place when the item is renamed.
    RecordingOrder.NAME: _Sort(
        sa.func.lower(sa.func.substr(recording.c.name, 1, 60), type_=recording.c.name.type),
        descending=False,
        read=str,
        write=str,
    ),
    RecordingOrder.DURATION: _Sort(
        sa.func.coalesce(recording.c.duration, -1.0), descending=True, read=pages.number, write=repr
    ),
    RecordingOrder.STARTED: _Sort(
        _started_or_came(), descending=True, read=pages.moment, write=datetime.isoformat
    ),
}


def add(connection: Connection, new: NewRecording) -> Recording:
    _check_media(connection, new.media)
    values: dict[str, Any] = {
        "id": new.id,
        "key": new.key,
        "name": new.name,
        "created": datetime.now(UTC),
        "started": new.started,
        "duration": new.duration,
        "channel_labels": new.channel_labels,
        "metadata": dict(new.metadata),
        "source": new.source,
        "owner": new.owner,
    }
    if not insert_if_new(connection, recording, values):
        return _one(connection, recording.c.key == new.key, "of that key")
    _add_labels(connection, values["id"], new.labels)
    _add_media(connection, values["id"], new.media)
    return find(connection, values["id"])


def find(connection: Connection, recording_id: str) -> Recording:
    return _one(connection, recording.c.id == recording_id, recording_id)


def listed(
    connection: Connection, which: RecordingFilter, paging: Paging, order: RecordingOrder
) -> Page[Recording]:
    query = sa.select(recording).where(_HERE, *_conditions(which))
    if order in (RecordingOrder.NEWEST, RecordingOrder.OLDEST):
        return _by_coming(connection, query, paging, order)
    return _by_key(connection, query, paging, order)


def _by_coming(
    connection: Connection, query: sa.Select[Any], paging: Paging, order: RecordingOrder
) -> Page[Recording]:
    newest = order is RecordingOrder.NEWEST
    of, mine = _LIST if newest else f"{_LIST}-{order}", recording.c.id
    if (after := pages.after_id(paging, of)) is not None:
        query = query.where(mine < after if newest else mine > after)
    query = query.order_by(mine.desc() if newest else mine)
    found = connection.execute(query.limit(paging.limit + 1)).all()
    return pages.page(
        found, paging, of, lambda row: str(row.id), lambda rows: _whole(connection, rows)
    )


def _by_key(
    connection: Connection, query: sa.Select[Any], paging: Paging, order: RecordingOrder
) -> Page[Recording]:
    of, sort = f"{_LIST}-{order}", _SORTS[order]
    columns = (sort.key, recording.c.id)
    if (after := pages.after_sorted(paging, of)) is not None:
        place = sa.tuple_(sa.literal(sort.read(after[0]), sort.key.type), sa.literal(after[1]))
        these = sa.tuple_(*columns)
        query = query.where(these < place if sort.descending else these > place)
    query = query.order_by(*(each.desc() if sort.descending else each for each in columns))
    query = query.add_columns(sort.key.label("sort_key")).limit(paging.limit + 1)
    return pages.page(
        connection.execute(query).all(),
        paging,
        of,
        lambda row: pages.sorted_place(sort.write(row.sort_key), row.id),
        lambda rows: _whole(connection, rows),
    )


def update(connection: Connection, recording_id: str, changes: RecordingChanges) -> Recording:
    lock(connection, recording_id)
    values = {name: value for name, value in asdict(changes).items() if value is not None}
    labels = values.pop("labels", None)
    if labels is not None:
        mine = recording_label.c.recording_id == recording_id
        connection.execute(recording_label.delete().where(mine))
        _add_labels(connection, recording_id, labels)
    if values:
        connection.execute(recording.update().where(recording.c.id == recording_id).values(values))
    if "started" in values:
        findable.move(connection, recording_id)
    return find(connection, recording_id)


def delete(connection: Connection, recording_id: str) -> None:
    lock(connection, recording_id)
    findable.forget_recording(connection, recording_id)
    connection.execute(
        recording.update()
        .where(recording.c.id == recording_id)
        .values(deleted=datetime.now(UTC), key=None)  # what comes again is new
    )


def purge(connection: Connection, recording_id: str) -> tuple[str, ...]:
    """The sums of the media that it had."""
    mine = recording_media.c.recording_id == recording_id
    sums = connection.execute(sa.select(recording_media.c.sha256).where(mine)).scalars().all()
    findable.forget_recording(connection, recording_id)
    if not connection.execute(recording.delete().where(recording.c.id == recording_id)).rowcount:
        raise _not_found(recording_id)
    return tuple(sorted(set(sums)))


def lock(connection: Connection, recording_id: str) -> None:
    """Until the end of the transaction nobody else changes or deletes it."""
    query = sa.select(recording.c.id).where(recording.c.id == recording_id, _HERE)
    if connection.execute(query.with_for_update()).first() is None:
        raise _not_found(recording_id)


def _conditions(which: RecordingFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    at = _started_or_came()
    if which.label is not None:
        labelled = sa.select(recording_label.c.recording_id)
        labelled = labelled.where(recording_label.c.label == which.label)
        conditions.append(recording.c.id.in_(labelled))
    if which.name is not None:
        conditions.append(recording.c.name.icontains(which.name, autoescape=True))
    if which.since is not None:
        conditions.append(at >= which.since)
    if which.until is not None:
        conditions.append(at < which.until)
    if which.state is not None:
        last = sa.select(job.c.state).where(job.c.recording_id == recording.c.id)
        conditions.append(last.order_by(job.c.id.desc()).limit(1).scalar_subquery() == which.state)
    if which.owner is not None:
        conditions.append(recording.c.owner == which.owner)
    return conditions


def _check_media(connection: Connection, parts: Sequence[MediaPart]) -> None:
    """They are here, and stay until the recording has them."""
    sums = {part.sha256 for part in parts}
    query = sa.select(media.c.sha256).where(media.c.sha256.in_(sums)).order_by(media.c.sha256)
    # A key share lock: several recordings may take the same media at once, a sweep waits.
    here = connection.execute(query.with_for_update(read=True, key_share=True)).scalars()
    if missing := sums - set(here):
        raise NotFound(f"There is no media {min(missing)}. Upload it first.")


def _add_labels(connection: Connection, recording_id: str, labels: frozenset[str]) -> None:
    rows = [{"recording_id": recording_id, "label": label} for label in sorted(labels)]
    if rows:
        connection.execute(recording_label.insert(), rows)


def _add_media(connection: Connection, recording_id: str, parts: Sequence[MediaPart]) -> None:
    rows = [
        {
            "recording_id": recording_id,
            "position": position,
            "sha256": part.sha256,
            "name": _bare(part.name),
            "offset": part.offset,
        }
        for position, part in enumerate(parts)
    ]
    if rows:
        connection.execute(recording_media.insert(), rows)


def _bare(name: str) -> str:
    """Without the folders of whoever sent it, in the manner of any system."""
    return re.split(r"[/\\]", name)[-1]


def _one(connection: Connection, condition: sa.ColumnElement[bool], named: str) -> Recording:
    row = connection.execute(sa.select(recording).where(condition, _HERE)).first()
    if row is None:
        raise _not_found(named)
    return _whole(connection, [row])[0]


def _whole(connection: Connection, rows: Sequence[Row[Any]]) -> list[Recording]:
    ids = [row.id for row in rows]
    labels, parts = _labels_of(connection, ids), _media_of(connection, ids)
    latest, jobs = _latest_transcripts(connection, ids), _last_jobs(connection, ids)
    return [
        Recording(
            id=row.id,
            name=row.name,
            media=tuple(parts[row.id]),
            created=row.created,
            started=row.started,
            duration=row.duration,
            channel_labels=tuple(row.channel_labels),
            labels=frozenset(labels[row.id]),
            metadata=row._mapping["metadata"],
            source=Source(row.source),
            owner=row.owner,
            transcript=latest.get(row.id),
            job=jobs.get(row.id),
        )
        for row in rows
    ]


def _labels_of(connection: Connection, ids: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    query = sa.select(recording_label).where(recording_label.c.recording_id.in_(ids))
    for row in connection.execute(query):
        found[row.recording_id].append(row.label)
    return found


def _media_of(connection: Connection, ids: list[str]) -> dict[str, list[MediaPart]]:
    found: dict[str, list[MediaPart]] = defaultdict(list)
    query = sa.select(recording_media).where(recording_media.c.recording_id.in_(ids))
    for row in connection.execute(query.order_by(recording_media.c.position)):
        found[row.recording_id].append(MediaPart(row.sha256, row.name, row.offset))
    return found


def _latest_transcripts(connection: Connection, ids: list[str]) -> dict[str, LatestTranscript]:
    mine = transcript.c.recording_id
    last = sa.select(sa.func.max(transcript.c.id)).where(mine.in_(ids)).group_by(mine)
    query = sa.select(mine, transcript.c.id, transcript.c.revision)
    rows = connection.execute(query.where(transcript.c.id.in_(last)))
    return {row.recording_id: LatestTranscript(row.id, row.revision) for row in rows}


def _last_jobs(connection: Connection, ids: list[str]) -> dict[str, LastJob]:
    mine = job.c.recording_id
    last = sa.select(sa.func.max(job.c.id)).where(mine.in_(ids)).group_by(mine)
    query = sa.select(mine, job.c.id, job.c.state).where(job.c.id.in_(last))
    rows = connection.execute(query)
    return {row.recording_id: LastJob(row.id, JobState(row.state)) for row in rows}


def _not_found(recording_id: str) -> NotFound:
    return NotFound(f"There is no recording {recording_id}.")

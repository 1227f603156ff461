"""Candidates of the index, one after the other, with the rows of those that match.

The filter counts twice. The index knows some of it, so that a word that is everywhere is found
quickly in the one recording; the rows know all of it, and what is current.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from malgwi.errors import BadOption
from malgwi.store.candidates import Wanted, latest
from malgwi.store.findable import HIDDEN, end_place, facet, findable, first_place
from malgwi.store.query import Match, Query
from malgwi.store.schema import recording, recording_label, transcript, utterance
from malgwi.store.search_base import SearchFilter

_PORTION = 1_000
_LABELLED = 100  # recordings that the index is asked for; a label of more is found soon enough


_Value = TypeVar("_Value", float, datetime)


@dataclass(frozen=True, slots=True)
class Asked:
    """What to look for, and where."""

    query: Query
    which: SearchFilter


@dataclass(frozen=True, slots=True)
class Found:
    """A candidate that is one."""

    place: int
    row: Row[Any]
    match: Match

    @property
    def at(self) -> datetime | None:
        """The wall clock when it was said."""
        return None if self.row.started is None else _later(self.row.started, self.row.start)


def scan(
    connection: Connection, asked: Asked, start: int, end: int, portion: int
) -> Iterator[tuple[int, Found | None]]:
    """All places of candidates, the latest first; what was found where it is more than that.

    `portion` is how many whoever asks hopes to need.
    """
    which = asked.which
    wanted = _wanted(connection, asked.query, which)
    if wanted is None:
        return
    if which.since is not None:
        start = max(start, first_place(_zoned(which.since)))
    if which.until is not None:
        end = min(end, end_place(_zoned(which.until)))
    conditions = _conditions(which)
    while True:
        places = latest(connection, wanted, start, end, portion)
        rows = _rows(connection, places, conditions)
        for place in places:
            yield place, _found(asked, place, rows.get(place))
        if len(places) < portion:
            return
        end, portion = places[-1], _PORTION


def _wanted(connection: Connection, query: Query, which: SearchFilter) -> Wanted | None:
    """What the index is asked for; None where the filter leaves nothing."""
    facets = {
        "recording": which.recording,
        "channel": which.channel,
        "speaker": which.speaker,
    }
    every = [facet(kind, value) for kind, value in facets.items() if value is not None]
    one_of: list[str] = []
    if which.transcript is not None or which.label is not None:
        recordings = _recordings(connection, which)
        if not recordings:
            return None
        if len(recordings) < _LABELLED:
            one_of = [facet("recording", each) for each in recordings]
    none_of = [] if which.hidden else [HIDDEN]
    return Wanted((*query.terms(), *every), tuple(one_of), tuple(none_of))


def _recordings(connection: Connection, which: SearchFilter) -> Sequence[str]:
    if which.transcript is not None:
        query = sa.select(transcript.c.recording_id).where(transcript.c.id == which.transcript)
    else:
        query = sa.select(recording_label.c.recording_id)
        query = query.where(recording_label.c.label == which.label).limit(_LABELLED)
    return connection.execute(query).scalars().all()


def _conditions(which: SearchFilter) -> list[sa.ColumnElement[bool]]:
    """What is not in the rows themselves. The rest is not asked of the database: it would go
    through all of a recording rather than to the places."""
    conditions: list[sa.ColumnElement[bool]] = [
        utterance.c.until_revision.is_(None),
        recording.c.deleted.is_(None),
    ]
    if not which.hidden:
        conditions += [utterance.c.suppressed.is_(None), utterance.c.duplicate_of.is_(None)]
    if which.label is not None:
        its = recording_label.c.recording_id == recording.c.id
        labelled = sa.select(recording_label).where(its, recording_label.c.label == which.label)
        conditions.append(labelled.exists())
    return conditions


def _rows(
    connection: Connection, places: Sequence[int], conditions: Sequence[sa.ColumnElement[bool]]
) -> dict[int, Row[Any]]:
    query = (
        sa.select(
            findable.c.place,
            utterance.c.row_id,
            utterance.c.id,
            utterance.c.channel,
            utterance.c.speaker,
            utterance.c.start,
            utterance.c.end,
            utterance.c.text,
            utterance.c.transcript_id,
            transcript.c.revision,
            transcript.c.recording_id,
            recording.c.name,
            recording.c.started,
            recording.c.created,
        )
        .select_from(findable.join(utterance).join(transcript).join(recording))
        .where(findable.c.place.in_(places), *conditions)
    )
    rows: list[Row[Any]] = list(connection.execute(query))
    return {row.place: row for row in rows}


def _found(asked: Asked, place: int, row: Row[Any] | None) -> Found | None:
    if row is None or not _is_within(asked.which, row):
        return None
    match = asked.query.match(row.text)
    return None if match is None else Found(place, row, match)


def _is_within(which: SearchFilter, row: Row[Any]) -> bool:
    equal = (
        (row.channel, which.channel),
        (row.speaker, which.speaker),
        (row.transcript_id, which.transcript),
        (row.recording_id, which.recording),
    )
    if any(wanted is not None and value != wanted for value, wanted in equal):
        return False
    return _is_between(row.start, which.after, which.before) and _is_in_time(which, row)


def _is_in_time(which: SearchFilter, row: Row[Any]) -> bool:
    """To the microsecond, which places are not."""
    if which.since is None and which.until is None:
        return True
    at = _later(row.started or row.created, row.start)
    return _is_between(at, which.since, which.until)


def _is_between(value: _Value, first: _Value | None, end: _Value | None) -> bool:
    return (first is None or value >= first) and (end is None or value < end)


def _later(at: datetime, seconds: float) -> datetime:
    try:
        return at + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _zoned(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise BadOption("A time to search from or to needs a time zone, as in 14:00+09:00.")
    return at

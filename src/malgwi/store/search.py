"""Finding what was said, by words.

The index gives candidates, latest first; whether one matches, and how well, is up to the query
alone, so that all databases find the same in the same order. A call looks at a bounded number of
candidates: nothing counts, or ranks, all of a million.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from malgwi.errors import BadOption
from malgwi.store import transcripts
from malgwi.store.base import Page, Paging
from malgwi.store.candidates import FIRST
from malgwi.store.engine import Database
from malgwi.store.paging import MOST
from malgwi.store.query import read_query
from malgwi.store.schema import utterance
from malgwi.store.search_base import Hit, Line, Order, SearchFilter
from malgwi.store.search_cursor import Cursor, Ranked
from malgwi.store.search_scan import Asked, Found, scan

_RANKED = 500  # hits that are ranked together
_LOOKED_AT = 3_000  # candidates a call
_FEW = 100  # candidates at first: some may be none

Labels: TypeAlias = Mapping[str, Mapping[int, str]]
"""Of channels, by transcript."""

_EVERYWHERE = SearchFilter()
_FIRST_PAGE = Paging()


class Search:
    """Finds utterances of recordings that are not deleted. Any thread may ask."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(
        self,
        query: str,
        which: SearchFilter = _EVERYWHERE,
        order: Order = Order.RELEVANCE,
        paging: Paging = _FIRST_PAGE,
    ) -> Page[Hit]:
        """A page may hold fewer hits than asked for, or none, and yet not be the last one.

        Raises BadOption where `query` has no word that is to be found or is too long, and for a
        cursor that is none of ours. Any other text is a query: nothing in it can be wrong.
        """
        if not 1 <= paging.limit <= MOST:
            raise BadOption(f"A page has 1 to {MOST} items, not {paging.limit}.")
        asked = Asked(read_query(query), which)
        cursor = Cursor.read(paging.cursor, order)
        page = _best if order is Order.RELEVANCE else _latest

        def work(connection: Connection) -> Page[Hit]:
            found, following = page(connection, asked, cursor, paging.limit)
            next_cursor = None if following is None else following.written(order)
            return Page(_hits(connection, found), next_cursor)

        return self._database.read(work)


def _latest(
    connection: Connection, asked: Asked, cursor: Cursor, limit: int
) -> tuple[Sequence[Found], Cursor | None]:
    hits: list[Found] = []
    candidates = scan(connection, asked, FIRST, cursor.end, max(_FEW, limit + 1))
    for looked_at, (place, found) in enumerate(candidates, 1):
        if found is not None:
            hits.append(found)
        if len(hits) > limit:
            return hits[:limit], Cursor(hits[limit - 1].place)
        if looked_at == _LOOKED_AT:
            return hits, Cursor(place)
    return hits, None


def _best(
    connection: Connection, asked: Asked, cursor: Cursor, limit: int
) -> tuple[Sequence[Found], Cursor | None]:
    start, stretch = _stretch(connection, asked, cursor)
    hits = sorted(stretch, key=_rank, reverse=True)
    if cursor.ranked is not None:
        last = (cursor.ranked.score, cursor.ranked.place)
        hits = [each for each in hits if _rank(each) < last]
    if len(hits) > limit:
        return hits[:limit], Cursor(cursor.end, Ranked(start, *_rank(hits[limit - 1])))
    return hits, Cursor(start) if start > FIRST else None


def _stretch(connection: Connection, asked: Asked, cursor: Cursor) -> tuple[int, list[Found]]:
    """Where the stretch of places starts that is ranked now, and all hits in it."""
    start = FIRST if cursor.ranked is None else cursor.ranked.start
    stretch: list[Found] = []
    candidates = scan(connection, asked, start, cursor.end, _RANKED)
    for looked_at, (place, found) in enumerate(candidates, 1):
        if found is not None:
            stretch.append(found)
        is_enough = len(stretch) == _RANKED or looked_at == _LOOKED_AT
        if cursor.ranked is None and is_enough:
            return place, stretch
    return start, stretch


def _rank(found: Found) -> tuple[int, int]:
    """The best is the greatest, and of those that are as good the latest."""
    return round(found.match.score * 10_000), found.place


def _hits(connection: Connection, found: Sequence[Found]) -> tuple[Hit, ...]:
    labels = transcripts.labels(connection, (each.row.transcript_id for each in found))
    beside = _beside(connection, [each.row.row_id for each in found], labels)
    return tuple(_hit(each, labels, *beside[each.row.row_id]) for each in found)


def _hit(found: Found, labels: Labels, before: Line | None, after: Line | None) -> Hit:
    row = found.row
    return Hit(
        recording=row.recording_id,
        recording_name=row.name,
        transcript=row.transcript_id,
        revision=row.revision,
        utterance=row.id,
        channel=row.channel,
        channel_label=labels[row.transcript_id][row.channel],
        speaker=row.speaker,
        start=row.start,
        end=row.end,
        at=found.at,
        text=row.text,
        parts=found.match.parts,
        before=before,
        after=after,
        score=found.match.score,
    )


def _beside(
    connection: Connection, row_ids: Sequence[int], labels: Labels
) -> dict[int, tuple[Line | None, Line | None]]:
    """The lines before and after each, of those that count."""
    before, after = _neighbour(before=True), _neighbour(before=False)
    query = sa.select(utterance.c.row_id, before.label("before"), after.label("after"))
    pairs = list(connection.execute(query.where(utterance.c.row_id.in_(row_ids))))
    ids = {each for pair in pairs for each in (pair.before, pair.after) if each is not None}
    lines = _lines(connection, ids, labels)
    return {pair.row_id: (lines.get(pair.before), lines.get(pair.after)) for pair in pairs}


def _neighbour(before: bool) -> sa.ScalarSelect[int]:
    near = utterance.alias()
    place, here = near.c.position, utterance.c.position
    query = sa.select(near.c.row_id).where(
        near.c.transcript_id == utterance.c.transcript_id,
        near.c.until_revision.is_(None),
        near.c.suppressed.is_(None),
        near.c.duplicate_of.is_(None),
        place < here if before else place > here,
    )
    # By both columns of the index: PostgreSQL does not see that all of the first are the same.
    order = (near.c.until_revision, place)
    query = query.order_by(*(column.desc() for column in order) if before else order)
    return query.limit(1).scalar_subquery()


def _lines(connection: Connection, row_ids: set[int], labels: Labels) -> dict[int, Line]:
    query = sa.select(
        utterance.c.row_id,
        utterance.c.transcript_id,
        utterance.c.id,
        utterance.c.channel,
        utterance.c.speaker,
        utterance.c.start,
        utterance.c.text,
    ).where(utterance.c.row_id.in_(row_ids))
    rows: list[Row[Any]] = list(connection.execute(query))
    return {row.row_id: _line(row, labels) for row in rows}


def _line(row: Row[Any], labels: Labels) -> Line:
    label = labels[row.transcript_id][row.channel]
    return Line(row.id, row.channel, label, row.speaker, row.start, row.text)

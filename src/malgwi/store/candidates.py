"""Places in the index where all terms of a query stand, the latest first, a portion at a time.

Neither database counts or sorts all that it finds. FTS5 keeps its lists in the order of places.
PostgreSQL's GIN has no order at all; what is found often is looked for by walking back from the
latest instead. How it does that is said here and not left to its planner, whose guess of how often
words stand together can be wrong by a thousand times.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

FIRST, END = -(2**63), 2**63 - 1
"""All places are between, END not among them."""

_FEW = 2_000  # found by GIN and sorted in some milliseconds
_STROLL, _HIKE = 10_000, 100_000  # rows that are looked at in some, or some tens of milliseconds

_FTS5 = sa.text(
    "SELECT rowid FROM findable_terms WHERE findable_terms MATCH :query"
    " AND rowid >= :start AND rowid < :end ORDER BY rowid DESC LIMIT :most"
)
_MATCHING = (
    "FROM findable WHERE terms @@ CAST(:query AS tsquery) AND place >= :start AND place < :end"
)
_ANY = sa.text(f"SELECT place {_MATCHING} LIMIT :most")
_LATEST_OF_ALL = sa.text(
    f"SELECT place FROM (SELECT place {_MATCHING} OFFSET 0) AS every"
    " ORDER BY place DESC LIMIT :most"
)
_LATEST_OF_THE_LATEST = sa.text(
    "SELECT place FROM (SELECT place, terms FROM findable WHERE place >= :start AND place < :end"
    " ORDER BY place DESC LIMIT :rows) AS latest"
    " WHERE terms @@ CAST(:query AS tsquery) ORDER BY place DESC LIMIT :most"
)
_SETTINGS = sa.text(
    "SELECT set_config('enable_bitmapscan', :gin, true),"
    " set_config('enable_indexscan', :walk, true), set_config('enable_seqscan', :rest, true)"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Terms of which one that ends in * is the beginning of others."""

    every: tuple[str, ...]
    one_of: tuple[str, ...] = ()
    """Unless there are none."""
    none_of: tuple[str, ...] = ()


def latest(connection: Connection, wanted: Wanted, start: int, end: int, most: int) -> list[int]:
    """The last `most` places from `start` up to but not including `end`, last one first."""
    values = {"start": start, "end": end, "most": most}
    if connection.dialect.name == "sqlite":
        return _places(connection, _FTS5, {**values, "query": fts5(wanted)})
    return _by_gin(connection, {**values, "query": tsquery(wanted)}, most)


def fts5(wanted: Wanted) -> str:
    every = [_fts5_term(term) for term in wanted.every]
    if wanted.one_of:
        every.append(f"({' OR '.join(map(_fts5_term, wanted.one_of))})")
    nots = (f" NOT {_fts5_term(term)}" for term in wanted.none_of)
    return f"({' AND '.join(every)}){''.join(nots)}"


def tsquery(wanted: Wanted) -> str:
    every = [_tsquery_term(term) for term in wanted.every]
    if wanted.one_of:
        every.append(f"({' | '.join(map(_tsquery_term, wanted.one_of))})")
    every += [f"!{_tsquery_term(term)}" for term in wanted.none_of]
    return " & ".join(every)


def _fts5_term(term: str) -> str:
    return f'"{term[:-1]}"*' if term.endswith("*") else f'"{term}"'


def _tsquery_term(term: str) -> str:
    return f"'{term[:-1]}':*" if term.endswith("*") else f"'{term}'"


def _by_gin(connection: Connection, values: dict[str, Any], most: int) -> list[int]:
    found = _by_ways(connection, values, most)
    _plan(connection, gin="on", walk="on", rest="on")
    return found


def _by_ways(connection: Connection, values: dict[str, Any], most: int) -> list[int]:
    """The cheapest first: for what is frequent, rare, in between, and frequent no more."""
    found = _walk(connection, values, _STROLL)
    if len(found) == most:
        return found
    few = max(_FEW, most)
    _plan(connection, gin="on", walk="off")
    some = _places(connection, _ANY, {**values, "most": few + 1})
    if len(some) <= few:
        return sorted(some, reverse=True)[:most]
    found = _walk(connection, values, _HIKE)
    if len(found) == most:
        return found
    _plan(connection, gin="on", walk="off")
    return _places(connection, _LATEST_OF_ALL, values)


def _walk(connection: Connection, values: dict[str, Any], rows: int) -> list[int]:
    _plan(connection, gin="off", walk="on")
    return _places(connection, _LATEST_OF_THE_LATEST, {**values, "rows": rows})


def _plan(connection: Connection, gin: str, walk: str, rest: str = "off") -> None:
    connection.execute(_SETTINGS, {"gin": gin, "walk": walk, "rest": rest})


def _places(connection: Connection, query: sa.TextClause, values: dict[str, Any]) -> list[int]:
    return list(connection.execute(query, values).scalars())

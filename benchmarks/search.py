"""Search over a million utterances, in both databases: `python -m benchmarks.search`.

First how well it finds Korean words with particles (`search_korean.py`), then how fast. The
utterances are made up: radio traffic, half of it Korean, with words as frequent as words are
(Zipf), sixteen channels, recordings of two hours one after the other. They are put into the tables
by the shortest way and into the index by the store's own.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from statistics import quantiles
from typing import Any

import sqlalchemy as sa

from benchmarks import search_korean, work
from benchmarks.radio_talk import CHANNELS, STARTED, Talk
from malgwi.store import Database, Paging, connect, migration
from malgwi.store.findable import add
from malgwi.store.schema import recording, recording_label, transcript, utterance
from malgwi.store.search import Search
from malgwi.store.search_base import Order, SearchFilter

A_RECORDING = 1_000  # utterances
HOURS = 2
LABELS = 20
COMMIT = 20  # recordings
QUERIES = 200
EVERYWHERE = SearchFilter()


@dataclass(frozen=True, slots=True)
class Asked:
    """A query of one kind."""

    kind: str
    text: str
    which: SearchFilter = EVERYWHERE
    order: Order = Order.RELEVANCE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utterances", type=int, default=1_000_000)
    parser.add_argument("--store", choices=["sqlite", "postgresql"], action="append")
    options = parser.parse_args()
    korean = search_korean.measured()
    rows = {}
    for name in options.store or ("sqlite", "postgresql"):
        with STORES[name]() as database:
            rows[name] = _measured(database, options.utterances)
            print(f"{name}: {rows[name]}", flush=True)
    result = {
        "kind": "search",
        "utterances": options.utterances,
        "queries": QUERIES,
        "korean": korean,
        "rows": rows,
        "load": os.getloadavg()[0],
    }
    path = work.save("search", result)
    print("\n".join(["", *lines(result), "", str(path)]))


def lines(result: dict[str, Any]) -> Iterator[str]:
    """The result as two tables."""
    yield from search_korean.lines(result["korean"])
    yield ""
    yield "| | " + " | ".join(result["rows"]) + " |"
    yield "|---|" + "---|" * len(result["rows"])
    rows = result["rows"].values()
    yield _line("index made in", rows, lambda row: f"{row['index_seconds']:.0f} s")
    yield _line("that is, an utterance", rows, lambda row: f"{row['index_ms']:.2f} ms")
    yield _line("size of the index", rows, lambda row: f"{row['index_mb']:.0f} MB")
    yield _line("size of the rest", rows, lambda row: f"{row['rest_mb']:.0f} MB")
    yield _line("queries, median", rows, lambda row: f"{row['p50'] * 1000:.0f} ms")
    yield _line("**p95**", rows, lambda row: f"**{row['p95'] * 1000:.0f} ms**")
    yield _line("slowest", rows, lambda row: f"{row['max'] * 1000:.0f} ms")
    for kind in next(iter(rows))["kinds"]:
        walls = (f"{row['kinds'][kind] * 1000:.0f} ms" for row in rows)
        yield f"| slowest: {kind} | {' | '.join(walls)} |"


def _line(name: str, rows: Any, shown: Callable[[Any], str]) -> str:
    return f"| {name} | " + " | ".join(map(shown, rows)) + " |"


def _measured(database: Database, utterances: int) -> dict[str, Any]:
    migration.upgrade(database)
    talk = Talk(random.Random(4))
    transcripts = _fill(database, talk, utterances)
    rest = _size(database)
    began = time.monotonic()
    _index(database, transcripts)
    seconds = time.monotonic() - began
    _settle(database)
    asked = list(islice(_queries(talk, utterances), QUERIES))
    walls = _ask(database, asked)
    kinds: dict[str, float] = {}
    for each, wall in zip(asked, walls, strict=True):
        kinds[each.kind] = max(wall, kinds.get(each.kind, 0.0))
    return {
        "index_seconds": seconds,
        "index_ms": seconds * 1000 / utterances,
        "index_mb": (_size(database) - rest) / 1e6,
        "rest_mb": rest / 1e6,
        "p50": quantiles(walls, n=20)[9],
        "p95": quantiles(walls, n=20)[18],
        "max": max(walls),
        "kinds": dict(sorted(kinds.items())),
    }


def _fill(database: Database, talk: Talk, utterances: int) -> list[str]:
    transcripts = []
    count = utterances // A_RECORDING
    for first in range(0, count, COMMIT):
        numbers = range(first, min(first + COMMIT, count))
        rows = [_recorded(talk, number) for number in numbers]
        database.write(lambda it, rows=rows: _insert(it, rows))  # type: ignore[misc]
        transcripts += [f"t{number:06}" for number in numbers]
    return transcripts


def _recorded(talk: Talk, number: int) -> dict[sa.Table, list[dict[str, Any]]]:
    """The rows of a recording."""
    name, transcript_id = f"r{number:06}", f"t{number:06}"
    started = STARTED + timedelta(hours=HOURS * number)
    parts: dict[str, Any] = {"sources": [], "channels": [], "engine": {}}
    described = {**parts, "timings": {}, "notices": []}
    return {
        recording: [
            {"id": name, "name": f"{name}.wav", "created": started, "started": started,
             "duration": HOURS * 3600.0, "channel_labels": [], "metadata": {}, "source": "upload"}
        ],
        recording_label: [{"recording_id": name, "label": f"label {number % LABELS}"}],
        transcript: [
            {"id": transcript_id, "recording_id": name, "created": started, "revision": 1,
             "duration": HOURS * 3600.0, "complete": True, **described}
        ],
        utterance: [
            {"transcript_id": transcript_id, "id": f"{place:06}", "from_revision": 1,
             "position": place, "attempts": 1, "changes": [], **values}
            for place, values in enumerate(talk.utterances(A_RECORDING, HOURS * 3600.0))
        ],
    }  # fmt: skip


def _insert(connection: sa.Connection, some: list[dict[sa.Table, list[dict[str, Any]]]]) -> None:
    for rows in some:
        for table, values in rows.items():
            connection.execute(table.insert(), values)


def _index(database: Database, transcripts: list[str]) -> None:
    for first in range(0, len(transcripts), COMMIT):
        for transcript_id in transcripts[first : first + COMMIT]:
            database.write(lambda it, one=transcript_id: add(it, one))  # type: ignore[misc]


def _settle(database: Database) -> None:
    """As autovacuum does after a while."""
    if not database.is_sqlite:
        with database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql("VACUUM ANALYZE")


def _size(database: Database) -> int:
    if database.is_sqlite:
        query = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    else:
        query = "SELECT pg_database_size(current_database())"
    return database.read(lambda it: int(it.exec_driver_sql(query).scalar_one()))


def _ask(database: Database, asked: list[Asked]) -> list[float]:
    search = Search(database)
    walls = []
    for each in asked:
        began = time.perf_counter()
        search.find(each.text, each.which, each.order, Paging(limit=50))
        walls.append(time.perf_counter() - began)
    return walls


def _queries(talk: Talk, utterances: int) -> Iterator[Asked]:
    """Every kind in turn."""
    chance = random.Random(5)
    recordings = utterances // A_RECORDING
    while True:
        frequent, name, another = talk.frequent(chance), talk.name(chance), talk.name(chance)
        number = chance.randrange(recordings)
        since = STARTED + timedelta(hours=HOURS * number)
        day = SearchFilter(since=since, until=since + timedelta(hours=24))
        yield Asked("a name", name)
        yield Asked("a frequent word", frequent)
        yield Asked("a frequent word, by time", frequent, order=Order.TIME)
        yield Asked("two frequent words", f"{frequent} {talk.frequent(chance)}")
        yield Asked("a name and a frequent word", f"{name} {frequent}")
        yield Asked("two names", f"{name} {another}")
        yield Asked("a phrase", f'"{name} {frequent}"')
        yield Asked("without a word", f"{frequent} -{name}")
        yield Asked("a beginning", talk.beginning(chance))
        yield Asked("one syllable", talk.syllable(chance))
        yield Asked("what is nowhere", "없는말씀")
        yield Asked("on a channel", frequent, SearchFilter(channel=number % CHANNELS))
        yield Asked("in a recording", frequent, SearchFilter(recording=f"r{number:06}"))
        yield Asked("with a label", frequent, SearchFilter(label=f"label {number % LABELS}"))
        yield Asked("on a day", frequent, day)
        yield Asked("a name on a day, by time", name, day, Order.TIME)


@contextmanager
def _sqlite() -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        database = connect(f"sqlite:///{folder}/malgwi.db")
        yield database
        database.close()


@contextmanager
def _postgresql() -> Iterator[Database]:
    """The server of the tests, with as much memory as PostgreSQL takes by itself."""
    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    from store.postgresql import postgresql

    with postgresql() as server:
        database = connect(server.create("search"))
        with database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql("ALTER SYSTEM SET shared_buffers = '128MB'")
            connection.exec_driver_sql("ALTER SYSTEM SET max_wal_size = '4GB'")
        database.close()
        server.stop()
        server.start()
        yield database
        database.close()


STORES = {"sqlite": _sqlite, "postgresql": _postgresql}


if __name__ == "__main__":
    main()

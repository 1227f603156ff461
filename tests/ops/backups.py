"""Places where things are kept, and something of everything to keep."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from store.kept import NASTY, SAID, with_media

from malgwi.store import (
    Correction,
    Database,
    Glossaries,
    Role,
    SqlStore,
    connect,
    migration,
    schema,
)
from malgwi.store.ledger import Ledger
from malgwi.store.webhooks import Event, Outbox, transcript_ready
from malgwi.types import Lane

Answer = TypeVar("Answer")


class Home:
    """A database and a folder, whether there is something in them or not."""

    def __init__(self, url: str, data: Path) -> None:
        self.url, self.data = url, data
        self._store: SqlStore | None = None

    def open(self) -> SqlStore:
        if self._store is None:
            self.data.mkdir(exist_ok=True)
            self._store = SqlStore(self.url, self.data)
        return self._store

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def rows(self) -> dict[str, Counter[str]]:
        """Of all tables but the one that says whose they are."""
        tables = [each for each in schema.metadata.sorted_tables if each.name not in _OTHER]
        return self._asked(
            lambda database: database.read(
                lambda it: {
                    table.name: Counter(map(repr, it.execute(sa.select(table)))) for table in tables
                }
            )
        )

    def findable(self) -> int:
        """Utterances in the index of words."""
        query = sa.text("SELECT count(*) FROM findable")
        return self._asked(lambda database: database.read(lambda it: it.scalar(query) or 0))

    def step(self) -> str | None:
        return self._asked(migration.version)

    def step_back(self) -> None:
        self._asked(migration.downgrade)

    def _asked(self, ask: Callable[[Database], Answer]) -> Answer:
        database = connect(self.url)
        try:
            return ask(database)
        finally:
            database.close()

    def meta(self) -> dict[str, str]:
        query = sa.select(schema.meta)
        return self.open().database.read(
            lambda it: {row.key: row.value for row in it.execute(query)}
        )


_OTHER = ("meta", "findable")


def populate(store: SqlStore) -> None:
    recording = with_media(store, b"sound", NASTY)
    store.keep_media([b"nobody's yet"], "audio/wav")
    saved = store.save_transcript(recording.id, SAID, key="job-1")
    store.correct(saved.id, 1, [Correction("00-0000", NASTY, NASTY)])
    store.new_key("somebody", Role.ADMIN)
    store.note("update", recording.id, details={"recording": recording.id})
    ledger = Ledger(store.database)
    first = ledger.add("x", {"n": 1}, lane=Lane.BATCH, queue="batch", recording_id=recording.id)
    ledger.add("y", {}, lane=Lane.LIVE, queue="realtime", needs=[first.id], key=NASTY)
    held = ledger.claim(first.id, "worker", 30.0)
    assert held is not None
    ledger.checkpoint(held.id, held.attempt, "piece", {"text": NASTY, "zero": [0.0, -0.1, 1e300]})
    Glossaries(store.database).put("names", NASTY)
    Outbox(store.database).add("https://example.org/hook", list(Event))
    store.database.write(lambda it: transcript_ready(it, saved.id, recording.id))

"""What was done with the files of a watched folder, so that nothing is taken twice, or read twice.

The store knows what it has, but not what somebody has deleted there: the file is still in the
folder, and must not come back. It is a small SQLite file of its own; where it is lost, all files
are read once more, and what the store still has is not kept twice.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from malgwi.apps.transcription.watch.folder import Seen
from malgwi.errors import StoreError, StoreFull

_TABLES = """
CREATE TABLE IF NOT EXISTS file (  -- as it was when it was dealt with
    name BLOB PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS taken (content TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_PATIENCE = 30.0  # seconds for another process that watches the same


class Memory:
    """One thread at a time uses it. All but its making raises StoreError and StoreFull."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Seen | None] = {}
        """Of the files that are there, so that a look at ten thousand asks nothing of the disk."""
        self._opened: sqlite3.Connection | None = None

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    def keep_only(self, names: set[str]) -> None:
        """Others are not there any more."""
        self._known = {name: seen for name, seen in self._known.items() if name in names}

    def is_done(self, seen: Seen) -> bool:
        """Whether this file was dealt with as it is now."""
        if seen.name not in self._known:
            self._known[seen.name] = self._find(seen.name)
        return self._known[seen.name] == seen

    def was_taken(self, content: str) -> bool:
        """Under whatever name."""
        with self._translated():
            query = "SELECT 1 FROM taken WHERE content = ?"
            return self._file.execute(query, (content,)).fetchone() is not None

    def note(self, files: Sequence[Seen], content: str | None = None) -> None:
        """They were taken as `content`, or could not be used."""
        rows = [(os.fsencode(each.name), each.size, each.modified) for each in files]
        with self._translated(), self._file:
            self._file.executemany("INSERT OR REPLACE INTO file VALUES (?, ?, ?)", rows)
            if content is not None:
                self._file.execute("INSERT OR IGNORE INTO taken VALUES (?)", (content,))
        self._known.update({each.name: each for each in files})

    @property
    def _file(self) -> sqlite3.Connection:
        """Opened when it is asked for: where it cannot be today, it may be tomorrow."""
        if self._opened is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = sqlite3.connect(self._path, timeout=_PATIENCE, check_same_thread=False)
            try:
                file.executescript(_TABLES)
            except BaseException:
                file.close()
                raise
            self._opened = file
        return self._opened

    def _find(self, name: str) -> Seen | None:
        with self._translated():
            query = "SELECT size, modified FROM file WHERE name = ?"
            row = self._file.execute(query, (os.fsencode(name),)).fetchone()
        return None if row is None else Seen(name, *row)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
                raise StoreFull(f"There is no room left for {self._path}.") from error
            raise StoreError(
                f"What was done with the watched folder cannot be kept in {self._path}: {error}. "
                "Where the file is damaged, remove it: all files are read once more then."
            ) from error

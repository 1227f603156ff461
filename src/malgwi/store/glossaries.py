"""Glossaries by name, in every state that they were in: a job says which of them it used.

What is in one is a text to this room. A glossary that was deleted is a state without content, so
that its numbers are never given out twice.
"""

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from malgwi.errors import NotFound, Stale
from malgwi.store.engine import Database
from malgwi.store.schema import glossary

_NOTHING = ""  # the content of one that was deleted


@dataclass(frozen=True, slots=True)
class GlossaryRevision:
    """A state of a glossary."""

    name: str
    number: int
    """From 1."""
    content: str
    created: datetime
    author: str | None


class Glossaries:
    """Any thread may use it. Raises NotFound, and StoreGone and its kin."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(
        self, name: str, content: str, author: str | None = None, base: int | None = None
    ) -> GlossaryRevision:
        """The next revision, or the current one where it says the same. Raises Stale where `base`
        is not the current one, 0 being none. Of two that do so at once one may hear Conflict."""
        assert content

        def work(connection: Connection) -> GlossaryRevision:
            if base is not None:
                _check_base(_last(connection, _same(name)), base, name)
            return _put(connection, _same(name), content, author)

        return self._database.write(work)

    def find(self, name: str, number: int | None = None) -> GlossaryRevision:
        """The current one, or any that there was, also of a glossary that was deleted since."""
        return self._database.read(lambda it: _find(it, _same(name), number))

    def current(self) -> tuple[GlossaryRevision, ...]:
        """Of each glossary, by name."""
        last = sa.select(glossary.c.id, sa.func.max(glossary.c.revision)).group_by(glossary.c.id)
        query = sa.select(glossary).where(
            sa.tuple_(glossary.c.id, glossary.c.revision).in_(last), glossary.c.content != _NOTHING
        )
        rows = self._database.read(lambda it: it.execute(query.order_by(glossary.c.id)).all())
        return tuple(map(_revision, rows))

    def revisions(self, name: str) -> tuple[GlossaryRevision, ...]:
        """Oldest first. Raises NotFound where it was deleted."""

        def work(connection: Connection) -> tuple[GlossaryRevision, ...]:
            _find(connection, _same(name), None)
            query = sa.select(glossary).where(glossary.c.id == _same(name))
            found = map(_revision, connection.execute(query.order_by(glossary.c.revision)))
            return tuple(each for each in found if each.content != _NOTHING)

        return self._database.read(work)

    def delete(self, name: str, author: str | None = None) -> None:
        def work(connection: Connection) -> None:
            _find(connection, _same(name), None)
            _put(connection, _same(name), _NOTHING, author)

        self._database.write(work)


def _check_base(last: GlossaryRevision | None, base: int, name: str) -> None:
    current = last.number if last and last.content != _NOTHING else 0
    if current != base:
        raise Stale(
            f"Glossary {name!r} is at revision {current}, not {base}. "
            "Read that one, and change it.",
            current,
        )


def _put(connection: Connection, name: str, content: str, author: str | None) -> GlossaryRevision:
    before = _last(connection, name)
    if before is not None and before.content == content:
        return before
    new = GlossaryRevision(
        name, before.number + 1 if before else 1, content, datetime.now(UTC), author
    )
    connection.execute(
        glossary.insert().values(
            id=name,
            name=name,
            revision=new.number,
            content=content,
            created=new.created,
            author=author,
        )
    )
    return new


def _find(connection: Connection, name: str, number: int | None) -> GlossaryRevision:
    found = _last(connection, name) if number is None else _one(connection, name, number)
    if found is None or found.content == _NOTHING:
        which = f"no glossary {name!r}" if number is None else f"no revision {number} of {name!r}"
        raise NotFound(f"There is {which}.")
    return found


def _last(connection: Connection, name: str) -> GlossaryRevision | None:
    query = sa.select(glossary).where(glossary.c.id == name)
    row = connection.execute(query.order_by(glossary.c.revision.desc()).limit(1)).first()
    return None if row is None else _revision(row)


def _one(connection: Connection, name: str, number: int) -> GlossaryRevision | None:
    query = sa.select(glossary).where(glossary.c.id == name, glossary.c.revision == number)
    row = connection.execute(query).first()
    return None if row is None else _revision(row)


def _revision(row: Row[Any]) -> GlossaryRevision:
    return GlossaryRevision(row.name, row.revision, row.content, row.created, row.author)


def _same(name: str) -> str:
    """Hangul is written in two ways that look the same."""
    return unicodedata.normalize("NFC", name)

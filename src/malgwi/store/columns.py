"""How values stand in columns, so that SQLite and PostgreSQL keep and refuse the same.

Moments are UTC and know it. Text holds whatever people write except NUL, which PostgreSQL cannot
keep, and halves of surrogate pairs, which no UTF-8 can. Ids compare byte by byte in both.
"""

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from malgwi.errors import BadInput

LONGEST = 500
"""Characters of a key, a label or an id."""


class Moment(TypeDecorator[datetime]):
    """A point in time. On SQLite it is text, which sorts as the moments do."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Written(TypeDecorator[str]):
    """Text of any length that came from somewhere else: from people, from engines, from files."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else str(keepable(value))  # not a member of an enumeration


class Short(Written):
    """Text that stands in an index: PostgreSQL takes no more there than what this takes."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is not None and len(value) > LONGEST:
            raise BadInput(
                f"A key, label or id has {len(value)} characters; {LONGEST} are the most."
            )
        return super().process_bind_param(value, dialect)


class Id(Short):
    """Ids, hashes and names of states: they sort byte by byte in both databases."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        return Text(collation="C" if dialect.name == "postgresql" else None)


class Structure(TypeDecorator[Any]):
    """Numbers, texts, lists and mappings, as JSON. None is NULL, a tuple comes back as a list.

    It is text in both databases: nobody searches inside, and PostgreSQL's `jsonb` would refuse
    some of what people write, and what engines say where they divide by zero.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else keepable(_dumps(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


def keepable(text: str) -> str:
    """The text. Raises BadInput where no database could keep it."""
    if "\0" in text:
        raise BadInput("A text holds a NUL character, which cannot be kept. Take it out.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            # Without its cause: that quotes the text.
            raise BadInput(
                "A text holds half of a surrogate pair, which is no character. Take it out."
            ) from None
    return text


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


RowId = BigInteger().with_variant(Integer(), "sqlite")
"""Counted by the database. SQLite counts only what is called INTEGER."""

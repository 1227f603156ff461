"""All that a database keeps as lines of text, and back into a database of either kind.

A file a table, a line of JSON a row, all as it was at one moment. Rows are compared by a sum over
their hashes, which does not mind their order: the two kinds sort text differently. What is made
from the rest, as the index of words, is not in it, and is made anew. Nor are sessions: after a
restore everybody signs in again.
"""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa
from sqlalchemy import Connection, Table
from sqlalchemy.engine import make_url
from sqlalchemy.types import TypeEngine

from malgwi.errors import StoreError
from malgwi.store import copying, findable, identity, last_backup, migration
from malgwi.store.columns import Moment
from malgwi.store.engine import connect
from malgwi.store.ids import new_id
from malgwi.store.media import MediaFolder
from malgwi.store.schema import meta, metadata
from malgwi.store.sql_store import MEDIA
from malgwi.store.upsert import insert_or_update

_LEFT_OUT = ("findable", "session")
_STEP = "alembic_version"
_RESTORED_FROM = "restored_from"  # the key of what the installation was before
_PORTION = 1000  # rows in memory at once
_KINDS: Mapping[str, TypeEngine[Any]] = {
    "moment": Moment(),
    "boolean": sa.Boolean(),
    "integer": sa.BigInteger(),
    "number": sa.Float(),
    "text": sa.Text(),
}
_FULL = 1 << 256

Lines = Callable[[str], Iterable[bytes]]
"""Of a table: first its columns, then a line a row."""


@dataclass(frozen=True, slots=True)
class Rows:
    """How many there are in a table, and what tells them from others."""

    count: int
    digest: str

    @classmethod
    def of(cls, lines: Iterable[bytes]) -> "Rows":
        """Of the lines of a table, without reading what is in them."""
        return _sum(islice(lines, 1, None))


@dataclass(frozen=True, slots=True)
class Dump:
    """A database at one moment."""

    step: str
    """Of the migrations."""
    instance: str
    """The id of the installation."""
    tables: Mapping[str, Rows]
    """In the order in which they refer to each other."""

    @property
    def is_known(self) -> bool:
        """False where a newer program made it."""
        return migration.knows(self.step)


@dataclass(frozen=True, slots=True)
class Place:
    """Where all of it is kept, or shall be. Nothing is asked of it before a method is called."""

    url: str
    data: Path

    def dump(self, into: Path) -> Dump:
        """Writes a file a table into the folder `into`; what is there of them is written over.

        Raises StoreError for a database of a newer program, and one that is not of the folder.
        """
        _check_there(self.url)
        with closing(connect(self.url)) as database:
            instance = identity.establish(database, self.data, self.data / MEDIA)
            return database.read(lambda it: _dumped(it, into, instance))

    def load(self, wanted: Dump, lines: Lines) -> str:
        """The rows of a dump into a database without tables: all of them, compared with what they
        were, or nothing. The place is a new installation then; its id.

        Until it is whole no store can be opened here: a folder that has an id does not go with a
        database without tables. Raises StoreError where the database is not empty, or does not
        give back what it was given.
        """
        instance = new_id()
        identity.write(self.data, instance)
        with closing(connect(self.url)) as database:
            database.migrate(lambda it: _load(it, wanted, lines, instance))
        return instance

    def bring_back(self, wanted: Dump, lines: Lines) -> None:
        """Has the database as it was when it was dumped, at the step that it was at: all of it,
        compared, or it stays as it is. What was kept since is lost; the media stay.

        Raises StoreError where the dump is of another installation, or does not come back.
        """
        with closing(connect(self.url)) as database:
            instance = identity.of_folder(self.data)
            if instance != wanted.instance:
                raise StoreError(
                    f"The backup is of the installation {wanted.instance}, and {self.data} is the "
                    f"folder of {instance}. Nothing was changed."
                )
            database.migrate(lambda it: _bring_back(it, wanted, lines))

    def newer(self, tables: Iterable[str], lines: Lines) -> Mapping[str, int]:
        """How many rows of each of these tables are not in a dump, by their keys."""
        with closing(connect(self.url)) as database:
            return database.read(
                lambda it: {each: _newer(it, metadata.tables[each], lines) for each in tables}
            )

    def note_backup(self, at: datetime) -> None:
        """So that everybody knows when the last one was made."""
        with closing(connect(self.url)) as database:
            database.write(lambda it: last_backup.note(it, at))

    def check_empty(self) -> None:
        """Raises StoreError where there is something in the database."""
        with closing(connect(self.url)) as database:
            database.read(_check_empty)

    def media_file(self, digest: str) -> Path:
        """Where the media of that sum are, or would be. Raises NotFound for what is no sum."""
        return MediaFolder(self.data / MEDIA).path(digest)


def table_file(table: str) -> str:
    """What `Place.dump` calls it."""
    return f"{table}.jsonl.gz"


def table_lines(file: BinaryIO) -> Iterator[bytes]:
    """Of such a file. Raises OSError, EOFError and zlib.error where it is damaged."""
    with gzip.open(file, "rb") as text:
        yield from text


def media_in(lines: Iterable[bytes]) -> Iterator[tuple[str, int]]:
    """The sum and the size of each of the media, from the lines of their table."""
    lines = iter(lines)
    names = [name for name, _ in json.loads(next(lines))["columns"]]
    digest, size = names.index("sha256"), names.index("size")
    for line in lines:
        row = json.loads(line)
        yield row[digest], row[size]


def _check_there(url: str) -> None:
    """SQLite would make the file."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").is_file():
        raise StoreError(f"There is no database {address.database}. Check the address.")


def _dumped(connection: Connection, into: Path, instance: str) -> Dump:
    step = migration.known_step(connection)
    if step is None:
        raise StoreError("The database has no tables yet: there is nothing to back up.")
    tables = {table.name: _write(connection, table, into) for table in _tables(connection)}
    return Dump(step, instance, tables)


def _tables(connection: Connection) -> list[Table]:
    """As they are there: it may be an older step than that of this program, with tables that are
    no more. Others' are not looked at."""
    step = migration.step_of(connection)
    assert step is not None
    wanted = {each for each in migration.tables_at(step) if not _is_left_out(each)}
    ours = wanted & {*sa.inspect(connection).get_table_names()}
    found = sa.MetaData()
    found.reflect(connection, only=sorted(ours))
    return found.sorted_tables


def _write(connection: Connection, table: Table, into: Path) -> Rows:
    # Without name and time, so that the same rows make the same file.
    with (
        (into / table_file(table.name)).open("wb") as file,
        gzip.GzipFile("", "wb", 3, file, mtime=0) as packed,
    ):
        columns = [(column.name, _kind(column)) for column in table.columns]
        packed.write(_line({"table": table.name, "columns": columns}))
        return _sum(_each_written(_read(connection, table.name, columns), packed))


def _each_written(lines: Iterable[bytes], file: gzip.GzipFile) -> Iterator[bytes]:
    for line in lines:
        file.write(line)
        yield line


def _read(connection: Connection, name: str, columns: Iterable[tuple[str, str]]) -> Iterator[bytes]:
    query = sa.select(*_table(name, columns).columns)
    for row in connection.execute(query, execution_options={"yield_per": _PORTION}):
        yield _line([_plain(value) for value in row])


def _is_left_out(name: str) -> bool:
    return name in (*_LEFT_OUT, _STEP) or name.startswith(f"{findable.findable.name}_")


def _load(connection: Connection, wanted: Dump, lines: Lines, instance: str) -> None:
    _check_empty(connection)
    _make(connection, wanted, lines)
    for key, value in ((identity.KEY, instance), (_RESTORED_FROM, wanted.instance)):
        insert_or_update(connection, meta, {"key": key, "value": value}, {"value"})
    last_backup.forget(connection)
    copying.count_on(connection)
    migration.up_to(connection, migration.newest())
    findable.add_all(connection)  # a step that makes the index may have gone by without any rows
    migration.check_references(connection)


def _bring_back(connection: Connection, wanted: Dump, lines: Lines) -> None:
    migration.wait_for_others(connection)
    step = migration.known_step(connection)
    for name in _to_drop(connection, {step or wanted.step, wanted.step}):
        cascade = "" if connection.dialect.name == "sqlite" else " CASCADE"
        connection.exec_driver_sql(f'DROP TABLE IF EXISTS "{name}"{cascade}')
    _make(connection, wanted, lines)
    copying.count_on(connection)
    if sa.inspect(connection).has_table(findable.findable.name):
        findable.add_all(connection)
    migration.check_references(connection)


def _newer(connection: Connection, table: Table, lines: Lines) -> int:
    if not sa.inspect(connection).has_table(table.name):
        return 0
    keys = [*table.primary_key.columns]
    now = {tuple(row) for row in connection.execute(sa.select(*keys))}
    return len(now.difference(_keys(iter(lines(table.name)), [each.name for each in keys])))


def _keys(lines: Iterator[bytes], names: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    for header in islice(lines, 1):
        there = [name for name, _ in json.loads(header)["columns"]]
        places = [there.index(each) for each in names]
        for line in lines:
            row = json.loads(line)
            yield tuple(row[place] for place in places)


def _to_drop(connection: Connection, steps: Iterable[str]) -> list[str]:
    """The index of words first: SQLite's own table of it takes others along."""
    ours = {_STEP}.union(*map(migration.tables_at, steps))
    there = ours & {*sa.inspect(connection).get_table_names()}
    return sorted(there, key=lambda name: (not name.startswith(findable.findable.name), name))


def _make(connection: Connection, wanted: Dump, lines: Lines) -> None:
    """The tables of that step, and their rows."""
    migration.up_to(connection, wanted.step)
    for name, expected in wanted.tables.items():
        columns = _fill(connection, name, iter(lines(name)))
        found = _sum(_read(connection, name, columns))
        if found != expected:
            raise StoreError(
                f"The table {name} is not what it was: it has {found.count} rows, and "
                f"{expected.count} are expected, or they are others. Nothing was restored."
            )


def _fill(connection: Connection, name: str, lines: Iterator[bytes]) -> list[tuple[str, str]]:
    header = json.loads(next(lines))
    columns = [(column, kind) for column, kind in header["columns"]]
    insert = _table(name, columns).insert()
    names = [column for column, _ in columns]
    moments = {column for column, kind in columns if kind == "moment"}
    while some := list(islice(lines, _PORTION)):
        rows = [dict(zip(names, json.loads(line), strict=True)) for line in some]
        for row in rows:
            row.update({each: _moment(row[each]) for each in moments})
        connection.execute(insert, rows)
    return columns


def _check_empty(connection: Connection) -> None:
    there = set(sa.inspect(connection).get_table_names())
    if found := sorted(there & {*metadata.tables, _STEP}):
        raise StoreError(
            f"The database is not empty: it has the table {found[0]}. Name a new one; nothing is "
            "restored over what is there."
        )


def _table(name: str, columns: Iterable[tuple[str, str]]) -> sa.TableClause:
    return sa.table(name, *(sa.column(each, _KINDS[kind]) for each, kind in columns))


def _kind(column: sa.Column[Any]) -> str:
    for kind, types in (
        ("boolean", sa.Boolean),
        ("moment", sa.DateTime),
        ("integer", sa.Integer),
        ("number", sa.Float),
        ("text", sa.Text),
    ):
        if isinstance(column.type, types):
            return kind
    raise StoreError(f"The column {column} is of a kind that cannot be written down.")


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _sum(lines: Iterable[bytes]) -> Rows:
    count, total = 0, 0
    for line in lines:
        count += 1
        total = (total + int.from_bytes(sha256(line).digest())) % _FULL
    return Rows(count, f"{total:064x}")

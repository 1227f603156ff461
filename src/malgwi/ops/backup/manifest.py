"""What a backup says about itself: written last, read first."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib.metadata import version

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from malgwi.errors import BadInput
from malgwi.store import Dump, Rows, table_file

FORMAT = 1
MANIFEST, SETTINGS = "manifest.json", "settings.env"
DATABASE, MEDIA = "database", "media"


class TableRows(BaseModel):
    """A table of the database."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: int
    digest: str
    """A sum over the hashes of its rows."""


class Manifest(BaseModel):
    """What a backup says about itself."""

    model_config = ConfigDict(frozen=True)

    format: int
    program: str
    """Version of the program that made it."""
    step: str
    """Of the migrations of the database."""
    created: AwareDatetime
    database: str
    """Of what kind it was: sqlite or postgresql. It can be restored into either."""
    instance: str
    """The id of the installation."""
    tables: dict[str, TableRows]
    with_media: bool = True
    """False for one of the database only, which is brought back beside its media."""
    media: int
    """Files that are in it."""
    media_bytes: int
    files: int
    """All of them, but the list."""
    faults: tuple[str, ...] = ()
    """What was missing or damaged in the store when it was made, a sentence each."""
    missing: tuple[str, ...] = ()
    """The sums of the media that are not in it for that."""
    left_out: tuple[str, ...] = ()
    """Settings that hold secrets."""

    @property
    def dump(self) -> Dump:
        tables = {name: Rows(each.rows, each.digest) for name, each in self.tables.items()}
        return Dump(self.step, self.instance, tables)


def manifest_of(  # noqa: PLR0913, PLR0917 - each stands for itself
    dump: Dump,
    kind: str,
    created: datetime,
    media: Iterable[int] | None,
    faults: Mapping[str, str],
    left_out: Iterable[str],
) -> Manifest:
    """`media` are the sizes of its files, None where it is to have none; `faults` are sentences by
    the sums of the media."""
    sizes = list(media or ())
    rows = dump.tables.items()
    return Manifest(
        format=FORMAT,
        program=version("malgwi"),
        step=dump.step,
        created=created,
        database=kind,
        instance=dump.instance,
        tables={name: TableRows(rows=each.count, digest=each.digest) for name, each in rows},
        with_media=media is not None,
        media=len(sizes),
        media_bytes=sum(sizes),
        files=len(sizes) + len(dump.tables) + 2,
        faults=tuple(f"Media {digest}: {fault}" for digest, fault in sorted(faults.items())),
        missing=tuple(sorted(faults)),
        left_out=tuple(left_out),
    )


def read_manifest(content: bytes) -> Manifest:
    """Raises BadInput for one that is damaged, or that a newer program wrote."""
    try:
        found = Manifest.model_validate_json(content)
    except ValidationError as error:
        raise BadInput(f"{MANIFEST} is damaged: this is no backup, or no whole one.") from error
    if found.format > FORMAT or not found.dump.is_known:
        raise BadInput(
            f"The backup is of a newer Malgwi: version {found.program}, step {found.step} of the "
            f"database. This one is {version('malgwi')}. Install that one, and restore with it."
        )
    return found


def table_name(table: str) -> str:
    return f"{DATABASE}/{table_file(table)}"


def media_name(digest: str) -> str:
    return f"{MEDIA}/{digest[:2]}/{digest[2:4]}/{digest}"

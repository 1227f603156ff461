"""How far an upgrade got, for whoever runs it again, and which backup is of before it."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from malgwi.errors import BadInput, Conflict
from malgwi.ops.disk import flush, write

FOLDER = "upgrades"
"""In that of the data."""
_FILE = "journal.json"


class State(StrEnum):
    """How far."""

    MIGRATING = "migrating"
    """The backup is whole. Whether the database was migrated, its step says."""
    DONE = "done"
    BACK = "back"
    """The database of before was put back."""


class Entry(BaseModel):
    """Of the last upgrade."""

    model_config = ConfigDict(frozen=True)

    state: State
    before: str
    """The step of the database."""
    after: str
    backup: Path
    began: AwareDatetime


class Journal:
    """In the folder of the data. Only one has it open."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> Entry | None:
        """Raises BadInput for one that is damaged."""
        path = self._folder / _FILE
        try:
            return Entry.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise BadInput(
                f"{path} is damaged. Look at the backups beside it, and remove it to begin anew."
            ) from error

    def write(self, entry: Entry) -> None:
        """All of it or nothing; it is on disk then."""
        fresh = self._folder / f".{_FILE}"
        write(fresh, entry.model_dump_json(indent=2).encode())
        fresh.replace(self._folder / _FILE)
        flush(self._folder)


@contextmanager
def opened(data: Path) -> Iterator[Journal]:
    """Raises Conflict where somebody else has it open, on this machine."""
    folder = data / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(
                f"Another upgrade of {data} is under way. Wait until it is done; this one has "
                "changed nothing."
            ) from error
        yield Journal(folder)

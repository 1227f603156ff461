"""What an upgrade would do here, and what stands against it. Nothing is changed by looking."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from malgwi import store
from malgwi.config import Config, data_folder, database_address
from malgwi.ops import doctor
from malgwi.ops.doctor import State
from malgwi.ops.doctor.base import size
from malgwi.ops.doctor.machine import nearest

_LOOKED_AT = ("DB-001", "DB-002", "DB-003", "DB-004", "DISK-001", "DISK-002")
"""The doctor's checks that bear on it."""
_MARGIN = 64 * 2**20
_OF_A_FILE = 3
"""Times its size that a database in a file needs: for the backup, for the log of what is written,
and for what is made anew."""

IN_USE = (
    "Malgwi is running on this database. Stop serve, workers and reaper first, on every machine; "
    "jobs wait, and go on afterwards."
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done."""

    hindrances: Sequence[str]
    """Sentences; where there are any, nothing else is known."""
    before: str | None = None
    """The step of the database; None where nothing is kept yet."""
    after: str = ""
    """The step of this program."""
    in_use: bool = False
    rows: Mapping[str, int] = field(default_factory=dict)
    """How many there are of what is kept, by table."""
    room: int = 0
    """Bytes that it needs at most."""

    @property
    def is_needed(self) -> bool:
        return self.before not in (None, self.after)


def planned(config: Config, backups: Path) -> Plan:
    """Raises StoreError where the database cannot be read."""
    if wrong := list(_wrong(config)):
        return Plan(wrong)
    url, data = database_address(config), data_folder(config)
    file = store.sqlite_file(url)
    if file is not None and not file.exists():
        return Plan([])
    condition = store.condition(url, data)
    if condition.step is None:
        return Plan([], after=condition.newest)
    usage = store.usage(url)
    room = usage.size * (_OF_A_FILE if file else 1) + _MARGIN
    places = [backups, file.parent] if file else [backups]
    lacking = list(_lacking(places, room)) if condition.step != condition.newest else []
    return Plan(lacking, condition.step, condition.newest, usage.is_open, usage.rows, room)


def _wrong(config: Config) -> Iterator[str]:
    checks = doctor.chosen(doctor.CHECKS, _LOOKED_AT)
    for each in doctor.examine(doctor.Subject(config), checks).results:
        if each.state is State.FAIL:
            seen = f" ({each.evidence})" if each.evidence else ""
            yield f"{each.symptom.rstrip('.')}{seen}. {each.remedy}"


def _lacking(places: Sequence[Path], room: int) -> Iterator[str]:
    for each in dict.fromkeys(map(nearest, places)):
        free = shutil.disk_usage(each).free
        if free < room:
            yield (
                f"The disk of {each} has {size(free)} free, and {size(room)} are needed. Make room"
                ", or have the backup elsewhere: --backups FOLDER."
            )

"""Doing an upgrade, a step after the other, and going back.

The migration itself is one transaction of the database, and so is putting the database of before
back. What is between them, the journal says.
"""

import re
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from malgwi import store
from malgwi.config import Config, data_folder, database_address
from malgwi.errors import BadInput, Conflict, StoreError
from malgwi.ops import backup
from malgwi.ops.backup import Manifest
from malgwi.ops.backup.manifest import MANIFEST
from malgwi.ops.upgrade import health, journal
from malgwi.ops.upgrade.journal import Entry, Journal, State
from malgwi.ops.upgrade.preflight import IN_USE, Plan, planned

KEEP = 3
"""Backups of upgrades that are kept unless another number is asked for."""

_NAME = re.compile(r"\d{8}T\d{6,}Z-\w+-to-\w+")
_BROUGHT = ("recording", "revision", "note", "glossary", "user_account", "api_key", "webhook")
"""What people bring; what else is gone with a database is made again from it."""

Say = Callable[[str], object]
"""Told what is done next."""


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What an upgrade came to."""

    before: str | None
    """The step of the database; None where nothing is kept yet."""
    after: str
    rows: Mapping[str, int]
    """How many there are of what is kept, by table."""
    backup: Path | None
    """Of before; None where there was nothing to do."""
    seconds: float


@dataclass(frozen=True, slots=True)
class GoneBack:
    """What going back came to."""

    step: str
    """That the database has now."""
    backup: Path | None
    """That was put back; None where the database was at that step already."""


def backups_of(config: Config) -> Path:
    """The folder of the backups unless another is named."""
    return data_folder(config) / journal.FOLDER


def upgrade(
    config: Config, *, backups: Path | None = None, keep: int = KEEP, say: Say | None = None
) -> Upgraded:
    """Has the database at the step of this program, with its backup of before in `backups`.

    Raises BadInput with all that stands against it, Conflict where another one is under way, and
    StoreError where a step failed: the database is as before then, which the sentence says.
    """
    began, tell = time.monotonic(), say or (lambda _: None)
    here = backups_of(config)
    folder = (backups or here).absolute()
    tell("Looking at what is there")
    if not (here.parent / store.INSTANCE_FILE).exists():  # nobody has kept anything here yet
        plan = planned(config, folder)
        _check(plan)
        return Upgraded(None, plan.after, plan.rows, None, 0.0)
    with journal.opened(here.parent) as notes:
        course, entry = _Course(config, notes, tell), notes.read()
        if not (entry and entry.state is State.MIGRATING and course.is_migrated_by_us(entry)):
            plan = planned(config, folder)
            _check(plan)
            if plan.before is None or not plan.is_needed:
                return Upgraded(plan.before, plan.after, plan.rows, None, 0.0)
            _sweep(here)
            entry = course.back_up(plan.before, plan.after, folder)
            course.migrate(entry)
        rows = course.finish(entry)
        _forget_old(folder, keep, entry.backup)
        seconds = time.monotonic() - began
        return Upgraded(entry.before, entry.after, rows, entry.backup, seconds)


def go_back(
    config: Config, step: str, *, lose_newer: bool = False, say: Say | None = None
) -> GoneBack:
    """Has the database as it was before the last upgrade, which was at `step`.

    Raises BadInput where that upgrade was another one, or recordings, corrections or notes came
    since, which `lose_newer` gives up, Conflict, and StoreError: nothing is changed then.
    """
    data = data_folder(config)
    if not (data / store.INSTANCE_FILE).exists():
        raise BadInput(f"Nothing is kept in {data}. Name the folder in MALGWI_STORE__DATA.")
    with journal.opened(data) as notes:
        course, entry = _Course(config, notes, say or (lambda _: None)), notes.read()
        now = course.step()
        if now == step:
            return GoneBack(step, None)
        is_back = entry is not None and entry.state is State.BACK
        if entry is None or is_back or (entry.before, entry.after) != (step, now):
            last = f"led from {entry.before} to {entry.after}" if entry else "is not known"
            last += " and was taken back" if is_back else ""
            raise BadInput(
                f"The database is at step {now}, and the last upgrade here {last}: there is no "
                f"backup by which to go back to {step}. Nothing was changed."
            )
        course.bring_back(entry, lose_newer=lose_newer)
        return GoneBack(step, entry.backup)


class _Course:
    """The steps, on one installation."""

    def __init__(self, config: Config, notes: Journal, tell: Say) -> None:
        self._url, self._data = database_address(config), data_folder(config)
        self._settings = backup.settings_of(config)
        self._notes, self._tell = notes, tell

    def step(self) -> str | None:
        return store.condition(self._url, self._data).step

    def is_migrated_by_us(self, entry: Entry) -> bool:
        """Whether that was to this program: for another one a backup is still to be made."""
        condition = store.condition(self._url, self._data)
        return condition.step == entry.after == condition.newest

    def back_up(self, before: str, after: str, folder: Path) -> Entry:
        began = datetime.now(UTC)
        target = folder / f"{began:%Y%m%dT%H%M%S%fZ}-{before}-to-{after}"
        self._tell(f"Backing up the database to {target}")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        backup.create(
            target, url=self._url, data=self._data, settings=self._settings, with_media=False
        )
        self._tell("Verifying the backup")
        if faults := backup.verify(target).faults:
            raise StoreError(f"{target} is damaged: {faults[0]} Nothing was changed.")
        entry = Entry(state=State.MIGRATING, before=before, after=after, backup=target, began=began)
        self._notes.write(entry)
        return entry

    def migrate(self, entry: Entry) -> None:
        if store.usage(self._url).is_open:  # somebody was started meanwhile
            raise Conflict(f"{IN_USE} Nothing was changed.")
        self._tell(f"Migrating from step {entry.before} to {entry.after}")
        try:
            with closing(store.connect(self._url)) as database:
                store.upgrade(database)
        except Exception as error:
            if self.step() == entry.before:
                raise StoreError(
                    f"The migration failed: {_said(error)} The database is at step {entry.before} "
                    "as before; start the program of before."
                ) from error
            # The line broke at the very end: it is migrated.

    def finish(self, entry: Entry) -> Mapping[str, int]:
        """Sees whether it works, also where a kill came before; brings the database of before back
        where it does not. What there is of what is kept."""
        self._tell("Looking whether it works")
        try:
            health.check(self._url, self._data)
        except Exception as error:
            self.bring_back(entry)
            raise StoreError(
                f"The database was migrated and does not work: {_said(error)} It was put back from "
                f"{entry.backup}, and all is as before, at step {entry.before}. Who was signed in "
                "signs in again. Start the program of before."
            ) from error
        self._notes.write(entry.model_copy(update={"state": State.DONE}))
        return store.usage(self._url).rows

    def bring_back(self, entry: Entry, *, lose_newer: bool = False) -> None:
        if store.usage(self._url).is_open:
            raise Conflict(IN_USE)
        self._tell("Verifying the backup")
        if faults := backup.verify(entry.backup).faults:
            raise BadInput(f"{entry.backup} is damaged: {faults[0]} Nothing was changed.")
        if not lose_newer and (newer := self._newer(entry)):
            raise BadInput(
                f"What came since the upgrade would be lost with the database of now: {newer}. "
                f"Nothing was changed. To give it up: malgwi upgrade --back-to {entry.before} "
                "--lose-newer."
            )
        self._tell(f"Putting the database of before back, at step {entry.before}")
        backup.bring_back(entry.backup, url=self._url, data=self._data)
        self._notes.write(entry.model_copy(update={"state": State.BACK}))

    def _newer(self, entry: Entry) -> str:
        """What people have brought since, in words; also where as much was removed."""
        more = backup.newer(entry.backup, url=self._url, data=self._data, tables=_BROUGHT)
        return ", ".join(f"{name} {count}" for name, count in more.items() if count)


def _check(plan: Plan) -> None:
    hindrances = [*plan.hindrances, *([IN_USE] if plan.in_use and plan.is_needed else [])]
    if hindrances:
        raise BadInput(f"{' '.join(hindrances)} Nothing was changed.")


def _forget_old(folder: Path, keep: int, last: Path) -> None:
    named = [each for each in folder.iterdir() if _NAME.fullmatch(each.name)]
    ours = sorted(each for each in named if _instance(each) in (None, _instance(last)))
    for each in ours[: max(0, len(ours) - max(1, keep))]:
        if each != last:
            shutil.rmtree(each)


def _instance(folder: Path) -> str | None:
    """Of which installation a backup is; None where it does not tell."""
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes()).instance
    except (OSError, ValidationError):
        return None


def _sweep(folder: Path) -> None:
    """What a kill has left of a backup; nobody is at it, as we have the journal."""
    for each in folder.glob(".*.partial-*"):
        shutil.rmtree(each)


def _said(error: Exception) -> str:
    """With the words of the database where they are of tables and not of what is in them."""
    cause = error.__cause__
    if isinstance(cause, DBAPIError):
        code = getattr(cause.orig, "sqlstate", "") or ""
        name = getattr(cause.orig, "sqlite_errorname", "")
        if code.startswith("42") or name == "SQLITE_ERROR":
            return f"{error} ({str(cause.orig).splitlines()[0]})"
    return str(error) if str(error) else type(error).__name__

"""`malgwi upgrade`: what is kept, brought to this program, and back where it does not work."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from malgwi.cli_base import EXIT_BAD_INPUT, read_settings
from malgwi.errors import BadOption

if TYPE_CHECKING:
    from malgwi.config import Config
    from malgwi.ops.upgrade import Plan, Upgraded


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@click.option("--back-to", metavar="STEP", help="Put the database of before the last upgrade back.")
@click.option(
    "--lose-newer", is_flag=True, help="With --back-to: give up what was kept since the upgrade."
)
@click.option(
    "--backups",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where the database of before is kept. Default: upgrades, in the folder of the data.",
)
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="How many of these backups are kept.",
)
def upgrade(
    dry_run: bool, back_to: str | None, lose_newer: bool, backups: Path | None, keep: int
) -> None:
    """Bring the database to this program: look, back up, migrate, see that it works.

    What fails is put back as it was. The folder of the backup is printed where one was made.
    """
    from malgwi.ops import upgrade as upgrades

    if lose_newer and not back_to:
        raise BadOption("--lose-newer goes with --back-to.")
    config = read_settings()
    if back_to:
        back = upgrades.go_back(config, back_to, lose_newer=lose_newer, say=_say)
        already = "" if back.backup else " already"
        _say(f"The database is at step {back.step}{already}. Start the program of before.")
    elif dry_run:
        _show_plan(config, backups)
    else:
        _say_done(upgrades.upgrade(config, backups=backups, keep=keep, say=_say))


def _show_plan(config: "Config", backups: Path | None) -> None:
    from malgwi.ops import upgrade as upgrades

    folder = backups or upgrades.backups_of(config)
    plan = upgrades.planned(config, folder)
    for each in plan.hindrances:
        click.echo(f"FAIL {each}")
    if plan.hindrances:
        raise SystemExit(EXIT_BAD_INPUT)
    for line in _steps(plan, folder):
        click.echo(line)


def _steps(plan: "Plan", folder: Path) -> Iterable[str]:
    if plan.before is None:
        yield "Nothing is kept yet: the first start makes the tables."
        return
    yield f"Kept: {_kept(plan.rows)}."
    if not plan.is_needed:
        yield f"The database is at step {plan.after}, as this program wants it. Nothing to do."
        return
    if plan.in_use:
        yield "Before: stop serve, workers and reaper on every machine; the database is in use."
    yield f"1. Back up the database into {folder}; at most {plan.room / 1e6:,.0f} MB are needed."
    yield f"2. Migrate it from step {plan.before} to {plan.after}, all or nothing."
    yield "3. Look whether it works, and put the database of before back where it does not."


def _say_done(done: "Upgraded") -> None:
    if done.before is None:
        _say("Nothing is kept yet: the first start makes the tables.")
    elif done.backup is None:
        _say(f"The database is at step {done.after}, as this program wants it. Nothing was done.")
    else:
        _say(
            f"Upgraded from step {done.before} to {done.after} in {done.seconds:.1f} s, with "
            f"{_kept(done.rows)}. To go back: malgwi upgrade --back-to {done.before}. The database "
            "of before is in"
        )
        click.echo(done.backup)


def _kept(rows: Mapping[str, int]) -> str:
    """By the names of the tables."""
    return ", ".join(f"{name} {count:,}" for name, count in rows.items())


def _say(line: str) -> None:
    click.echo(line, err=True)

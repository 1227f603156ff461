"""`malgwi backup`: all that is kept, into one place and back."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from malgwi.cli_base import EXIT_FAILED, read_settings
from malgwi.errors import BadOption

if TYPE_CHECKING:
    from malgwi.ops.backup import Manifest


@click.group()
def backup() -> None:
    """Back up all that is kept, while it is used, and restore it."""


@backup.command("create")
@click.argument("target", type=click.Path(path_type=Path))
def backup_create(target: Path) -> None:
    """Make a backup: a folder, or one file where TARGET ends with .tar."""
    from malgwi.config import data_folder, database_address
    from malgwi.ops import backup as backups

    config = read_settings()
    if config.store.media_url:
        raise BadOption(
            "The recordings are not here but on the node that MALGWI_STORE__MEDIA_URL names. Make "
            "the backup there."
        )
    with _files_bar("Backing up", str(target)) as progress:
        made = backups.create(
            target,
            url=database_address(config),
            data=data_folder(config),
            settings=backups.settings_of(config),
            progress=progress,
        )
    _say_backup(made)
    for name in made.left_out:
        click.echo(f"Left out, as it holds a secret: {name}")
    _end_with(made.faults)


@backup.command("verify")
@click.argument("source", type=click.Path(path_type=Path))
def backup_verify(source: Path) -> None:
    """Compare every byte of a backup with its sums."""
    from malgwi.ops import backup as backups

    with _files_bar("Verifying", str(source)) as progress:
        found = backups.verify(source, progress)
    _say_backup(found.manifest)
    for fault in found.manifest.faults:
        click.echo(f"When it was made: {fault}")
    _end_with(found.faults)


@backup.command("restore")
@click.argument("source", type=click.Path(path_type=Path))
def backup_restore(source: Path) -> None:
    """Restore a backup into an empty database and an empty folder."""
    from malgwi.config import data_folder, database_address
    from malgwi.ops import backup as backups

    config = read_settings()
    with _files_bar("Restoring", str(source)) as progress:
        restored = backups.restore(
            source,
            url=database_address(config),
            data=data_folder(config),
            progress=progress,
        )
    _say_backup(restored.manifest)
    for fault in restored.manifest.faults:
        click.echo(f"When it was made: {fault}")
    click.echo(f"It is the new installation {restored.instance}.")
    click.echo(f"The settings that were in force then: {restored.settings}")


def _say_backup(manifest: "Manifest") -> None:
    rows = sum(table.rows for table in manifest.tables.values())
    click.echo(
        f"{manifest.created:%Y-%m-%d %H:%M:%S} UTC, Malgwi {manifest.program}: {rows:,} rows, "
        f"{manifest.media:,} media with {manifest.media_bytes / 1e6:,.0f} MB"
    )


def _end_with(faults: Sequence[str]) -> None:
    for fault in faults:
        click.echo(f"FAIL {fault}")
    if faults:
        raise SystemExit(EXIT_FAILED)


@contextmanager
def _files_bar(doing: str, name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error; nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn(f"{doing} {name}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

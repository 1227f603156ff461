"""`malgwi deploy`: Malgwi on several machines, each of which runs what the inventory says."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from malgwi.cli_base import EXIT_FAILED

if TYPE_CHECKING:
    from malgwi.ops.nodes import Changes

_path = click.Path(path_type=Path, readable=False)


@click.group()
def deploy() -> None:
    """Run Malgwi on several machines, or on one with several GPUs."""


@deploy.command("render")
@click.option("--inventory", type=_path, required=True, help="File with the machines, as YAML.")
@click.option("--into", type=_path, required=True, help="Folder that gets a folder a machine.")
@click.option(
    "--source",
    type=_path,
    default="deploy",
    show_default=True,
    help="The folder deploy of a checkout or of a bundle.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if something would change.")
def render(inventory: Path, into: Path, source: Path, check: bool) -> None:
    """Make what each machine runs: compose file, settings, secrets and certificates."""
    from malgwi.ops import nodes

    read = nodes.read_inventory(inventory)
    changes = nodes.render(read, source, into, check=check)
    present = [node.name for node in read.nodes]
    gone = {path.parts[0] for path in changes.removed} - {*present, ".secrets"}
    for name in (*present, *sorted(gone)):
        _say(name, changes.of(name))
    if check and changes.any:
        raise SystemExit(EXIT_FAILED)
    if changes.any:
        click.echo(f"Carry each folder in {into} to its machine, and run ./up.sh in it there.")


def _say(node: str, changes: "Changes") -> None:
    counts = (("written", changes.written), ("removed", changes.removed))
    said = [f"{len(paths)} {what}" for what, paths in counts if paths]
    click.echo(f"{node}: {', '.join([*said, f'{len(changes.unchanged)} unchanged'])}")
    for mark, paths in (("+", changes.written), ("-", changes.removed)):
        for path in paths:
            click.echo(f"  {mark} {path}")

"""`malgwi doctor`: what is wrong here."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from malgwi.cli_base import EXIT_FAILED, echo_lines, language_option, listed

if TYPE_CHECKING:
    from malgwi.console.words import Language
    from malgwi.ops.doctor import Check, Say


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--all", "all_of_them", is_flag=True, help="Show what is fine and skipped, too.")
@click.option("--explain", metavar="ID", help="Say what a check looks at, why, and what to do.")
@click.option("--log", type=click.File("rb"), help="Say what a captured log means; - reads it.")
@click.option("--only", callback=listed, metavar="ID[,ID..]", help="Only these checks or groups.")
@click.option("--skip", callback=listed, metavar="ID[,ID..]", help="Without these.")
@click.option(
    "--compose",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Compose file to look at. Can be repeated. Default: what lies here, or in deploy.",
)
@language_option("Of what is said.")
@click.option("--all-nodes", is_flag=True, help="Look at all machines of the inventory instead.")
@click.option(
    "--inventory",
    type=click.Path(path_type=Path, readable=False),
    default="inventory.yaml",
    show_default=True,
    help="File with the machines, for --all-nodes; - reads it.",
)
@click.option("--canary", is_flag=True, help="Load the engine, too, and have it hear a recording.")
def doctor(
    as_json: bool,
    all_of_them: bool,
    explain: str | None,
    log: IO[bytes] | None,
    only: list[str],
    skip: list[str],
    compose: tuple[Path, ...],
    language: "Language",
    all_nodes: bool,
    inventory: Path,
    canary: bool,
) -> None:
    """Say what is wrong here, why, and what to do; change nothing."""
    from malgwi.console import reasons
    from malgwi.ops import doctor as doctors

    say = partial(reasons.of_doctor, language)
    if explain:
        known = doctors.known_check([*doctors.CHECKS, *doctors.NODE_CHECKS], explain)
        echo_lines(doctors.explanation(known, say))
        return
    if log:
        _say_log(log, say)
        return
    from malgwi import bootstrap
    from malgwi.config import read_config

    checks = doctors.chosen(_of_nodes(inventory) if all_nodes else doctors.CHECKS, only, skip)
    found = bootstrap.examine(read_config(), checks, compose, canary=canary)
    if as_json:
        click.echo(json.dumps(doctors.as_json(found), ensure_ascii=False, indent=2))
    else:
        echo_lines(doctors.lines(found, all_of_them=all_of_them, say=say))
    if found.failed:
        raise SystemExit(EXIT_FAILED)


def _of_nodes(inventory: Path) -> "Sequence[Check]":
    from malgwi.ops import doctor as doctors
    from malgwi.ops import nodes

    given = Path("/dev/stdin") if inventory == Path("-") else inventory
    return doctors.node_checks(nodes.read_inventory(given))


def _say_log(log: IO[bytes], say: "Say") -> None:
    """The exit code says whether something in it is known as a failure."""
    from malgwi import devices
    from malgwi.ops import doctor as doctors

    lines = (each.decode("utf-8", "replace") for each in log)
    told = doctors.diagnoses(lines, devices.inventory())
    echo_lines(doctors.log_lines(told, say))
    if told:
        raise SystemExit(EXIT_FAILED)

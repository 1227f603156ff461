"""`malgwi doctor`: what is wrong here."""

import json
import os
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from malgwi.cli_base import EXIT_FAILED, echo_lines, listed

if TYPE_CHECKING:
    from malgwi.console.words import Language
    from malgwi.ops.doctor import Say

_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")


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
@click.option(
    "--language",
    type=click.Choice(["ko", "en"]),
    help="Language of what is said. Default: the locale's.",
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
    language: "Language | None",
    canary: bool,
) -> None:
    """Say what is wrong here, why, and what to do; change nothing."""
    from malgwi.console import reasons
    from malgwi.ops import doctor as doctors

    say = partial(reasons.of_doctor, language or _of_locale())
    if explain:
        echo_lines(doctors.explanation(doctors.known_check(doctors.CHECKS, explain), say))
        return
    if log:
        _say_log(log, say)
        return
    from malgwi import bootstrap
    from malgwi.config import read_config

    checks = doctors.chosen(doctors.CHECKS, only, skip)
    found = bootstrap.examine(read_config(), checks, compose, canary=canary)
    if as_json:
        click.echo(json.dumps(doctors.as_json(found), ensure_ascii=False, indent=2))
    else:
        echo_lines(doctors.lines(found, all_of_them=all_of_them, say=say))
    if found.failed:
        raise SystemExit(EXIT_FAILED)


def _of_locale() -> "Language":
    """The first of the variables that says something counts, as for every program."""
    said = next(filter(None, map(os.environ.get, _LOCALE)), "")
    return "ko" if said.startswith("ko") else "en"


def _say_log(log: IO[bytes], say: "Say") -> None:
    """The exit code says whether something in it is known as a failure."""
    from malgwi import devices
    from malgwi.ops import doctor as doctors

    lines = (each.decode("utf-8", "replace") for each in log)
    told = doctors.diagnoses(lines, devices.inventory())
    echo_lines(doctors.log_lines(told, say))
    if told:
        raise SystemExit(EXIT_FAILED)

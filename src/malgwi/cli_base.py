"""What the commands share: exit codes, the settings, how options are read and progress is shown."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from malgwi.errors import BadOption

if TYPE_CHECKING:
    from malgwi.config import Config

EXIT_FAILED = 1  # the engine broke, or a check found something
EXIT_BAD_INPUT = 2
EXIT_WORN_OUT = 70  # the engine service should be started again
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells have it

_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")


def language_option(help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--language`, which is that of the locale where it is not given."""
    return click.option(
        "--language",
        type=click.Choice(["ko", "en"]),
        default=_of_locale,
        show_default="the locale's",
        help=help,
    )


def _of_locale() -> str:
    """The first of the variables that says something counts, as for every program."""
    said = next(filter(None, map(os.environ.get, _LOCALE)), "")
    return "ko" if said.startswith("ko") else "en"


def listed(_: click.Context, __: click.Parameter, value: str | None) -> list[str]:
    return [each.strip() for each in (value or "").split(",") if each.strip()]


def offsets_of(_: click.Context, __: click.Parameter, values: Sequence[str]) -> dict[Path, float]:
    offsets = {}
    for value in values:
        name, _equals, seconds = value.rpartition("=")
        try:
            offsets[Path(name)] = float(seconds)
        except ValueError:
            raise BadOption(
                f"--offset {value} is not FILE=SECONDS, as in --offset ch02.wav=1.25."
            ) from None
    return offsets


def starts_of(files: Sequence[Path], offsets: Mapping[Path, float]) -> list[float]:
    """By how many seconds each file begins late; nothing where none does. Raises BadOption for an
    offset of something else, and for a file that is named twice."""
    if unknown := offsets.keys() - set(files):
        raise BadOption(f"--offset names {min(unknown)}, which is not one of the files.")
    for number, file in enumerate(files):
        if file.absolute() in [each.absolute() for each in files[:number]]:
            raise BadOption(f"{file} is named twice. Name each file once.")
    return [offsets.get(each, 0.0) for each in files] if offsets else []


def read_settings(chosen: Mapping[str, Mapping[str, Any]] | None = None) -> "Config":
    """The settings, and before them what was chosen on the command line. Raises BadOption, also
    for a variable that looks like a setting and is none: what it was to change would not change."""
    from malgwi.config import read_config, unknown_settings

    if unknown := unknown_settings(os.environ):
        raise BadOption(" ".join(unknown))
    return read_config(chosen or {})


def echo_lines(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def echo_json(value: Mapping[str, Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))


@contextmanager
def bytes_bar(doing: str, name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, or where that is no terminal, a line once something comes."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _said_once(f"{doing} {name}")
        return
    columns = (TextColumn(name), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _said_once(what: str) -> Callable[[int, int], None]:
    said = Event()

    def progress(_: int, total: int) -> None:
        if not said.is_set():
            said.set()
            click.echo(f"{what}, {total / 1e6:,.0f} MB.", err=True)

    return progress

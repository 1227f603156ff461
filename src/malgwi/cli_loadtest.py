"""`malgwi loadtest`: whether this machine bears so many channels for so long."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Literal

import click

from malgwi.cli_base import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    echo_lines,
    language_option,
    listed,
    read_settings,
)
from malgwi.errors import BadOption, EngineMissing, ModelMissing

if TYPE_CHECKING:
    from malgwi.config import Config
    from malgwi.ops.loadtest import Clip, Outcome, Plan, Service

_REPORT = 20.0  # seconds between two reports while it runs
_SAMPLE = "four-channels.wav"


def _speed(_: click.Context, __: click.Parameter, value: str) -> float | None:
    try:
        return None if value == "max" else float(value)
    except ValueError:
        raise BadOption(f"--speed {value} is neither a number nor max.") from None


@click.command()
@click.option("--channels", type=int, default=16, show_default=True, help="Of each recording.")
@click.option("--hours", type=float, default=2.0, show_default=True, help="Of sound, in all.")
@click.option(
    "--speed",
    callback=_speed,
    default="1",
    show_default=True,
    metavar="N|max",
    help="Times real time; max, as fast as the service takes it.",
)
@click.option(
    "--piece",
    type=float,
    default=60.0,
    show_default=True,
    help="Seconds of sound that are handed in at a time.",
)
@click.option(
    "--activity",
    type=float,
    default=0.2,
    show_default=True,
    help="Share of the time for which somebody speaks on a channel.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another one deals otherwise.")
@click.option(
    "--from",
    "files",
    multiple=True,
    type=click.Path(path_type=Path, readable=False),
    help="Recording whose speech is used. Can be repeated. Default: the sample.",
)
@click.option(
    "--spoken",
    callback=listed,
    metavar="CODE[,CODE..]",
    help="Language spoken, as ko or en. Default: detected, in each piece.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, readable=False),
    default=Path("loadtest"),
    show_default=True,
    help="Folder for the report.",
)
@language_option("Of the report.")
@click.option("--embedded", is_flag=True, help="Start a service for it, in an empty folder.")
@click.option("--keep", is_flag=True, help="Leave the recordings in the service.")
@click.option(
    "--yes-really-this-host",
    "meant",
    is_flag=True,
    help="Also an address that is neither here nor on a private network.",
)
def loadtest(
    channels: int,
    hours: float,
    speed: float | None,
    piece: float,
    activity: float,
    seed: int,
    files: tuple[Path, ...],
    spoken: list[str],
    out: Path,
    language: Literal["en", "ko"],
    embedded: bool,
    keep: bool,
    meant: bool,
) -> None:
    """Measure whether a machine bears so many channels for so long.

    Sends recordings to the service of MALGWI_CLIENT__ADDRESS as recorders do, and reports speed,
    lag, memory and lost seconds. docs/howto/load-test.md says how to read it.
    """
    try:
        from malgwi.ops import loadtest as test
    except ModuleNotFoundError as error:
        raise EngineMissing("client", error.name) from error

    config = read_settings()
    plan = test.Plan(channels, hours, piece, speed, activity, seed, tuple(spoken), keep)
    if embedded and keep:
        raise BadOption("--keep and --embedded: the folder of that service goes with it.")
    if not embedded:
        test.check_address(config.client.address, meant=meant)
    test.check_folder(out)
    clips = _clips(config, files)
    with (
        _ending() as stop,
        _telling(out, language) as tell,
        _service(config, plan, embedded=embedded) as service,
    ):
        outcome = test.run(plan, clips, service, stop, tell)
    _end(outcome, out)


def _clips(config: "Config", files: tuple[Path, ...]) -> "list[Clip]":
    from malgwi import bootstrap
    from malgwi.ops import loadtest as test

    sample = config.models / "sample" / _SAMPLE
    if not files and not sample.is_file():
        raise ModelMissing("sample", config.models)
    return test.clips_of(files or [sample], bootstrap.new_vad(config))


@contextmanager
def _service(config: "Config", plan: "Plan", *, embedded: bool) -> "Iterator[Service]":
    from malgwi.client import Client, read_key
    from malgwi.ops import loadtest as test

    if embedded:
        with test.embedded(plan) as own:
            yield test.Service(partial(Client, own.address), None, True, own.memory)
        return
    settings = config.client
    key = read_key(settings.key_file) if settings.key_file else None
    here = test.check_address(settings.address, meant=True)
    yield test.Service(partial(Client, settings.address, key), settings.address, here)


@contextmanager
def _telling(out: Path, language: Literal["en", "ko"]) -> "Iterator[Callable[[Outcome], None]]":
    """A line of progress on standard error, and now and then the report; nothing is written before
    something was sent."""
    from malgwi.ops import loadtest as test

    terminal, written = sys.stderr.isatty(), -_REPORT

    def tell(outcome: "Outcome") -> None:
        nonlocal written
        begun = any(each.job for each in outcome.pieces)
        its_time = outcome.over or (begun and time.monotonic() - written >= _REPORT)
        if terminal:
            click.echo(f"\r\033[K{_line(outcome)}", err=True, nl=False)
        elif its_time:
            click.echo(_line(outcome), err=True)
        if its_time:
            written = time.monotonic()
            test.write_report(outcome, out, language)

    try:
        yield tell
    finally:
        if terminal:
            click.echo(err=True)


def _line(outcome: "Outcome") -> str:
    lag = f", lag {outcome.lags[-1][1]:.1f} s" if outcome.lags else ""
    sent = sum(bool(each.job) for each in outcome.pieces)
    lost = f", {len(outcome.lost)} lost" if outcome.lost else ""
    waiting = f", {outcome.samples[-1].waiting} waiting" if outcome.samples else ""
    return (
        f"{outcome.seconds / 60:.1f} min: {sent} of {len(outcome.pieces)} pieces handed in, "
        f"{len(outcome.done)} transcribed{lag}{waiting}{lost}"
    )


def _end(outcome: "Outcome", out: Path) -> None:
    from malgwi.ops import loadtest as test

    told = test.summary(test.as_data(outcome))
    echo_lines(
        [told.first_line, " ".join([told.headline, *told.reasons]), str(out / "report.html")]
    )
    if outcome.interrupted:
        raise SystemExit(EXIT_INTERRUPTED)
    if not test.verdict(outcome).passed:
        raise SystemExit(EXIT_FAILED)


@contextmanager
def _ending() -> Iterator[Event]:
    """Ctrl-C sets the event, so that it ends in order; a second one ends it all."""
    stop = Event()

    def interrupt(*_: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        click.echo("malgwi: Stopping; what was measured so far is reported.", err=True)

    before = {each: signal.signal(each, interrupt) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)

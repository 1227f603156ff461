"""The commands that ask a `malgwi serve` that runs somewhere: submit, jobs, search and export."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from malgwi.cli_base import (
    EXIT_FAILED,
    bytes_bar,
    echo_json,
    echo_lines,
    listed,
    offsets_of,
    read_settings,
    starts_of,
)
from malgwi.errors import BadOption, EngineMissing, NetworkError

if TYPE_CHECKING:
    from malgwi.client import Client, Job


def _moment(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """By the clock of this machine, unless it says how far from Greenwich it is."""
    try:
        return datetime.fromisoformat(value).astimezone() if value else None
    except (ValueError, OverflowError):
        raise BadOption(
            f"{value} is no time. Write a date, or a date and a time: 2026-03-01T09:30."
        ) from None


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@click.option(
    "--language",
    "languages",
    callback=listed,
    metavar="CODE[,CODE..]",
    help="Language spoken, as ko or en; one for all channels, or one a channel, where auto is "
    "none. Default: detected.",
)
@click.option(
    "--labels",
    "channel_labels",
    callback=listed,
    metavar="NAME[,NAME..]",
    help="What the channels are called.",
)
@click.option(
    "--offset",
    "offsets",
    multiple=True,
    callback=offsets_of,
    metavar="FILE=SECONDS",
    help="How much later this file begins than the recording. Can be repeated.",
)
@click.option("--name", help="What the recording is called. Default: the first file's name.")
@click.option(
    "--started",
    callback=_moment,
    metavar="TIME",
    help="The wall clock at its first sample, as 2026-03-01T09:30:00.",
)
@click.option("--label", "labels", multiple=True, help="To find it by. Can be repeated.")
@click.option("--glossary", metavar="NAME", help="One that the service has.")
@click.option("--wait", is_flag=True, help="Wait until it is transcribed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as the API has it.")
def submit(
    files: tuple[Path, ...],
    languages: list[str],
    channel_labels: list[str],
    offsets: dict[Path, float],
    name: str | None,
    started: datetime | None,
    labels: tuple[str, ...],
    glossary: str | None,
    wait: bool,
    as_json: bool,
) -> None:
    """Send a recording to `malgwi serve`, to be kept and transcribed.

    FILES is one recording with up to 64 channels, or one file a channel on one clock.
    """
    starts = starts_of(files, offsets)
    with _service() as client:
        with bytes_bar("Sending", files[0].name) as on_sent:
            submitted = client.submit(
                files,
                name=name,
                labels=labels,
                channel_labels=channel_labels,
                offsets=starts,
                started=started,
                languages=languages,
                glossary=glossary,
                on_sent=on_sent,
            )
        from malgwi import client_display as display

        if not as_json:
            echo_lines(display.submitted_lines(submitted))
        if wait:
            submitted["job"] = _waited(client, submitted["job"]["id"])
        if as_json:
            echo_json(submitted)
        elif wait:
            transcript = submitted["job"]["progress"].get("transcript")
            click.echo(f"Transcript  {transcript}")


@click.command()
@click.argument("id", required=False)
@click.option(
    "--state",
    type=click.Choice(["waiting", "queued", "running", "done", "dead", "cancelled"]),
    help="Only jobs that are in it.",
)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many.")
@click.option("--cancel", is_flag=True, help="Call the job off.")
@click.option("--retry", is_flag=True, help="Try a dead job again, from where it stopped.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as the API has it.")
def jobs(
    id: str | None, state: str | None, limit: int, cancel: bool, retry: bool, as_json: bool
) -> None:
    """List the jobs of `malgwi serve`, the newest first, or tell all of the one of this ID."""
    if cancel and retry:
        raise BadOption("--cancel and --retry do not go together.")
    if id and state:
        raise BadOption("--state is for the list; leave the id out, or the state.")
    if id is None and (cancel or retry):
        raise BadOption("--cancel and --retry need the id of a job; `malgwi jobs` lists them.")
    with _service() as client:
        from malgwi import client_display as display

        if id is None:
            for each in islice(client.jobs(state=state, limit=min(limit, 100)), limit):
                echo_json(each) if as_json else click.echo(display.job_row(each))
            return
        ask = client.cancel if cancel else client.retry if retry else client.job
        job = ask(id)
        echo_json(job) if as_json else echo_lines(display.job_lines(job))


@click.command()
@click.argument("query")
@click.option("--channel", type=click.IntRange(0), help="Only on this one; they count from 0.")
@click.option("--speaker", help="Only by them.")
@click.option("--label", help="Only in recordings with this label.")
@click.option("--recording", metavar="ID", help="Only in this one.")
@click.option("--since", callback=_moment, metavar="TIME", help="Said then or later.")
@click.option("--until", callback=_moment, metavar="TIME", help="Said before.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as the API has it.")
def search(
    query: str,
    channel: int | None,
    speaker: str | None,
    label: str | None,
    recording: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    as_json: bool,
) -> None:
    """Find what was said in the recordings that `malgwi serve` keeps, the best first.

    TIME is a date, or a date and a time, as 2026-03-01T09:30; docs/reference/search.md says how
    QUERY is read.
    """
    with _service() as client:
        from rich.console import Console

        from malgwi import client_display as display

        found = client.search(
            query,
            channel=channel,
            speaker=speaker,
            label=label,
            recording=recording,
            since=since,
            until=until,
            limit=min(limit, 100),
        )
        console, hits = Console(highlight=False), 0
        for hit in islice(found, limit):
            hits += 1
            if as_json:
                echo_json(hit)
            else:
                display.print_hit(console, hit)
        if not hits:
            click.echo("malgwi: Nothing was found.", err=True)


@click.command()
@click.argument("id", metavar="TRANSCRIPT|RECORDING")
@click.option(
    "--format",
    "format",
    metavar="NAME",
    help="json, srt, vtt, txt, csv, docx, rttm, ctm. Default: the ending of --out, else txt.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, readable=False),
    help="The file, or a folder that is there. Default: standard output.",
)
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
def export(id: str, format: str | None, out: Path | None, overwrite: bool) -> None:
    """Fetch a transcript from `malgwi serve`; of a recording the newest."""
    with _service() as client:
        ending = out.suffix[1:].lower() if out and not out.is_dir() else ""
        wanted, transcript = format or ending or "txt", client.newest_transcript(id)
        if out is None:
            client.export_to(sys.stdout.buffer, transcript, wanted)
        else:
            click.echo(client.export(transcript, wanted, out, overwrite=overwrite))


@contextmanager
def _service() -> "Iterator[Client]":
    """The service of the settings."""
    try:
        from malgwi import client
    except ModuleNotFoundError as error:
        raise EngineMissing("client", error.name) from error

    settings = read_settings().client
    key = client.read_key(settings.key_file) if settings.key_file else None
    with client.Client(settings.address, key) as opened:
        yield opened


def _waited(client: "Client", job: str) -> "Job":
    """The job once it is done. Ctrl-C, and whatever else ends the waiting, leaves it alone."""
    from malgwi import client_display as display

    try:
        with display.waiting(sys.stderr) as on_progress:
            ended = client.wait(job, on_progress)
    except (KeyboardInterrupt, NetworkError):
        click.echo(f"malgwi: Job {job} goes on; see `malgwi jobs {job}`.", err=True)
        raise
    if ended["state"] != "done":
        why = ended["error"] or "Somebody called it off."
        click.echo(f"malgwi: Job {job} is {ended['state']}: {display.plain(why)}", err=True)
        raise SystemExit(EXIT_FAILED)
    return ended

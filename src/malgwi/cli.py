"""The `malgwi` command. A command reads its options, calls a function, shows what it returned.

Rooms are imported inside the commands, so that `malgwi --help` waits for no library. What works on
files, here, is in this file; the other commands are in the `cli_` modules.
"""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from malgwi.cli_backup import backup
from malgwi.cli_base import (
    EXIT_BAD_INPUT,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_WORN_OUT,
    listed,
    offsets_of,
    read_settings,
    starts_of,
)
from malgwi.cli_bundle import bundle
from malgwi.cli_client import export, jobs, search, submit
from malgwi.cli_deploy import deploy
from malgwi.cli_doctor import doctor
from malgwi.cli_loadtest import loadtest
from malgwi.cli_models import models
from malgwi.cli_services import console, engine, migrate, reaper, serve, worker
from malgwi.cli_upgrade import upgrade
from malgwi.cli_user import user
from malgwi.errors import EngineFailed, MalgwiError

if TYPE_CHECKING:
    from malgwi.types import Transcript

__all__ = ["EXIT_BAD_INPUT", "EXIT_FAILED", "EXIT_INTERRUPTED", "EXIT_WORN_OUT", "main"]

# The recogniser has threads of its own; the linear algebra's would only get in their way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

FORMATS_IN_A_FOLDER = "json,srt,txt"


class _Group(click.Group):
    """Turns our errors into a sentence and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):  # a terminal that knows no Hangul gets a ? for it
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="replace")
        try:
            return super().invoke(ctx)
        except MalgwiError as error:
            click.echo(f"malgwi: {error}", err=True)
            ctx.exit(EXIT_FAILED if isinstance(error, EngineFailed) else EXIT_BAD_INPUT)
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            click.echo(f"malgwi: {place}{error.strerror or error}. Check its rights.", err=True)
            ctx.exit(EXIT_BAD_INPUT)
        except KeyboardInterrupt:
            ctx.exit(EXIT_INTERRUPTED)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="malgwi")
def main() -> None:
    """A self-hosted speech platform: many channels of sound in, one timed transcript out.

    말귀 (malgwi): the ear for what is said.
    """


for _command in (
    *(models, engine, serve, console, worker, reaper, migrate),
    *(submit, jobs, search, export),
    *(backup, upgrade, bundle, deploy, user, doctor, loadtest),
):
    main.add_command(_command)


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@click.option(
    "--language",
    "languages",
    callback=listed,
    metavar="CODE[,CODE..]",
    help="Language spoken, as ko or en; one for all channels, or one a channel, where auto is "
    "none. Default: detected once a channel, and said.",
)
@click.option(
    "--labels",
    callback=listed,
    metavar="NAME[,NAME..]",
    help="What the channels are called. Default: ch01, ch02, .. or the names of the files.",
)
@click.option(
    "--offset",
    "offsets",
    multiple=True,
    callback=offsets_of,
    metavar="FILE=SECONDS",
    help="How much later this file begins than the recording. Can be repeated.",
)
@click.option(
    "--glossary",
    type=click.Path(path_type=Path, readable=False),
    help="YAML or CSV with names and terms, and how they are written.",
)
@click.option(
    "--format",
    "formats",
    callback=listed,
    metavar="NAME[,NAME..]",
    help=f"json, srt, vtt, txt, csv, docx, rttm, ctm. Default with --out: {FORMATS_IN_A_FOLDER}.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, readable=False),
    help="Folder for the files. Without --out and --format nothing is written.",
)
@click.option("--name", help="Name of the files, without ending. Default: the first sound file's.")
@click.option("--per-channel", is_flag=True, help="Also write each channel by itself.")
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
@click.option("--engine", help="Speech-to-text engine; `malgwi engines` lists them.")
@click.option("--model", help="Its model; `malgwi models list` lists them.")
@click.option("--prompt", default="", help="Text to continue in style and spelling.")
@click.option("--hotwords", default="", help="Words to lean towards. A glossary is better.")
@click.option("--quiet", "-q", is_flag=True, help="Show neither progress nor transcript.")
@click.option("--json-progress", is_flag=True, help="Progress as JSON lines on standard error.")
def transcribe(
    files: tuple[Path, ...],
    languages: list[str],
    labels: list[str],
    offsets: dict[Path, float],
    glossary: Path | None,
    formats: list[str],
    out: Path | None,
    name: str | None,
    per_channel: bool,
    overwrite: bool,
    engine: str | None,
    model: str | None,
    prompt: str,
    hotwords: str,
    quiet: bool,
    json_progress: bool,
) -> None:
    """Transcribe recordings into one timeline.

    FILES is one recording with up to 64 channels, or one file a channel on one clock.
    """
    from malgwi import audio, bootstrap, pipeline
    from malgwi.apps import transcription as app

    config = read_settings()
    chosen = [each.name for each in app.chosen(formats or _default_formats(out))]
    request = pipeline.Request(
        [None if each.lower() == "auto" else each for each in languages], prompt, hotwords
    )
    recording = audio.open_recording(files, labels=labels, offsets=starts_of(files, offsets))
    channels = pipeline.channels_of(recording, request)
    folder, stem = out or Path(), name or files[0].stem
    planned = app.planned(channels, chosen, folder, stem, per_channel=per_channel)
    if not overwrite:
        app.check_free(planned)
    engines = bootstrap.engines(config, engine=engine, model=model, glossary=glossary)
    style = app.Style.QUIET if quiet else app.Style.fitting(sys.stderr)
    with (
        app.progress_display(app.Style.JSON if json_progress else style, sys.stderr) as update,
        _interruptible() as stop,
    ):
        transcript = pipeline.transcribe(recording, engines, request, on_progress=update, stop=stop)
    written: list[Path] = []
    try:
        written = app.write(
            transcript, chosen, folder, stem, per_channel=per_channel, overwrite=overwrite
        )
    finally:  # a full disk must not cost what was heard
        _show(transcript, written, quiet)
    if not transcript.complete:
        raise SystemExit(EXIT_INTERRUPTED)


@main.command()
@click.argument("manifest", type=click.Path(path_type=Path, readable=False))
@click.option("--language", metavar="CODE", help="Only recordings in this language.")
@click.option("--set", "kind", metavar="KIND", help="Only recordings of this kind.")
@click.option("--ids", metavar="REGEX", help="Only recordings in whose id this is found.")
@click.option("--limit", type=int, help="Of these, only the first so many.")
@click.option("--detect-language", is_flag=True, help="Do not tell the engine the language.")
@click.option("--engine", help="Speech-to-text engine; `malgwi engines` lists them.")
@click.option("--model", help="Its model; `malgwi models list` lists them.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["markdown", "json"]),
    default="markdown",
    show_default=True,
    help="How the report is printed.",
)
@click.option("--with-text", is_flag=True, help="Put what was said and heard into the JSON.")
def evaluate(
    manifest: Path,
    language: str | None,
    kind: str | None,
    ids: str | None,
    limit: int | None,
    detect_language: bool,
    engine: str | None,
    model: str | None,
    style: str,
    with_text: bool,
) -> None:
    """Measure error rates over recordings whose words are known.

    MANIFEST is a JSON file; docs/reference/evaluation.md says what is in it.
    """
    from malgwi import bootstrap
    from malgwi.apps import evaluation as app

    selection = app.Selection(language=language, kind=kind, ids=ids, limit=limit)
    app.read_manifest(manifest, selection)  # a mistake in it is said before a model is loaded
    engines = bootstrap.engines(read_settings(), engine=engine, model=model)
    with _interruptible() as stop:
        report = app.evaluate(
            manifest,
            bootstrap.transcriber(engines, stop),
            selection,
            detect_language=detect_language,
            on_item=lambda done, of, result: click.echo(f"{done} of {of}: {result.id}", err=True),
        )
    text = app.as_json(report, with_text=with_text) if style == "json" else app.as_markdown(report)
    click.echo(text)
    if not report.complete:
        raise SystemExit(EXIT_INTERRUPTED)


@main.command()
def engines() -> None:
    """List the engines that are plugged in, and whether they could be used now."""
    from malgwi import bootstrap

    for each in bootstrap.engine_states(read_settings()):
        mark = "ready  " if each.ready else "missing"
        click.echo(f"{each.seam:4} {each.name:16} {mark} {each.detail}")


def _default_formats(out: Path | None) -> list[str]:
    return FORMATS_IN_A_FOLDER.split(",") if out else []


def _show(transcript: "Transcript", written: Sequence[Path], quiet: bool) -> None:
    """Where the files are, and unless that was not wanted, the transcript itself."""
    from rich.console import Console

    from malgwi.apps.transcription import print_timeline

    if not quiet:
        readable = [path for path in written if path.suffix in (".txt", ".json")]
        rest_in = readable[-1] if readable else None
        print_timeline(Console(highlight=False), transcript, rest_in=rest_in)
    for path in written:
        click.echo(f"{path}")


@contextmanager
def _interruptible() -> Iterator[Event]:
    """Ctrl-C sets the event, so that what is done by then is kept; a second one ends it all."""
    stop = Event()

    def interrupt(*_: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        click.echo("malgwi: Stopping; what is recognised so far is kept.", err=True)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)

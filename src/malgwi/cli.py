"""The `malgwi` command. A command reads its options, calls a function, shows what it returned.

Rooms are imported inside the commands, so that `malgwi --help` waits for no library.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from threading import Event
from typing import IO, TYPE_CHECKING, Any

import click

from malgwi.cli_bundle import bundle
from malgwi.errors import BadOption, EngineFailed, EngineMissing, MalgwiError, NetworkError

if TYPE_CHECKING:
    from malgwi.client import Client, Job
    from malgwi.config import Config
    from malgwi.ops.backup import Manifest
    from malgwi.store import People
    from malgwi.types import Transcript

# The recogniser has threads of its own; the linear algebra's would only get in their way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

EXIT_FAILED = 1  # the engine broke, or a check found something
EXIT_BAD_INPUT = 2
EXIT_WORN_OUT = 70  # the engine service should be started again
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells have it

FORMATS_IN_A_FOLDER = "json,srt,txt"
_LONGEST_LINE = 10_000  # bytes


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


def _list(_: click.Context, __: click.Parameter, value: str | None) -> list[str]:
    return [each.strip() for each in (value or "").split(",") if each.strip()]


def _offsets(_: click.Context, __: click.Parameter, values: Sequence[str]) -> dict[Path, float]:
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


def _moment(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """By the clock of this machine, unless it says how far from Greenwich it is."""
    try:
        return datetime.fromisoformat(value).astimezone() if value else None
    except (ValueError, OverflowError):
        raise BadOption(
            f"{value} is no time. Write a date, or a date and a time: 2026-03-01T09:30."
        ) from None


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="malgwi")
def main() -> None:
    """A self-hosted speech platform: many channels of sound in, one timed transcript out.

    말귀 (malgwi): the ear for what is said.
    """


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@click.option(
    "--language",
    "languages",
    callback=_list,
    metavar="CODE[,CODE..]",
    help="Language spoken, as ko or en; one for all channels, or one a channel, where auto is "
    "none. Default: detected once a channel, and said.",
)
@click.option(
    "--labels",
    callback=_list,
    metavar="NAME[,NAME..]",
    help="What the channels are called. Default: ch01, ch02, .. or the names of the files.",
)
@click.option(
    "--offset",
    "offsets",
    multiple=True,
    callback=_offsets,
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
    callback=_list,
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

    config = _config()
    chosen = [each.name for each in app.chosen(formats or _default_formats(out))]
    request = pipeline.Request(
        [None if each.lower() == "auto" else each for each in languages], prompt, hotwords
    )
    recording = audio.open_recording(files, labels=labels, offsets=offsets)
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


@main.group()
def models() -> None:
    """Fetch, list, take in and verify models. Nothing else touches the network."""


@models.command("list")
def models_list() -> None:
    """List the models there are, and which of them are here."""
    from malgwi import ops

    for each in ops.listing(_config().models):
        state = "broken" if each.fault else "here" if each.folder else "-"
        size = f"{each.model.size / 1e6:,.0f} MB"
        click.echo(
            f"{each.model.name:24} {size:>9}  {state:7} {each.model.licence:12} "
            f"{each.model.languages}"
        )
        if each.fault:
            click.echo(f"{'':24} {each.fault}")


@models.command("pull")
@click.argument("name")
@click.option("--accept-licence", is_flag=True, help="Also where it forbids commercial use.")
def models_pull(name: str, accept_licence: bool) -> None:
    """Fetch a model and verify every byte of it."""
    from malgwi import ops

    config = _config()
    with _bytes_bar("Fetching", name) as progress:
        pulled = ops.pull(
            name,
            config.models,
            source=config.model_source,
            offline=config.offline,
            accept_licence=accept_licence or config.accept_licence,
            progress=progress,
        )
    for notice in pulled.notices:
        click.echo(f"malgwi: {notice}", err=True)
    where = f"now, from {pulled.source}, every sum right" if pulled.source else "already"
    click.echo(f"{name} is in {pulled.folder} {where}.")


@models.command("add")
@click.argument("folder", type=click.Path(path_type=Path, readable=False))
@click.option("--name", help="What to call it. Default: the folder's name.")
def models_add(folder: Path, name: str | None) -> None:
    """Take in a model from a folder, such as one carried over on a disk."""
    from malgwi import ops

    click.echo(f"Taken in as {ops.add(folder, _config().models, name)}.")


@models.command("verify")
@click.argument("names", nargs=-1)
def models_verify(names: tuple[str, ...]) -> None:
    """Compare every byte of the models that are here with their sums."""
    from malgwi import ops

    findings = ops.verify(names, _config().models)
    for finding in findings:
        mark = "ok  " if finding.ok else "FAIL"
        said = f"{finding.what}: {finding.detail.rstrip('.')}."
        click.echo(" ".join(filter(None, (mark, said, finding.remedy))))
    if not all(finding.ok for finding in findings):
        raise SystemExit(EXIT_FAILED)


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
    engines = bootstrap.engines(_config(), engine=engine, model=model)
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


@main.group(invoke_without_command=True)
@click.option("--host", help="Address to listen on. Default: 127.0.0.1, this machine only.")
@click.option("--port", type=click.IntRange(0, 65535), help="Default: 8003; 0 takes a free one.")
@click.option("--model", help="The default model; `malgwi models list` lists them.")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    help="What to compute on. Default: auto, a GPU that passes its self-test, else the CPU.",
)
@click.pass_context
def engine(
    context: click.Context,
    host: str | None,
    port: int | None,
    model: str | None,
    device: str | None,
) -> None:
    """Serve speech to text over HTTP and Wyoming, for our own and others' clients.

    OpenAI's API, Deepgram's, whisper.cpp's and that of whisper-asr-webservice on port 8003;
    Wyoming on port 10300. docs/reference/http-api.md has all of it.
    """
    if context.invoked_subcommand:
        return
    chosen: dict[str, dict[str, Any]] = {
        "engine": {"host": host, "port": port},
        "stt": {"model": model, "device": device},
    }
    config = _config(chosen)
    try:
        from malgwi import serving
    except ModuleNotFoundError as error:
        raise EngineMissing("engine", error.name) from error
    _end(serving.run(config, _announce))


@engine.command("key")
@click.option("--name", default="key", show_default=True, help="Whose key it is.")
def engine_key(name: str) -> None:
    """Make an API key: the key itself for its owner, and the line for the key file."""
    from malgwi.gateway import hash_of, new_key

    key = new_key()
    click.echo(f"Key, shown this once:   {key}")
    click.echo(f"Line for the key file:  {name} {hash_of(key)}")


def _end(asked: bool) -> None:
    """After a service has ended, because it was asked to or because it had to."""
    if not asked:
        click.echo("malgwi: The engine cannot be kept alive; the log says why.", err=True)
        raise SystemExit(EXIT_WORN_OUT)


def _announce(address: str) -> None:
    click.echo(f"Listening on {address}. Try it, once the model is loaded:")
    click.echo(f"  curl {address}/v1/audio/transcriptions -F file=@recording.wav")


@main.command()
@click.option("--host", help="Address to listen on. Default: 127.0.0.1, this machine only.")
@click.option("--port", type=click.IntRange(0, 65535), help="Default: 8000; 0 takes a free one.")
@click.option("--model", help="The default model; `malgwi models list` lists them.")
@click.option("--watch", type=click.Path(path_type=Path), help="Folder whose files are taken.")
def serve(host: str | None, port: int | None, model: str | None, watch: Path | None) -> None:
    """Serve all of it: recordings are kept, transcribed, searched, corrected and exported.

    The API of what is kept and the dialects of `malgwi engine`, in one process on one port.
    """
    chosen: dict[str, dict[str, Any]] = {
        "serve": {"host": host, "port": port, "watch": watch},
        "stt": {"model": model},
    }
    config = _config(chosen)
    try:
        from malgwi import library
    except ModuleNotFoundError as error:
        raise EngineMissing("serve", error.name) from error
    _end(library.run(config, lambda address: click.echo(f"Listening on {address}.")))


@main.command()
@click.option(
    "--api", default="http://127.0.0.1:8000", show_default=True, help="Where `malgwi serve` is."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8001, show_default=True)
def console(api: str, host: str, port: int) -> None:
    """Serve the pages for a browser in a process of their own.

    `malgwi serve` has them, too. Whoever signs in there does so at the API behind it.
    """
    try:
        from malgwi.console import apart
    except ModuleNotFoundError as error:
        raise EngineMissing("console", error.name) from error
    apart.run(api, host, port, lambda address: click.echo(f"Listening on {address}."))


@main.command()
@click.option(
    "--queues",
    callback=_list,
    default="realtime,analysis,batch",
    show_default=True,
    metavar="NAME[,NAME..]",
    help="Whose jobs it does.",
)
def worker(queues: list[str]) -> None:
    """Do the jobs of `malgwi serve` in a process of their own, told by Redis."""
    from malgwi import workers

    raise SystemExit(workers.run_worker(_config(), queues))


@main.command()
def reaper() -> None:
    """See after jobs whose workers died; any number of them may run, on any machine."""
    from malgwi import workers

    raise SystemExit(workers.run_reaper(_config()))


@main.command()
def migrate() -> None:
    """Bring the database to the tables of this program; those that start later find it done.

    Each service does so by itself, too, one while others wait.
    """
    from malgwi import workers

    workers.open_store(_config()).close()
    click.echo("The database has the tables of this program.")


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@click.option(
    "--language",
    "languages",
    callback=_list,
    metavar="CODE[,CODE..]",
    help="Language spoken, as ko or en; one for all channels, or one a channel, where auto is "
    "none. Default: detected.",
)
@click.option(
    "--labels",
    "channel_labels",
    callback=_list,
    metavar="NAME[,NAME..]",
    help="What the channels are called.",
)
@click.option(
    "--offset",
    "offsets",
    multiple=True,
    callback=_offsets,
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
    if unknown := offsets.keys() - set(files):
        raise BadOption(f"--offset names {min(unknown)}, which is none of the files.")
    with _service() as client:
        with _bytes_bar("Sending", files[0].name) as on_sent:
            submitted = client.submit(
                files,
                name=name,
                labels=labels,
                channel_labels=channel_labels,
                offsets=[offsets.get(each, 0.0) for each in files] if offsets else (),
                started=started,
                languages=languages,
                glossary=glossary,
                on_sent=on_sent,
            )
        from malgwi import client_display as display

        if not as_json:
            _echo(display.submitted_lines(submitted))
        if wait:
            submitted["job"] = _waited(client, submitted["job"]["id"])
        if as_json:
            _echo_json(submitted)
        elif wait:
            transcript = submitted["job"]["progress"].get("transcript")
            click.echo(f"Transcript  {transcript}")


@main.command()
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
                _echo_json(each) if as_json else click.echo(display.job_row(each))
            return
        ask = client.cancel if cancel else client.retry if retry else client.job
        job = ask(id)
        _echo_json(job) if as_json else _echo(display.job_lines(job))


@main.command()
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
                _echo_json(hit)
            else:
                display.print_hit(console, hit)
        if not hits:
            click.echo("malgwi: Nothing was found.", err=True)


@main.command()
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

    settings = _config().client
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


def _echo(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _echo_json(value: Mapping[str, Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))


@main.group()
def backup() -> None:
    """Back up all that is kept, while it is used, and restore it."""


@backup.command("create")
@click.argument("target", type=click.Path(path_type=Path))
def backup_create(target: Path) -> None:
    """Make a backup: a folder, or one file where TARGET ends with .tar."""
    from malgwi.config import data_folder, database_address
    from malgwi.ops import backup as backups

    config = _config()
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

    config = _config()
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


main.add_command(bundle)


@main.group()
def user() -> None:
    """Make, list and remove those who sign in on the pages of `malgwi serve`."""


_password_file = click.option(
    "--password-file",
    type=click.File("rb"),
    help="File whose first line is the password. Default: it is asked for.",
)


@user.command("add")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["admin", "editor", "viewer"]),
    default="viewer",
    show_default=True,
    help="What they may do.",
)
@_password_file
def user_add(name: str, role: str, password_file: IO[bytes] | None) -> None:
    """Make a user, who may sign in at once."""
    from malgwi.store import Role

    with _people() as (people, note):
        made = people.add(name, Role(role), _password(password_file))
        note("user.create", made.id, {"role": role})
    click.echo(f"{made.name} may sign in, with the role {role}.")


@user.command("list")
def user_list() -> None:
    """Show who may sign in, with what role, and when they did so last."""
    with _people() as (people, _):
        for each in people.users():
            last = f"{each.last_signed_in:%Y-%m-%d %H:%M} UTC" if each.last_signed_in else "never"
            state = "disabled" if each.disabled else ""
            click.echo(f"{each.role:7} {last:21} {state:9} {each.name}")


@user.command("password")
@click.argument("name")
@_password_file
def user_password(name: str, password_file: IO[bytes] | None) -> None:
    """Set another password; all sessions of the user end."""
    with _people() as (people, note):
        found = people.known(name)
        people.change(found.id, password=_password(password_file))
        note("user.update", found.id, {"password": True})
    click.echo(f"{found.name} has another password.")


@user.command("remove")
@click.argument("name")
def user_remove(name: str) -> None:
    """Remove a user, whose sessions end; what they did stays."""
    with _people() as (people, note):
        found = people.known(name)
        people.remove(found.id)
        note("user.delete", found.id, {})
    click.echo(f"{found.name} is removed.")


@contextmanager
def _people() -> "Iterator[tuple[People, Callable[[str, str, Mapping[str, Any]], object]]]":
    """Those of the settings, and what adds to their audit trail."""
    config = _config()
    try:
        from malgwi import workers
        from malgwi.store import People

        store = workers.open_store(config)
    except ModuleNotFoundError as error:
        raise EngineMissing("serve", error.name) from error
    try:
        yield (
            People(store.database),
            lambda action, target, facts: store.note(action, target, "command", facts),
        )
    finally:
        store.close()


def _password(file: IO[bytes] | None) -> str:
    """Never from an argument, which everybody on the machine can read."""
    if file is None:
        asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return asked
    try:
        return file.readline(_LONGEST_LINE).decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:  # without it as a cause: it has the password in it
        raise BadOption("The password file is not UTF-8. Write it anew.") from None


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--all", "all_of_them", is_flag=True, help="Show what is fine and skipped, too.")
@click.option("--explain", metavar="ID", help="Say what a check looks at, why, and what to do.")
@click.option("--log", type=click.File("rb"), help="Say what a captured log means; - reads it.")
@click.option("--only", callback=_list, metavar="ID[,ID..]", help="Only these checks or groups.")
@click.option("--skip", callback=_list, metavar="ID[,ID..]", help="Without these.")
@click.option(
    "--compose",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Compose file to look at. Can be repeated. Default: what lies here, or in deploy.",
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
    canary: bool,
) -> None:
    """Say what is wrong here, why, and what to do; change nothing."""
    from malgwi.ops import doctor as doctors

    if explain:
        _echo(doctors.explanation(doctors.known_check(doctors.CHECKS, explain)))
        return
    if log:
        _say_log(log)
        return
    from malgwi import bootstrap
    from malgwi.config import read_config

    checks = doctors.chosen(doctors.CHECKS, only, skip)
    found = bootstrap.examine(read_config(), checks, compose, canary=canary)
    if as_json:
        click.echo(json.dumps(doctors.as_json(found), ensure_ascii=False, indent=2))
    else:
        _echo(doctors.lines(found, all_of_them=all_of_them))
    if found.failed:
        raise SystemExit(EXIT_FAILED)


def _say_log(log: IO[bytes]) -> None:
    """The exit code says whether something in it is known as a failure."""
    from malgwi import devices
    from malgwi.ops import doctor as doctors

    lines = (each.decode("utf-8", "replace") for each in log)
    told = doctors.diagnoses(lines, devices.inventory())
    _echo(doctors.log_lines(told))
    if told:
        raise SystemExit(EXIT_FAILED)


@main.command()
def engines() -> None:
    """List the engines that are plugged in, and whether they could be used now."""
    from malgwi import bootstrap

    for each in bootstrap.engine_states(_config()):
        mark = "ready  " if each.ready else "missing"
        click.echo(f"{each.seam:4} {each.name:16} {mark} {each.detail}")


def _config(chosen: Mapping[str, Mapping[str, Any]] | None = None) -> "Config":
    """The settings, and before them what was chosen on the command line. Raises BadOption, also
    for a variable that looks like a setting and is none: what it was to change would not change."""
    from malgwi.config import read_config, unknown_settings

    if unknown := unknown_settings(os.environ):
        raise BadOption(" ".join(unknown))
    return read_config(chosen or {})


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


@contextmanager
def _bytes_bar(doing: str, name: str) -> Iterator[Callable[[int, int], None]]:
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


def _said_once(what: str) -> Callable[[int, int], None]:
    said = Event()

    def progress(_: int, total: int) -> None:
        if not said.is_set():
            said.set()
            click.echo(f"{what}, {total / 1e6:,.0f} MB.", err=True)

    return progress

"""The commands by which services run until they are asked to end, with their tables and keys."""

from pathlib import Path
from typing import Any

import click

from malgwi.cli_base import EXIT_WORN_OUT, listed, read_settings
from malgwi.errors import EngineMissing


@click.group(invoke_without_command=True)
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
    config = read_settings(chosen)
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


@click.command()
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
    config = read_settings(chosen)
    try:
        from malgwi import library
    except ModuleNotFoundError as error:
        raise EngineMissing("serve", error.name) from error
    _end(library.run(config, lambda address: click.echo(f"Listening on {address}.")))


@click.command()
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


@click.command()
@click.option(
    "--queues",
    callback=listed,
    default="realtime,analysis,batch",
    show_default=True,
    metavar="NAME[,NAME..]",
    help="Whose jobs it does.",
)
def worker(queues: list[str]) -> None:
    """Do the jobs of `malgwi serve` in a process of their own, told by Redis."""
    from malgwi import workers

    raise SystemExit(workers.run_worker(read_settings(), queues))


@click.command()
def reaper() -> None:
    """See after jobs whose workers died; any number of them may run, on any machine."""
    from malgwi import workers

    raise SystemExit(workers.run_reaper(read_settings()))


@click.command()
def migrate() -> None:
    """Bring the database to the tables of this program; those that start later find it done.

    Each service does so by itself, too, one while others wait.
    """
    from malgwi import workers

    workers.open_store(read_settings()).close()
    click.echo("The database has the tables of this program.")

"""`malgwi models`: those that are here, and how others come here."""

from pathlib import Path

import click

from malgwi.cli_base import EXIT_FAILED, bytes_bar, read_settings


@click.group()
def models() -> None:
    """Fetch, list, take in and verify models. Nothing else touches the network."""


@models.command("list")
def models_list() -> None:
    """List the models there are, and which of them are here."""
    from malgwi import ops

    for each in ops.listing(read_settings().models):
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

    config = read_settings()
    with bytes_bar("Fetching", name) as progress:
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

    click.echo(f"Taken in as {ops.add(folder, read_settings().models, name)}.")


@models.command("verify")
@click.argument("names", nargs=-1)
def models_verify(names: tuple[str, ...]) -> None:
    """Compare every byte of the models that are here with their sums."""
    from malgwi import ops

    findings = ops.verify(names, read_settings().models)
    for finding in findings:
        mark = "ok  " if finding.ok else "FAIL"
        said = f"{finding.what}: {finding.detail.rstrip('.')}."
        click.echo(" ".join(filter(None, (mark, said, finding.remedy))))
    if not all(finding.ok for finding in findings):
        raise SystemExit(EXIT_FAILED)

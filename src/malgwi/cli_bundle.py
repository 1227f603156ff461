"""`malgwi bundle`: carrying Malgwi to where there is no network.

Like the rest of the commands, these read options, call a function and show what it returned. They
start with few packages, so that they run out of a bundle before anything is installed.
"""

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from malgwi.cli_base import EXIT_FAILED, echo_json
from malgwi.errors import BadOption

if TYPE_CHECKING:
    from malgwi.ops.bundle import Manifest, Rehearsal

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


def _bytes(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    match = re.fullmatch(r"(\d+)([kmg]?)b?", value.lower())
    if match is None:
        raise BadOption(f"{value} is no size. Write it as in --part-size 4G.")
    return int(match[1]) * _UNITS[match[2]]


def _files(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    return tuple(filter(None, (value or "").split(":")))


def _trusted(signers: Path | None, unsigned: bool) -> Path | None:
    """Raises BadOption where it is not said whom to believe."""
    if signers is None and not unsigned:
        raise BadOption(
            "Say whose signature to believe: --signers FILE, with the line that whoever made the "
            "bundle gave you. Or --unsigned, if you know how it came here."
        )
    return None if unsigned else signers


_path = click.Path(path_type=Path, readable=False)
_source = click.argument("source", metavar="BUNDLE", type=_path)
_signers = click.option("--signers", type=_path, help="File with a line for each key to believe.")
_unsigned = click.option("--unsigned", is_flag=True, help="Compare the sums only.")
_base = click.option("--base", type=_path, help="For a delta: the bundle that has the rest.")


@click.group()
def bundle() -> None:
    """Carry Malgwi to where there is no network: make, verify, install and rehearse bundles."""


@bundle.command("create")
@click.argument("target", type=_path)
@click.option("--model", "models", multiple=True, help="A model to carry. Can be repeated.")
@click.option("--image", "images", multiple=True, help="An OCI archive, or an image of docker's.")
@click.option(
    "--compose",
    callback=_files,
    metavar="FILE[:FILE..]",
    help="All images of these compose files, as docker has them. Files are in deploy/.",
)
@click.option("--extras", help="Parts of the program, with commas. Default: all but measuring.")
@click.option(
    "--platform",
    type=click.Choice(["linux/amd64", "linux/arm64"]),
    default="linux/amd64",
    show_default=True,
    help="What machine it is for.",
)
@click.option("--glibc", default="2.28", show_default=True, help="The oldest it has to run with.")
@click.option("--source", type=_path, default=".", help="Checkout to make it of. Default: here.")
@click.option("--key", type=_path, help="Private Ed25519 key to sign it with.")
@click.option("--unsigned", is_flag=True, help="Do not sign it.")
@click.option("--base", type=_path, help="Leave out what this older bundle has.")
@click.option("--part-size", callback=_bytes, help="Write parts of so many bytes, as in 4G.")
def create(target: Path, **options: Any) -> None:
    """Make a bundle: a folder, or one file where TARGET ends with .tar.

    Needs a checkout, pip and a package index.
    """
    from malgwi.config import read_config
    from malgwi.ops import bundle as bundles

    if bool(options["key"]) == options["unsigned"]:
        raise BadOption("Say with what to sign it: --key FILE. Or --unsigned.")
    if not re.fullmatch(r"2\.\d{1,2}", options["glibc"]):
        raise BadOption(f"{options['glibc']} is no version of glibc. Write it as in --glibc 2.28.")
    extras = options["extras"]
    config = read_config({})
    order = bundles.Order(
        source=options["source"],
        models_folder=config.models,
        offline=config.offline,
        models=options["models"],
        images=options["images"],
        compose=options["compose"],
        extras=bundles.EXTRAS if extras is None else [*filter(None, extras.split(","))],
        platform=options["platform"],
        glibc=options["glibc"],
        key=options["key"],
        base=options["base"],
        part_size=options["part_size"],
        created=_created(),
    )
    _say_manifest(bundles.create(target, order, _step))
    _say_lacking(bundles.lacking(target))
    if order.key:
        click.echo("Line for the file of those to believe, to be carried another way:")
        click.echo(f"  {bundles.signers_line(order.key)}")


@bundle.command("verify")
@_source
@_signers
@_unsigned
@_base
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def verify(
    source: Path, signers: Path | None, unsigned: bool, base: Path | None, as_json: bool
) -> None:
    """Compare every byte of a bundle with its sums, and these with their signature."""
    from malgwi.ops import bundle as bundles

    found = bundles.verify(source, _trusted(signers, unsigned), base=base)
    if as_json:
        faults = [{"kind": each.kind, "said": each.said} for each in found.faults]
        echo_json({"signer": found.signer, "faults": faults})
    else:
        _say_manifest(found.manifest)
        click.echo(f"Signed by {found.signer}." if found.signer else "Who signed it is not known.")
        for fault in found.faults:
            click.echo(f"FAIL {fault.kind}: {fault.said}")
        if not found.faults:
            click.echo("Every byte is what it was.")
    if found.faults:
        raise SystemExit(EXIT_FAILED)


@bundle.command("inspect")
@_source
@click.option("--json", "as_json", is_flag=True, help="Print bundle.json as it is.")
def inspect(source: Path, as_json: bool) -> None:
    """Show what a bundle says of itself. Nothing of it is verified."""
    from malgwi.ops import bundle as bundles

    manifest = bundles.inspect(source)
    if as_json:
        click.echo(manifest.text(), nl=False)
        return
    _say_manifest(manifest)
    for wheel in manifest.wheels:
        click.echo(f"package  {wheel.name} {wheel.version}  {wheel.licence or ''}".rstrip())
    for model in manifest.models:
        click.echo(f"model    {model.name} {(model.revision or '')[:12]}  {model.licence}")
    for image in manifest.images:
        click.echo(f"image    {image.reference}")
    for file in manifest.files:
        click.echo(f"file     {file.path}")
    _say_lacking(bundles.lacking(source))


@bundle.command("diff")
@click.argument("old", type=_path)
@click.argument("new", type=_path)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def diff(old: Path, new: Path, as_json: bool) -> None:
    """Show what a newer bundle brings over an older one."""
    from dataclasses import asdict

    from malgwi.ops import bundle as bundles

    found = bundles.diff(bundles.inspect(old), bundles.inspect(new))
    if as_json:
        echo_json(asdict(found))
        return
    for mark, names in (("+", found.added), ("-", found.removed), ("~", found.changed)):
        for name in names:
            click.echo(f"{mark} {name}")
    click.echo(f"{found.new_bytes / 1e6:,.1f} MB are new.")


@bundle.command("install")
@_source
@click.option("--into", type=_path, required=True, help="Folder with all versions, as /opt/malgwi.")
@_signers
@_unsigned
@_base
@click.option("--without-images", is_flag=True, help="Load no container images.")
@click.option("--up", is_flag=True, help="Bring up the containers, in the place of those before.")
@click.option("--allow-older", is_flag=True, help="Also where a newer version is in use.")
def install(
    source: Path,
    into: Path,
    signers: Path | None,
    unsigned: bool,
    base: Path | None,
    without_images: bool,
    up: bool,
    allow_older: bool,
) -> None:
    """Install a bundle beside the versions before, and use it once it has transcribed."""
    from malgwi.ops import bundle as bundles

    if up and without_images:
        raise BadOption("--up needs the images: leave out --without-images.")
    wishes = bundles.Wishes(base, not without_images, allow_older, up)
    done = bundles.install(
        source, into, signers=_trusted(signers, unsigned), wishes=wishes, say=_step
    )
    _say_manifest(done.manifest)
    click.echo(done.heard)
    if done.before and done.before != done.release.name:
        click.echo(f"Before, {done.before} was in use; it stays.")
    click.echo(f"It is in use: {into / 'current' / 'bin' / 'malgwi'}")


@bundle.command("rehearse")
@_source
@_signers
@_unsigned
@_base
@click.option("--with-network", is_flag=True, help="Also where the network cannot be cut.")
@click.option("--compose", is_flag=True, help="Bring up the containers, too, with docker.")
@click.option("--settings", type=_path, help="With --compose: settings of theirs, as in .env.")
@click.option("--report", type=_path, help="Write the report into this file, too, as JSON.")
@click.option("--key", type=_path, help="Private Ed25519 key to sign the report with.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def rehearse(
    source: Path,
    signers: Path | None,
    unsigned: bool,
    base: Path | None,
    with_network: bool,
    compose: bool,
    settings: Path | None,
    report: Path | None,
    key: Path | None,
    as_json: bool,
) -> None:
    """Install and use a bundle where there is no network, and tell who wanted one."""
    from malgwi.ops import bundle as bundles

    if settings and not compose:
        raise BadOption("--settings goes with --compose.")
    if key and not report:
        raise BadOption("--key signs the report: say where it is written, --report FILE.")
    containers = bundles.in_containers(settings) if compose else None
    found = bundles.rehearse(
        source,
        signers=_trusted(signers, unsigned),
        base=base,
        with_network=with_network,
        containers=containers,
    )
    if report:
        bundles.write_report(found, report, key)
    _say_rehearsal(found, as_json)
    if not found.passed:
        raise SystemExit(EXIT_FAILED)


def _say_rehearsal(report: "Rehearsal", as_json: bool) -> None:
    if as_json:
        click.echo(report.text())
    else:
        for step in report.steps:
            click.echo(step)
        for each in report.attempts:
            click.echo(f"FAIL {each.who} wanted {each.where} ({each.event})")
        if report.unnamed:
            click.echo(f"FAIL {report.unnamed} packets of programs other than Python's")
        click.echo("The network was cut." if report.cut else "The network was NOT cut.")


def _created() -> datetime | None:
    """What builds that can be repeated say; see reproducible-builds.org."""
    moment = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(moment), UTC) if moment.isdecimal() else None


def _step(said: str) -> None:
    click.echo(f"{said} ..", err=True)


def _say_manifest(manifest: "Manifest") -> None:
    held = sum(manifest.blobs[each] for each in manifest.held)
    delta = f", a delta with {held / 1e6:,.1f} MB" if manifest.base else ""
    click.echo(
        f"Malgwi {manifest.version} of {manifest.created:%Y-%m-%d} for {manifest.platform}, Python "
        f"{manifest.python}: {len(manifest.wheels)} packages, {len(manifest.models)} models, "
        f"{len(manifest.images)} images, {manifest.size / 1e6:,.1f} MB{delta}"
    )


def _say_lacking(images: Sequence[str]) -> None:
    for each in images:
        click.echo(f"Named by a compose file, and not in it: {each}")

"""`malgwi user`: those who sign in, by whoever has the database."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import click

from malgwi.cli_base import read_settings
from malgwi.errors import BadOption, EngineMissing

if TYPE_CHECKING:
    from malgwi.store import People

_LONGEST_LINE = 10_000  # bytes


@click.group()
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
    config = read_settings()
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

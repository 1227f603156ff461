"""Users from the command line, in a store of the settings."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from malgwi import cli
from malgwi.store import People, SqlStore

PASSWORD = "correct 말귀 battery"


def run(data: Path, *arguments: str, typed: str | bytes | None = None) -> Result:
    environment = {"MALGWI_STORE__DATA": str(data)}
    return CliRunner().invoke(cli.main, ["user", *arguments], input=typed, env=environment)


def test_who_is_made_on_the_command_line_can_sign_in(tmp_path: Path) -> None:
    made = run(tmp_path, "add", "안나", "--role", "admin", typed=f"{PASSWORD}\n{PASSWORD}\n")
    (tmp_path / "secret").write_text("another password\n", "utf-8")
    changed = run(tmp_path, "password", "안나", "--password-file", str(tmp_path / "secret"))
    listed = run(tmp_path, "list")

    assert [each.exit_code for each in (made, changed, listed)] == [0, 0, 0], changed.output
    assert PASSWORD not in made.output
    assert listed.output == "admin   never                           안나\n"
    store = SqlStore(f"sqlite:///{tmp_path / 'malgwi.db'}", tmp_path)
    people = People(store.database)
    assert people.sign_in("안나", PASSWORD, "") is None
    assert people.sign_in("안나", "another password", "")
    trail = store.trail().items
    store.close()
    assert [(each.action, each.actor) for each in trail] == [
        ("user.update", "command"),
        ("user.create", "command"),
    ]
    assert "another" not in str(trail)


def test_a_password_comes_from_standard_input_and_a_user_goes(tmp_path: Path) -> None:
    made = run(tmp_path, "add", "bert", "--password-file", "-", typed=PASSWORD)
    removed = run(tmp_path, "remove", "BERT")

    assert (made.exit_code, removed.exit_code) == (0, 0)
    assert removed.output == "bert is removed.\n"
    assert run(tmp_path, "list").output == ""


def test_the_last_administrator_is_not_removed(tmp_path: Path) -> None:
    run(tmp_path, "add", "anna", "--role", "admin", "--password-file", "-", typed=PASSWORD)

    answer = run(tmp_path, "remove", "anna")

    assert answer.exit_code == cli.EXIT_BAD_INPUT
    assert "last administrator" in answer.output


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        (("add", "anna", "--password-file", "-"), "short", "it needs 8"),
        (("add", "anna", "--password-file", "-"), b"\xff" * 9, "not UTF-8"),
        (("add", "a\tb", "--password-file", "-"), PASSWORD, "can be read"),
        (("add", "anna", "--role", "root"), "", "root"),
        (("add", "anna"), "one password\nanother one\n", "do not match"),
        (("remove", "nobody"), "", "no user called"),
        (("password", "nobody", "--password-file", "-"), PASSWORD, "no user called"),
    ],
)
def test_what_makes_no_sense_is_said(
    tmp_path: Path, arguments: tuple[str, ...], typed: str | bytes, said: str
) -> None:
    answer = run(tmp_path, *arguments, typed=typed)

    assert answer.exit_code != 0
    assert said in answer.output
    assert "Traceback" not in answer.output

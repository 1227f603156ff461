"""Backups from the command line, over a store of the settings."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from ops.backups import Home, populate

from malgwi import cli


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(f"sqlite:///{tmp_path / 'data' / 'malgwi.db'}", tmp_path / "data")
    populate(home.open())
    home.close()
    return home


def run(data: Path, *arguments: object, **settings: str) -> Result:
    environment = {
        **settings,
        "MALGWI_STORE__DATA": str(data),
        "MALGWI_ENGINE__KEYS": "mg_hidden-hidden-hidden",
        "MALGWI_OFFLINE": "1",
    }
    return CliRunner().invoke(cli.main, ["backup", *map(str, arguments)], env=environment)


def test_a_backup_is_made_checked_and_restored(home: Home, tmp_path: Path) -> None:
    new = Home(f"sqlite:///{tmp_path / 'new' / 'malgwi.db'}", tmp_path / "new")

    made = run(home.data, "create", tmp_path / "b.tar")
    checked = run(home.data, "verify", tmp_path / "b.tar")
    restored = run(new.data, "restore", tmp_path / "b.tar")

    assert [each.exit_code for each in (made, checked, restored)] == [0, 0, 0], restored.output
    assert "2 media" in made.output
    assert "MALGWI_ENGINE__KEYS" in made.output
    assert "hidden" not in made.output
    assert new.rows() == home.rows()
    settings = (new.data / "restored-settings.env").read_text("utf-8")
    assert "MALGWI_OFFLINE=true" in settings
    assert "hidden" not in settings


def test_what_is_missing_in_the_store_is_said_with_an_exit_code(home: Home, tmp_path: Path) -> None:
    next(each for each in (home.data / "media").rglob("*") if each.is_file()).unlink()

    made = run(home.data, "create", tmp_path / "b")

    assert made.exit_code == cli.EXIT_FAILED
    assert "it is missing" in made.output
    assert run(home.data, "verify", tmp_path / "b").exit_code == 0


def test_where_the_media_are_on_another_node_no_backup_is_made_without_them(
    home: Home, tmp_path: Path
) -> None:
    """It would be noted as the last one, and there would seem to be one."""
    made = run(home.data, "create", tmp_path / "b", MALGWI_STORE__MEDIA_URL="https://10.0.0.1:8444")

    assert made.exit_code == cli.EXIT_BAD_INPUT
    assert "on the node that MALGWI_STORE__MEDIA_URL names" in made.output
    assert not (tmp_path / "b").exists()
    store = home.open()
    assert store.last_backup() is None
    home.close()


def test_a_damaged_backup_is_said_with_an_exit_code(home: Home, tmp_path: Path) -> None:
    run(home.data, "create", tmp_path / "b")
    (tmp_path / "b" / "settings.env").write_text("other")

    checked = run(home.data, "verify", tmp_path / "b")

    assert checked.exit_code == cli.EXIT_FAILED
    assert "FAIL settings.env is not what it was." in checked.output
    assert run(tmp_path / "new", "restore", tmp_path / "b").exit_code == cli.EXIT_BAD_INPUT
    assert run(home.data, "create", tmp_path / "b").exit_code == cli.EXIT_BAD_INPUT

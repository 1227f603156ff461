"""What is kept is brought to this program, or is as before: whatever fails, whoever is killed."""

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import deadline
import psycopg
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from ops.backups import Home, populate
from pydantic import SecretStr
from store.kept import SAID, aged, with_media
from store.postgresql import PostgreSQL

from malgwi import cli
from malgwi.config import Config, StoreConfig
from malgwi.errors import BadInput, Conflict, StoreError
from malgwi.ops import backup
from malgwi.ops.upgrade import go_back, journal, planned, upgrade
from malgwi.store import Database, Glossaries, connect, migration
from malgwi.store.ids import new_id

KINDS = ("sqlite", pytest.param("postgresql", marks=pytest.mark.slow))
PROGRAM = [sys.executable, "-c", "from malgwi.cli import main; main()", "upgrade"]
Rows = dict[str, "Counter[str]"]

until = partial(deadline.until, seconds=60.0)


@pytest.fixture(scope="session")
def left(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """With something of everything, as the program of before has left it. Nobody changes it."""
    data = tmp_path_factory.mktemp("left") / "data"
    home = Home(f"sqlite:///{data / 'malgwi.db'}", data)
    populate(home.open())
    home.close()
    home.step_back()
    return home


@pytest.fixture(scope="session")
def left_in_postgresql(
    server: PostgreSQL, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """The name of a database like that, and its folder."""
    name, data = "left_in_postgresql", tmp_path_factory.mktemp("left") / "data"
    home = Home(server.create(name), data)
    populate(home.open())
    home.close()
    home.step_back()
    return name, data


@pytest.fixture
def of_before(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str], Home]:
    """Makes what the program of before has left, to be changed."""

    def making(kind: str) -> Home:
        data = tmp_path / "data"
        if kind == "sqlite":
            shutil.copytree(request.getfixturevalue("left").data, data)
            return Home(f"sqlite:///{data / 'malgwi.db'}", data)
        server: PostgreSQL = request.getfixturevalue("server")
        template, folder = request.getfixturevalue("left_in_postgresql")
        shutil.copytree(folder, data)
        name = f"test_{new_id()}"
        request.addfinalizer(lambda: server.drop(name))
        return Home(server.create(name, template), data)

    return making


@pytest.fixture(params=KINDS)
def older(request: pytest.FixtureRequest, of_before: Callable[[str], Home]) -> Iterator[Home]:
    home = of_before(request.param)
    yield home
    home.close()


def config_of(home: Home) -> Config:
    return Config(store=StoreConfig(url=SecretStr(home.url), data=home.data))


def environment_of(home: Home) -> dict[str, str]:
    return {**os.environ, "MALGWI_STORE__URL": home.url, "MALGWI_STORE__DATA": str(home.data)}


def contents(home: Home) -> Rows:
    """All rows of all tables but the index of words and who is signed in."""

    def read(connection: sa.Connection) -> Rows:
        names = sa.inspect(connection).get_table_names()
        wanted = [each for each in names if not each.startswith(("findable", "session"))]
        found = sa.MetaData()
        found.reflect(connection, only=wanted)
        return {
            table.name: Counter(map(repr, connection.execute(sa.select(table))))
            for table in found.sorted_tables
        }

    return asked(home, lambda database: database.read(read))


def asked(home: Home, ask: Callable[[Database], Rows]) -> Rows:
    database = connect(home.url)
    try:
        return ask(database)
    finally:
        database.close()


def run(home: Home, *statements: str) -> None:
    def work(connection: sa.Connection) -> None:
        for each in statements:
            connection.exec_driver_sql(each)

    database = connect(home.url)
    database.write(work)
    database.close()


def sabotage(home: Home, deed: str) -> None:
    """From now on `deed` is done where the database gets to another step."""
    if home.url.startswith("sqlite"):
        statement = f"CREATE TRIGGER sabotage AFTER UPDATE ON alembic_version BEGIN {deed}; END"
        run(home, statement)
        return
    run(
        home,
        "CREATE FUNCTION sabotage() RETURNS trigger AS "
        f"$$ BEGIN {deed}; RETURN NULL; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER sabotage AFTER UPDATE ON alembic_version "
        "FOR EACH ROW EXECUTE FUNCTION sabotage()",
    )


IT_LOSES = "DELETE FROM note; DELETE FROM upload; DELETE FROM recording_media; DELETE FROM media"
IT_FORGETS_WHOSE_IT_IS = "DELETE FROM meta WHERE key = 'instance'"


def of_all_steps(rows: Mapping[str, "Counter[str]"], than: Mapping[str, "Counter[str]"]) -> Rows:
    """Those of the tables that both have, without the step itself."""
    return {name: rows[name] for name in rows if name in than and name != "alembic_version"}


# -- what it does


def test_all_that_is_kept_is_brought_to_this_program_and_the_database_of_before_is_kept(
    older: Home,
) -> None:
    before, step = contents(older), older.step()
    said: list[str] = []

    done = upgrade(config_of(older), say=said.append)

    assert (done.before, done.after) == (step, migration.newest() == older.step() and done.after)
    assert of_all_steps(contents(older), before) == of_all_steps(before, contents(older))
    assert older.findable() == len(SAID.utterances)
    assert done.backup
    assert done.backup.parent == older.data / "upgrades"
    verified = backup.verify(done.backup)
    assert (verified.manifest.step, verified.faults) == (step, ())
    assert any("Migrating" in each for each in said)


def test_a_second_upgrade_finds_it_done(older: Home) -> None:
    first = upgrade(config_of(older))

    again = upgrade(config_of(older))

    assert (again.backup, again.after) == (None, first.after)


def test_where_nothing_is_kept_yet_there_is_nothing_to_do(tmp_path: Path) -> None:
    nothing = Home(f"sqlite:///{tmp_path / 'data' / 'malgwi.db'}", tmp_path / "data")

    assert upgrade(config_of(nothing)).before is None
    assert not nothing.data.exists()


def test_a_dry_run_shows_the_plan_and_changes_nothing(of_before: Callable[[str], Home]) -> None:
    home = of_before("sqlite")
    files = {each: each.read_bytes() for each in home.data.rglob("*") if each.is_file()}

    shown = CliRunner().invoke(cli.main, ["upgrade", "--dry-run"], env=environment_of(home))

    assert shown.exit_code == 0, shown.output
    assert f"from step {home.step()} to {migration.newest()}" in shown.output
    assert "recording 1," in shown.output
    assert {each: each.read_bytes() for each in home.data.rglob("*") if each.is_file()} == files


def test_the_backups_of_the_last_upgrades_are_kept(of_before: Callable[[str], Home]) -> None:
    home, folder = of_before("sqlite"), []
    for stamp in ("20260101T000000Z", "20260102T000000Z"):
        folder.append(home.data / "upgrades" / f"{stamp}-0002-to-0003")
        folder[-1].mkdir(parents=True)
    (home.data / "upgrades" / "mine").mkdir()

    done = upgrade(config_of(home), keep=2)

    assert done.backup
    assert {each.name for each in (home.data / "upgrades").iterdir() if each.is_dir()} == {
        folder[1].name,
        done.backup.name,
        "mine",
    }


def test_backups_of_another_installation_in_the_same_folder_are_not_ours_to_remove(
    of_before: Callable[[str], Home], tmp_path: Path
) -> None:
    home, shared = of_before("sqlite"), tmp_path / "backups"
    first = upgrade(config_of(home), backups=shared).backup
    assert first
    theirs = shared / "20260101T000000Z-0002-to-0003"
    first.rename(theirs)
    text = (theirs / "manifest.json").read_text()
    (theirs / "manifest.json").write_text(
        text.replace(backup.verify(theirs).manifest.instance, new_id())
    )
    home.step_back()

    upgrade(config_of(home), backups=shared, keep=1)

    assert theirs.is_dir()


# -- what stands against it


@pytest.mark.parametrize("kind", KINDS)
def test_a_database_of_a_newer_program_is_refused(
    of_before: Callable[[str], Home], kind: str
) -> None:
    home = of_before(kind)
    run(home, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(BadInput, match="of a newer Malgwi"):
        upgrade(config_of(home))

    assert home.step() == "9999"


def test_nothing_is_migrated_under_a_service_that_runs(older: Home) -> None:
    service = connect(older.url)
    service.read(lambda it: None)
    try:
        with pytest.raises(BadInput, match="Malgwi is running on this database"):
            upgrade(config_of(older))
        assert planned(config_of(older), older.data).in_use
    finally:
        service.close()

    assert older.step() != migration.newest()
    until(lambda: not planned(config_of(older), older.data).in_use)


def test_a_folder_of_another_installation_is_refused(older: Home) -> None:
    (older.data / "instance-id").write_text(new_id())

    with pytest.raises(BadInput, match="folder is that of another database"):
        upgrade(config_of(older))

    assert older.step() != migration.newest()


@contextmanager
def small_disk(at: Path) -> Iterator[Path]:
    at.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(at)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("Only root can mount a small disk, and not everywhere.")
    try:
        yield at
    finally:
        subprocess.run(["umount", str(at)], check=True)


def test_a_disk_without_room_for_the_backup_is_said_before_anything_is_done(
    older: Home, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "small") as small:
        with pytest.raises(BadInput, match=r"has 2 MB free, and .* MB are needed"):
            upgrade(config_of(older), backups=small)

        assert not list(small.iterdir())
    assert older.step() != migration.newest()


# -- what fails


def test_a_migration_that_fails_in_the_middle_leaves_the_database_as_it_was(older: Home) -> None:
    """Somebody has a table of the name that the migration makes."""
    run(older, "CREATE TABLE note (mine integer)", "INSERT INTO note VALUES (7)")
    before = contents(older)

    with pytest.raises(StoreError, match=r"note.* already exists.* as before") as failed:
        upgrade(config_of(older))

    assert contents(older) == before
    assert "\n" not in str(failed.value)
    run(older, "DROP TABLE note")
    assert upgrade(config_of(older)).backup  # also within the same second


def test_a_migration_that_would_lose_something_is_taken_back(older: Home) -> None:
    sabotage(older, IT_LOSES)
    before = contents(older)

    with pytest.raises(StoreError, match="would lose rows of the table media: 2 were there, 0"):
        upgrade(config_of(older))

    assert contents(older) == before


def test_a_database_that_was_migrated_and_does_not_work_is_put_back(older: Home) -> None:
    sabotage(older, IT_FORGETS_WHOSE_IT_IS)
    before = contents(older)

    with pytest.raises(StoreError, match=r"does not work: .* put back from .* all is as before"):
        upgrade(config_of(older))

    assert contents(older) == before
    assert older.findable() == len(SAID.utterances)
    assert upgrade(config_of(older)).backup  # what broke it is gone with the tables


# -- going back


def test_what_was_upgraded_can_go_back(older: Home) -> None:
    before, step = contents(older), str(older.step())
    upgrade(config_of(older))

    back = go_back(config_of(older), step)

    assert contents(older) == before
    assert back.step == older.step()
    assert go_back(config_of(older), step).backup is None  # it is done already
    assert upgrade(config_of(older)).backup
    store = older.open()
    assert list(store.media_faults()) == []
    with_media(store, b"and it goes on")


def test_what_came_since_is_lost_by_going_back_only_where_that_is_wanted(older: Home) -> None:
    before, step = contents(older), str(older.step())
    upgrade(config_of(older))
    with_media(older.open(), b"since")
    older.close()
    until(lambda: not planned(config_of(older), older.data).in_use)

    with pytest.raises(BadInput, match="would be lost with the database of now: recording 1"):
        go_back(config_of(older), step)
    assert older.step() == migration.newest()
    go_back(config_of(older), step, lose_newer=True)

    assert contents(older) == before


def test_what_came_since_is_seen_also_where_as_much_was_removed(older: Home) -> None:
    step = str(older.step())
    upgrade(config_of(older))
    store = older.open()
    with_media(store, b"since")
    aged(store)
    store.purge_recording(store.recordings().items[-1].id)
    Glossaries(store.database).put("since", "a word")
    older.close()
    until(lambda: not planned(config_of(older), older.data).in_use)

    with pytest.raises(BadInput, match="of now: recording 1, glossary 1"):
        go_back(config_of(older), step)


def test_there_is_no_way_back_but_that_of_the_last_upgrade(older: Home) -> None:
    with pytest.raises(BadInput, match="last upgrade here is not known"):
        go_back(config_of(older), "0001")
    step = older.step()
    upgrade(config_of(older))

    with pytest.raises(BadInput, match=f"led from {step} to {migration.newest()}"):
        go_back(config_of(older), "0001")

    assert older.step() == migration.newest()


def test_where_nothing_is_kept_there_is_nothing_to_go_back_to(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"Nothing is kept in .*MALGWI_STORE__DATA"):
        go_back(Config(store=StoreConfig(data=tmp_path / "data")), "0003")

    assert not (tmp_path / "data").exists()


def test_a_backup_that_was_put_back_before_is_no_way_back_again(older: Home) -> None:
    """The program of before went on with it, and then the new one was started without an upgrade:
    what was kept meanwhile is not in the backup."""
    step = str(older.step())
    upgrade(config_of(older))
    go_back(config_of(older), step)
    with_media(older.open(), b"meanwhile")
    older.close()
    until(lambda: not planned(config_of(older), older.data).in_use)
    before = contents(older)

    with pytest.raises(BadInput, match="was taken back: there is no backup"):
        go_back(config_of(older), step, lose_newer=True)

    assert contents(older) == before


def test_the_backup_of_an_upgrade_is_not_restored_without_its_media(
    older: Home, tmp_path: Path
) -> None:
    made = upgrade(config_of(older)).backup
    assert made

    with pytest.raises(BadInput, match=r"of the database only.*--back-to"):
        backup.restore(made, url=f"sqlite:///{tmp_path / 'x.db'}", data=tmp_path / "new")


# -- several, and kills


def started(home: Home, *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*PROGRAM, *options],
        env=environment_of(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_of_two_upgrades_at_once_one_is_done(older: Home) -> None:
    before = contents(older)

    both = [started(older) for _ in range(2)]
    said = [each.communicate(timeout=120)[1] for each in both]

    codes = sorted(each.returncode for each in both)
    assert codes in ([0, 0], [0, 2]), said
    refused = [text for each, text in zip(both, said, strict=True) if each.returncode]
    assert all("under way" in each or "is running" in each for each in refused), said
    assert older.step() == migration.newest()
    assert of_all_steps(contents(older), before) == of_all_steps(before, contents(older))


LINES = 5
"""Of progress, of an upgrade that succeeds."""


@pytest.mark.slow
@pytest.mark.parametrize("line", range(1, LINES + 1))
def test_whenever_it_is_killed_the_next_one_goes_on(
    of_before: Callable[[str], Home], line: int
) -> None:
    home = of_before("sqlite")
    before = contents(home)
    running = started(home)
    assert running.stderr
    for _ in range(line):
        assert running.stderr.readline()

    running.kill()

    running.communicate()
    after = contents(home)
    assert of_all_steps(after, before) == of_all_steps(before, after)
    again = started(home)
    _, said = again.communicate(timeout=60)
    assert again.returncode == 0, said
    assert home.step() == migration.newest()
    assert not list((home.data / "upgrades").glob(".*.partial-*"))
    after = contents(home)
    assert of_all_steps(after, before) == of_all_steps(before, after)


@contextmanager
def locked(url: str, statement: str) -> Iterator[Callable[[], bool]]:
    """Somebody else's lock; whether our program waits for it."""
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    address = urlunsplit(urlsplit(url)._replace(scheme="postgresql"))
    with psycopg.connect(address) as holder, psycopg.connect(address, autocommit=True) as looking:
        holder.execute(statement)
        yield lambda: bool((looking.execute(waits).fetchone() or (0,))[0])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("amid", "lock", "how"),
    [
        ("the backup", "LOCK TABLE transcript IN ACCESS EXCLUSIVE MODE", signal.SIGKILL),
        ("the migration", "LOCK TABLE alembic_version IN SHARE MODE", signal.SIGKILL),
        ("the migration", "LOCK TABLE alembic_version IN SHARE MODE", signal.SIGINT),
        ("putting it back", "LOCK TABLE audit IN ACCESS SHARE MODE", signal.SIGKILL),
    ],
)
def test_a_kill_amid_a_step_leaves_one_state_or_the_other(
    of_before: Callable[[str], Home], amid: str, lock: str, how: signal.Signals
) -> None:
    home = of_before("postgresql")
    if amid == "putting it back":
        sabotage(home, IT_FORGETS_WHOSE_IT_IS)
    before, step = contents(home), home.step()

    with locked(home.url, lock) as waits:
        running = started(home)
        until(waits)
        running.send_signal(how)
        if how == signal.SIGKILL:
            running.communicate(timeout=60)
    _, said = running.communicate(timeout=60)

    assert running.returncode not in (0, 1), said
    if amid != "putting it back":
        assert contents(home) == before
    until(lambda: not planned(config_of(home), home.data).in_use)
    again = started(home)
    _, said = again.communicate(timeout=60)
    if amid == "putting it back":
        assert again.returncode == 2 and "all is as before" in said, said
        assert (contents(home), home.step()) == (before, step)
    else:
        assert again.returncode == 0, said
        assert home.step() == migration.newest()


def test_the_next_program_makes_a_backup_of_its_own_where_the_last_upgrade_was_killed(
    older: Home,
) -> None:
    """Killed before its mark; it was started nevertheless, and used until there was another."""
    before, step = contents(older), str(older.step())
    with journal.opened(older.data) as notes:
        notes.write(
            journal.Entry(
                state=journal.State.MIGRATING,
                before="0001",
                after=step,
                backup=older.data / "upgrades" / "20260101T000000Z-0001-to-x",
                began=datetime(2026, 1, 1, tzinfo=UTC),
            )
        )

    done = upgrade(config_of(older))

    assert done.before == step
    assert done.backup
    assert backup.verify(done.backup).manifest.step == step
    go_back(config_of(older), step)
    assert contents(older) == before


def test_a_service_that_is_started_again_meanwhile_is_not_migrated_under(older: Home) -> None:
    service = connect(older.url)

    def start(step: str) -> None:
        if step.startswith("Verifying"):
            service.read(lambda it: None)

    try:
        with pytest.raises(Conflict, match="Malgwi is running"):
            upgrade(config_of(older), say=start)
    finally:
        service.close()
    assert older.step() != migration.newest()

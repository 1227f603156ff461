"""A backup is whole or is not there; what is restored is what was; both kinds of database."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Barrier, Event, Thread

import pytest
from ops.backups import Home, populate
from store.kept import SAID, aged, recorded, transcribed, with_media
from store.postgresql import PostgreSQL

from malgwi.config import Config, EngineConfig, SttConfig, setting_names
from malgwi.errors import BadInput, OutputError, OutputExists, StoreError
from malgwi.ops import backup
from malgwi.ops.backup import Settings, settings_of, shelves
from malgwi.ops.digest import sha256_of
from malgwi.store import Correction, SqlStore, migration
from malgwi.store.dump import Place
from malgwi.store.ids import new_id

KINDS = ("sqlite", pytest.param("postgresql", marks=pytest.mark.slow))
NOTHING_SET = Settings({})


@pytest.fixture
def homes(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Home]]:
    """Makes places in which nothing is kept yet."""
    made: list[Home] = []

    def making(kind: str) -> Home:
        name = f"home-{len(made)}"
        data, url = tmp_path / name / "data", f"sqlite:///{tmp_path / name / 'data' / 'malgwi.db'}"
        (tmp_path / name).mkdir()
        if kind == "postgresql":
            server: PostgreSQL = request.getfixturevalue("server")
            database = f"test_{new_id()}"
            url = server.create(database)
            request.addfinalizer(lambda: server.drop(database))
        made.append(Home(url, data))
        return made[-1]

    yield making
    for each in made:
        each.close()


@pytest.fixture(params=KINDS)
def home(request: pytest.FixtureRequest, homes: Callable[[str], Home]) -> Home:
    """With something of everything in it."""
    home = homes(request.param)
    populate(home.open())
    return home


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """With something of everything in it. Nobody changes it."""
    folder = tmp_path_factory.mktemp("filled")
    home = Home(f"sqlite:///{folder / 'data' / 'malgwi.db'}", folder / "data")
    populate(home.open())
    home.close()
    return home


@pytest.fixture(scope="session")
def whole(filled: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of it. Nobody changes it."""
    path = tmp_path_factory.mktemp("whole") / "b"
    backup.create(path, url=filled.url, data=filled.data, settings=NOTHING_SET)
    return path


@pytest.fixture
def small(filled: Home, homes: Callable[[str], Home]) -> Home:
    """The same, to be changed."""
    home = homes("sqlite")
    shutil.copytree(filled.data, home.data)
    return home


@pytest.fixture
def copied(whole: Path, tmp_path: Path) -> Path:
    """A backup that may be changed."""
    return shutil.copytree(whole, tmp_path / "b")


@pytest.mark.parametrize(("other", "name"), [("sqlite", "nightly.tar"), ("postgresql", "nightly")])
def test_what_is_restored_is_what_was_in_a_database_of_either_kind(
    home: Home, homes: Callable[[str], Home], tmp_path: Path, other: str, name: str
) -> None:
    target, new = tmp_path / name, homes(other)

    made = backup.create(target, url=home.url, data=home.data, settings=NOTHING_SET)
    verified = backup.verify(target)
    restored = backup.restore(target, url=new.url, data=new.data)

    assert made == verified.manifest == restored.manifest
    assert verified.faults == ()
    old, store = home.open(), new.open()
    assert new.rows() == home.rows()
    assert new.findable() == len(SAID.utterances)
    assert list(store.media_faults()) == []
    (recording,) = old.recordings().items
    assert store.recording(recording.id) == recording
    (record,) = store.transcripts(recording.id)
    assert store.transcript(record.id) == old.transcript(record.id)
    assert store.transcript(record.id, 1) == SAID
    # and it goes on: rows are counted from where they were, and nothing is in the way
    transcribed(store)
    store.correct(record.id, 2, [Correction("00-0000", "again")])


@pytest.mark.parametrize("kind", KINDS)
def test_a_backup_of_an_older_program_is_brought_to_the_tables_of_this_one(
    small: Home, homes: Callable[[str], Home], tmp_path: Path, kind: str
) -> None:
    new, rows = homes(kind), small.rows()
    small.step_back()

    made = backup.create(tmp_path / "b", url=small.url, data=small.data, settings=NOTHING_SET)
    backup.restore(tmp_path / "b", url=new.url, data=new.data)

    assert made.step != migration.newest()
    assert small.step() == made.step  # nobody has brought it to this program's tables
    new.open()
    assert (new.step(), new.rows()) == (migration.newest(), rows)
    assert new.findable() == len(SAID.utterances)


def test_what_is_restored_is_an_installation_of_its_own(
    small: Home, homes: Callable[[str], Home], tmp_path: Path
) -> None:
    new = homes("sqlite")
    backup.create(tmp_path / "b", url=small.url, data=small.data, settings=NOTHING_SET)

    restored = backup.restore(tmp_path / "b", url=new.url, data=new.data)

    before = small.open().instance
    assert new.open().instance == restored.instance != before == restored.manifest.instance
    assert new.meta()["restored_from"] == before
    with pytest.raises(StoreError, match="not that of the database"):
        SqlStore(new.url, small.data)


def test_a_backup_says_what_it_is(small: Home, tmp_path: Path) -> None:
    settings = Settings({"MALGWI_SERVE__PORT": "8000"}, ["MALGWI_ENGINE__KEYS"])

    made = backup.create(tmp_path / "b", url=small.url, data=small.data, settings=settings)

    assert (made.database, made.media, made.left_out) == ("sqlite", 2, ("MALGWI_ENGINE__KEYS",))
    assert made.tables["recording"].rows == 1
    assert (tmp_path / "b" / "settings.env").read_text("utf-8") == (
        "MALGWI_SERVE__PORT=8000\n# MALGWI_ENGINE__KEYS holds a secret and was left out\n"
    )
    assert (tmp_path / "b").stat().st_mode & 0o077 == 0


def test_the_database_knows_when_its_last_backup_was_made(small: Home, tmp_path: Path) -> None:
    backup.create(tmp_path / "a", url=small.url, data=small.data, settings=NOTHING_SET)
    with pytest.raises(OutputExists):
        backup.create(tmp_path / "a", url=small.url, data=small.data, settings=NOTHING_SET)

    made = backup.create(tmp_path / "b", url=small.url, data=small.data, settings=NOTHING_SET)

    assert small.open().last_backup() == made.created


def test_no_backup_was_made_of_what_was_just_restored(
    small: Home, homes: Callable[[str], Home], tmp_path: Path
) -> None:
    for name in ("a", "b"):
        backup.create(tmp_path / name, url=small.url, data=small.data, settings=NOTHING_SET)
    new = homes("sqlite")

    backup.restore(tmp_path / "b", url=new.url, data=new.data)

    assert new.open().last_backup() is None


def test_a_backup_can_be_checked_without_us(whole: Path) -> None:
    command = shutil.which("sha256sum")
    if command is None:
        pytest.skip("There is no sha256sum.")

    checked = subprocess.run(
        [command, "-c", "--strict", "SHA256SUMS"],
        cwd=whole,
        capture_output=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout


def test_settings_are_restored_as_a_file_to_read(
    small: Home, homes: Callable[[str], Home], tmp_path: Path
) -> None:
    new, settings = homes("sqlite"), Settings({"MALGWI_SERVE__PORT": "8000"})
    backup.create(tmp_path / "b", url=small.url, data=small.data, settings=settings)

    restored = backup.restore(tmp_path / "b", url=new.url, data=new.data)

    assert restored.settings.read_text("utf-8") == "MALGWI_SERVE__PORT=8000\n"


def test_media_take_no_room_of_their_own_on_the_same_disk(whole: Path) -> None:

    for path in (whole / "media").rglob("*"):
        assert path.is_dir() or path.stat().st_nlink == 2


# -- while it is used


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("sqlite", "nightly.tar"),
        pytest.param("postgresql", "nightly", marks=pytest.mark.slow),
    ],
)
def test_a_backup_is_whole_while_recordings_come_and_go(
    homes: Callable[[str], Home], tmp_path: Path, kind: str, name: str
) -> None:
    home = homes(kind)
    store, stop = home.open(), Event()
    for number in range(60):
        with_media(store, b"kept %d" % number)
    failed: list[Exception] = []

    def come_and_go() -> None:
        number = 0
        try:
            while not stop.is_set():
                number += 1
                recording = with_media(store, b"passing %d" % number)
                store.save_transcript(recording.id, SAID)
                if number % 2:
                    aged(store)
                    store.purge_recording(recording.id)
        except Exception as error:  # noqa: BLE001 - for the thread that looks
            failed.append(error)

    busy = Thread(target=come_and_go)
    busy.start()
    try:
        made = backup.create(tmp_path / name, url=home.url, data=home.data, settings=NOTHING_SET)
    finally:
        stop.set()
        busy.join()

    assert failed == []
    assert made.faults == ()
    assert backup.verify(tmp_path / name).faults == ()
    new = homes("sqlite")
    backup.restore(tmp_path / name, url=new.url, data=new.data)
    assert list(new.open().media_faults()) == []
    assert made.tables["media"].rows == made.media >= 60


@pytest.mark.slow
def test_what_is_purged_while_media_are_copied_is_not_in_the_backup(
    home: Home, tmp_path: Path
) -> None:
    store = home.open()
    passing = [with_media(store, b"passing %d" % number) for number in range(3)]
    aged(store)

    def purge(_done: int, _all: int) -> None:
        while passing:
            store.purge_recording(passing.pop().id)

    made = backup.create(
        tmp_path / "b", url=home.url, data=home.data, settings=NOTHING_SET, progress=purge
    )

    assert (made.faults, made.media, made.tables["recording"].rows) == ((), 2, 1)
    assert backup.verify(tmp_path / "b").faults == ()


def test_what_is_missing_or_damaged_in_the_store_is_said_and_the_rest_is_backed_up(
    small: Home, homes: Callable[[str], Home], tmp_path: Path
) -> None:
    store = small.open()
    lost, broken = (with_media(store, each).media[0].sha256 for each in (b"lost", b"broken"))
    store.media_path(lost).unlink()
    store.media_path(broken).write_bytes(b"brokem")

    made = backup.create(tmp_path / "b", url=small.url, data=small.data, settings=NOTHING_SET)

    assert sorted(made.missing) == sorted([lost, broken])
    assert any("missing" in each for each in made.faults)
    assert any("not what it was" in each for each in made.faults)
    assert backup.verify(tmp_path / "b").faults == ()
    new = homes("sqlite")
    backup.restore(tmp_path / "b", url=new.url, data=new.data)
    assert {digest for digest, _ in new.open().media_faults()} == {lost, broken}


# -- broken off


CREATE = """
import sys, time
from pathlib import Path
from malgwi.ops import backup
def hang(done, all):
    print("copying", flush=True)
    time.sleep(60)
backup.create(Path(sys.argv[1]), url=sys.argv[2], data=Path(sys.argv[3]),
              settings=backup.Settings({}), progress=hang)
"""
RESTORE = CREATE.replace("create(", "restore(").replace("settings=backup.Settings({}), ", "")


@pytest.mark.parametrize(
    ("name", "how"), [("nightly", signal.SIGINT), ("nightly.tar", signal.SIGKILL)]
)
def test_a_backup_that_is_broken_off_leaves_nothing_that_looks_like_one(
    small: Home, tmp_path: Path, name: str, how: signal.Signals
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()

    broken_off(CREATE, [folder / name, small.url, small.data], how)

    left = [*folder.iterdir(), *(each for each in small.data.iterdir() if "partial" in each.name)]
    assert all(each.name.startswith(".") for each in left)
    assert how != signal.SIGINT or left == []
    for each in left:
        with pytest.raises(BadInput):
            backup.verify(each)
    backup.create(folder / name, url=small.url, data=small.data, settings=NOTHING_SET)
    assert backup.verify(folder / name).faults == ()


@pytest.mark.parametrize("name", ["nightly", "nightly.tar"])
def test_what_a_kill_left_of_a_backup_goes_with_one_that_is_made_a_week_later(
    small: Home, tmp_path: Path, name: str
) -> None:
    """Its names for media would keep on the disk what was purged since."""
    folder = tmp_path / "backups"
    folder.mkdir()
    beside = small.data if name.endswith(".tar") else folder
    old, new, other = (
        beside / f".{each}" for each in ("a.partial-0123abcd", "b.partial-0123abcd", "c")
    )
    for each in (old, new, other):
        (each / "media").mkdir(parents=True)
    for each in (old, other):
        os.utime(each, (0, 0))

    backup.create(folder / name, url=small.url, data=small.data, settings=NOTHING_SET)

    assert [each.exists() for each in (old, new, other)] == [False, True, True]


@pytest.mark.parametrize("kind", KINDS)
def test_a_restore_that_is_killed_leaves_nothing_that_starts(
    whole: Path, homes: Callable[[str], Home], kind: str
) -> None:
    new = homes(kind)

    broken_off(RESTORE, [whole, new.url, new.data], signal.SIGKILL)

    with pytest.raises(StoreError, match="empty"):
        SqlStore(new.url, new.data)
    with pytest.raises((OutputExists, StoreError), match="not empty"):
        backup.restore(whole, url=new.url, data=new.data)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_there", [True, False])
def test_a_restore_that_fails_leaves_the_place_as_it_was(
    filled: Home, whole: Path, homes: Callable[[str], Home], kind: str, is_there: bool
) -> None:
    new = homes(kind)
    if is_there:
        new.data.mkdir()

    def give_up(done: int, _all: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup.restore(whole, url=new.url, data=new.data, progress=give_up)

    assert new.data.exists() == is_there
    backup.restore(whole, url=new.url, data=new.data)
    assert new.rows() == filled.rows()


def broken_off(program: str, arguments: list[object], how: signal.Signals) -> None:
    """While it is at the media."""
    running = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert running.stdout
    with running:
        assert running.stdout.readline() == "copying\n"
        running.send_signal(how)
        assert running.wait(30) != 0


# -- refused


def test_no_backup_is_written_over(small: Home, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()

    with pytest.raises(OutputExists, match="there already"):
        backup.create(tmp_path / "b", url=small.url, data=small.data, settings=NOTHING_SET)


def test_a_backup_needs_a_database_and_a_folder_that_go_together(
    small: Home, homes: Callable[[str], Home], tmp_path: Path
) -> None:
    other = homes("sqlite")
    other.open()

    for url, data, said in (
        (f"sqlite:///{tmp_path / 'no.db'}", small.data, "no database"),
        (small.url, tmp_path / "no-data", "no folder"),
        (other.url, small.data, "not that of the database"),
    ):
        with pytest.raises(StoreError, match=said):
            backup.create(tmp_path / "b", url=url, data=data, settings=NOTHING_SET)
    assert not (tmp_path / "no.db").exists()
    assert not (tmp_path / "b").exists()


def test_where_a_backup_cannot_be_written_it_is_said(small: Home, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        backup.create(tmp_path / "no" / "b", url=small.url, data=small.data, settings=NOTHING_SET)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_restored_over_what_is_there(
    whole: Path, homes: Callable[[str], Home], tmp_path: Path, kind: str
) -> None:
    new = homes(kind)
    store = new.open()
    kept = recorded(store)

    with pytest.raises(OutputExists, match="not empty"):
        backup.restore(whole, url=new.url, data=new.data)
    with pytest.raises((OutputExists, StoreError), match=r"not empty|there already"):
        backup.restore(whole, url=new.url, data=tmp_path / "elsewhere")

    assert store.recording(kept.id) == kept
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_not_loaded_over_what_has_come_meanwhile(
    filled: Home, homes: Callable[[str], Home], tmp_path: Path, kind: str
) -> None:
    new = homes(kind)
    kept = recorded(new.open())

    with pytest.raises(StoreError, match="not empty"):
        Place(new.url, tmp_path).load(Place(filled.url, filled.data).dump(tmp_path), lambda _: ())

    assert new.open().recording(kept.id) == kept


@pytest.mark.parametrize("change", [{"format": 2}, {"step": "9999"}])
def test_a_backup_of_a_newer_program_is_refused_and_says_which(
    copied: Path, homes: Callable[[str], Home], change: dict[str, object]
) -> None:
    manifest = copied / "manifest.json"
    said = json.loads(manifest.read_text("utf-8"))
    manifest.write_text(json.dumps(said | change | {"program": "9.9.9"}), "utf-8")
    new = homes("sqlite")

    with pytest.raises(BadInput, match=r"newer Malgwi: version 9\.9\.9"):
        backup.verify(copied)
    with pytest.raises(BadInput, match="newer Malgwi"):
        backup.restore(copied, url=new.url, data=new.data)
    assert not new.data.exists()


def lose_media(folder: Path) -> None:
    next(each for each in (folder / "media").rglob("*") if each.is_file()).unlink()


def change_media(folder: Path) -> None:
    path = next(each for each in (folder / "media").rglob("*") if each.is_file())
    content = path.read_bytes()
    path.unlink()  # the other name of it is that of the store
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def cut_table(folder: Path) -> None:
    path = folder / "database" / "utterance.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-20])


def lose_a_row(folder: Path) -> None:
    """And hide it: all sums are right."""
    path = folder / "database" / "utterance.jsonl.gz"
    with gzip.open(path) as file:
        lines = file.readlines()
    path.write_bytes(gzip.compress(b"".join(lines[:-1])))
    correct_the_sum(folder, "database/utterance.jsonl.gz")


def lose_media_and_its_line(folder: Path) -> None:
    path = next(each for each in (folder / "media").rglob("*") if each.is_file())
    path.unlink()
    sums = folder / "SHA256SUMS"
    lines = sums.read_text("utf-8").splitlines(keepends=True)
    sums.write_text("".join(each for each in lines if path.name not in each), "utf-8")


def lose_settings_and_their_line(folder: Path) -> None:
    (folder / "settings.env").unlink()
    sums = folder / "SHA256SUMS"
    lines = sums.read_text("utf-8").splitlines(keepends=True)
    sums.write_text("".join(each for each in lines if "settings.env" not in each), "utf-8")


def cut_sums(folder: Path) -> None:
    path = folder / "SHA256SUMS"
    path.write_bytes(path.read_bytes()[:-30])


def lose_sums(folder: Path) -> None:
    (folder / "SHA256SUMS").unlink()


def lose_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def cut_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_bytes(path.read_bytes()[:-30])


def add_a_file(folder: Path) -> None:
    (folder / "database" / "more.txt").write_text("more")


def correct_the_sum(folder: Path, name: str) -> None:
    sums = folder / "SHA256SUMS"
    lines = [each.split("  ") for each in sums.read_text("utf-8").splitlines()]
    right = {each[1]: each[0] for each in lines} | {name: sha256_of(folder / name)}
    sums.write_text("".join(f"{digest}  {each}\n" for each, digest in right.items()), "utf-8")


DAMAGES = [
    lose_media,
    change_media,
    cut_table,
    lose_a_row,
    lose_media_and_its_line,
    lose_settings_and_their_line,
    cut_sums,
    lose_sums,
    lose_manifest,
    cut_manifest,
    add_a_file,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("packed", [False, True])
def test_a_damaged_backup_is_seen_and_not_restored(
    copied: Path,
    homes: Callable[[str], Home],
    tmp_path: Path,
    damage: Callable[[Path], None],
    packed: bool,
) -> None:
    path, new = copied, homes("sqlite")
    damage(copied)
    if packed:
        path = tmp_path / "b.tar"
        with tarfile.open(path, "w") as file:
            for each in sorted(copied.rglob("*")):
                file.add(each, each.relative_to(copied).as_posix(), recursive=False)

    with pytest.raises(BadInput):
        found = backup.verify(path)
        raise BadInput(found.faults[0])
    with pytest.raises(BadInput):
        backup.restore(path, url=new.url, data=new.data)

    assert not new.data.exists()


def test_a_tar_is_nobody_elses_from_its_first_byte_on(whole: Path, tmp_path: Path) -> None:
    packed, before = tmp_path / "b.tar", os.umask(0)
    try:
        shelves.pack(whole, packed)
    finally:
        os.umask(before)

    assert packed.stat().st_mode & 0o077 == 0


def test_of_two_restores_at_once_one_is_whole(whole: Path, homes: Callable[[str], Home]) -> None:
    new, ready = homes("sqlite"), Barrier(2)
    got: list[object] = []

    def restore() -> None:
        ready.wait()
        try:
            got.append(backup.restore(whole, url=new.url, data=new.data))
        except OutputExists as error:
            got.append(error)

    threads = [Thread(target=restore) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(type(each).__name__ for each in got) == ["OutputExists", "Restored"]
    assert list(new.open().media_faults()) == []
    assert new.open().recordings().items


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
def test_a_tar_that_was_cut_off_is_seen(
    small: Home, tmp_path: Path, homes: Callable[[str], Home], at: float
) -> None:
    path, new = tmp_path / "b.tar", homes("sqlite")
    backup.create(path, url=small.url, data=small.data, settings=NOTHING_SET)
    content = path.read_bytes().rstrip(b"\0")  # without what only fills it up
    path.write_bytes(content[: int(len(content) * at)])

    with pytest.raises(BadInput):
        backup.restore(path, url=new.url, data=new.data)


@pytest.mark.parametrize("content", [b"", b"no backup", None])
def test_what_is_no_backup_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "b.tar"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(BadInput):
        backup.verify(path)
    with pytest.raises(BadInput):
        backup.verify(tmp_path)


def test_a_backup_that_names_files_elsewhere_reads_and_writes_none_of_them(
    copied: Path, homes: Callable[[str], Home], tmp_path: Path
) -> None:
    new = homes("sqlite")
    (tmp_path / "outside").write_text("outside")
    with (copied / "SHA256SUMS").open("a") as file:
        file.write(f"{'0' * 64}  ../outside\n")

    assert any("../outside is missing" in each for each in backup.verify(copied).faults)
    with pytest.raises(BadInput):
        backup.restore(copied, url=new.url, data=new.data)


# -- settings


def test_settings_are_kept_without_what_is_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in setting_names():
        monkeypatch.delenv(name, raising=False)
    config = Config(
        offline=True,
        engine=EngineConfig(keys="mg_" + "x" * 40, port=9000, aliases={"fast": "base"}),  # type: ignore[arg-type]
        stt=SttConfig(endpoint="http://user:hidden@engine", options={"api_key": "hidden"}),
    )

    settings = settings_of(config)

    assert settings.given == {
        "MALGWI_OFFLINE": "true",
        "MALGWI_ENGINE__PORT": "9000",
        "MALGWI_ENGINE__ALIASES": '{"fast": "base"}',
    }
    assert settings.left_out == [
        "MALGWI_ENGINE__KEYS",
        "MALGWI_STT__ENDPOINT",
        "MALGWI_STT__OPTIONS",
    ]

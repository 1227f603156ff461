"""What upgrade.sh asks of Docker, in which order, and what it does where an answer is no.

Docker is played here, as far as it is asked; test_upgrade.py has a real one.
"""

import os
import pty
import shutil
import signal
import subprocess
from pathlib import Path

import deadline
import pytest
from deploy.composed import DEPLOY

DOCKER = """#!/bin/sh
echo "${STACK_IMAGE:-$(sed -n 's/^STACK_IMAGE=//p' .env)} $*" >>../asked
if [ -e ../no ] && echo "$*" | grep -qe "$(cat ../no)"; then exit 1; fi
if [ -e ../kill ] && echo "$*" | grep -qe "$(cat ../kill)"; then rm ../kill; kill -9 $PPID; fi
if [ -e ../wait ] && echo "$*" | grep -qe "$(cat ../wait)"; then
    rm ../wait
    exec sleep 60
fi
if [ -e ../services ]; then
    case "$*" in
        "compose config") exit 0 ;;
        "compose config --services") cat ../services && exit 0 ;;
    esac
fi
case "$*" in
    "compose config")
        printf '  %s:\\n    image: '"$STACK_IMAGE"'\\n' api worker migrate
        printf '  redis:\\n    image: redis:7\\n' ;;
    "compose config --services") printf '%s\\n' nginx api worker migrate redis ;;
    "compose ps --all --quiet"*) echo container ;;
    "inspect --format {{.Config.Image}} container") echo malgwi:old ;;
    "inspect --format {{.Image}} container") echo sha256:0123456789abcdef ;;
    "image inspect --format {{.Id}} malgwi:old") cat ../id ;;
    *--dry-run)
        [ ! -e ../meanwhile ] || mv ../meanwhile .upgrade
        echo "2. Migrate it from step 0003 to 0004, all or nothing." ;;
    *"migrate upgrade") echo /data/upgrades/x ;;
esac
"""
IMAGE = "malgwi:new"
SETTINGS = "STACK_IMAGE=malgwi:old\nSTACK_HTTP_PORT=80\n"


class Folder:
    """Of a checkout, whose containers run."""

    def __init__(self, parent: Path) -> None:
        self.parent, self.deploy = parent, parent / "deploy"
        self.deploy.mkdir()
        shutil.copy(DEPLOY / "upgrade.sh", self.deploy)
        self.env.write_text(SETTINGS)
        (parent / "id").write_text("sha256:0123456789abcdef\n")
        (parent / "bin").mkdir()
        (parent / "bin" / "docker").write_text(DOCKER)
        (parent / "bin" / "docker").chmod(0o755)

    @property
    def env(self) -> Path:
        return self.deploy / ".env"

    def upgrade(self, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self.deploy / "upgrade.sh", *arguments],
            env={**os.environ, "PATH": f"{self.parent / 'bin'}:/usr/bin:/bin", **settings},
            capture_output=True,
            text=True,
            check=False,
        )

    def lose_terminal(self, when: str) -> int:
        """As when the line to the machine is cut. The exit code then."""
        (self.parent / "wait").write_text(when)
        ours, theirs = pty.openpty()
        running = subprocess.Popen(
            ["setsid", "--ctty", self.deploy / "upgrade.sh", IMAGE],
            env={**os.environ, "PATH": f"{self.parent / 'bin'}:/usr/bin:/bin"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        deadline.until(lambda: not (self.parent / "wait").exists())
        os.close(ours)
        os.killpg(running.pid, signal.SIGHUP)
        return running.wait(60)

    def refuse(self, what: str) -> None:
        """From now on Docker does not do this."""
        (self.parent / "no").write_text(what)

    def kill(self, when: str) -> None:
        (self.parent / "kill").write_text(when)

    def fill_disk(self, from_name: str = ".env") -> None:
        """From now on there is no room for a copy of this file of settings."""
        full = f'case "$*" in "-p {from_name} .env.new") exit 1 ;; esac'
        (self.parent / "bin" / "cp").write_text(f'#!/bin/sh\n{full}\nexec /bin/cp "$@"\n')
        (self.parent / "bin" / "cp").chmod(0o755)

    def done(self) -> list[str]:
        """What was asked that changes something, and with which image."""
        asked = (self.parent / "asked").read_text().splitlines()
        changing = ("compose stop", "compose run", "compose up", "tag")
        return [each for each in asked if each.split(" ", 1)[1].startswith(changing)]

    def left(self) -> set[str]:
        return {each.name for each in self.deploy.iterdir()} - {".env", "upgrade.sh"}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


UP = "compose up --detach --wait --wait-timeout"
RUN = "compose run --rm --no-deps -T migrate upgrade"
FORWARD = [
    f"malgwi:new {RUN} --dry-run",
    "malgwi:old compose stop nginx",
    "malgwi:old compose stop api worker migrate",
    f"malgwi:new {RUN}",
    f"malgwi:new {UP} 600 --no-build --pull never api worker migrate redis",
    f"malgwi:new {UP} 120 --no-build --pull never",
]
BACK = [  # while nobody could send anything
    f"malgwi:new {RUN} --back-to 0003 --lose-newer",
    f"malgwi:old {UP} 600 --no-build --pull never api worker migrate redis",
    f"malgwi:old {UP} 120 --no-build --pull never",
]


def test_the_door_is_the_first_to_close_and_the_last_to_open(folder: Folder) -> None:
    done = folder.upgrade(IMAGE)

    assert done.returncode == 0, done.stderr
    assert folder.done() == FORWARD
    assert folder.env.read_text() == "STACK_HTTP_PORT=80\nSTACK_IMAGE=malgwi:new\n"
    assert folder.left() == set()


@pytest.mark.parametrize(
    ("refused", "how_far", "reason"),
    [
        ("stop api", 3, "Not everything can be stopped."),
        ("migrate upgrade$", 4, "The database was not migrated."),
    ],
)
def test_what_fails_is_taken_back(folder: Folder, refused: str, how_far: int, reason: str) -> None:
    folder.refuse(refused)

    done = folder.upgrade(IMAGE)

    assert done.returncode == 1
    assert f"malgwi: {reason} Going back to malgwi:old." in done.stderr
    assert folder.done() == [*FORWARD[:how_far], FORWARD[2], *BACK]
    assert folder.env.read_text() == SETTINGS
    assert folder.left() == set()


def test_where_nothing_can_be_started_it_says_so_and_knows_of_before(folder: Folder) -> None:
    folder.refuse("compose up")

    done = folder.upgrade(IMAGE)

    assert done.returncode == 2
    assert "malgwi:old does not start either; the database is that of before" in done.stderr
    assert folder.env.read_text() == SETTINGS


def test_where_the_database_cannot_be_put_back_the_program_of_before_is_not_started(
    folder: Folder,
) -> None:
    folder.refuse("wait-timeout\\|back-to")

    done = folder.upgrade(IMAGE)

    assert done.returncode == 2
    assert "The database could not be put back, so nothing was started." in done.stderr
    assert folder.done()[-1].startswith(f"malgwi:new {RUN} --back-to 0003")
    assert ".upgrade" in folder.left()


@pytest.mark.parametrize(
    "when", ["stop nginx", "stop api", "migrate upgrade$", "wait-timeout 600", "wait-timeout 120"]
)
def test_where_it_is_killed_the_next_one_knows_what_was_before(folder: Folder, when: str) -> None:
    folder.kill(when)
    assert folder.upgrade(IMAGE).returncode == -signal.SIGKILL
    folder.refuse("compose up.*600")

    done = folder.upgrade(IMAGE)

    assert "Before was malgwi:old." in done.stderr
    assert "Going back to malgwi:old." in done.stderr
    # It may have been started by hand meanwhile, and used.
    assert f"malgwi:new {RUN} --back-to 0003" in folder.done()
    assert not any("--lose-newer" in each for each in folder.done())
    assert folder.env.read_text() == SETTINGS
    (folder.parent / "no").unlink()
    assert folder.upgrade(IMAGE).returncode == 0
    assert folder.left() == set()


def test_once_the_door_is_open_what_came_in_is_not_given_up(folder: Folder) -> None:
    folder.refuse("wait-timeout 120")

    folder.upgrade(IMAGE)

    assert f"malgwi:new {RUN} --back-to 0003" in folder.done()


def test_settings_that_cannot_be_written_stop_nothing_for_good(folder: Folder) -> None:
    folder.fill_disk()

    done = folder.upgrade(IMAGE)

    assert done.returncode == 1
    assert "Going back to malgwi:old." in done.stderr
    assert folder.done()[-3:] == BACK
    assert folder.env.read_text() == SETTINGS


def test_settings_that_cannot_be_put_back_are_said_and_kept(folder: Folder) -> None:
    folder.refuse("wait-timeout 600")
    folder.fill_disk(from_name=".env.before")

    done = folder.upgrade(IMAGE)

    assert done.returncode == 2
    assert ".env cannot be written" in done.stderr
    assert (folder.deploy / ".env.before").read_text() == SETTINGS
    assert folder.done()[-1] == BACK[0]


def test_another_one_that_began_meanwhile_is_not_disturbed(folder: Folder) -> None:
    (folder.parent / "meanwhile").write_text("before=malgwi:old\n")

    done = folder.upgrade(IMAGE)

    assert done.returncode == 2 and "Another upgrade" in done.stderr
    assert folder.done() == FORWARD[:1]
    assert (folder.deploy / ".upgrade").read_text() == "before=malgwi:old\n"


def test_where_nothing_is_of_our_image_there_is_nothing_to_do(folder: Folder) -> None:
    """A node with the database only."""
    (folder.parent / "services").write_text("postgres\n")

    done = folder.upgrade(IMAGE)

    assert done.returncode == 0 and "nothing to upgrade" in done.stderr
    assert folder.done() == []


def test_where_the_terminal_is_gone_it_goes_back_all_the_same(folder: Folder) -> None:
    assert folder.lose_terminal("migrate upgrade$") == 1

    assert folder.done()[-3:] == BACK
    assert folder.left() == set()


def test_an_image_whose_name_was_given_to_another_keeps_one(folder: Folder) -> None:
    """Somebody has built the new one by the name of that of before."""
    (folder.parent / "id").write_text("sha256:fedcba\n")
    folder.refuse("migrate upgrade$")

    folder.upgrade(IMAGE)

    kept = "malgwi:before-0123456789ab"
    assert f"malgwi:old tag sha256:0123456789abcdef {kept}" in folder.done()
    assert f"STACK_IMAGE={kept}\n" in folder.env.read_text()
    assert folder.done()[-1].startswith(kept)


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        ("image inspect malgwi:new", "There is no image malgwi:new here. Carry it over"),
        ("^run ", "The image malgwi:new does not work here"),
        ("dry-run", "Nothing was changed."),
    ],
)
def test_what_stands_against_it_is_said_before_anything_is_stopped(
    folder: Folder, refused: str, said: str
) -> None:
    folder.refuse(refused)

    done = folder.upgrade(IMAGE)

    assert done.returncode == 2
    assert said in done.stderr
    assert not any(" compose stop " in each for each in folder.done())
    assert folder.env.read_text() == SETTINGS
    assert folder.left() == set()


def test_an_image_named_in_the_environment_is_refused(folder: Folder) -> None:
    done = folder.upgrade(IMAGE, STACK_IMAGE="malgwi:other")

    assert done.returncode == 2
    assert "STACK_IMAGE is set in the environment" in done.stderr


def test_without_an_image_it_says_what_it_wants(folder: Folder) -> None:
    assert "Which image?" in folder.upgrade().stderr
    assert "Which image?" in folder.upgrade("").stderr

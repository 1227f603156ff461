"""Disks: room, rights and kind; and clocks."""

import time
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import pytest
from ops.doctor.pretended import GB, assert_amiss, look, pretend, subject
from ordinary_user import as_an_ordinary_user

from malgwi.ops.doctor.machine import Disk, disk


def room(free: float, files: int = 900_000) -> dict[str, Any]:
    return {"room": Disk(500 * GB, round(free), 1_000_000, files)}


AMISS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "no room for recordings": ("DISK-001", "fail", room(0.5 * GB)),
    "little room for recordings": ("DISK-001", "warn", room(4 * GB)),
    "few inodes": ("DISK-002", "warn", room(300 * GB, 9000)),
    "no inodes": ("DISK-002", "fail", room(300 * GB, 12)),
    "no room for an upload": ("DISK-003", "warn", room(GB)),
    "no room on the disk of the system": ("DISK-007", "warn", room(GB)),
}


@pytest.mark.parametrize(("id", "state", "facts"), AMISS.values(), ids=AMISS)
def test_a_disk_that_is_filling_up_is_said(
    id: str, state: str, facts: dict[str, Any], tmp_path: Path
) -> None:
    assert_amiss(look(id, subject(pretend(tmp_path, **facts), tmp_path)), state)


@pytest.mark.parametrize("number", range(1, 8))
def test_a_disk_with_room_is_left_alone(number: int, tmp_path: Path) -> None:
    assert look(f"DISK-{number:03}", subject(pretend(tmp_path), tmp_path)).state == "ok"


def test_the_room_is_that_of_the_disk_on_which_the_folder_will_be(tmp_path: Path) -> None:
    assert disk(tmp_path / "not" / "there" / "yet").total == disk(tmp_path).total


@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_a_folder_that_cannot_be_written_to_is_said(mode: int, tmp_path: Path) -> None:
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        home = Path(folder) / "home"
        home.mkdir(mode=mode)
        patient = subject(pretend(tmp_path), tmp_path, {"home": home, "models": home})

        with as_an_ordinary_user():
            found = look("DISK-004", patient)

    assert_amiss(found, "fail", str(home))


def test_a_file_in_the_place_of_the_data_is_said(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "data").write_text("")

    assert_amiss(look("DISK-004", subject(pretend(tmp_path), tmp_path)), "fail", "data")


@pytest.mark.parametrize("kind", ["tmpfs", "overlay"])
def test_data_that_a_restart_would_take_are_said(kind: str, tmp_path: Path) -> None:
    machine = pretend(tmp_path, {"/proc/mounts": f"none / {kind} rw 0 0\n"})

    assert_amiss(look("DISK-005", subject(machine, tmp_path)), "warn", kind)


@pytest.mark.parametrize("order", [1, -1])
def test_the_disk_is_the_one_that_is_mounted_nearest(order: int, tmp_path: Path) -> None:
    home = str(tmp_path / "home").replace(" ", r"\040")
    lines = ["overlay / overlay rw 0 0\n", f"/dev/vdb {home} xfs rw 0 0\n"]
    mounts = "".join(lines[::order])

    assert (
        look("DISK-005", subject(pretend(tmp_path, {"/proc/mounts": mounts}), tmp_path)).state
        == "ok"
    )


def test_sqlite_on_a_network_disk_is_said_and_postgresql_is_not(tmp_path: Path) -> None:
    machine = pretend(tmp_path, {"/proc/mounts": "server:/export / nfs4 rw 0 0\n"})
    other = {"store": {"url": "postgresql://malgwi@db/malgwi"}}

    assert_amiss(look("DISK-006", subject(machine, tmp_path)), "fail", "nfs4")
    assert look("DISK-006", subject(machine, tmp_path, other)).state == "skip"


@pytest.mark.parametrize(
    ("programs", "state"),
    [
        ({"timedatectl": "echo yes"}, "ok"),
        ({"timedatectl": "echo no"}, "warn"),
        ({"timedatectl": "echo no systemd >&2; exit 1"}, "skip"),
        ({"chronyc": "echo 'Leap status     : Normal'"}, "ok"),
        ({"chronyc": "echo 'Leap status     : Not synchronised'"}, "warn"),
        ({}, "skip"),
    ],
)
def test_a_clock_that_nobody_keeps_right_is_said(
    programs: dict[str, str], state: str, tmp_path: Path
) -> None:
    found = look("CLOCK-001", subject(pretend(tmp_path, None, programs), tmp_path))

    assert found.state == state


def test_a_clock_that_begins_in_1970_is_said(tmp_path: Path) -> None:
    flat = pretend(tmp_path, now=lambda: 86_400.0)

    assert_amiss(look("CLOCK-002", subject(flat, tmp_path)), "fail", "1970")
    assert look("CLOCK-002", subject(pretend(tmp_path), tmp_path)).state == "ok"


@pytest.fixture
def elsewhere() -> Iterator[Any]:
    """A service on a machine whose clock is `off` seconds ahead."""

    class Handler(BaseHTTPRequestHandler):
        off = 0.0

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate(time.time() + type(self).off, usegmt=True)

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"status": "ok"}')

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield Handler, {"client": {"address": f"http://127.0.0.1:{server.server_port}"}}
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("off", "state"), [(0, "ok"), (10, "warn"), (-600, "fail")])
def test_a_clock_that_is_not_the_services_is_said(
    off: float, state: str, elsewhere: Any, tmp_path: Path
) -> None:
    handler, settings = elsewhere
    handler.off = off

    assert look("CLOCK-004", subject(pretend(tmp_path), tmp_path, settings)).state == state


def test_without_a_service_there_is_no_clock_to_compare(tmp_path: Path) -> None:
    assert look("CLOCK-004", subject(pretend(tmp_path), tmp_path)).state == "skip"
    assert look("CLOCK-003", subject(pretend(tmp_path), tmp_path)).state == "skip"

"""Docker as its own client tells it: programs with captured output stand in its place."""

import json
from pathlib import Path
from typing import Any

import pytest
from devices.machines import machine as with_cards
from ops.doctor.pretended import GB, assert_amiss, look, pretend, subject

from malgwi.ops.doctor import Machine
from malgwi.ops.doctor.machine import Disk

NOT_ALLOWED = (
    "permission denied while trying to connect to the Docker daemon socket at "
    "unix:///var/run/docker.sock"
)
NOT_RUNNING = (
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon "
    "running?"
)
PLUGIN = "echo 2.40.3"
NO_PLUGIN = 'echo "docker: unknown command: docker compose" >&2; exit 1'
SICK = [
    {"Names": "malgwi-api-1", "State": "running", "Status": "Up 3 minutes (unhealthy)"},
    {"Names": "malgwi-engine-1", "State": "restarting", "Status": "Restarting (137) 5 s ago"},
    {"Names": "malgwi-migrate-1", "State": "exited", "Status": "Exited (0) 2 hours ago"},
]
WELL = [{"Names": "malgwi-api-1", "State": "running", "Status": "Up 3 minutes (healthy)"}]


def docker(
    tmp_path: Path,
    info: dict[str, Any] | None = None,
    *,
    says: str = "",
    compose: str = PLUGIN,
    containers: list[dict[str, str]] | None = None,
    **given: Any,
) -> Machine:
    """A machine with a Docker that is well, but for what is said of it."""
    root = tmp_path / "docker"
    root.mkdir(exist_ok=True)
    well = {
        "ServerVersion": "29.1.0",
        "Runtimes": {"runc": {}, "nvidia": {}},
        "CgroupDriver": "cgroupfs",
        "OperatingSystem": "Debian GNU/Linux 12",
        "DockerRootDir": str(root),
    }
    told = {"ServerErrors": [says]} if says else {**well, **(info or {})}
    (tmp_path / "info.json").write_text(json.dumps(told))
    (tmp_path / "ps.json").write_text("\n".join(map(json.dumps, containers or [])))
    body = f"""show() {{ while read -r line || [ -n "$line" ]; do echo "$line"; done < "$1"; }}
case "$1 $2" in
"info --format") show {tmp_path}/info.json; exit {int(bool(says))};;
"compose version") {compose};;
"buildx version") echo github.com/docker/buildx v0.29.1 abc;;
"ps -a") show {tmp_path}/ps.json;;
esac"""
    return pretend(tmp_path, None, {"docker": body}, **given)


@pytest.mark.parametrize("number", range(1, 10))
def test_a_docker_that_is_well_is_left_alone(number: int, tmp_path: Path) -> None:
    machine = docker(tmp_path, cards=with_cards("NVIDIA L4"))

    assert look(f"DOCK-{number:03}", subject(machine, tmp_path)).state == "ok"


@pytest.mark.parametrize("number", range(1, 11))
def test_who_has_no_docker_and_needs_none_hears_nothing(number: int, tmp_path: Path) -> None:
    assert look(f"DOCK-{number:03}", subject(pretend(tmp_path), tmp_path)).state == "skip"


def test_a_compose_file_without_docker_is_said(tmp_path: Path) -> None:
    patient = subject(pretend(tmp_path), tmp_path, compose=(tmp_path / "compose.yaml",))

    found = look("DOCK-001", patient)

    assert_amiss(found, "fail", "compose.yaml")
    assert found.remedy.startswith("Install the packages carried over: dpkg -i")


@pytest.mark.parametrize(
    ("says", "remedy"), [(NOT_ALLOWED, "usermod -aG docker"), (NOT_RUNNING, "systemctl start")]
)
def test_why_docker_does_not_answer_is_told_apart(says: str, remedy: str, tmp_path: Path) -> None:
    patient = subject(docker(tmp_path, says=says), tmp_path, compose=(tmp_path / "c.yaml",))

    found = look("DOCK-002", patient)

    assert_amiss(found, "fail", says[:30])
    assert remedy in found.remedy
    assert look("DOCK-003", patient).state == "skip"


def test_a_docker_that_nobody_asked_for_and_that_does_not_run_is_no_failure(tmp_path: Path) -> None:
    assert_amiss(look("DOCK-002", subject(docker(tmp_path, says=NOT_RUNNING), tmp_path)), "warn")


def test_a_docker_that_hangs_is_said_in_time(tmp_path: Path) -> None:
    machine = pretend(tmp_path, None, {"docker": "exec /bin/sleep 60"})

    found = look("DOCK-002", subject(machine, tmp_path))

    assert_amiss(found, "warn", "no answer within")
    assert found.seconds < 3


AMISS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "an old engine": ("DOCK-003", "warn", {"ServerVersion": "20.10.24"}, {}),
    "a snap": ("DOCK-006", "warn", {"DockerRootDir": "/var/snap/docker/common"}, {}),
    "the desktop": ("DOCK-006", "warn", {"OperatingSystem": "Docker Desktop"}, {}),
    "no toolkit": ("DOCK-007", "fail", {"Runtimes": {"runc": {}}}, {}),
    "a GPU that will be lost": ("DOCK-008", "warn", {"CgroupDriver": "systemd"}, {}),
    "no room": ("DOCK-009", "warn", {}, {"room": Disk(500 * GB, GB, 100, 90)}),
    "no compose": ("DOCK-004", "warn", {}, {"compose": NO_PLUGIN}),
    "an old compose": ("DOCK-004", "warn", {}, {"compose": "echo v2.11.0"}),
    "sick containers": ("DOCK-010", "fail", {}, {"containers": SICK}),
}


@pytest.mark.parametrize(("id", "state", "info", "given"), AMISS.values(), ids=AMISS)
def test_what_is_wrong_with_docker_is_said(
    id: str, state: str, info: dict[str, Any], given: dict[str, Any], tmp_path: Path
) -> None:
    machine = docker(tmp_path, info, cards=with_cards("NVIDIA L4"), **given)

    assert_amiss(look(id, subject(machine, tmp_path)), state)


def test_an_old_compose_stops_a_compose_file_that_is_named(tmp_path: Path) -> None:
    machine = docker(tmp_path, compose="echo 2.11.0")

    assert_amiss(
        look("DOCK-004", subject(machine, tmp_path, compose=(tmp_path / "c.yaml",))), "fail", "2.30"
    )


def test_containers_that_ended_well_or_were_stopped_are_well(tmp_path: Path) -> None:
    machine = docker(tmp_path, containers=[*WELL, SICK[2]])

    assert look("DOCK-010", subject(machine, tmp_path)).state == "ok"


def test_cdi_gives_containers_a_gpu_and_lets_them_keep_it(tmp_path: Path) -> None:
    info = {"Runtimes": {"runc": {}}, "CgroupDriver": "systemd"}
    machine = docker(tmp_path, info, cards=with_cards("NVIDIA L4"))
    (machine.root / "etc" / "cdi").mkdir(parents=True)
    (machine.root / "etc" / "cdi" / "nvidia.yaml").write_text("cdiVersion: 0.6.0\n")

    for id in ("DOCK-007", "DOCK-008"):
        assert look(id, subject(machine, tmp_path)).state == "ok"


def test_without_a_gpu_docker_needs_no_toolkit(tmp_path: Path) -> None:
    machine = docker(tmp_path, {"Runtimes": {"runc": {}}, "OperatingSystem": "Docker Desktop"})

    assert look("DOCK-007", subject(machine, tmp_path)).state == "skip"
    assert look("DOCK-006", subject(machine, tmp_path)).state == "ok"


def test_an_old_buildx_is_said(tmp_path: Path) -> None:
    machine = pretend(tmp_path, None, {"docker": "echo github.com/docker/buildx v0.9.1 ed00243"})

    assert_amiss(look("DOCK-005", subject(machine, tmp_path)), "warn", "0.9.1")

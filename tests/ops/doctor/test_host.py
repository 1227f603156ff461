"""The machine itself: what it lacks is said, and one that is well is left alone."""

from pathlib import Path
from typing import Any

import pytest
from ops.doctor.pretended import CPU, GB, assert_amiss, look, pretend, subject

from malgwi.ops.doctor.machine import Disk

V2 = "/sys/fs/cgroup/memory.max"
V1 = "/sys/fs/cgroup/memory/memory.limit_in_bytes"
LIMITS = "Max processes             {}   {}   processes\nMax open files   {}   524288   files\n"
MEMORY = "MemAvailable: {} kB\nSwapTotal: {} kB\nSwapFree: {} kB\n"
AMISS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "an old kernel": ("HOST-001", "warn", {"files": {"/proc/sys/kernel/osrelease": "3.10.0-1160"}}),
    "Windows": ("HOST-001", "fail", {"system": "Windows"}),
    "Alpine": ("HOST-002", "fail", {"libc": ""}),
    "CentOS 7": ("HOST-002", "fail", {"libc": "glibc 2.17"}),
    "a Xeon of 2011": ("HOST-003", "warn", {"files": {"/proc/cpuinfo": "flags : fpu avx\n"}}),
    "a Power": ("HOST-003", "fail", {"processor": "ppc64le"}),
    "Rosetta": ("HOST-004", "warn", {"files": {"/proc/cpuinfo": "vendor_id : VirtualApple\n"}}),
    "few files": (
        "HOST-005",
        "warn",
        {"files": {"/proc/self/limits": LIMITS.format(9999, 9999, 1024)}},
    ),
    "few processes": (
        "HOST-006",
        "warn",
        {"files": {"/proc/self/limits": LIMITS.format(100, 100, 65536)}},
    ),
    "few threads allowed": ("HOST-006", "warn", {"files": {"/sys/fs/cgroup/pids.max": "64"}}),
    "one processor": ("HOST-007", "warn", {"files": {"/proc/cpuinfo": CPU.format(0)}}),
    "half a processor": ("HOST-007", "warn", {"files": {"/sys/fs/cgroup/cpu.max": "50000 100000"}}),
    "half a processor, of old": (
        "HOST-007",
        "warn",
        {
            "files": {
                "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000",
                "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            }
        },
    ),
    "a busy machine": ("HOST-008", "warn", {"files": {"/proc/loadavg": "31.0 29.5 12.0 1/1 1"}}),
    "little shared memory": (
        "HOST-009",
        "warn",
        {"files": {"/dev/shm/.keep": ""}, "room": Disk(1_000_000, 900_000, 1, 1)},
    ),
    "little memory": (
        "MEM-001",
        "fail",
        {"files": {"/proc/meminfo": MEMORY.format(200_000, 0, 0)}},
    ),
    "tight memory": (
        "MEM-001",
        "warn",
        {"files": {"/proc/meminfo": MEMORY.format(1_100_000, 0, 0)}},
    ),
    "a container's limit": ("MEM-002", "fail", {"files": {V2: "500000000"}}),
    "a container's limit, of old": ("MEM-002", "fail", {"files": {V1: "500000000"}}),
    "killed processes": ("MEM-003", "warn", {"files": {"/proc/vmstat": "oom_kill 3\n"}}),
    "killed in a container": (
        "MEM-003",
        "warn",
        {"files": {"/sys/fs/cgroup/memory.events": "low 0\noom 2\noom_kill 2\n"}},
    ),
    "swapped out": (
        "MEM-004",
        "warn",
        {"files": {"/proc/meminfo": MEMORY.format(9_000_000, 4_000_000, 1_000_000)}},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("id", "state", "facts"), AMISS.values(), ids=AMISS)
def test_what_a_machine_lacks_is_said(
    id: str, state: str, facts: dict[str, Any], tmp_path: Path
) -> None:
    patient = subject(pretend(tmp_path, **facts), tmp_path, model="whisper-base", memory=GB)

    assert_amiss(look(id, patient), state)


@pytest.mark.parametrize("number", range(1, 9))
def test_a_machine_that_is_well_is_left_alone(number: int, tmp_path: Path) -> None:
    patient = subject(pretend(tmp_path), tmp_path, model="whisper-base", memory=GB)

    assert look(f"HOST-{number:03}", patient).state == "ok"


@pytest.mark.parametrize("id", ["MEM-001", "MEM-003", "MEM-004"])
def test_memory_enough_is_enough(id: str, tmp_path: Path) -> None:
    assert look(id, subject(pretend(tmp_path), tmp_path, memory=GB)).state == "ok"


def test_a_container_with_room_is_left_alone(tmp_path: Path) -> None:
    files = {V2: "8000000000", "/sys/fs/cgroup/memory.current": "1000000000", "/dev/shm/.keep": ""}
    patient = subject(pretend(tmp_path, files), tmp_path, model="whisper-base", memory=GB)

    assert look("MEM-002", patient).state == "ok"
    assert look("HOST-009", patient).state == "ok"


def test_the_model_of_another_machine_needs_no_memory_here(tmp_path: Path) -> None:
    machine = pretend(tmp_path, {"/proc/meminfo": MEMORY.format(200_000, 0, 0)})
    patient = subject(machine, tmp_path, {"stt": {"endpoint": "http://gpu:8003"}}, memory=GB)

    assert look("MEM-001", patient).state == "ok"


def test_a_container_without_a_limit_has_none(tmp_path: Path) -> None:
    for name in ("/sys/fs/cgroup/memory.max", V1):
        unbounded = "max" if name.endswith("max") else "9223372036854771712"
        patient = subject(pretend(tmp_path, {name: unbounded}), tmp_path, memory=GB)
        assert look("MEM-002", patient).state == "skip"


def test_a_machine_that_tells_nothing_gives_reasons_and_no_crash(tmp_path: Path) -> None:
    """As macOS, which has no /proc."""
    (tmp_path / "root").mkdir()
    machine = pretend(tmp_path, system="Darwin", processor="arm64", libc="", root=tmp_path / "no")

    found = {
        each: look(each, subject(machine, tmp_path))
        for each in (*(f"HOST-{n:03}" for n in range(1, 10)), *(f"MEM-{n:03}" for n in range(1, 5)))
    }

    assert {each.state.value for each in found.values()} <= {"ok", "skip"}
    assert all(each.symptom for each in found.values())

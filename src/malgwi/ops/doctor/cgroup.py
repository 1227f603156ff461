"""The bounds that a container has, of either version of control groups."""

from malgwi.ops.doctor.machine import Machine

_NO_BOUND = 1 << 60


def memory_bound(machine: Machine) -> int | None:
    """Bytes; None where there is no bound."""
    return _number(
        machine, "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"
    )


def memory_used(machine: Machine) -> int | None:
    return _number(
        machine, "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory/memory.usage_in_bytes"
    )


def processes_bound(machine: Machine) -> int | None:
    """Threads count as processes."""
    return _number(machine, "/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max")


def cores_bound(machine: Machine) -> float | None:
    """Processors that may be used; None where it is all of them."""
    quota, period = (machine.text("/sys/fs/cgroup/cpu.max") or "max 1").split()[:2]
    if quota == "max":
        quota = (machine.text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") or "-1").strip()
        period = (machine.text("/sys/fs/cgroup/cpu/cpu.cfs_period_us") or "1").strip()
    return int(quota) / int(period) if int(quota) > 0 else None


def killed_for_memory(machine: Machine) -> int:
    """Processes since the start of the container, or of the machine."""
    for place in ("/sys/fs/cgroup/memory.events", "/proc/vmstat"):
        for line in (machine.text(place) or "").splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill" and count.strip().isdigit():
                return int(count)
    return 0


def _number(machine: Machine, *places: str) -> int | None:
    for place in places:
        text = (machine.text(place) or "").strip()
        if text.isdigit():
            return int(text) if int(text) < _NO_BOUND else None
    return None

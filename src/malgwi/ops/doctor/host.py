"""HOST and MEM: the machine itself, its bounds and its memory."""

import re

from malgwi.devices import numbers
from malgwi.ops.doctor import cgroup
from malgwi.ops.doctor.base import Found, check, fail, ok, size, skip, warn
from malgwi.ops.doctor.machine import Machine
from malgwi.ops.doctor.subject import Subject

_OLDEST_KERNEL = (4, 18)
_OLDEST_LIBC = (2, 28)  # the wheels of CTranslate2 and ONNX Runtime are manylinux_2_28
_FILES, _PROCESSES, _CORES = 4096, 512, 2.0
_SHARED = 64_000_000  # what Docker gives a container that asks for nothing
_TIGHT = 1.25  # times what the model needs


@check(
    "HOST-001",
    looks="Is the system one that Malgwi runs on?",
    why="Workers and containers need Linux; a Mac is for development.",
    mend="Use Linux with kernel 4.18 or newer, or macOS for development.",
)
def system(subject: Subject) -> Found:
    machine = subject.machine
    if machine.system == "Darwin":
        return ok("macOS: fit for development.", "a GPU is out of reach of containers here")
    if machine.system != "Linux":
        return fail(f"{machine.system or 'This system'} is not supported.")
    release = (machine.text("/proc/sys/kernel/osrelease") or "").strip()
    if re.match(r"\d", release) and numbers(release) < _OLDEST_KERNEL:
        return warn("The kernel is old.", evidence=f"Linux {release}")
    return ok(f"Linux {release}".strip() + ".")


@check(
    "HOST-002",
    looks="Is the C library one that the wheels are made for?",
    why="The wheels of the engines want glibc 2.28; on Alpine's musl, or an older one, pip finds "
    "none.",
    mend="Use Debian 10, Ubuntu 18.10, RHEL 8 or newer, or the images, which are Debian. Not "
    "Alpine.",
)
def libc(subject: Subject) -> Found:
    machine = subject.machine
    if machine.system != "Linux":
        return skip("It matters on Linux only.")
    name, _, number = machine.libc.partition(" ")
    if name != "glibc":
        return fail("The C library is not glibc.", evidence=machine.libc or "another one, as musl")
    if numbers(number) < _OLDEST_LIBC:
        return fail("The C library is too old for the engines' wheels.", evidence=machine.libc)
    return ok(f"{machine.libc}.")


@check(
    "HOST-003",
    looks="Is the processor one that the engines compute on at full speed?",
    why="Without AVX2 recognition on the CPU is several times slower; other kinds have no wheels.",
    mend="Use x86-64 with AVX2, or ARM64. In a virtual machine let it see the host's processor.",
)
def processor(subject: Subject) -> Found:
    machine = subject.machine
    if machine.processor in ("aarch64", "arm64"):
        return ok(f"{machine.processor}.")
    if machine.processor not in ("x86_64", "AMD64"):
        return fail("There are no wheels for this processor.", evidence=machine.processor)
    flags = re.search(r"^flags\s*:(.*)$", machine.text("/proc/cpuinfo") or "", re.MULTILINE)
    if flags and "avx2" not in flags[1].split():
        return warn("The processor has no AVX2.", evidence="flags in /proc/cpuinfo")
    return ok(f"{machine.processor}{' with AVX2' * bool(flags)}.")


@check(
    "HOST-004",
    looks="Does the program run on its own kind of processor, not emulated?",
    why="An image for another kind runs under QEMU or Rosetta, ten times slower, or dies.",
    mend="Take the image for this kind of processor: docker image inspect shows its Architecture.",
)
def emulation(subject: Subject) -> Found:
    machine = subject.machine
    about = machine.text("/proc/cpuinfo")
    if not about:
        return skip("There is no /proc/cpuinfo to tell it.")
    foreign = "VirtualApple" in about or "CPU implementer" in about
    if machine.processor == "x86_64" and foreign:
        return warn("The program is for x86-64 and runs emulated, on ARM.")
    return ok("It is not emulated.")


@check(
    "HOST-005",
    looks="May the program open enough files?",
    why="Each upload, connection and recording takes some; out of them everything fails at once.",
    mend="Raise ulimits.nofile in the compose file, LimitNOFILE= in the unit, or run ulimit -n "
    "65536.",
)
def open_files(subject: Subject) -> Found:
    bound = _limit(subject.machine, "Max open files")
    if bound is None:
        return skip("The bound is not known here.")
    if bound < _FILES:
        return warn(f"Only {bound} files may be open.", evidence=f"{_FILES} are advised")
    return ok(f"{bound:,} files may be open.")


@check(
    "HOST-006",
    looks="May the program start enough threads and processes?",
    why="Engines, decoders and requests each have some; out of them nothing new begins.",
    mend="Raise pids_limit in the compose file, TasksMax= in the unit, or ulimit -u.",
)
def processes(subject: Subject) -> Found:
    bounds = (_limit(subject.machine, "Max processes"), cgroup.processes_bound(subject.machine))
    least = min((each for each in bounds if each is not None), default=None)
    if least is None:
        return ok("There is no bound on threads.")
    if least < _PROCESSES:
        return warn(f"Only {least} threads may run.", evidence=f"{_PROCESSES} are advised")
    return ok(f"{least:,} threads may run.")


@check(
    "HOST-007",
    looks="Are there processors enough?",
    why="Decoding, speech detection and recognition overlap; on one processor they wait in turn.",
    mend="Give the container or the virtual machine two processors at least: cpus: 2.",
)
def cores(subject: Subject) -> Found:
    count = _cores(subject.machine)
    if count is None:
        return skip("How many there are is not known here.")
    if count < _CORES:
        return warn(f"Only {count:g} processors may be used.", evidence="two are advised")
    return ok(f"{count:g} processors.")


@check(
    "HOST-008",
    looks="Is the machine busy with other things?",
    why="Recognition slows down with everything that runs beside it, and live speech lags.",
    mend="See what runs, with top; move it elsewhere, or give Malgwi fewer threads.",
)
def load(subject: Subject) -> Found:
    count = _cores(subject.machine)
    said = (subject.machine.text("/proc/loadavg") or "").split()
    if not said or count is None:
        return skip("How busy it is is not known here.")
    if float(said[1]) > 2 * count:
        return warn("The machine has more to do than it can.", evidence=f"load {said[1]} in 5 min")
    return ok(f"Load {said[1]} on {count:g} processors.")


@check(
    "HOST-009",
    looks="Is there shared memory enough?",
    why="torch passes tensors through /dev/shm; where it is full, the process dies of a bus error.",
    mend="Give the container a larger one: shm_size: 1gb.",
)
def shared_memory(subject: Subject) -> Found:
    place = subject.machine.path("/dev/shm")
    if not place.is_dir():
        return skip("There is no /dev/shm here.")
    total = subject.machine.disk(place).total
    if total < _SHARED:
        return warn("There is little shared memory.", evidence=f"{size(total)} in /dev/shm")
    return ok(f"{size(total)} in /dev/shm.")


@check(
    "MEM-001",
    looks="Is there memory enough for the model?",
    why="Where it runs out, the system kills the engine, and with it what it was recognising.",
    mend="Take a smaller model (MALGWI_STT__MODEL), or end what else uses the memory.",
)
def memory(subject: Subject) -> Found:
    free = _meminfo(subject.machine, "MemAvailable")
    if free is None:
        return skip("How much is free is not known here.")
    return _judged(subject, free, "is free on the machine")


@check(
    "MEM-002",
    looks="Does the container have memory enough for the model?",
    why="At its limit the container's processes are killed, however much the machine has left.",
    mend="Raise mem_limit, or deploy.resources.limits.memory, in the compose file.",
)
def container_memory(subject: Subject) -> Found:
    bound = cgroup.memory_bound(subject.machine)
    if bound is None:
        return skip("No limit is set for this process.")
    return _judged(
        subject, bound - (cgroup.memory_used(subject.machine) or 0), "is left of the limit"
    )


@check(
    "MEM-003",
    looks="Were processes killed because memory ran out?",
    why="What was killed once is killed again; the jobs are done anew, and time is lost.",
    mend="Raise the memory limit, or take a smaller model or fewer engines. dmesg says who was "
    "killed.",
)
def killed(subject: Subject) -> Found:
    if subject.machine.system != "Linux":
        return skip("Only Linux counts them.")
    if count := cgroup.killed_for_memory(subject.machine):
        return warn(f"{count} processes were killed for memory.", evidence="oom_kill of the kernel")
    return ok("None since the start.")


@check(
    "MEM-004",
    looks="Is memory swapped out?",
    why="A model that is on the disk recognises a hundred times slower.",
    mend="End what else uses the memory, or take a smaller model.",
)
def swap(subject: Subject) -> Found:
    total, free = (_meminfo(subject.machine, each) for each in ("SwapTotal", "SwapFree"))
    if total is None or free is None:
        return skip("What is swapped out is not known here.")
    if total and free < total / 2:
        return warn("More than half of the swap is used.", evidence=f"{size(total - free)} of it")
    return ok(f"{size(total - free)} are swapped out.")


def _judged(subject: Subject, free: int, where: str) -> Found:
    said = f"{size(free)} {where}"
    if subject.config.stt.endpoint:
        return ok(f"{said}; the model is elsewhere.")
    if subject.memory is None:
        return ok(f"{said}.", "how much the model needs is not known")
    evidence = f"{subject.model} needs about {size(subject.memory)}"
    if free < subject.memory:
        return fail(f"Only {said}.", evidence=evidence, cause="It is less than the model needs.")
    if free < subject.memory * _TIGHT:
        return warn(f"Only {said}.", evidence=evidence)
    return ok(f"{said}.", evidence)


def _meminfo(machine: Machine, name: str) -> int | None:
    found = re.search(rf"^{name}:\s+(\d+) kB", machine.text("/proc/meminfo") or "", re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _limit(machine: Machine, name: str) -> int | None:
    """A soft limit of this process; None where it has none."""
    found = re.search(rf"^{name}\s+(\d+)\s", machine.text("/proc/self/limits") or "", re.MULTILINE)
    return int(found[1]) if found else None


def _cores(machine: Machine) -> float | None:
    about = machine.text("/proc/cpuinfo") or ""
    there = len(re.findall(r"^processor\s*:", about, re.MULTILINE))
    bound = cgroup.cores_bound(machine)
    return min(filter(None, (bound, float(there))), default=None)


CHECKS = (
    system, libc, processor, emulation, open_files, processes, cores, load, shared_memory,
    memory, container_memory, killed, swap,
)  # fmt: skip

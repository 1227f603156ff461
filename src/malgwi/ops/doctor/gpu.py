"""GPU and DRV: cards, their driver, and what the engine would do with them."""

import re

from malgwi.devices import Card, Diagnosis, Inventory, Ladder, Wheel, choice, diagnose, known, wheel
from malgwi.ops.doctor.base import Found, State, check, fail, ok, size, skip, warn
from malgwi.ops.doctor.subject import Subject, inventory

_LITTLE = 0.5
_DRIVER_FAULTS = ("driver-not-reloaded", "gpu-lost-by-container")
_NO_TRACE = "There is no trace of a GPU."


def ladder(subject: Subject) -> Ladder | None:
    """What the engine would try; None where it cannot use a GPU."""
    return subject.ladder(subject.once(inventory))


def _unwanted(subject: Subject) -> str | None:
    """Why no GPU is looked for."""
    stt = subject.config.stt
    if stt.endpoint:
        return "Speech is recognised elsewhere: STT_ENDPOINT."
    if stt.device == "cpu":
        return "STT_DEVICE is cpu."
    if subject.library is None:
        return f"The engine {stt.engine} uses no GPU."
    return None


@check(
    "GPU-001",
    looks="Is a card here, where one is asked for?",
    why="With STT_DEVICE=cuda the engine refuses to start without; with auto it is slower, and "
    "says so.",
    mend="Run nvidia-smi, on the host too. A container needs gpus: all. STT_DEVICE=cpu meanwhile.",
)
def card(subject: Subject) -> Found:
    if why := _unwanted(subject):
        return skip(why)
    seen = subject.once(inventory)
    asked = subject.config.stt.device == "cuda"
    if seen.cards:
        return ok(f"{', '.join(each.name for each in seen.cards)}.", f"driver {seen.driver}")
    if not seen.has_gpu and not asked:
        return skip(f"{_NO_TRACE} The CPU is used.")
    found = diagnose("\n".join(seen.evidence), seen) or known("card-not-answering")
    state = State.FAIL if asked else State.WARN
    return _diagnosed(state, "No GPU can be used.", found, seen)


@check(
    "GPU-002",
    looks="Can the engine's library compute on the cards, with this driver and the memory that is "
    "free?",
    why="A wheel without code for a card, or a driver too old for it, is found out at the first "
    "piece.",
    mend="Compare docs/reference/devices.md. Install another version from wheels carried over, or "
    "a newer driver.",
)
def usable(subject: Subject) -> Found:
    if why := _unwanted(subject):
        return skip(why)
    seen = subject.once(inventory)
    if not seen.cards:
        return skip(_NO_TRACE if not seen.has_gpu else "No card answers; GPU-001 says why.")
    found = subject.once(ladder)
    if found is None:
        return skip("The library of the engine is not installed.")
    rungs = [each for each in found.rungs if each.device == "cuda"]
    if not found.left_out:
        return ok(f"It can: {rungs[0]} comes first.", rungs[0].why)
    state = State.WARN if rungs or subject.config.stt.device == "auto" else State.FAIL
    return _diagnosed(state, "A card cannot be used.", found.left_out[0], seen)


@check(
    "GPU-003",
    looks="Is what is computed with one that the card can?",
    why="A card without tensor cores answers float16 with exclamation marks.",
    mend="Take compute_type out of MALGWI_STT__OPTIONS; what fits the card is then chosen.",
)
def compute_type(subject: Subject) -> Found:
    if why := _unwanted(subject):
        return skip(why)
    cards = subject.once(inventory).cards
    version = subject.library_version
    if not cards or version is None:
        return skip("There is no card, or no library for it.")
    asked = str(subject.config.stt.options.get("compute_type", "auto"))
    for each in cards:
        fits = choice(subject.library or "ctranslate2", version, each)
        if asked not in ("auto", "default", *fits.compute_types):
            cause = f"The card {each.name}: {fits.why}."
            return fail(
                f"{asked} is asked for, and does not fit the card.",
                evidence=", ".join(fits.compute_types),
                cause=cause,
            )
    return ok(f"It computes with {fits.compute_types[0]}: {fits.why}.")


@check(
    "GPU-004",
    looks="Is the memory of the cards free?",
    why="A model beside another program's runs out of memory in the middle of a recording.",
    mend="See in nvidia-smi who uses it; end it, or give it another card.",
)
def memory(subject: Subject) -> Found:
    cards = [each for each in subject.once(inventory).cards if each.memory_total]
    if not cards:
        return skip("There is no card that tells its memory.")
    said = "; ".join(
        f"{each.name}: {size(each.memory_free or 0)} of {size(each.memory_total or 0)} free"
        for each in cards
    )
    served = any((each.memory_free or 0) < (each.memory_total or 0) * _LITTLE for each in cards)
    if served:
        return warn(
            "Somebody uses the memory of a card.",
            evidence=said,
            cause="It may be an engine of ours.",
        )
    return ok("It is.", said)


@check(
    "GPU-005",
    looks="Does CUDA_VISIBLE_DEVICES name cards that are here?",
    why="One that it names wrongly hides all after it; inside a container cards count from 0.",
    mend="Take CUDA_VISIBLE_DEVICES out of the environment, or name cards by their UUID "
    "(nvidia-smi -L).",
)
def visible(subject: Subject) -> Found:
    value = subject.machine.environ.get("CUDA_VISIBLE_DEVICES")
    if value is None:
        return ok("It is not set.")
    seen = subject.once(inventory)
    if not seen.has_gpu:
        return skip(_NO_TRACE)
    if not seen.cards:
        return fail(
            "CUDA_VISIBLE_DEVICES hides every card.", evidence=f"CUDA_VISIBLE_DEVICES={value}"
        )
    named = len(value.split(","))
    if named > len(seen.cards):
        return warn(
            "CUDA_VISIBLE_DEVICES names cards that are not here.",
            evidence=f"{named} are named, {len(seen.cards)} seen",
        )
    return ok(f"It shows {len(seen.cards)} of them.")


@check(
    "GPU-006",
    looks="Do all programs count the cards alike?",
    why="CUDA counts from the fastest card, nvidia-smi by the bus: number 1 may be two cards.",
    mend="Set CUDA_DEVICE_ORDER=PCI_BUS_ID, or choose cards by UUID.",
)
def order(subject: Subject) -> Found:
    cards = subject.once(inventory).cards
    if len({each.name for each in cards}) < 2:
        return skip("There are no different cards.")
    if subject.machine.environ.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID":
        names = ", ".join(each.name for each in cards)
        return warn("Different cards, and CUDA_DEVICE_ORDER is not set.", evidence=names)
    return ok("They do: CUDA_DEVICE_ORDER=PCI_BUS_ID.")


@check(
    "GPU-007",
    looks="Is kept what the driver compiles for the card?",
    why="For a card that the wheel has no machine code for, each first start takes minutes.",
    mend="Set CUDA_CACHE_PATH to a folder on a volume, and CUDA_CACHE_MAXSIZE=4294967296.",
)
def cache(subject: Subject) -> Found:
    seen = subject.once(inventory)
    version = subject.library_version
    inside = wheel(subject.library, version) if subject.library and version else None
    compiled = [each.name for each in seen.cards if inside and _is_compiled(inside, each)]
    if not compiled:
        return skip("Nothing is compiled for the cards that are here.")
    if seen.container and not subject.machine.environ.get("CUDA_CACHE_PATH"):
        return warn("What is compiled is lost with the container.", evidence=", ".join(compiled))
    return ok("It is.", subject.machine.environ.get("CUDA_CACHE_PATH", "~/.nv/ComputeCache"))


@check(
    "GPU-008",
    looks="Are all device files of the driver here?",
    why="Without /dev/nvidia-uvm CUDA does not start, though nvidia-smi lists the card; so after "
    "a suspend.",
    mend="On the host: nvidia-modprobe -u -c=0. After a suspend: rmmod nvidia_uvm && modprobe "
    "nvidia_uvm.",
)
def device_files(subject: Subject) -> Found:
    path = subject.machine.path
    if not path("/dev/nvidiactl").exists():
        return skip("There is no /dev/nvidiactl.")
    if not path("/dev/nvidia-uvm").exists():
        return fail(
            "CUDA cannot start.", evidence="/dev/nvidiactl is there, /dev/nvidia-uvm is not"
        )
    return ok("They are.")


@check(
    "DRV-001",
    looks="Do the driver and its library belong together?",
    why="After an upgrade of the driver nothing works until the kernel runs the new one.",
    mend="Reboot, or unload and load the nvidia modules. In a container: restart it.",
)
def whole(subject: Subject) -> Found:
    seen = subject.once(inventory)
    found = diagnose("\n".join(seen.evidence), seen)
    if found and found.id in _DRIVER_FAULTS:
        return _diagnosed(State.FAIL, "The driver does not answer rightly.", found, seen)
    if not seen.driver:
        return skip("There is no NVIDIA driver here.")
    return ok(f"Driver {seen.driver} answers.")


@check(
    "DRV-002",
    looks="Is the driver new enough for CUDA 12?",
    why="The wheels are built with CUDA 12; an older driver refuses them.",
    mend="Install driver 525.60.13 or newer from a package carried over; for an RTX 50xx or an "
    "H100, 570 or newer.",
)
def new_enough(subject: Subject) -> Found:
    seen = subject.once(inventory)
    if not seen.driver:
        return skip("There is no NVIDIA driver here.")
    found = diagnose("CUDA driver version is insufficient", seen)
    if found and found.id == "driver-too-old":
        return _diagnosed(State.FAIL, "The driver is too old.", found, seen)
    return ok(f"Driver {seen.driver} is.")


@check(
    "DRV-003",
    looks="Is the card NVIDIA's driver's, and not nouveau's?",
    why="The kernel gives a card to one driver; with nouveau there is no CUDA.",
    mend="echo 'blacklist nouveau' > /etc/modprobe.d/nouveau.conf; update-initramfs -u; install "
    "NVIDIA's driver; reboot.",
)
def nouveau(subject: Subject) -> Found:
    modules = subject.machine.text("/proc/modules")
    if modules is None:
        return skip("Which drivers the kernel has is not known here.")
    if not re.search(r"^nouveau\b", modules, re.MULTILINE):
        return ok("Nouveau is not loaded.")
    if subject.config.stt.device == "cuda":
        return fail("Nouveau has the card.", evidence="/proc/modules")
    return warn("Nouveau has the card, so the CPU is used.", evidence="/proc/modules")


@check(
    "DRV-004",
    looks="Can libcuda.so.1 be loaded, where there is a card?",
    why="It is the driver's half that programs call; without it CUDA says that the driver is too "
    "old.",
    mend="In a container set NVIDIA_DRIVER_CAPABILITIES=compute,utility; elsewhere install the "
    "driver's compute libraries.",
)
def libcuda(subject: Subject) -> Found:
    seen = subject.once(inventory)
    if not seen.has_gpu:
        return skip(_NO_TRACE)
    if not seen.libcuda:
        found = known("device-without-libcuda" if seen.device_file else "no-gpu-in-container")
        return _diagnosed(
            State.FAIL if seen.device_file else State.WARN,
            "libcuda.so.1 cannot be loaded.",
            found,
            seen,
        )
    return ok("It can.")


def _diagnosed(state: State, symptom: str, found: Diagnosis, seen: Inventory) -> Found:
    evidence = f"{found.id}: {'; '.join(seen.evidence)}"
    return Found(state, symptom, evidence, found.cause, found.remedy)


def _is_compiled(inside: Wheel, card: Card) -> bool:
    sass = {each[0] for each in inside.sass}
    return card.capability[0] not in sass


CHECKS = (
    card, usable, compute_type, memory, visible, order, cache, device_files,
    whole, new_enough, nouveau, libcuda,
)  # fmt: skip

"""What GPUs this process could use, and what was looked at to find out.

Three sources, the first that answers counts: NVML, `nvidia-smi`, and the kernel's own word for
the driver. Nothing here initialises CUDA, which a process can do only once and not across a fork.
What is missing is a finding, never an exception.
"""

import csv
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from ctypes import CDLL
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from malgwi.devices.versions import Version, numbers

PCI_ORDER = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
"""For the environment of a process that will use CUDA. Without it CUDA counts from the fastest
card on, and `Card.index` would name another one where the cards differ."""
NO_CARD = "no card found"
"""The evidence that failures.toml takes for the failure itself."""

_QUERY = "uuid,name,compute_cap,driver_version,memory.total,memory.free"
_SMI = ("nvidia-smi", f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits")
_PATIENCE = 10.0  # seconds for nvidia-smi, which hangs where the driver does
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU that CUDA would show this process."""

    index: int
    """As CUDA counts it, with PCI_ORDER in the environment."""
    name: str
    uuid: str
    capability: Version
    """Compute capability: (8, 6)."""
    memory_total: int | None = None
    """Bytes; None where the card shares the memory of the machine and says nothing."""
    memory_free: int | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was found."""

    driver: str | None = None
    """Version of the NVIDIA driver, the kernel's where nothing else knew; None: there is none."""
    cards: tuple[Card, ...] = ()
    device_file: bool = False
    """Whether /dev has a GPU in it. A container has one if it was given one."""
    libcuda: bool = False
    """Whether libcuda.so.1, the driver's half that CUDA programs call, can be loaded."""
    container: bool = False
    evidence: tuple[str, ...] = ()
    """What was looked at and what it said, for people."""

    @property
    def has_gpu(self) -> bool:
        """Whether there is a trace of a GPU, be it one that cannot be used."""
        return bool(self.cards or self.driver or self.device_file)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one source said."""

    said: str
    driver: str | None = None
    cards: tuple[Card, ...] = ()


def inventory(environment: Mapping[str, str] = os.environ) -> Inventory:
    """What there is now. Free memory changes; ask again before loading a model."""
    answers = _answers()
    found = next((each.cards for each in answers if each.cards), ())
    cards = visible(found, environment.get("CUDA_VISIBLE_DEVICES"))
    device_file = any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/dxg").exists()
    libcuda = _loads("libcuda.so.1")
    evidence = [each.said for each in answers]
    evidence.append("/dev has a GPU" if device_file else "no /dev/nvidia0")
    evidence.append("libcuda.so.1 loads" if libcuda else "no libcuda.so.1")
    if found and not cards:
        hiding = environment["CUDA_VISIBLE_DEVICES"]
        evidence.append(f"CUDA_VISIBLE_DEVICES={hiding} hides every card")
    if not cards:
        evidence.append(NO_CARD)
    return Inventory(
        next((each.driver for each in answers if each.driver), None),
        cards,
        device_file,
        libcuda,
        any(Path(each).exists() for each in ("/.dockerenv", "/run/.containerenv")),
        tuple(evidence),
    )


def visible(cards: Sequence[Card], value: str | None) -> tuple[Card, ...]:
    """The cards that CUDA shows where CUDA_VISIBLE_DEVICES is `value`, counted as it counts them.

    It lists places or the beginnings of UUIDs, and ends at the first that is neither. Slices of
    a card (`MIG-...`) are not looked into: then the cards are left as they are.
    """
    if value is None or "MIG-" in value:
        return tuple(cards)
    shown: list[Card] = []
    for wanted in (each.strip() for each in value.split(",")):
        match = [
            card
            for place, card in enumerate(cards)
            if wanted == str(place) or (wanted.startswith("GPU-") and card.uuid.startswith(wanted))
        ]
        if not match:
            break
        shown.append(replace(match[0], index=len(shown)))
    return tuple(shown)


def ask_nvml(nvml: Any) -> _Answer:
    """What NVML says, through the module `pynvml`."""
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        return _Answer(f"NVML: {str(error).rstrip('.')}")
    try:
        driver = str(nvml.nvmlSystemGetDriverVersion())
        count = nvml.nvmlDeviceGetCount()
        cards = tuple(_card(nvml, index) for index in range(count))
    except nvml.NVMLError as error:
        return _Answer(f"NVML: {str(error).rstrip('.')}")
    finally:
        nvml.nvmlShutdown()
    return _Answer(_told("NVML", driver, cards), driver, cards)


def ask_smi(command: Sequence[str] = _SMI, patience: float = _PATIENCE) -> _Answer:
    """What `nvidia-smi` says; its query, never the table for people, whose "CUDA Version" is only
    the newest that the driver knows."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=patience, check=False
        )
    except OSError:
        return _Answer("no nvidia-smi")
    except subprocess.TimeoutExpired:
        return _Answer(f"nvidia-smi: no answer in {patience:g} s")
    if done.returncode:
        said = (done.stdout + done.stderr).strip().split("\n")[0].rstrip(".")
        return _Answer(f"nvidia-smi: {said or f'ended with {done.returncode}'}")
    driver, cards = cards_in(done.stdout)
    return _Answer(_told("nvidia-smi", driver, cards), driver, cards)


def cards_in(listed: str) -> tuple[str | None, tuple[Card, ...]]:
    """The driver and the cards in the rows that `nvidia-smi --query-gpu` wrote."""
    rows = [
        [cell.strip() for cell in row]
        for row in csv.reader(listed.splitlines())
        if len(row) == len(_QUERY.split(","))
    ]
    cards = tuple(
        Card(index, name, uuid, numbers(capability), _bytes(total), _bytes(free))
        for index, (uuid, name, capability, _, total, free) in enumerate(rows)
        if re.match(r"\d", capability)
    )
    driver = next((row[3] for row in rows if re.match(r"\d", row[3])), None)
    return driver, cards


def driver_in(text: str) -> str | None:
    """The version in /proc/driver/nvidia/version."""
    match = re.search(r"^NVRM version:.*?\s(\d+\.\d+(?:\.\d+)?)\s", text, re.MULTILINE)
    return match[1] if match else None


def _answers() -> list[_Answer]:
    """Down to the first source that knows a card."""
    answers = []
    for ask in (_nvml, ask_smi, _kernel):
        answers.append(ask())
        if answers[-1].cards:
            break
    return answers


def _nvml() -> _Answer:
    try:
        nvml = import_module("pynvml")
    except ImportError:
        return _Answer("NVML: no module pynvml")
    return ask_nvml(nvml)


def _kernel() -> _Answer:
    try:
        text = Path("/proc/driver/nvidia/version").read_text("utf-8", errors="replace")
    except OSError:
        return _Answer("no /proc/driver/nvidia/version")
    driver = driver_in(text)
    return _Answer(f"the kernel has NVIDIA driver {driver or 'of a version not known'}", driver)


def _card(nvml: Any, index: int) -> Card:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    return Card(
        index,
        str(nvml.nvmlDeviceGetName(handle)),
        str(nvml.nvmlDeviceGetUUID(handle)),
        tuple(nvml.nvmlDeviceGetCudaComputeCapability(handle)),
        *_memory(nvml, handle),
    )


def _memory(nvml: Any, handle: Any) -> tuple[int, int] | tuple[None, None]:
    try:
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    except nvml.NVMLError:  # shared with the machine
        return None, None
    return int(memory.total), int(memory.free)


def _told(source: str, driver: str | None, cards: Sequence[Card]) -> str:
    names = ", ".join(card.name for card in cards) or "no card"
    return f"{source}: {names}, driver {driver or 'not known'}"


def _bytes(mebibytes: str) -> int | None:
    return int(mebibytes) * _MIB if mebibytes.isdigit() else None


def _loads(library: str) -> bool:
    try:
        CDLL(library)
    except OSError:
        return False
    return True

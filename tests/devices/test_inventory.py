"""What GPUs there are, from what NVML, nvidia-smi and the kernel say."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from devices.machines import card

from malgwi.devices import Card, inventory
from malgwi.devices.inventory import ask_nvml, ask_smi, cards_in, driver_in, visible

SMI = """\
GPU-5f2b1d0e-0c7a-4f3e-9a55-2f1f0c9f1e11, NVIDIA GeForce GTX 1660 SUPER, 7.5, 550.144.03, 6144, 5734
GPU-8a1c7e52-93d4-4b1b-8f0e-77c2a3d1b9aa, NVIDIA GB10, 12.1, 550.144.03, [N/A], [N/A]
"""
PROPRIETARY = """\
NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.144.03  Mon Dec 30 17:44:08 UTC 2024
GCC version:  gcc version 13.3.0 (Ubuntu 13.3.0-6ubuntu2~24.04)
"""
OPEN = """\
NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.10  Release Build  (dvs-builder@U16)
GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)
"""


class NVMLError(Exception):
    """As pynvml's."""


@dataclass
class Nvml:
    """The module pynvml on a machine with cards, or on one where something fails."""

    cards: list[tuple[str, tuple[int, int], int | None]]
    broken: str = ""
    NVMLError: type[Exception] = NVMLError
    ended: list[bool] = field(default_factory=list)

    def nvmlInit(self) -> None:
        if self.broken:
            raise NVMLError(self.broken)

    def nvmlShutdown(self) -> None:
        self.ended.append(True)

    def nvmlSystemGetDriverVersion(self) -> str:
        return "575.51.03"

    def nvmlDeviceGetCount(self) -> int:
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetName(self, handle: int) -> str:
        return self.cards[handle][0]

    def nvmlDeviceGetUUID(self, handle: int) -> str:
        return f"GPU-{handle}"

    def nvmlDeviceGetCudaComputeCapability(self, handle: int) -> tuple[int, int]:
        return self.cards[handle][1]

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:
        free = self.cards[handle][2]
        if free is None:
            raise NVMLError("Not Supported")
        return SimpleNamespace(total=free * 2, free=free)


def program(folder: Path, lines: str) -> tuple[str, ...]:
    """A stand-in for nvidia-smi."""
    path = folder / "smi.py"
    path.write_text(f"import sys, time\n{lines}\n")
    return sys.executable, str(path)


def test_nvml_tells_the_driver_and_every_card() -> None:
    nvml = Nvml([("NVIDIA GeForce RTX 5090", (12, 0), 30), ("NVIDIA GB10", (12, 1), None)])

    answer = ask_nvml(nvml)

    assert answer.driver == "575.51.03"
    assert answer.cards == (
        Card(0, "NVIDIA GeForce RTX 5090", "GPU-0", (12, 0), 60, 30),
        Card(1, "NVIDIA GB10", "GPU-1", (12, 1), None, None),
    )
    assert nvml.ended


def test_what_nvml_complains_of_is_a_finding() -> None:
    answer = ask_nvml(Nvml([], broken="RM has detected an NVML/RM version mismatch."))

    assert (answer.driver, answer.cards) == (None, ())
    assert answer.said == "NVML: RM has detected an NVML/RM version mismatch"


def test_nvidia_smi_tells_the_same() -> None:
    driver, cards = cards_in(SMI)

    assert driver == "550.144.03"
    assert [each.name for each in cards] == ["NVIDIA GeForce GTX 1660 SUPER", "NVIDIA GB10"]
    assert [each.capability for each in cards] == [(7, 5), (12, 1)]
    assert (cards[0].memory_total, cards[0].memory_free) == (6144 << 20, 5734 << 20)
    assert (cards[1].memory_total, cards[1].memory_free) == (None, None)


def test_what_is_no_table_has_no_card() -> None:
    assert cards_in("No devices were found\n") == (None, ())
    assert cards_in("GPU-1, NVIDIA Tegra, [N/A], [N/A], [N/A], [N/A]") == (None, ())
    assert cards_in("") == (None, ())


def test_nvidia_smi_is_run_and_read(tmp_path: Path) -> None:
    answer = ask_smi(program(tmp_path, f"print({SMI!r})"))

    assert (answer.driver, len(answer.cards)) == ("550.144.03", 2)
    assert answer.said.startswith("nvidia-smi: NVIDIA GeForce GTX 1660 SUPER, NVIDIA GB10")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            "print('Failed to initialize NVML: Unknown Error'); sys.exit(255)",
            "nvidia-smi: Failed to initialize NVML: Unknown Error",
        ),
        ("sys.exit(9)", "nvidia-smi: ended with 9"),
        ("time.sleep(60)", "nvidia-smi: no answer in 0.5 s"),
    ],
    ids=["it says why", "it does not", "it hangs"],
)
def test_an_nvidia_smi_that_fails_is_a_finding(tmp_path: Path, lines: str, said: str) -> None:
    answer = ask_smi(program(tmp_path, lines), patience=0.5 if "sleep" in lines else 10)

    assert (answer.said, answer.cards) == (said, ())


def test_no_nvidia_smi_is_a_finding(tmp_path: Path) -> None:
    assert ask_smi((str(tmp_path / "nvidia-smi"),)).said == "no nvidia-smi"


@pytest.mark.parametrize(("text", "version"), [(PROPRIETARY, "550.144.03"), (OPEN, "570.86.10")])
def test_the_kernel_tells_its_driver(text: str, version: str) -> None:
    assert driver_in(text) == version


def test_of_a_kernel_that_tells_something_else_nothing_is_known() -> None:
    assert driver_in("no driver here") is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ["GPU-000", "GPU-111", "GPU-222"]),
        ("2,0", ["GPU-222", "GPU-000"]),
        ("GPU-11", ["GPU-111"]),
        ("1,-1,2", ["GPU-111"]),
        ("3", []),
        ("", []),
        ("MIG-GPU-000/1/0", ["GPU-000", "GPU-111", "GPU-222"]),
    ],
)
def test_cards_that_the_environment_hides_are_not_there(
    value: str | None, shown: list[str]
) -> None:
    cards = [card("Tesla T4", index) for index in range(3)]

    seen = visible(cards, value)

    assert [each.uuid for each in seen] == shown
    assert [each.index for each in seen] == list(range(len(shown)))


def test_looking_at_this_machine_says_what_was_looked_at() -> None:
    found = inventory()

    assert found.evidence[0].startswith("NVML: ")
    assert ("no card found" in found.evidence) == (not found.cards)
    assert ("libcuda.so.1 loads" in found.evidence) == found.libcuda


def test_with_every_card_hidden_there_is_none() -> None:
    found = inventory({"CUDA_VISIBLE_DEVICES": ""})

    assert found.cards == ()
    assert found.evidence[-1] == "no card found"

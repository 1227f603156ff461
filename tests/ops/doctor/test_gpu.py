"""Cards, drivers and libraries, on machines that are described."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from devices.machines import (
    GB,
    GIVEN_NO_GPU,
    NOTHING,
    OLD_DRIVER,
    WITHOUT_LIBCUDA,
    machine,
)
from ops.doctor.pretended import assert_amiss, look, pretend, subject

from malgwi.devices import Inventory, rungs
from malgwi.ops.doctor import Subject

CT2 = {"ctranslate2": "4.8.5"}
SUPER, ADA, BLACKWELL, HOPPER = (
    "NVIDIA GeForce GTX 1660 SUPER",
    "NVIDIA L4",
    "NVIDIA GeForce RTX 5090",
    "NVIDIA H200",
)
MISMATCH = Inventory(
    None,
    device_file=True,
    evidence=("NVML: Driver/library version mismatch", "no card found"),
)
LOST = Inventory(None, container=True, evidence=("NVML: Unknown Error", "no card found"))
HIDDEN = Inventory(
    "580.65.06",
    device_file=True,
    libcuda=True,
    evidence=("CUDA_VISIBLE_DEVICES=1 hides every card", "no card found"),
)


def with_cards(  # noqa: PLR0913  (by keyword, and each stands for itself)
    tmp_path: Path,
    cards: Inventory,
    asked: Any = "auto",
    *,
    packages: dict[str, str] | None = None,
    weights: int = GB,
    options: dict[str, Any] | None = None,
    **given: Any,
) -> Subject:
    there = packages or CT2
    ladder = partial(rungs, asked, version=there.get("ctranslate2", "4.8.5"), model_bytes=weights)
    seen = pretend(tmp_path, cards=cards, packages=there, **given)
    settings = {"stt": {"device": asked, "options": options or {}}}
    return subject(seen, tmp_path, settings, library="ctranslate2", ladder=ladder)


Case = tuple[str, str, Inventory, str, dict[str, Any]]
AMISS: dict[str, Case] = {
    "asked for, and no driver": ("GPU-001", "fail", NOTHING, "cuda", {}),
    "a container without its GPU": ("GPU-001", "warn", GIVEN_NO_GPU, "auto", {}),
    "asked for in a container without": ("GPU-001", "fail", GIVEN_NO_GPU, "cuda", {}),
    "an old driver for the card": (
        "GPU-002",
        "fail",
        machine(BLACKWELL, driver="550.144.03"),
        "cuda",
        {},
    ),
    "a wheel without the card": (
        "GPU-002",
        "warn",
        machine("NVIDIA GeForce GTX 980"),
        "auto",
        {},
    ),
    "no memory for the model": ("GPU-002", "fail", machine(ADA, free=GB // 2), "cuda", {}),
    "float16 without tensor cores": (
        "GPU-003",
        "fail",
        machine(SUPER),
        "auto",
        {"options": {"compute_type": "float16"}},
    ),
    "somebody on the card": ("GPU-004", "warn", machine(ADA, free=4 * GB), "auto", {}),
    "every card hidden": (
        "GPU-005",
        "fail",
        HIDDEN,
        "auto",
        {"environ": {"CUDA_VISIBLE_DEVICES": "1"}},
    ),
    "a card named that is not there": (
        "GPU-005",
        "warn",
        machine(ADA),
        "auto",
        {"environ": {"CUDA_VISIBLE_DEVICES": "0,3"}},
    ),
    "cards that are counted differently": ("GPU-006", "warn", machine(SUPER, ADA), "auto", {}),
    "compiled anew in each container": (
        "GPU-007",
        "warn",
        replace(machine(HOPPER), container=True),
        "auto",
        {},
    ),
    "CUDA after a suspend": (
        "GPU-008",
        "fail",
        machine(ADA),
        "auto",
        {"files": {"/dev/nvidiactl": "", "/dev/nvidia0": ""}},
    ),
    "an upgraded driver": ("DRV-001", "fail", MISMATCH, "auto", {}),
    "a GPU lost by its container": ("DRV-001", "fail", LOST, "auto", {}),
    "a driver of CUDA 11": ("DRV-002", "fail", OLD_DRIVER, "auto", {}),
    "nouveau": (
        "DRV-003",
        "warn",
        NOTHING,
        "auto",
        {"files": {"/proc/modules": "nouveau 2334720 1 - Live\n"}},
    ),
    "nouveau, and a GPU asked for": (
        "DRV-003",
        "fail",
        NOTHING,
        "cuda",
        {"files": {"/proc/modules": "nouveau 2334720 1 - Live\n"}},
    ),
    "no libcuda": ("DRV-004", "fail", WITHOUT_LIBCUDA, "auto", {}),
    "no libcuda, no device": ("DRV-004", "warn", GIVEN_NO_GPU, "auto", {}),
    "no cuBLAS": ("LIB-001", "fail", machine(ADA), "auto", {}),
    "no cuDNN 9": (
        "LIB-002",
        "fail",
        machine(ADA),
        "auto",
        {"packages": {"ctranslate2": "4.5.0"}},
    ),
}


@pytest.mark.parametrize("case", AMISS.values(), ids=AMISS)
def test_what_keeps_a_gpu_from_computing_is_said(case: Case, tmp_path: Path) -> None:
    id, state, cards, asked, given = case
    assert_amiss(look(id, with_cards(tmp_path, cards, asked, **given)), state)


@pytest.mark.parametrize(
    "id", [*(f"GPU-{n:03}" for n in (1, 2, 3, 4, 5)), *(f"DRV-{n:03}" for n in range(1, 5))]
)
@pytest.mark.parametrize("name", [SUPER, ADA, BLACKWELL])
def test_a_card_that_is_well_is_left_alone(id: str, name: str, tmp_path: Path) -> None:
    patient = with_cards(tmp_path, machine(name), "cuda", libraries=["libcublas.so.12"])

    assert look(id, patient).state == "ok"


@pytest.mark.parametrize("id", [*(f"GPU-{n:03}" for n in (1, 2, 3, 4, 6, 7, 8)), "DRV-001"])
def test_a_machine_without_a_gpu_hears_nothing_of_one(id: str, tmp_path: Path) -> None:
    assert look(id, with_cards(tmp_path, NOTHING)).state == "skip"


def test_who_computes_elsewhere_needs_no_gpu_here(tmp_path: Path) -> None:
    settings = {"stt": {"device": "cuda", "endpoint": "http://gpu:8003"}}
    patient = subject(pretend(tmp_path, cards=NOTHING), tmp_path, settings, library="ctranslate2")

    assert [look(f"GPU-{n:03}", patient).state for n in (1, 2, 3)] == ["skip"] * 3


def test_an_insufficient_driver_that_is_no_driver_is_told_as_what_it_is(tmp_path: Path) -> None:
    found = look("GPU-001", with_cards(tmp_path, GIVEN_NO_GPU, "cuda"))

    assert "The driver is not too old" in found.cause
    assert "gpus: all" in found.remedy


def test_the_choice_for_a_card_without_tensor_cores_is_told(tmp_path: Path) -> None:
    found = look("GPU-003", with_cards(tmp_path, machine(SUPER)))

    assert found.state == "ok"
    assert found.symptom.startswith("It computes with int8_float32: no tensor cores")


@pytest.mark.parametrize(
    ("id", "given"),
    [
        ("GPU-006", {"environ": {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}}),
        ("GPU-007", {"environ": {"CUDA_CACHE_PATH": "/cache"}}),
        ("GPU-008", {"files": {"/dev/nvidiactl": "", "/dev/nvidia-uvm": ""}}),
        ("LIB-001", {"libraries": ["libcublas.so.12"]}),
        ("LIB-002", {"packages": {"ctranslate2": "4.4.0"}, "libraries": ["libcudnn.so.8"]}),
    ],
)
def test_what_was_mended_is_well(id: str, given: dict[str, Any], tmp_path: Path) -> None:
    cards = replace(machine(HOPPER, SUPER), container=True)

    assert look(id, with_cards(tmp_path, cards, **given)).state == "ok"


def test_a_cublas_that_is_installed_and_not_found_is_said_as_that(tmp_path: Path) -> None:
    there = {**CT2, "nvidia-cublas-cu12": "12.9.1.4"}

    found = look("LIB-001", with_cards(tmp_path, machine(ADA), packages=there))

    assert_amiss(found, "fail", "not in LD_LIBRARY_PATH")


def test_a_library_that_needs_no_cudnn_is_asked_for_none(tmp_path: Path) -> None:
    assert look("LIB-002", with_cards(tmp_path, machine(ADA))).state == "skip"

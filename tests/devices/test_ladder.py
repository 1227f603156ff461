"""From the device that was asked for down to one that works, and never in silence."""

import gc
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from devices.machines import GB, GIVEN_NO_GPU, IN_A_CONTAINER, NOTHING, OLD_DRIVER, card, machine

from malgwi.devices import Inventory, Ladder, Rung, climb, inventory, rungs
from malgwi.errors import (
    BadOption,
    DeviceRefused,
    EngineError,
    EngineFailed,
    EngineMissing,
    ModelBroken,
    ModelMissing,
)
from malgwi.ops import find
from malgwi.plugins import load
from malgwi.stt import check_canary

CT2 = "4.8.5"
LARGE = 3_087_284_237
"""Bytes of model.bin of whisper-large-v2."""
BASE = 145_217_532
RTX_3070, GTX_1660 = "NVIDIA GeForce RTX 3070 Ti", "NVIDIA GeForce GTX 1660 SUPER"
CPU = "cpu int8"


class Machine:
    """What engines do on the rungs of a machine: they work, or fail with a library's words."""

    def __init__(self, fails: Mapping[str, str] = MappingProxyType({})) -> None:
        self._fails = fails
        """The library's words by the beginning of the rung's name."""
        self.built: list[str] = []
        self.checked: list[str] = []

    def build(self, rung: Rung) -> str:
        self.built.append(str(rung))
        return str(rung)

    def check(self, engine: str) -> None:
        self.checked.append(engine)
        for where, text in self._fails.items():
            if engine.startswith(where):
                raise EngineFailed("whisper-base failed.") from RuntimeError(text)


def plan(asked: str, inventory: Inventory, version: str = CT2, size: int = BASE) -> Ladder:
    return rungs(asked, inventory, version, size)  # type: ignore[arg-type]


def planned(ladder: Ladder) -> list[str]:
    return [str(rung) for rung in ladder.rungs]


def left_out(ladder: Ladder) -> list[str]:
    return [each.id for each in ladder.left_out]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("NVIDIA GeForce RTX 5090", "int8_float16"),
        ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "int8_float16"),
        ("NVIDIA B200", "int8_float16"),
        ("NVIDIA H100 80GB HBM3", "int8_float16"),
        ("NVIDIA H200", "int8_float16"),
        ("NVIDIA GeForce RTX 4090", "int8_float16"),
        ("NVIDIA L4", "int8_float16"),
        (RTX_3070, "int8_float16"),
        ("NVIDIA A100-SXM4-80GB", "int8_float16"),
        ("NVIDIA GeForce RTX 2080 Ti", "int8_float16"),
        ("Tesla T4", "int8_float16"),
        (GTX_1660, "int8_float32"),
        ("NVIDIA GeForce GTX 1650 Ti", "int8_float32"),
        ("NVIDIA T400 4GB", "int8_float32"),
        ("NVIDIA T1200 Laptop GPU", "int8_float32"),
        ("Quadro T2000", "int8_float32"),
        ("NVIDIA GeForce MX450", "int8_float32"),
        ("Tesla V100-SXM2-16GB", "int8_float16"),
        ("NVIDIA GeForce GTX 1080", "int8_float32"),
        ("Tesla P40", "int8_float32"),
        ("Tesla P100-PCIE-16GB", "float32"),
    ],
)
def test_each_card_begins_with_what_it_is_good_at(name: str, first: str) -> None:
    ladder = plan("auto", machine(name))

    assert planned(ladder)[0] == f"cuda:0 {first}"
    assert planned(ladder)[-1] == CPU
    assert name in ladder.rungs[0].why
    assert ladder.left_out == ()


@pytest.mark.parametrize(
    ("name", "driver", "version", "diagnosis"),
    [
        ("NVIDIA GeForce RTX 5090", "565.57.01", CT2, "ptx-driver"),
        ("NVIDIA H100 80GB HBM3", "550.144.03", CT2, "ptx-driver"),
        ("NVIDIA GeForce GTX 980", "580.65.06", CT2, "wheel-without-card"),
        (RTX_3070, "470.256.02", CT2, "driver-too-old"),
    ],
)
def test_a_card_that_the_wheel_cannot_serve_is_left_out(
    name: str, driver: str, version: str, diagnosis: str
) -> None:
    inventory = machine(name, driver=driver)

    assert planned(plan("auto", inventory, version)) == [CPU]
    assert planned(plan("cuda", inventory, version)) == []
    assert left_out(plan("cuda", inventory, version)) == [diagnosis]
    assert name in plan("cuda", inventory, version).left_out[0].cause


@pytest.mark.parametrize(
    ("name", "driver", "version", "first"),
    [
        ("NVIDIA GeForce RTX 5090", "575.51.03", "4.7.0", "int8_float16"),
        ("NVIDIA GeForce RTX 5090", "575.51.03", "4.6.3", "float16"),
        ("NVIDIA GeForce RTX 5090", "565.57.01", "4.6.2", "float16"),
        ("NVIDIA H100 80GB HBM3", "550.144.03", "4.6.2", "int8_float16"),
        (RTX_3070, "525.60.13", CT2, "int8_float16"),
    ],
)
def test_with_the_right_wheel_and_driver_it_is_used(
    name: str, driver: str, version: str, first: str
) -> None:
    assert planned(plan("cuda", machine(name, driver=driver), version))[0] == f"cuda:0 {first}"


def test_on_the_cpu_no_card_is_looked_at() -> None:
    ladder = plan("cpu", machine(RTX_3070))

    assert (planned(ladder), ladder.left_out) == ([CPU], ())


def test_torch_computes_with_other_types() -> None:
    ladder = rungs("auto", machine("Tesla T4"), "2.10.0+cu128", BASE, "torch")

    assert planned(ladder) == ["cuda:0 float16", "cuda:0 float32", "cpu float32"]


def test_cards_follow_each_other_each_with_its_own_types() -> None:
    ladder = plan("cuda", machine(RTX_3070, GTX_1660))

    assert planned(ladder) == [
        "cuda:0 int8_float16", "cuda:0 bfloat16", "cuda:0 float32",
        "cuda:1 int8_float32", "cuda:1 float32",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("free", "types"),
    [
        (8 * GB, ["int8_float16", "bfloat16"]),
        (4 * GB, ["int8_float16"]),
        (3 * GB, []),
        (None, ["int8_float16", "bfloat16", "float32"]),
    ],
)
def test_only_what_fits_into_free_memory_is_tried(free: int | None, types: list[str]) -> None:
    """Large-v2 took 4.7 GB in float16 and 3.1 GB in int8 on this card."""
    ladder = plan("cuda", machine(RTX_3070, free=free), size=LARGE)

    assert [rung.compute_type for rung in ladder.rungs] == types
    assert left_out(ladder) == ([] if types else ["not-enough-gpu-memory"])


def test_where_the_first_rung_holds_there_is_nothing_to_explain() -> None:
    there = Machine()

    landed = climb(plan("auto", machine(RTX_3070)), there.build, there.check)

    assert landed.engine == "cuda:0 int8_float16"
    assert (landed.fallback_reason, landed.diagnosis) == (None, None)
    assert there.checked == there.built == ["cuda:0 int8_float16"]


@pytest.mark.parametrize("asked", ["auto", "cpu"])
@pytest.mark.parametrize("inventory", [NOTHING, IN_A_CONTAINER])
def test_without_any_gpu_the_cpu_is_no_fall_back(asked: str, inventory: Inventory) -> None:
    there = Machine()

    landed = climb(plan(asked, inventory), there.build, there.check)

    assert str(landed.rung) == CPU
    assert landed.fallback_reason is None


@pytest.mark.parametrize(
    ("inventory", "diagnosis", "words"),
    [
        (GIVEN_NO_GPU, "no-gpu-in-container", "was given no GPU"),
        (machine("NVIDIA GeForce RTX 5090", driver="565.57.01"), "ptx-driver", "570 or newer"),
        (machine(RTX_3070, free=100), "not-enough-gpu-memory", "the model needs"),
        (OLD_DRIVER, "card-not-answering", "no card answers"),
    ],
)
def test_a_gpu_that_cannot_be_used_is_a_fall_back_and_that_is_said(
    inventory: Inventory, diagnosis: str, words: str
) -> None:
    there = Machine()

    landed = climb(plan("auto", inventory), there.build, there.check)

    assert str(landed.rung) == CPU
    assert landed.diagnosis == diagnosis
    assert landed.fallback_reason is not None
    assert landed.fallback_reason.startswith("auto was asked for, cpu int8 is used: ")
    assert f"({diagnosis})" in landed.fallback_reason
    assert words in landed.fallback_reason


def test_what_fails_its_test_is_stepped_down_from_and_that_is_said() -> None:
    there = Machine({"cuda:0 int8": "cuBLAS failed with status CUBLAS_STATUS_NOT_SUPPORTED"})

    landed = climb(plan("cuda", machine("NVIDIA GeForce RTX 5090")), there.build, there.check)

    assert there.built == ["cuda:0 int8_float16", "cuda:0 bfloat16"]
    assert landed.diagnosis == "int8-not-supported"
    assert landed.fallback_reason == (
        "cuda was asked for, cuda:0 bfloat16 is used: cuBLAS refuses int8 on this card, as on an "
        "RTX 50xx before CTranslate2 4.7 (int8-not-supported)."
    )


def test_a_card_that_was_left_out_is_no_fall_back_while_another_is_used() -> None:
    there = Machine()
    ladder = plan("auto", machine("NVIDIA GeForce GTX 980", RTX_3070))

    landed = climb(ladder, there.build, there.check)

    assert left_out(ladder) == ["wheel-without-card"]
    assert str(landed.rung) == "cuda:1 int8_float16"
    assert landed.fallback_reason is None


def test_nor_is_it_the_reason_for_what_happened_on_the_other() -> None:
    there = Machine({"cuda:1 int8": "CUDA failed with error out of memory"})
    ladder = plan("auto", machine("NVIDIA GeForce GTX 980", RTX_3070))

    landed = climb(ladder, there.build, there.check)

    assert str(landed.rung) == "cuda:1 bfloat16"
    assert landed.diagnosis == "out-of-gpu-memory"
    assert landed.fallback_reason is not None
    assert "wheel-without-card" not in landed.fallback_reason


def test_the_cpu_is_reached_over_every_card_and_each_cause_is_said_once() -> None:
    there = Machine({"cuda": "Library libcublas.so.12 is not found or cannot be loaded"})

    landed = climb(plan("auto", machine(GTX_1660, GTX_1660)), there.build, there.check)

    assert len(there.built) == 5
    assert str(landed.rung) == CPU
    assert landed.fallback_reason is not None
    assert landed.fallback_reason.count("no-libcublas") == 1


def test_words_that_nobody_knows_are_passed_on() -> None:
    there = Machine({"cuda": "CUDA failed with error unspecified launch failure"})

    landed = climb(plan("auto", machine(GTX_1660)), there.build, there.check)

    assert landed.diagnosis == "unknown"
    assert landed.fallback_reason is not None
    assert "unspecified launch failure (unknown)" in landed.fallback_reason


@pytest.mark.parametrize(
    ("inventory", "words"),
    [
        (NOTHING, "no NVIDIA driver on this machine"),
        (IN_A_CONTAINER, "This container was given no GPU"),
        (GIVEN_NO_GPU, "`gpus: all`"),
        (machine(RTX_3070, driver="470.256.02"), "needs driver 525.60.13 or newer"),
        (machine("NVIDIA GeForce GTX 980"), "no code for NVIDIA GeForce GTX 980"),
    ],
    ids=["no driver", "container", "no request", "old driver", "old card"],
)
def test_cuda_that_is_not_to_be_had_is_refused_with_cause_and_remedy(
    inventory: Inventory, words: str
) -> None:
    there = Machine()

    with pytest.raises(DeviceRefused) as refused:
        climb(plan("cuda", inventory), there.build, there.check)

    assert str(refused.value).startswith("STT_DEVICE is cuda, and no GPU can be used.")
    assert words in str(refused.value)
    assert there.built == []


def test_cuda_that_fails_everywhere_is_refused_with_the_librarys_words_as_cause() -> None:
    there = Machine({"cuda": "Library libcublas.so.12 is not found or cannot be loaded"})

    with pytest.raises(DeviceRefused, match="nvidia-cublas-cu12") as refused:
        climb(plan("cuda", machine(RTX_3070)), there.build, there.check)

    assert isinstance(refused.value.__cause__, EngineFailed)
    assert len(there.built) == 3


@pytest.mark.parametrize("asked", ["auto", "cpu"])
def test_where_not_even_the_cpu_works_the_engines_own_error_is_raised(asked: str) -> None:
    there = Machine({"cuda": "out of luck", "cpu": "out of luck too"})

    with pytest.raises(EngineFailed, match=r"^whisper-base failed\.$"):
        climb(plan(asked, machine(RTX_3070)), there.build, there.check)


@pytest.mark.parametrize(
    "error",
    [
        ModelMissing("whisper-base", "models"),
        ModelBroken("It is truncated."),
        EngineMissing("faster-whisper"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_no_fault_of_the_device_is_raised_at_once(error: EngineError) -> None:
    tried: list[Rung] = []

    def build(rung: Rung) -> str:
        raise error

    with pytest.raises(type(error)):
        climb(plan("auto", machine(RTX_3070)), build, str, on_try=tried.append)

    assert len(tried) == 1


def test_an_option_that_the_device_does_not_take_is_stepped_down_from() -> None:
    def build(rung: Rung) -> str:
        if rung.compute_type == "int8_float16":
            raise BadOption("faster-whisper cannot run on cuda with int8_float16.")
        return str(rung)

    landed = climb(plan("cuda", machine(RTX_3070)), build, str)

    assert landed.engine == "cuda:0 bfloat16"
    assert landed.diagnosis == "unknown"


def test_whoever_watches_is_told_before_each_attempt() -> None:
    there = Machine({"cuda": "CUDA failed with error out of memory"})
    seen: list[tuple[str, int]] = []

    climb(
        plan("auto", machine(GTX_1660)),
        there.build,
        there.check,
        on_try=lambda rung: seen.append((str(rung), len(there.built))),
    )

    assert seen == [("cuda:0 int8_float32", 0), ("cuda:0 float32", 1), (CPU, 2)]


def test_where_a_process_died_the_next_does_not_go_and_that_is_said() -> None:
    there = Machine()
    ladder = plan("auto", machine(GTX_1660))
    died = dict.fromkeys(ladder.rungs[:2], "Cannot load symbol cudnnCreateTensorDescriptor")

    landed = climb(ladder, there.build, there.check, died=died)

    assert there.built == [CPU]
    assert landed.diagnosis == "no-cudnn-9"
    assert landed.fallback_reason is not None


@pytest.mark.parametrize(
    ("asked", "error"), [("cuda", DeviceRefused), ("auto", EngineFailed), ("cpu", EngineFailed)]
)
def test_where_processes_died_everywhere_that_is_the_end(
    asked: str, error: type[EngineError]
) -> None:
    there = Machine()
    ladder = plan(asked, machine(GTX_1660))

    with pytest.raises(error, match="was killed"):
        climb(ladder, there.build, there.check, died=dict.fromkeys(ladder.rungs, "signal 9"))

    assert there.built == []


def test_the_cpus_death_is_told_and_not_an_older_error_of_the_gpu() -> None:
    there = Machine({"cuda": "CUDA failed with error out of memory"})
    ladder = plan("auto", machine(GTX_1660))

    with pytest.raises(EngineFailed, match="was killed"):
        climb(ladder, there.build, there.check, died={ladder.rungs[-1]: "signal 9"})


class Heavy:
    """An engine that fills the memory of a card."""


def failing_check(of: Callable[[Heavy], bool]) -> Callable[[Heavy], None]:
    def check(engine: Heavy) -> None:
        if of(engine):
            raise EngineFailed("It failed.") from RuntimeError("out of memory")

    return check


def test_an_engine_that_failed_is_let_go_before_the_next_is_built() -> None:
    engines: list[weakref.ref[Heavy]] = []
    alive: list[int] = []

    def build(rung: Rung) -> Heavy:
        alive.append(sum(each() is not None for each in engines))
        engine = Heavy()
        engines.append(weakref.ref(engine))
        return engine

    gc.disable()
    try:
        climb(plan("auto", machine(GTX_1660)), build, failing_check(lambda _: len(engines) < 3))
    finally:
        gc.enable()

    assert alive == [0, 0, 0]


@pytest.mark.model
def test_a_real_engine_comes_down_to_the_cpu_where_the_card_is_not_there(models: Path) -> None:
    here = inventory()
    if here.cards:
        pytest.skip("here is a GPU")
    folder = find("whisper-base", models)
    engine = load("stt", "faster-whisper")
    ladder = plan("auto", replace(here, cards=(card(GTX_1660),)))

    landed = climb(
        ladder,
        lambda rung: engine(folder, device=rung.device, compute_type=rung.compute_type),
        check_canary,
    )

    assert landed.engine.engine.device == "cpu"
    assert landed.diagnosis in ("no-driver", "no-gpu-seen", "no-gpu-in-container")

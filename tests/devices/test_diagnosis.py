"""From captured words to what is wrong."""

import pytest
from devices.machines import (
    GIVEN_NO_GPU,
    IN_A_CONTAINER,
    NOTHING,
    OLD_DRIVER,
    WITHOUT_LIBCUDA,
    machine,
)

from malgwi.devices import Inventory, diagnose
from malgwi.devices.diagnosis import known, words_of
from malgwi.devices.tables import read
from malgwi.devices.versions import numbers
from malgwi.errors import BadOption, EngineFailed

FINE = machine("NVIDIA GeForce RTX 3070 Ti")
INSUFFICIENT = "CUDA failed with error CUDA driver version is insufficient for CUDA runtime version"
CAPTURED = {
    "Failed to initialize NVML: Driver/library version mismatch\n"
    "NVML library version: 550.144": "driver-not-reloaded",
    "NVML: RM has detected an NVML/RM version mismatch": "driver-not-reloaded",
    "Failed to initialize NVML: Unknown Error": "gpu-lost-by-container",
    "RuntimeError: CUDA failed with error no CUDA-capable device is detected": "gpu-hidden",
    "libcuda.so.1: cannot open shared object file: No such file or directory": "no-libcuda",
    "The NVIDIA driver on your system is too old (found version 12040). Please update your GPU "
    "driver by downloading and installing a new version": "driver-behind-library",
    "CUDA failed with error the provided PTX was compiled with an unsupported toolchain.": (
        "ptx-driver"
    ),
    "CUDA_ERROR_UNSUPPORTED_PTX_VERSION": "ptx-driver",
    "CUDA failed with error no kernel image is available for execution on the device": (
        "wheel-without-card"
    ),
    "torch.AcceleratorError: CUDA error: no kernel image is available for execution on the device\n"
    "CUDA kernel errors might be asynchronously reported": "wheel-without-card",
    "This CTranslate2 package was not compiled with CUDA support": "wheel-without-cuda",
    "AssertionError: Torch not compiled with CUDA enabled": "wheel-without-cuda",
    "Library libcublas.so.12 is not found or cannot be loaded": "no-libcublas",
    "ImportError: libcublas.so.12: cannot open shared object file: No such file": "no-libcublas",
    "Could not load library libcudnn_ops_infer.so.8. Error: libcudnn_ops_infer.so.8: cannot open "
    "shared object file: No such file or directory": "no-cudnn-8",
    "Unable to load any of {libcudnn_ops.so.9.1.0, libcudnn_ops.so.9.1, libcudnn_ops.so.9, "
    "libcudnn_ops.so}\nInvalid handle. Cannot load symbol cudnnCreateTensorDescriptor": (
        "no-cudnn-9"
    ),
    "cuBLAS failed with status CUBLAS_STATUS_NOT_SUPPORTED": "int8-not-supported",
    "Requested float16 compute type, but the target device or backend do not support efficient "
    "float16 computation.": "no-usable-float16",
    "Requested int8_float16 compute type, but the target device or backend do not support "
    "efficient int8_float16 computation.": "no-usable-float16",
    "whisper-base on cuda cannot be trusted: the canary came back as marks without a word.": (
        "no-usable-float16"
    ),
    "whisper-base on cuda cannot be trusted: the canary came back with no number for a "
    "probability.": "no-usable-float16",
    "Requested bfloat16 compute type, but the target device or backend do not support efficient "
    "bfloat16 computation.": "type-not-supported",
    "CUDA failed with error out of memory": "out-of-gpu-memory",
    "CUDA error: out of memory": "out-of-gpu-memory",
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total "
    "capacity of 5.80 GiB": "out-of-gpu-memory",
    "cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED": "out-of-gpu-memory",
    "Cannot re-initialize CUDA in forked subprocess. To use CUDA with multiprocessing, you must "
    "use the 'spawn' start method": "cuda-before-fork",
    "Unsupported model binary version. This executable supports models with binary version v6 or "
    "below, but the model has binary version v67324752.": "model-file-broken",
    "Unexpected bus error encountered in worker. This might be caused by insufficient shared "
    "memory (shm).": "bus-error",
    "The process was ended by signal 7": "bus-error",
    "RuntimeError: can't start new thread": "too-many-threads",
    "OSError: [Errno 24] Too many open files": "too-many-files",
    "WorkerLostError('Worker exited prematurely: signal 9 (SIGKILL) Job: 3.')": "killed",
    '"State": {"Status": "exited", "OOMKilled": true}': "killed",
    "exited with code 137": "killed",
    "it was killed, as by the system when memory runs out": "killed",
    "HTTPSConnectionPool(host='huggingface.co', port=443): Max retries exceeded with url": (
        "model-not-staged"
    ),
}
AMBIGUOUS = {
    "no-driver": NOTHING,
    "no-gpu-seen": IN_A_CONTAINER,
    "no-gpu-in-container": GIVEN_NO_GPU,
    "device-without-libcuda": WITHOUT_LIBCUDA,
    "driver-too-old": OLD_DRIVER,
    "driver-behind-library": FINE,
}
WITHOUT_TEXT = {"not-enough-gpu-memory", "card-not-answering"}
"""Those that are found before anything is said."""


@pytest.mark.parametrize(("text", "expected"), CAPTURED.items(), ids=CAPTURED.values())
def test_a_captured_text_is_understood(text: str, expected: str) -> None:
    found = diagnose(f"2026-11-20 09:00:00 worker: {text} (and more)", FINE)

    assert found is not None
    assert found.id == expected
    assert found.cause.endswith(".") and found.remedy


@pytest.mark.parametrize(("expected", "evidence"), AMBIGUOUS.items(), ids=AMBIGUOUS)
def test_an_insufficient_driver_is_told_apart_by_the_evidence(
    expected: str, evidence: Inventory
) -> None:
    found = diagnose(INSUFFICIENT, evidence)

    assert found is not None
    assert found.id == expected


def test_torch_without_a_driver_is_told_apart_as_well() -> None:
    text = "RuntimeError: Found no NVIDIA driver on your system. Please check that you have an GPU"

    found = [diagnose(text, each) for each in (NOTHING, IN_A_CONTAINER, GIVEN_NO_GPU)]

    assert [each.id for each in found if each] == [
        "no-driver",
        "no-gpu-seen",
        "no-gpu-in-container",
    ]


@pytest.mark.parametrize("text", ["", "Segmentation fault", "CUDA", "listening on port 8137"])
def test_what_is_not_in_the_table_is_not_guessed(text: str) -> None:
    assert diagnose(text, FINE) is None


def test_every_row_of_the_table_has_a_captured_text() -> None:
    ids = [row["id"] for row in read("failures.toml")["failure"]]

    assert len(ids) == len(set(ids))
    assert set(ids) == {*CAPTURED.values(), *AMBIGUOUS, *WITHOUT_TEXT}


def test_an_id_that_there_is_not_is_no_diagnosis() -> None:
    assert known("driver-too-old").id == "driver-too-old"
    with pytest.raises(KeyError):
        known("gremlins")


def test_the_words_of_the_library_are_read_through_those_of_the_adapter() -> None:
    library = RuntimeError("CUDA failed with error out of memory")
    middle = EngineFailed("whisper-base failed on cuda.")
    middle.__cause__ = library
    ours = BadOption("It does not work.")
    ours.__cause__ = middle

    found = diagnose(words_of(ours), FINE)

    assert found is not None
    assert found.id == "out-of-gpu-memory"


def test_an_old_driver_is_one_that_no_wheel_for_cuda_12_takes() -> None:
    oldest = read("failures.toml")["oldest_driver"]

    wanted = [numbers(row["driver"]) for row in read("wheels.toml")["ctranslate2"]]

    assert {numbers(oldest)} == set(wanted)

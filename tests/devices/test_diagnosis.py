"""From captured words to what is wrong."""

import pytest
from devices.captured import CAPTURED, INSUFFICIENT
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

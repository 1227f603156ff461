"""From captured logs to diagnoses; what somebody said is in none of them."""

import pytest
from devices.captured import CAPTURED, INSUFFICIENT
from devices.machines import GIVEN_NO_GPU, NOTHING, OLD_DRIVER, machine

from malgwi.devices import Inventory
from malgwi.ops.doctor import diagnoses, log_lines

FINE = machine("NVIDIA GeForce RTX 3070 Ti")
SPOKEN = "the silver heron has landed"


@pytest.mark.parametrize(("text", "expected"), CAPTURED.items(), ids=CAPTURED.values())
def test_every_captured_text_is_found_in_a_log(text: str, expected: str) -> None:
    log = [f"engine-1  | {each}\n" for each in ("starting", *text.split("\n"), SPOKEN)]

    told = diagnoses(log, FINE)

    assert expected in [each.diagnosis.id for each in told]
    assert SPOKEN not in "\n".join(log_lines(told))


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [(GIVEN_NO_GPU, "no-gpu-in-container"), (NOTHING, "no-driver"), (OLD_DRIVER, "driver-too-old")],
)
def test_one_text_means_different_things_on_different_machines(
    evidence: Inventory, expected: str
) -> None:
    [told] = diagnoses([INSUFFICIENT], evidence)

    assert told.diagnosis.id == expected


def test_what_is_said_often_is_told_once_with_its_line() -> None:
    log = ["fine\n", "CUDA error: out of memory\n"] * 3 + ["No space left on device\n"]

    told = diagnoses(log, FINE)

    assert [(each.diagnosis.id, each.line, each.times) for each in told] == [
        ("out-of-gpu-memory", 2, 3),
        ("disk-full", 7, 1),
    ]
    assert next(log_lines(told)) == "out-of-gpu-memory (line 2, 3 times)"


def test_a_log_without_a_known_failure_says_so() -> None:
    assert list(log_lines(diagnoses(["all is well\n"], FINE))) == [
        "Nothing in it is known as a failure."
    ]

"""What a wheel can run, and what is computed with on a card."""

import pytest
from devices.machines import CAPABILITIES, card

from malgwi.devices.compatibility import Library, choice, wheel


@pytest.mark.parametrize(
    ("version", "capability", "driver"),
    [
        ("4.8.5", (12, 0), (570,)),
        ("4.8.5", (9, 0), (570,)),
        ("4.8.5", (8, 9), (525, 60, 13)),
        ("4.8.5", (7, 5), (525, 60, 13)),
        ("4.8.5", (6, 2), (525, 60, 13)),
        ("4.8.5", (5, 2), None),
        ("4.6.2", (9, 0), (550,)),
        ("4.6.0", (12, 0), (535,)),
        ("4.4.0", (8, 6), (525, 60, 13)),
        ("9.0", (12, 0), (570,)),
    ],
)
def test_which_driver_ctranslate2_needs_on_a_card(
    version: str, capability: tuple[int, int], driver: tuple[int, ...] | None
) -> None:
    inside = wheel("ctranslate2", version)

    assert inside is not None
    assert inside.driver_for(capability) == driver


@pytest.mark.parametrize(
    ("version", "capability", "driver"),
    [
        ("2.3.1+cu121", (12, 0), None),
        ("2.10.0", (12, 0), (525, 60, 13)),
        ("2.10.0", (6, 1), None),
        ("2.15.0", (12, 1), (580,)),
        ("2.15.0", (7, 0), None),
    ],
)
def test_which_driver_torch_needs_on_a_card(
    version: str, capability: tuple[int, int], driver: tuple[int, ...] | None
) -> None:
    inside = wheel("torch", version)

    assert inside is not None
    assert inside.driver_for(capability) == driver


@pytest.mark.parametrize(
    ("library", "version"),
    [("ctranslate2", "3.24.0"), ("torch", "2.7.1"), ("torch", "2.3.1+cu118")],
)
def test_a_wheel_that_nobody_has_looked_into_is_not_judged(library: Library, version: str) -> None:
    assert wheel(library, version) is None


@pytest.mark.parametrize("library", ["ctranslate2", "torch"])
@pytest.mark.parametrize("name", CAPABILITIES)
def test_there_is_something_to_compute_with_on_every_card(library: Library, name: str) -> None:
    assert choice(library, "4.8.5", card(name)).compute_types[-1] == "float32"


@pytest.mark.parametrize(
    ("name", "compute_type"),
    [
        ("NVIDIA GeForce RTX 5090", "float16"),
        ("Tesla T4", "float16"),
        ("NVIDIA GeForce GTX 1660 SUPER", "float32"),
        ("NVIDIA GeForce GTX 1080", "float32"),
    ],
)
def test_what_torch_computes_with(name: str, compute_type: str) -> None:
    assert choice("torch", "2.10.0", card(name)).compute_types[0] == compute_type

"""Loudness stands in for speech."""

import numpy as np
import pytest

from malgwi.types import SAMPLE_RATE
from malgwi.vad.energy import EnergyDetector


@pytest.mark.parametrize(
    ("level", "probability"),
    [(-45.0, 0.5), (-42.5, 0.75), (-47.5, 0.25), (-20.0, 1.0), (-90.0, 0.0)],
)
def test_the_probability_grows_with_the_level_over_the_floor(
    level: float, probability: float
) -> None:
    tone = np.sin(np.arange(SAMPLE_RATE) * 2 * np.pi * 1000 / SAMPLE_RATE)
    samples = (tone * np.sqrt(2) * 10 ** (level / 20)).astype(np.float32)

    found = EnergyDetector(floor_db=-45.0).probabilities(samples[None])

    assert found == pytest.approx(probability, abs=0.01)

"""Whether something grows: a slope that single outliers do not move, and whether it is chance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FEWEST = 8
_MOST = 600  # points that are compared with each other
SURE = 0.01


@dataclass(frozen=True, slots=True)
class Trend:
    """Of values over time."""

    slope: float
    """Median of all slopes between two points (Theil and Sen)."""
    chance: float
    """How probable so much growth is where there is none (Mann and Kendall, one side)."""
    span: float
    """From the first point to the last."""

    @property
    def growth(self) -> float:
        return self.slope * self.span

    @property
    def grows(self) -> bool:
        return self.slope > 0 and self.chance < SURE


def trend(times: Sequence[float], values: Sequence[float]) -> Trend | None:
    """None where there are too few to tell."""
    if len(times) < FEWEST or times[-1] <= times[0]:
        return None
    kept = np.unique(np.linspace(0, len(times) - 1, min(len(times), _MOST)).astype(int))
    x, y = np.asarray(times, float)[kept], np.asarray(values, float)[kept]
    first, second = np.triu_indices(len(x), 1)
    apart, risen = x[second] - x[first], y[second] - y[first]
    slope = float(np.median(risen[apart > 0] / apart[apart > 0]))
    return Trend(slope, _chance(float(np.sign(risen).sum()), len(x)), float(x[-1] - x[0]))


def _chance(score: float, count: int) -> float:
    """By the normal distribution, which is near enough from eight points on."""
    deviation = math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    z = (score - math.copysign(1, score)) / deviation if score else 0.0
    return 0.5 * math.erfc(z / math.sqrt(2))

"""Dynamic time warping: the cheapest way through a table, from its first corner to its last.

Sakoe and Chiba 1978, with the three steps and the order of preference of openai/whisper's `timing`
(2022), so that it finds the same path as CTranslate2 does.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

BOTH, DOWN, RIGHT = 0, 1, 2


def cheapest_path(costs: NDArray[Any]) -> list[tuple[int, int]]:
    """Row and column of each cell on the way; neither ever goes back."""
    steps = _steps(costs)
    row, column = costs.shape[0] - 1, costs.shape[1] - 1
    path = [(row, column)]
    while row or column:
        step = steps[row][column]
        row -= step != RIGHT
        column -= step != DOWN
        path.append((row, column))
    return path[::-1]


def _steps(costs: NDArray[Any]) -> list[list[int]]:
    """By which step each cell is reached."""
    above = np.cumsum(costs[0], dtype=np.float64).tolist()
    steps = [[RIGHT] * len(above)]
    for row in costs[1:].tolist():
        left = above[0] + row[0]
        here, taken = [left], [DOWN]
        for column in range(1, len(row)):
            both, down = above[column - 1], above[column]
            if both < down and both < left:
                step, before = BOTH, both
            elif down < both and down < left:
                step, before = DOWN, down
            else:
                step, before = RIGHT, left
            left = before + row[column]
            here.append(left)
            taken.append(step)
        above = here
        steps.append(taken)
    return steps

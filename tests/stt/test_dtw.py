"""The cheapest way through a table of costs."""

from itertools import pairwise

import numpy as np

from malgwi.stt.dtw import cheapest_path


def test_the_path_follows_the_valley() -> None:
    costs = np.ones((3, 6))
    valley = [(0, 0), (0, 1), (1, 2), (1, 3), (2, 4), (2, 5)]
    for cell in valley:
        costs[cell] = -1.0

    assert cheapest_path(costs) == valley


def test_the_path_goes_from_corner_to_corner_a_step_at_a_time() -> None:
    costs = np.random.default_rng(1).normal(size=(17, 40))

    path = cheapest_path(costs)

    assert (path[0], path[-1]) == ((0, 0), (16, 39))
    steps = {(row - before, column - last) for (before, last), (row, column) in pairwise(path)}
    assert steps <= {(0, 1), (1, 0), (1, 1)}


def test_no_other_way_through_a_small_table_is_cheaper() -> None:
    costs = np.random.default_rng(2).normal(size=(4, 5))

    def cheapest(row: int, column: int) -> float:
        if row < 0 or column < 0:
            return np.inf
        before = min(
            cheapest(row - 1, column - 1), cheapest(row - 1, column), cheapest(row, column - 1)
        )
        return float(costs[row, column] + (before if row or column else 0.0))

    found = sum(costs[cell] for cell in cheapest_path(costs))

    assert np.isclose(found, cheapest(3, 4))


def test_a_table_of_one_row_or_one_column_has_one_way() -> None:
    assert cheapest_path(np.zeros((1, 3))) == [(0, 0), (0, 1), (0, 2)]
    assert cheapest_path(np.zeros((3, 1))) == [(0, 0), (1, 0), (2, 0)]

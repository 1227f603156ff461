"""Cuts wait for company of like length, and none waits for ever."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from malgwi.pipeline.cutter import Cut, Stretch
from malgwi.pipeline.pool import Pool
from malgwi.types import Span


def cut(samples: int) -> Cut:
    span = Span(0.0, 1.0)
    return Cut(0, Stretch(span, (span,)), np.zeros(samples, np.float32))


@given(st.lists(st.one_of(st.integers(1, 40).map(cut), st.integers(1, 4))))
def test_every_cut_comes_out_once_and_the_oldest_in_each_batch(steps: list[Cut | int]) -> None:
    pool, waiting = Pool(), dict[int, Cut]()

    for step in [*steps, *[3] * len(steps)]:
        if isinstance(step, Cut):
            waiting[pool.add(step)] = step
            continue
        batch = dict(pool.take(step))
        assert len(batch) == min(step, len(waiting))
        assert not waiting or min(waiting) in batch
        assert all(waiting.pop(place) is each for place, each in batch.items())
        assert len(pool) == len(waiting)

    assert not waiting


def test_a_batch_is_of_like_length() -> None:
    pool = Pool()
    for samples in (10, 99, 12, 50, 9):
        pool.add(cut(samples))

    assert {len(each.samples) for _, each in pool.take(3)} == {10, 12, 9}
    assert {len(each.samples) for _, each in pool.take(3)} == {99, 50}


def test_a_batch_is_full_where_enough_are_waiting() -> None:
    pool = Pool()
    for samples in (99, 9, 10, 12):
        pool.add(cut(samples))

    assert [place for place, _ in pool.take(3)] == [2, 3, 0]


def test_nothing_waiting_is_an_empty_batch() -> None:
    assert Pool().take(8) == []

"""The next blocks are decoded while the last ones are recognised, but not all of them."""

import threading
from collections.abc import Iterator
from itertools import count

import pytest

from malgwi.errors import BadAudio
from malgwi.pipeline.read_ahead import ReadAhead


def threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name == "read-ahead"]


def test_everything_comes_in_order() -> None:
    with ReadAhead(lambda: range(100), depth=2) as items:
        assert list(items) == list(range(100))


def test_it_is_never_further_ahead_than_it_was_told() -> None:
    made = read = furthest = 0

    def source() -> Iterator[int]:
        nonlocal made, furthest
        for made in range(1, 500):
            furthest = max(furthest, made - read)
            yield made

    with ReadAhead(source, depth=3) as items:
        for read in items:  # noqa: B007 (the source looks at it)
            pass

    assert 1 <= furthest <= 3 + 2  # one in the making, one in the reader's hand


def test_what_the_source_raises_is_raised_where_it_is_read() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise BadAudio("It breaks off.")

    read = []
    with pytest.raises(BadAudio, match="breaks off"), ReadAhead(source, depth=2) as items:
        read += [next(iter(items))]
        read += items

    assert read == [1]
    assert not threads()


def test_leaving_early_ends_the_thread_and_closes_the_source() -> None:
    closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            yield from count()
        finally:
            closed.set()

    with ReadAhead(source, depth=2) as items:
        assert next(iter(items)) == 0

    assert closed.is_set()
    assert not threads()


def test_it_counts_the_processor_time_of_the_source() -> None:
    def source() -> Iterator[int]:
        yield sum(range(300_000))

    with ReadAhead(source, depth=1) as items:
        assert len(list(items)) == 1

        assert 0.0 < items.busy < 10.0

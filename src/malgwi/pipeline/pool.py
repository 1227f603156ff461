"""Pieces of all channels wait here until enough of like length make a batch."""

from bisect import insort

from malgwi.pipeline.cutter import Cut


class Pool:
    """Cuts in the order in which they came, given out in batches of like length.

    The encoder works as long as for the longest piece of a batch, so pieces of like length waste
    nothing: in random batches a recording takes a quarter longer.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[int, Cut]] = []  # sorted by length
        self._added = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, cut: Cut) -> int:
        """Let a cut wait; returns its place in the order."""
        insort(self._waiting, (self._added, cut), key=_length)
        self._added += 1
        return self._added - 1

    def take(self, size: int) -> list[tuple[int, Cut]]:
        """The oldest cut and those of like length, each with its place in the order.

        The waiting are divided, by length, into batches of this size, and the one with the oldest
        is taken: so none waits for ever, and what is left divides as well as before.
        """
        oldest = min(range(len(self)), key=lambda i: self._waiting[i][0], default=0)
        last_whole = max(0, len(self) - size)
        first = min(oldest // size * size, last_whole)
        return self._out(first, first + size)

    def take_longest(self, size: int) -> list[tuple[int, Cut]]:
        """For when no more come: the long ones first, so that all workers end together."""
        return self._out(max(0, len(self) - size), len(self))

    def _out(self, first: int, last: int) -> list[tuple[int, Cut]]:
        batch = self._waiting[first:last]
        del self._waiting[first:last]
        return batch


def _length(waiting: tuple[int, Cut]) -> int:
    return len(waiting[1].samples)

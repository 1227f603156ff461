"""Pieces of all channels wait here until enough of like length make a batch."""

from malgwi.pipeline.cutter import Cut


class Pool:
    """Cuts in the order in which they came, given out in batches of like length.

    A batch takes as long as its longest piece, so pieces of like length waste nothing; and
    every batch has the oldest cut in it, so none waits for ever.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[int, Cut]] = []
        self._added = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, cut: Cut) -> int:
        """Let a cut wait; returns its place in the order."""
        self._waiting.append((self._added, cut))
        self._added += 1
        return self._added - 1

    def take(self, size: int) -> list[tuple[int, Cut]]:
        """The oldest cut and those nearest to it in length, each with its place in the order."""
        if not self._waiting:
            return []
        oldest = len(self._waiting[0][1].samples)
        near = sorted(self._waiting, key=lambda each: abs(len(each[1].samples) - oldest))
        batch = near[:size]
        taken = {place for place, _ in batch}
        self._waiting = [each for each in self._waiting if each[0] not in taken]
        return batch

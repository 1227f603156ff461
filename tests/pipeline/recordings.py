"""A recording that is made while it is read, so that it can be as long as one likes."""

import weakref
from collections.abc import Iterator, Sequence
from threading import Event

import numpy as np
from numpy.typing import NDArray

from malgwi.errors import MalgwiError
from malgwi.types import SAMPLE_RATE, Block, Notice, Span

BLOCK = 2.0  # seconds


class Turns:
    """Somebody speaks on `channel` in each span of `turns`; everybody else is silent.

    It counts how many of its blocks are alive at the same time, and breaks with `error` after
    the last of them, if there is one.
    """

    sources: tuple[str, ...] = ("turns",)

    def __init__(  # noqa: PLR0913 (a recording has as many sides)
        self,
        turns: Sequence[tuple[int, Span]],
        *,
        channels: int = 2,
        duration: float,
        loudness: float = 0.3,
        notices: Sequence[Notice] = (),
        error: MalgwiError | None = None,
    ) -> None:
        self.labels = tuple(f"ch{number:02}" for number in range(1, channels + 1))
        self.duration: float | None = duration
        self.turns = turns
        self.notices = notices
        self.most_alive = 0
        self.all_read = Event()
        self._length = duration
        self._loudness = loudness
        self._error = error
        self._alive: list[weakref.ref[NDArray[np.float32]]] = []

    def blocks(self, first: int = 0) -> Iterator[Block]:
        total, size = round(self._length * SAMPLE_RATE), round(BLOCK * SAMPLE_RATE)
        for place in range(first, total, size):
            yield Block(place, self._sound(place, min(size, total - place)))
        self.all_read.set()
        if self._error:
            raise self._error

    def _sound(self, first: int, size: int) -> NDArray[np.float32]:
        sound = np.zeros((len(self.labels), size), np.float32)
        for channel, span in self.turns:
            begin, end = (round(t * SAMPLE_RATE) - first for t in (span.start, span.end))
            sound[channel, max(0, begin) : max(0, end)] = self._loudness
        self._alive = [each for each in (*self._alive, weakref.ref(sound)) if each() is not None]
        self.most_alive = max(self.most_alive, len(self._alive))
        return sound


def taking_turns(minutes: float, channels: int = 4, **options: object) -> Turns:
    """Every four seconds the next channel speaks for one and a half."""
    starts = np.arange(1.0, minutes * 60 - 2.0, 4.0)
    turns = [
        (number % channels, Span(float(start), float(start) + 1.5))
        for number, start in enumerate(starts)
    ]
    return Turns(turns, channels=channels, duration=minutes * 60, **options)  # type: ignore[arg-type]

"""Files that nobody vouches for are decoded in processes that can die alone.

with Decoders() as decoders:
    recording = decoders.open([spooled], names=["meeting.mp3"], longest=7200.0)

A file that crashes its decoder, hangs it or eats its memory costs its own recording and nothing
else: the decoder is replaced, the others go on. The recordings are like those of
`open_recording`, and may be opened and read from any thread.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from math import inf, nextafter
from pathlib import Path
from threading import Condition, Event, Thread

from malgwi.audio.decoder import NEVER, STOP_POLL, Decoder, Lost
from malgwi.audio.decoder_messages import Order
from malgwi.audio.decoder_reading import Opened, Reading
from malgwi.audio.open import MOST_CHANNELS
from malgwi.errors import BadAudio, BadOption, Cancelled, EngineGone, TooLarge
from malgwi.types import SAMPLE_RATE, Block, Notice

START = 60.0  # seconds that a decoder may take to load what it needs
GRACE = 1.0  # seconds that it may take to break off; to start another takes a quarter of that
LIFE = 5_000  # orders; each leaves some hundred bytes behind, and none shall see too many
RETRY = 1.0  # seconds until another start where one has failed
LOOK = 0.25  # seconds that somebody waits before another is started for a while
LINGER = 30.0  # seconds that such a one is kept when nobody needs it

log = logging.getLogger(__name__)


class Decoders:
    """A few processes that decode. Entering starts them, without waiting; leaving ends them.

    Each takes one opening or one reading at a time; who comes when all are busy waits, first
    come first served. A reading keeps its decoder for as long as its blocks are taken, so that
    more are started while somebody waits. None outlives this process, however it ends.
    """

    def __init__(
        self,
        processes: int = 2,
        memory: int = 2 * 1024**3,
        patience: float = 60.0,
        most: int | None = None,
    ) -> None:
        """`memory` is the most bytes of address space of each (Linux); `patience` how many
        seconds it may get no further with what it is asked for; `most` how many there may be
        for a while, where that is more than `processes`.
        """
        self._processes = processes
        self._most = max(processes, most or 0)
        self._memory = memory
        self._patience = patience
        self._changed = Condition()
        self._living: list[Decoder] = []
        self._idle: list[Decoder] = []
        self._idle_since: dict[Decoder, float] = {}
        self._queue: deque[float] = deque()  # since when each waits; no two the same
        self._trouble = ""  # why the last start has failed
        self._closed = False
        self._keeper = Thread(target=self._keep, name="decoders", daemon=True)

    def __enter__(self) -> "Decoders":
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all processes. Who still waits or reads gets Cancelled."""
        with self._changed:
            self._closed = True
            living, idle = self._living[:], self._idle[:]
            self._idle.clear()
            self._changed.notify_all()
        for decoder in living:
            decoder.kill()
        for decoder in idle:
            self._discard(decoder)
        if self._keeper.ident is not None:
            self._keeper.join()

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes that there are now."""
        with self._changed:
            return tuple(decoder.pid for decoder in self._living)

    def open(  # noqa: PLR0913  # what `open_recording` takes, and the bounds
        self,
        paths: Sequence[Path],
        *,
        names: Sequence[str] = (),
        labels: Sequence[str] = (),
        offsets: Sequence[float] = (),
        block_seconds: float = 10.0,
        longest: float | None = None,
        most_channels: int = MOST_CHANNELS,
        stop: Event = NEVER,
    ) -> "IsolatedRecording":
        """As `open_recording`, in a process of its own.

        `names` are what to call the files in sources, labels and messages, where not by their
        paths. Raises BadAudio, BadOption; TooLarge for more than `most_channels` channels or, here
        or while it is read, more than `longest` seconds; Cancelled once `stop` is set;
        EngineGone where no decoder can be started.
        """
        order = _order(paths, names, labels, offsets, block_seconds)
        with self._reading(order, stop) as reading:
            found = reading.opened()
        if len(found.labels) > most_channels:
            raise TooLarge(
                f"{_named(order)} has {len(found.labels)} channels, and {most_channels} are the "
                "most that is taken. Split it into several recordings."
            )
        if longest is not None and (found.duration or 0.0) > longest:
            raise _too_long(order, longest)
        to_read = replace(order, channels=found.labels)
        return IsolatedRecording(to_read, found, longest, stop, self._reading)

    @contextmanager
    def _reading(self, order: Order, stop: Event) -> Iterator[Reading]:
        """A decoder for one order, as soon as one is free."""
        decoder = self._take(order, stop)
        reading = Reading(decoder, order, self._patience, stop)
        lost = False
        try:
            yield reading
        except Lost as error:
            lost = True
            if self._closed:
                raise _called_off() from error
            log.warning("decoder lost", extra={"decoder": decoder.pid, "reason": str(error)})
            raise BadAudio(
                f"{_named(order)} could not be decoded: {error}. The file is damaged, or made to "
                "do harm. Export it again as WAV or FLAC."
            ) from error
        finally:
            self._give_back(decoder, usable=not lost and reading.rest(GRACE))

    def _take(self, order: Order, stop: Event) -> Decoder:
        with self._changed:
            ticket = max(time.monotonic(), nextafter(self._queue[-1], inf) if self._queue else 0.0)
            self._queue.append(ticket)
            try:
                while True:
                    self._check(stop)
                    if self._queue[0] == ticket and (decoder := self._free(order)):
                        decoder.last = order
                        return decoder
                    self._changed.wait(None if stop is NEVER else STOP_POLL)
            finally:
                self._queue.remove(ticket)
                self._changed.notify_all()

    def _check(self, stop: Event) -> None:
        if self._closed or stop.is_set():
            raise _called_off()
        if self._trouble and not self._living:
            raise EngineGone(
                f"No decoder can be started: {self._trouble}. Its own words are in "
                "the server's log."
            )

    def _free(self, order: Order) -> Decoder | None:
        """An idle decoder, unless it has died while it was idle."""
        while self._idle:
            decoder = self._idle.pop(self._fitting(order))
            if decoder.alive:
                return decoder
            self._discard(decoder)
        return None

    def _fitting(self, order: Order) -> int:
        """Which of the idle ones: for a piece of a recording the one that read the piece before,
        or else the one that was idle longest, as others may listen to what the rest has read."""
        if order.end is None:
            return -1
        stands = (each for each, idle in enumerate(self._idle) if order.follows(idle.last))
        return next(stands, 0)

    def _give_back(self, decoder: Decoder, usable: bool) -> None:
        with self._changed:
            if usable and decoder.orders < LIFE and not self._closed:
                self._idle.append(decoder)  # taken from the same end, so that the rest gets old
                self._idle_since[decoder] = time.monotonic()
                self._changed.notify_all()
                return
        self._discard(decoder)

    def _discard(self, decoder: Decoder) -> None:
        decoder.end()
        with self._changed:
            self._living.remove(decoder)
            self._idle_since.pop(decoder, None)
            self._changed.notify_all()

    def _keep(self) -> None:
        """Replace what is lost. In a thread that lives as long as they do: they die with it."""
        while self._lacks_one():
            try:
                self._start()
            except (Lost, OSError) as error:
                log.error("decoder not started", extra={"reason": str(error)})
                with self._changed:
                    self._trouble = str(error)
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: self._closed, RETRY)

    def _lacks_one(self) -> bool:
        """Wait until there are too few, ending those of which there are too many. False once
        there shall be none."""
        while not self._closed:
            with self._changed:
                if len(self._living) < self._wanted():
                    return True
                self._changed.wait(LOOK)
                spare = self._spare()
            if spare:
                self._discard(spare)
        return False

    def _wanted(self) -> int:
        """How many there should be."""
        waits = self._queue and not self._idle and time.monotonic() - self._queue[0] > LOOK
        return min(self._most, len(self._living) + 1) if waits else self._processes

    def _spare(self) -> Decoder | None:
        """One that nobody has needed for a while, taken out."""
        if len(self._living) <= self._processes or not self._idle:
            return None
        if time.monotonic() - self._idle_since[self._idle[0]] < LINGER:
            return None
        return self._idle.pop(0)

    def _start(self) -> None:
        decoder = Decoder(self._memory)
        with self._changed:
            self._living.append(decoder)
            if self._closed:
                decoder.kill()
        try:
            decoder.ready(START)
        except Lost:
            self._discard(decoder)
            raise
        self._trouble = ""
        self._give_back(decoder, usable=True)


class IsolatedRecording:
    """A `Recording` whose blocks come from a decoder; each reading waits for one that is free."""

    def __init__(
        self,
        order: Order,
        found: Opened,
        longest: float | None,
        stop: Event,
        reading: Callable[[Order, Event], AbstractContextManager[Reading]],
    ) -> None:
        self.sources = tuple(order.names)
        self.labels = found.labels
        self.duration = found.duration
        self._order = order
        self._opening = found.notices
        self._longest = longest
        self._stop = stop
        self._reading = reading
        self._last: Reading | None = None

    def blocks(self, first: int = 0) -> Iterator[Block]:
        with self._reading(replace(self._order, first=first), self._stop) as self._last:
            for samples in self._last.sounds():
                end = first + samples.shape[1]
                if self._longest is not None and end > self._longest * SAMPLE_RATE:
                    raise _too_long(self._order, self._longest)
                yield Block(first, samples)
                first = end

    def excerpt(self, first: int, end: int, stop: Event) -> Iterator[Block]:
        """As `blocks` has the samples from `first` to `end`, for who listens: several threads may
        take excerpts at the same time, and one that follows another costs no jump."""
        with self._reading(replace(self._order, first=first, end=end), stop) as reading:
            for samples in reading.sounds():
                yield Block(first, samples[:, : end - first])
                first += samples.shape[1]
                if first >= end:
                    return

    @property
    def notices(self) -> Sequence[Notice]:
        return (self._last and self._last.notices) or self._opening


def _order(
    paths: Sequence[Path],
    names: Sequence[str],
    labels: Sequence[str],
    offsets: Sequence[float],
    block_seconds: float,
) -> Order:
    if names and len(names) != len(paths):
        raise BadOption(f"{len(paths)} files have {len(names)} names. Give each file one.")
    if not all(name.strip() for name in names):
        raise BadOption("A file has no name. Give each file one.")
    return Order(
        paths=[str(path.absolute()) for path in paths],
        names=list(names) or [str(path) for path in paths],
        labels=list(labels),
        offsets=list(offsets),
        block_seconds=block_seconds,
    )


def _named(order: Order) -> str:
    return ", ".join(order.names)


def _called_off() -> Cancelled:
    return Cancelled("It was called off before it was decoded.")


def _too_long(order: Order, longest: float) -> TooLarge:
    return TooLarge(
        f"{_named(order)} is longer than {longest:g} seconds, the most that is taken. Split it."
    )

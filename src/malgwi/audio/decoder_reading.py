"""One order carried out by a decoder, and what comes back checked before it is believed.

Whoever made the file may have taken the decoder over: then it can spoil its own recording, and
nothing else.
"""

import contextlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event
from typing import Any

import numpy as np

from malgwi.audio.conversion import Sound
from malgwi.audio.decoder import NEVER, Decoder, Lost
from malgwi.audio.decoder_messages import (
    BLOCK,
    DONE,
    END,
    FAILED,
    OPENED,
    WANTED,
    Order,
)
from malgwi.audio.open import MOST_CHANNELS
from malgwi.errors import BadAudio, BadInput, BadOption, Cancelled
from malgwi.types import SAMPLE_RATE, Notice

AHEAD = 2  # blocks that are decoded before they are asked for
LONGEST_TEXT = 1 << 22  # bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """What the decoder has found in the files."""

    labels: tuple[str, ...]
    duration: float | None
    notices: tuple[Notice, ...]


class Reading:
    """What waits in here raises Lost; Cancelled where `stop` is set; BadAudio and BadOption.

    `patience` is how many seconds the decoder may be silent where an answer is due.
    """

    def __init__(self, decoder: Decoder, order: Order, patience: float, stop: Event) -> None:
        self.notices: tuple[Notice, ...] = ()
        """Complete once everything was read."""
        self._decoder = decoder
        self._order = order
        self._patience = patience
        self._stop = stop
        self._due = False  # the answer that ends it is still to come
        self._done = not order.channels  # the decoder knows that no block is wanted any more
        self._usable = True  # False where it is in the middle of something

    def opened(self) -> Opened:
        self._begin(self._order.line())
        found = self._answer()
        if isinstance(found, np.ndarray):
            raise Lost("the decoder read what it should open")
        return _opened(found)

    def sounds(self) -> Iterator[Sound]:
        """The samples of one block after the other."""
        self._begin(self._order.line() + WANTED * AHEAD)
        while isinstance(answer := self._answer(), np.ndarray):
            self._decoder.send(WANTED, self._patience)
            yield answer
        self.notices = _notices(answer)

    def rest(self, patience: float) -> bool:
        """Break off what goes on. False where the decoder cannot be used any more."""
        self._patience, self._stop = patience, NEVER
        try:
            for _ in range(AHEAD + 1):  # what was wanted already, and the answer that ends it
                if self._usable and self._due:
                    self._finish()
                    self._break_off()
        except Lost:
            return False
        return self._usable and not self._due and self._decoder.alive

    def _begin(self, order: bytes) -> None:
        self._usable = False
        self._decoder.orders += 1
        self._decoder.send(order, self._patience)
        self._due = self._usable = True

    def _break_off(self) -> None:
        with contextlib.suppress(BadAudio, BadOption):
            answer = self._answer()
            if not isinstance(answer, np.ndarray):
                self.notices = _notices(answer)

    def _answer(self) -> Any:
        """The samples of a block, or the content of the answer that ends it."""
        if self._stop.is_set():
            raise Cancelled("It was called off while it was decoded.")
        kind, length = self._header()
        if kind == BLOCK:
            samples = self._samples(length)
            self._usable = True
            return samples
        content = self._content(length)
        if kind == FAILED:
            error = _error(content, self._decoder)
        elif kind != (END if self._order.channels else OPENED):
            raise Lost("the decoder answered what was not asked")
        self._due, self._usable = False, True
        self._finish()
        if kind == FAILED:
            raise error
        return content

    def _header(self) -> tuple[bytes, int]:
        """From here on the decoder is in the middle of something, unless nothing was read."""
        self._usable = False
        try:
            return self._decoder.header(self._patience, self._stop)
        except Cancelled:
            self._usable = True
            raise

    def _samples(self, length: int) -> Sound:
        channels = len(self._order.channels)
        count, rest = divmod(length, 4 * max(channels, 1))
        if rest or not 1 <= count <= round(self._order.block_seconds * SAMPLE_RATE):
            raise Lost("the decoder sent no block that was asked for")
        samples = np.empty((channels, count), np.float32)
        self._decoder.fill(samples.data.cast("B"), self._patience)
        return samples

    def _content(self, length: int) -> Any:
        if length > LONGEST_TEXT:
            raise Lost("the decoder talked too much")
        text = bytearray(length)
        self._decoder.fill(memoryview(text), self._patience)
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Lost("the decoder talked nonsense") from error

    def _finish(self) -> None:
        if not self._done:
            self._decoder.send(DONE, self._patience)
            self._done = True


def _error(content: Any, decoder: Decoder) -> BadInput:
    match content:
        case {"error": "BadAudio", "message": str(message)}:
            return BadAudio(message)
        case {"error": "BadOption", "message": str(message)}:
            return BadOption(message)
        case {"error": "MemoryError"}:
            raise Lost(f"it needs more than {decoder.memory >> 20} MiB of memory")
        case {"error": str(name)} if name.isidentifier():
            raise Lost(f"the decoder failed ({name})")
    raise Lost("the decoder talked nonsense")


def _opened(content: Any) -> Opened:
    notices = _notices(content)
    match content:
        case {"labels": [*labels], "duration": int() | float() | None as duration} if (
            all(isinstance(label, str) for label in labels)
            and 1 <= len(labels) <= MOST_CHANNELS
            and (duration is None or math.isfinite(duration))
        ):
            return Opened(tuple(labels), duration, notices)
    raise Lost("the decoder talked nonsense")


def _notices(content: Any) -> tuple[Notice, ...]:
    try:
        return tuple(Notice(str(code), str(message)) for code, message in content["notices"])
    except (TypeError, ValueError, LookupError) as error:
        raise Lost("the decoder talked nonsense") from error

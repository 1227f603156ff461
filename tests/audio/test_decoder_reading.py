"""A decoder that was taken over can spoil its own recording; it can neither lie nor stall us."""

import json
from threading import Event

import numpy as np
import pytest

from malgwi.audio.decoder import Decoder, Lost
from malgwi.audio.decoder_messages import BLOCK, DONE, END, FAILED, OPENED, READY, Order
from malgwi.audio.decoder_reading import LONGEST_TEXT, Reading
from malgwi.errors import BadAudio

TO_OPEN = Order(["/a.wav"], ["a.wav"], labels=[], offsets=[], block_seconds=1.0)
TO_READ = Order(["/a.wav"], ["a.wav"], [], [], block_seconds=1.0, channels=["ch01", "ch02"])
SECOND = np.zeros((2, 16_000), np.float32).tobytes()
NO_NOTICES = json.dumps({"notices": []}).encode()


class Liar(Decoder):
    """Says what it was told to say, in place of a process."""

    def __init__(self, *frames: tuple[bytes, bytes]) -> None:
        self.memory = 2**30
        self.orders = 0
        self.heard = b""
        self._frames = list(frames)
        self._content = b""

    @property
    def alive(self) -> bool:
        return True

    def send(self, content: bytes, patience: float) -> None:
        self.heard += content

    def header(self, patience: float, stop: Event) -> tuple[bytes, int]:
        if not self._frames:
            raise Lost("the decoder died")
        kind, self._content = self._frames.pop(0)
        return kind, len(self._content)

    def fill(self, room: memoryview, patience: float) -> None:
        room[:] = self._content


def reading(order: Order, liar: Liar) -> Reading:
    return Reading(liar, order, patience=1.0, stop=Event())


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (READY, b""),
        (END, NO_NOTICES),
        (BLOCK, SECOND),
        (OPENED, b"\x80\x04."),
        (OPENED, b"[]"),
        (OPENED, b"[" * 100_000),
        (OPENED, b" " * LONGEST_TEXT + b"0"),
        (OPENED, b'{"labels": [], "duration": 1.0, "notices": []}'),
        (OPENED, b'{"labels": ["a", 2], "duration": 1.0, "notices": []}'),
        (OPENED, b'{"labels": ["a"], "duration": NaN, "notices": []}'),
        (OPENED, b'{"labels": ["a"], "duration": "1", "notices": []}'),
        (OPENED, b'{"labels": ["a"], "duration": 1.0, "notices": [3]}'),
        (OPENED, json.dumps({"labels": ["a"] * 65, "duration": 1, "notices": []}).encode()),
        (FAILED, b'{"error": "SystemExit", "message": "x"}'),
        (FAILED, b'{"error": 3}'),
    ],
)
def test_an_answer_that_is_none_is_not_believed(kind: bytes, content: bytes) -> None:
    liar = Liar((kind, content))
    to_open = reading(TO_OPEN, liar)

    with pytest.raises(Lost):
        to_open.opened()


@pytest.mark.parametrize("samples", [b"", SECOND[:-1], SECOND[:-4], SECOND + bytes(8)])
def test_a_block_of_another_size_than_was_asked_for_is_not_believed(samples: bytes) -> None:
    to_read = reading(TO_READ, Liar((BLOCK, SECOND), (BLOCK, samples)))

    blocks = to_read.sounds()
    assert next(blocks).shape == (2, 16_000)

    with pytest.raises(Lost):
        next(blocks)
    assert not to_read.rest(1.0)


def test_what_goes_on_is_broken_off_once() -> None:
    liar = Liar((BLOCK, SECOND), (BLOCK, SECOND), (BLOCK, SECOND), (END, NO_NOTICES))
    to_read = reading(TO_READ, liar)
    next(to_read.sounds())

    usable = to_read.rest(1.0)

    assert usable
    assert liar.heard.partition(b"\n")[2].count(DONE) == 1


def test_blocks_without_end_are_not_drained_for_ever() -> None:
    liar = Liar(*[(BLOCK, SECOND)] * 100)
    to_read = reading(TO_READ, liar)
    next(to_read.sounds())

    assert not to_read.rest(1.0)
    assert len(liar._frames) > 90


def test_a_refusal_ends_the_reading_and_leaves_the_decoder_usable() -> None:
    failure = json.dumps({"error": "BadAudio", "message": "a.wav is empty."}).encode()
    to_read = reading(TO_READ, Liar((FAILED, failure)))

    with pytest.raises(BadAudio, match=r"a\.wav is empty\."):
        next(to_read.sounds())

    assert to_read.rest(1.0)

"""What runs in a decoder: files are opened and decoded as ordered, until the orders end.

Started as `python -m`, never imported by the rest. It begins by giving up what it does not need:
it dies with its parent, can take only so much memory, writes to no file, starts no process, and
is the first to go when the machine runs out of memory.
"""

import contextlib
import ctypes
import json
import os
import re
import resource
import select
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from signal import SIG_DFL, SIGKILL, SIGPIPE, signal
from typing import Any

import numpy as np

import malgwi.audio.recording
import malgwi.audio.track  # noqa: F401  # loaded now, so that no recording waits for it
from malgwi.audio.base import Recording
from malgwi.audio.conversion import Sound
from malgwi.audio.decoder_messages import (
    BLOCK,
    DONE,
    END,
    FAILED,
    HEADER,
    OPENED,
    READY,
    WANTED,
    Order,
)
from malgwi.audio.open import _own_labels, open_recording
from malgwi.errors import BadAudio, BadInput
from malgwi.types import Block

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38  # from linux/prctl.h
KEEP = 60.0  # seconds that files stay open for the next piece of a recording
LEAST = 64 * 1024**2  # bytes that must be left for a recording


def main(parent: int, memory: int) -> None:
    """Serve `parent`, the process of that id, within `memory` bytes of address space."""
    signal(SIGPIPE, SIG_DFL)  # nobody listens any more
    results = Results(_own_output())
    if sys.platform == "linux":
        _die_with(parent)
        _give_up(memory)
    orders = Orders(0)
    results.send(READY, b"")
    opener, excerpts = Opener(), Excerpts()
    while True:
        if not orders.come(KEEP):
            excerpts = Excerpts()
        _serve(orders.next(), opener, excerpts, orders, results)


def _own_output() -> int:
    """The pipe to the parent; what a library prints goes nowhere."""
    pipe = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return pipe


def _die_with(parent: int) -> None:
    """However the parent ends, and whatever we are stuck in. Elsewhere the pipe's end tells us."""
    _prctl(PR_SET_PDEATHSIG, SIGKILL)
    if os.getppid() != parent:  # it was gone before we had asked
        sys.exit()


def _give_up(memory: int) -> None:
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    with contextlib.suppress(OSError):  # /proc may be read-only
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
    limits = (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
    )
    for kind, most in limits:
        _, hard = resource.getrlimit(kind)
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (limit, limit))
    bytearray(LEAST)  # else it is better not to begin


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


class Orders:
    """What the parent says. When it is gone, so is this process."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._held = b""
        self._done = True

    def come(self, seconds: float) -> bool:
        """Whether there is another within that time."""
        return bool(self._held or select.select([self._pipe], [], [], seconds)[0])

    def next(self) -> Order:
        while b"\n" not in self._held:
            self._hear()
        line, _, self._held = self._held.partition(b"\n")
        order = Order.of_line(line)
        self._done = not order.channels
        return order

    def wanted(self) -> bool:
        """Wait until another block is wanted; False once none is."""
        while not self._held:
            self._hear()
        wishes, done, after = self._held.partition(DONE)
        self._done = bool(done)
        self._held = after if done else wishes.removeprefix(WANTED)
        return not done

    def finish(self) -> None:
        """Wait until the parent has done with the order."""
        while not self._done:
            self.wanted()

    def _hear(self) -> None:
        heard = os.read(self._pipe, 65_536)
        if not heard:
            sys.exit()
        self._held += heard


class Results:
    """What the parent is told."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def send(self, kind: bytes, content: bytes | memoryview) -> None:
        self._write(memoryview(HEADER.pack(kind, len(content))))
        self._write(memoryview(content))

    def tell(self, kind: bytes, **content: Any) -> None:
        self.send(kind, json.dumps(content).encode("ascii"))

    def _write(self, left: memoryview) -> None:
        while left:
            left = left[os.write(self._pipe, left) :]


class Opener:
    """Opens what is ordered; what was opened last is mostly read next, and kept for that."""

    def __init__(self) -> None:
        self._order: Order | None = None
        self._recording: Recording

    def __call__(self, order: Order) -> Recording:
        if not order.channels or order.files != self._order:
            self._order = None
            self._recording = _opened(order)
            self._order = order.files
        if order.channels and tuple(order.channels) != self._recording.labels:
            raise BadAudio(f"{order.paths[0]} was changed after it was opened. Give it again.")
        return self._recording


class Excerpts:
    """Reads a recording in pieces. A reading is kept open: mostly the next piece follows."""

    def __init__(self) -> None:
        self._of: Recording | None = None
        self._reached = 0
        self._blocks: Iterator[Block] = iter(())
        self._left: Sound | None = None  # of the block in which the piece before has ended

    def piece(self, recording: Recording, first: int, end: int) -> Iterator[Sound]:
        if recording is not self._of or first != self._reached:
            self._blocks, self._left = recording.blocks(first), None
            self._of, self._reached = recording, first
        while self._reached < end and (sound := self._next()) is not None:
            size = min(sound.shape[1], end - self._reached)
            self._left = sound[:, size:] if size < sound.shape[1] else None
            self._reached += size
            yield np.ascontiguousarray(sound[:, :size])

    def _next(self) -> Sound | None:
        if self._left is not None:
            return self._left
        of, self._of = self._of, None  # what breaks is not gone on with
        block = next(self._blocks, None)
        self._of = of
        return None if block is None else block.samples


def _serve(
    order: Order, opener: Opener, excerpts: Excerpts, orders: Orders, results: Results
) -> None:
    called = _calling(order)
    try:
        recording = opener(order)
        if order.channels:
            _read(_sounds(recording, order, excerpts), orders, results)
            results.tell(END, notices=_told(recording, called))
        else:
            found = {"labels": recording.labels, "duration": recording.duration}
            results.tell(OPENED, **found, notices=_told(recording, called))
    except BadInput as error:
        results.tell(FAILED, error=type(error).__name__, message=called(str(error)))
    except Exception as error:  # noqa: BLE001  # whatever a crafted file leads to; the parent says so
        results.tell(FAILED, error=type(error).__name__, message="")
        sys.exit()  # in what state it has left us, nobody knows
    orders.finish()


def _opened(order: Order) -> Recording:
    paths = [Path(path) for path in order.paths]
    recording = open_recording(
        paths,
        labels=order.labels,
        offsets=order.offsets,
        block_seconds=order.block_seconds,
    )
    if len(paths) > 1 and not order.labels:
        recording.labels = _labels(paths, order.names)
    return recording


def _labels(paths: Sequence[Path], names: Sequence[str]) -> tuple[str, ...]:
    """As those of `open_recording`, made of the names."""
    counts = [len(open_recording([path]).labels) for path in paths]
    return _own_labels([Path(name) for name in names], counts)


def _sounds(recording: Recording, order: Order, excerpts: Excerpts) -> Iterator[Sound]:
    if order.end is None:
        return (block.samples for block in recording.blocks(order.first))
    return excerpts.piece(recording, order.first, order.end)


def _read(sounds: Iterator[Sound], orders: Orders, results: Results) -> None:
    """Send blocks as long as they are wanted."""
    while orders.wanted():
        sound = next(sounds, None)
        if sound is None:
            return
        results.send(BLOCK, sound.data.cast("B"))


def _calling(order: Order) -> Callable[[str], str]:
    """Makes sentences speak of the files by their names."""
    names = dict(zip(order.paths, order.names, strict=True))
    longest_first = sorted(names, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
    return lambda text: pattern.sub(lambda match: names[match[0]], text)


def _told(recording: Recording, called: Callable[[str], str]) -> list[tuple[str, str]]:
    return [(notice.code, called(notice.message)) for notice in recording.notices]


if __name__ == "__main__":
    main(parent=int(sys.argv[1]), memory=int(sys.argv[2]))

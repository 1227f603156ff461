"""Speech is cut into pieces that an engine recognises in one go.

`Track` decides for one channel, window by window, with no sound and no model in it; `Cutter`
keeps the sound of all channels for as long as a piece may still need it. Both are fed from
start to end, and what they give does not depend on how the recording was cut into blocks.
"""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from malgwi.types import SAMPLE_RATE, Block, Samples, Span
from malgwi.vad import Gate, GateRule

SMOOTHING = 9  # windows; a single quiet window is a consonant, nine are a breath


@dataclass(frozen=True, slots=True)
class CutRule:
    """How speech is cut. The defaults are measured: see docs/why/speed.md."""

    gate: GateRule = field(default_factory=GateRule)
    longest: float = 16.0
    """Seconds a piece may have; longer speech is cut where it is quietest."""
    join: float = 2.0
    """Seconds; speech after a shorter pause belongs to the same piece."""
    margin: float = 0.5
    """Seconds of sound kept before and after speech."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where a piece lies in its channel, and where in it somebody speaks."""

    span: Span
    speech: tuple[Span, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A piece of one channel's sound. All times are from the start of the recording."""

    channel: int
    stretch: Stretch
    samples: Samples

    @property
    def span(self) -> Span:
        return self.stretch.span


class Track:
    """The pieces of one channel, from the probabilities of speech."""

    def __init__(self, window: int, rule: CutRule) -> None:
        self._window = window / SAMPLE_RATE
        self._rule = rule
        self._gate = Gate(window, rule.gate)
        self._pushed = 0
        self._from = 0.0  # nothing before this may be used again
        self._speech: list[Span] = []  # of the piece in the making
        self._probabilities: list[float] = []  # since that piece began
        self._first = 0  # window of the first of them

    @property
    def needed_from(self) -> float:
        """Seconds; sound before this is no longer wanted. It never goes back."""
        begin = self._begin()
        return self._start(self._now if begin is None else begin)

    def push(self, probability: float) -> Stretch | None:
        """Take the next window. Returns the piece that it brings to an end, if any."""
        span = self._gate.push(probability)
        self._pushed += 1
        if span:
            self._heard(span)
        begin = self._begin()
        if begin is None:
            self._probabilities.clear()
            self._first = self._pushed
            return None
        self._probabilities.append(probability)
        if self._gate.opened_at is None and self._now - self._speech[-1].end >= self._rule.join:
            return self._finish()
        if self._now + self._window - self._start(begin) > self._rule.longest:
            return self._split(begin)
        return None

    def close(self) -> Stretch | None:
        """The recording is over. Returns the piece that was in the making, if any."""
        span = self._gate.close()
        if span:
            self._heard(span)
        return self._finish() if self._speech else None

    @property
    def _now(self) -> float:
        return self._pushed * self._window

    def _start(self, begin: float) -> float:
        """Where a piece starts that has speech from `begin` on."""
        return max(self._from, begin - self._rule.margin, 0.0)

    def _begin(self) -> float | None:
        if self._speech:
            return self._speech[0].start
        opened = self._gate.opened_at
        return None if opened is None else max(opened, self._from)

    def _heard(self, span: Span) -> None:
        if span.end > self._from:
            self._speech.append(Span(max(span.start, self._from), span.end))

    def _finish(self) -> Stretch:
        return self._piece(self._speech, self._speech[-1].end + self._rule.margin, [])

    def _split(self, begin: float) -> Stretch:
        """Cut at the quietest moment of the second half; what follows is the next piece's."""
        at = self._quietest(begin)
        spans = list(self._speech)
        if self._gate.opened_at is not None:
            spans.append(Span(max(self._gate.opened_at, self._from), self._now))
        before = [Span(each.start, min(each.end, at)) for each in spans if each.start < at]
        after = [Span(max(each.start, at), each.end) for each in self._speech if each.end > at]
        return self._piece(before, min(at, before[-1].end + self._rule.margin), after, at)

    def _quietest(self, begin: float) -> float:
        kernel = np.full(SMOOTHING, 1 / SMOOTHING)
        padded = np.pad(self._probabilities, SMOOTHING // 2, mode="edge")
        smooth = np.convolve(padded, kernel, "valid")
        half = max(0, round((begin + self._rule.longest / 2) / self._window) - self._first)
        half = min(half, len(smooth) - 1)
        return (self._first + half + int(np.argmin(smooth[half:])) + 0.5) * self._window

    def _piece(
        self, speech: list[Span], end: float, rest: list[Span], used: float | None = None
    ) -> Stretch:
        end = min(end, self._now)
        start = self._start(speech[0].start)
        self._from = end if used is None else used
        gone = int(self._from / self._window) - self._first
        self._probabilities = self._probabilities[max(0, gone) :]
        self._first += max(0, gone)
        self._speech = rest
        return Stretch(Span(start, end), tuple(speech))


class Cutter:
    """The pieces of all channels of a recording, with their sound."""

    def __init__(self, channels: int, window: int, rule: CutRule | None = None) -> None:
        self._tracks = [Track(window, rule or CutRule()) for _ in range(channels)]
        self._blocks: deque[Block] = deque()
        self._closed = False

    def push(self, block: Block, probabilities: NDArray[np.float32]) -> list[Cut]:
        """Take a block and the probabilities `[channels, windows]` that have come with it."""
        self._blocks.append(block)
        cuts = [
            self._cut(channel, stretch)
            for channel, row in enumerate(probabilities.tolist())
            for stretch in map(self._tracks[channel].push, row)
            if stretch
        ]
        self._forget()
        return sorted(cuts, key=lambda cut: (cut.span, cut.channel))

    def close(self) -> list[Cut]:
        """The recording is over. Returns the pieces that were in the making."""
        self._closed = True
        stretches = enumerate(track.close() for track in self._tracks)
        return [self._cut(channel, stretch) for channel, stretch in stretches if stretch]

    @property
    def done_until(self) -> float:
        """Seconds; every piece that begins before this has been given out. It never goes back."""
        if self._closed:
            return math.inf
        return min((track.needed_from for track in self._tracks), default=0.0)

    def _cut(self, channel: int, stretch: Stretch) -> Cut:
        first, last = (round(t * SAMPLE_RATE) for t in (stretch.span.start, stretch.span.end))
        return Cut(channel, stretch, np.concatenate(list(self._sound(channel, first, last))))

    def _sound(self, channel: int, first: int, last: int) -> Iterable[Samples]:
        for block in self._blocks:
            low, high = max(first - block.first, 0), last - block.first
            if high > 0 and low < block.samples.shape[1]:
                yield block.samples[channel, low:high]

    def _forget(self) -> None:
        margin = SAMPLE_RATE  # of a second, for the rounding and the margin before speech
        keep = round(self.done_until * SAMPLE_RATE) - margin
        while self._blocks and self._blocks[0].first + self._blocks[0].samples.shape[1] <= keep:
            self._blocks.popleft()

"""From a probability a window to spans of speech.

A small state machine with no model, no clock and no I/O in it: a recording pushes all of its
windows, a live channel pushes them as they come, and both decide alike.
"""

from dataclasses import dataclass

from malgwi.types import SAMPLE_RATE, Span


@dataclass(frozen=True, slots=True)
class GateRule:
    """When speech begins and ends. Two thresholds: a wavering voice must not flicker.

    The thresholds are low because Silero is shy of narrow, noisy channels. On 16 radio channels
    (300-3400 Hz, 15 dB over noise) it leaves out 11 % of the words at 0.5 and 0.35, and 1.5 % at
    0.2 and 0.1, where 3 of 752 s are not speech; steady noise alone opens at neither.
    """

    open_at: float = 0.2
    shut_below: float = 0.1
    hangover: float = 0.5
    """Seconds of quiet before speech counts as over."""
    shortest: float = 0.1
    """Seconds; anything briefer is a click or a cough."""


class Gate:
    """Decides for one channel, window by window, whether somebody is speaking."""

    def __init__(self, window: int, rule: GateRule | None = None) -> None:
        self._window = window / SAMPLE_RATE
        self._rule = rule or GateRule()
        self._pushed = 0
        self._heard_until = 0.0
        self.opened_at: float | None = None
        """When the speech began that is going on; None while nobody speaks."""

    def push(self, probability: float) -> Span | None:
        """Take the next window. Returns the span of speech that it brings to an end, if any."""
        begin, end = self._pushed * self._window, (self._pushed + 1) * self._window
        self._pushed += 1
        if self.opened_at is None and probability >= self._rule.open_at:
            self.opened_at = begin
        if self.opened_at is not None and probability >= self._rule.shut_below:
            self._heard_until = end
        return self.close() if end - self._heard_until >= self._rule.hangover else None

    def close(self) -> Span | None:
        """Shut the gate now. Returns the span that was open, if any."""
        begin, self.opened_at = self.opened_at, None
        if begin is None or self._heard_until - begin < self._rule.shortest:
            return None
        return Span(begin, self._heard_until)

"""How fast an engine was lately, so that a wait can be told before it is over."""

from dataclasses import dataclass

MEMORY = 120.0
"""Seconds of sound after which an old measurement counts for a third."""
UNKNOWN = 5.0
"""Times real time, taken for granted until something was measured: Whisper small on two cores."""


@dataclass(slots=True)
class Speed:
    """Seconds of sound a second, over all that one engine does at a time."""

    audio: float = 0.0
    busy: float = 0.0

    def measured(self, audio: float, seconds: float) -> None:
        """A batch with so much sound took so long, of a processor that others shared with it."""
        fading = max(0.0, 1.0 - audio / MEMORY)
        self.audio = self.audio * fading + audio
        self.busy = self.busy * fading + seconds

    @property
    def times_real_time(self) -> float:
        return self.audio / self.busy if self.audio > 0 and self.busy > 0 else UNKNOWN

    def wait(self, audio: float) -> float:
        """Seconds until so much sound is done."""
        return audio / self.times_real_time

"""What a load test is to do, and its bounds: however it is asked for, it ends by itself."""

from dataclasses import dataclass

from malgwi.errors import BadOption

MOST_CHANNELS = 64
MOST_HOURS = 24.0
PIECE = 5.0, 120.0
"""Seconds that a piece may have."""
FEWEST_PIECES = 8
"""With fewer nobody can tell a trend from chance."""
ACTIVITY = 0.01, 0.9
SPEED = 0.1, 30.0
"""Beyond that the machine of the test might make the sound too slowly, and it would look as if the
service were late."""
UNDER_WAY = 8
"""Pieces that are sent and not transcribed yet, where they go as fast as the service takes them."""
_DRAIN = 120.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Raises BadOption for what is out of bounds."""

    channels: int = 16
    hours: float = 2.0
    """Of sound."""
    piece: float = 60.0
    """Seconds of sound that a recorder hands in at a time."""
    speed: float | None = 1.0
    """Seconds of sound in a second of the clock; None: as fast as the service takes them."""
    activity: float = 0.2
    """Share of the time for which somebody speaks on a channel."""
    seed: int = 1
    languages: tuple[str, ...] = ()
    """That are spoken; without any each channel's is detected in each piece."""
    keep: bool = False
    """Leave what was sent where it is."""

    def __post_init__(self) -> None:
        _within("--channels", self.channels, 1, MOST_CHANNELS)
        _within("--piece", self.piece, *PIECE)
        _within("--activity", self.activity, *ACTIVITY)
        _within("--seed", self.seed, 0, 2**31)
        if self.speed is not None:
            _within("--speed", self.speed, *SPEED)
        if not 0 < self.hours <= MOST_HOURS:
            raise BadOption(
                f"--hours {self.hours:g} is no length for a test: more than 0, at most "
                f"{MOST_HOURS:g}."
            )
        if self.pieces < FEWEST_PIECES:
            raise BadOption(
                f"--hours {self.hours:g} makes {self.pieces} pieces of {self.piece:g} s, and a "
                f"trend needs {FEWEST_PIECES}. Give more hours, or a smaller --piece."
            )
        if len(self.languages) not in (0, 1, self.channels):
            raise BadOption("--spoken names one language for all channels, or one a channel.")

    @property
    def pieces(self) -> int:
        return int(self.hours * 3600 / self.piece + 1e-6)

    @property
    def seconds(self) -> float:
        """Of sound, in whole pieces."""
        return self.pieces * self.piece

    @property
    def bytes(self) -> int:
        """Of all that is sent."""
        return int(self.seconds * self.channels * 32_000)

    @property
    def longest(self) -> float:
        """Seconds of the clock after which the test ends, whatever is still under way. What goes
        as fast as it can has the time that it would have had in real time."""
        delivering = self.seconds / (self.speed or 1.0)
        return delivering + max(_DRAIN, delivering / 4)

    def due(self, index: int) -> float | None:
        """Second of the clock at which the sound of a piece has ended; None: when there is room."""
        return None if self.speed is None else (index + 1) * self.piece / self.speed


def _within(option: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise BadOption(f"{option} {value:g} is out of bounds: from {least:g} to {most:g}.")

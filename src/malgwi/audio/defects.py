"""What is wrong with one file's sound: counted while it is decoded, said once at the end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from malgwi.types import Notice

AT_THE_BREAK = 0.5  # seconds: what is damaged so near to where a file breaks off is the break


@dataclass
class Tally:
    """How often something happened, when first, and how much it came to."""

    times: int = 0
    first: float = 0.0
    amount: float = 0.0

    def add(self, second: float, amount: float = 0.0) -> None:
        self.first = self.first if self.times else second
        self.times += 1
        self.amount += amount


class Defects:
    """The defects of one file. Times are seconds from the start of the file."""

    def __init__(
        self,
        file: str,
        labels: Sequence[str] = (),
        promised: float | None = None,
        whole: bool = True,
    ) -> None:
        self._file = file
        self._labels = labels
        self._promised = promised  # seconds, by the header
        self._whole = whole  # False: the end mark is not there
        self.damaged = Tally()  # packets that could not be decoded
        self.gaps = Tally()  # amount: seconds
        self.jumps = Tally()  # of the time stamps, too far to be true
        self.layouts = Tally()  # frames that have not the channels that the file began with
        self.not_finite = 0
        self.clipped = 0
        self.peak = 1.0
        self.constant: dict[int, float] = {}  # channels that never moved, and where they stood
        self.heard = 0.0
        self.ended = False  # False while it is read, and where nobody read on
        self.unreadable = ""  # why reading ended before the file did

    def notices(self) -> Iterator[Notice]:
        yield from self._breaks()
        yield from self._stamps()
        yield from self._values()

    def _breaks(self) -> Iterator[Notice]:
        truncated = self._truncated()
        if truncated:
            message = f"{self._file} breaks off at {self.heard:.1f} s: {truncated}. "
            yield Notice("audio-truncated", message + "What comes before is used.")
        at_the_break = truncated and self.damaged.first > self.heard - AT_THE_BREAK
        if self.damaged.times and not at_the_break:
            yield Notice(
                "audio-damaged",
                f"{self._file} is damaged: {_packets(self.damaged.times)} could not be decoded, "
                f"the first at {self.damaged.first:.1f} s. The rest is used.",
            )
        if self.layouts.times:
            yield Notice(
                "audio-layout-changed",
                f"{self._file} changes its number of channels at {self.layouts.first:.1f} s. "
                "Channels that are missing there are silent, those that are new are left out.",
            )

    def _truncated(self) -> str:
        """How one knows that the end is missing; nothing where it is there, or was not read."""
        if not self.ended:
            return ""
        if self.unreadable:
            return f"it cannot be read any further ({self.unreadable})"
        promised = self._promised or 0.0
        if promised - self.heard > min(max(0.01 * promised, 0.1), 1.0):  # so far headers err
            return f"its header promises {promised:.1f} s"
        return "" if self._whole else "it has no end mark"

    def _stamps(self) -> Iterator[Notice]:
        if self.gaps.times:
            yield Notice(
                "audio-gap",
                f"{self._file} lacks {self.gaps.amount:.2f} s of sound in {self.gaps.times} "
                f"place{'s' * (self.gaps.times > 1)}, the first at {self.gaps.first:.1f} s. "
                "Silence stands there, so that all times stay right.",
            )
        if self.jumps.times:
            yield Notice(
                "audio-gap",
                f"The time stamps of {self._file} jump at {self.jumps.first:.1f} s, further than "
                "a pause can be long. The sound goes on there without one.",
            )

    def _values(self) -> Iterator[Notice]:
        if self.not_finite:
            yield Notice(
                "samples-not-finite",
                f"{self._file} has {self.not_finite} samples that are not numbers or infinite. "
                "They were made silent.",
            )
        if self.clipped:
            yield Notice(
                "samples-clipped-range",
                f"{self._file} has {self.clipped} samples beyond full scale, up to "
                f"{self.peak:.4g} times. They were cut to full scale; lower the level and "
                "export the file again.",
            )
        for channel, value in self.constant.items():
            yield Notice(
                "channel-constant",
                f"Channel {self._labels[channel]} of {self._file} stands at {value:.2f} of full "
                "scale throughout: nothing can be heard in it. Check its line.",
            )


def _packets(times: int) -> str:
    return "1 packet" if times == 1 else f"{times} packets"

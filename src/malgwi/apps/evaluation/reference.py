"""What was said in a recording, by whom and on which channel, as far as it is known."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from malgwi.apps.evaluation.manifest import Item
from malgwi.errors import BadManifest

FIELDS = 5  # of a line before its text: file, channel, speaker, start, end


@dataclass(frozen=True, slots=True)
class Segment:
    """A line of an STM file."""

    channel: int
    """From 0; in the file they count from 1."""
    speaker: str
    start: float
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reference:
    """What was said; `text` where only the words are known."""

    text: str | None = field(repr=False)
    segments: tuple[Segment, ...] = ()
    """In the order in which they begin."""

    def of_channel(self, channel: int) -> str:
        return _joined(each for each in self.segments if each.channel == channel)

    def of_speaker(self, speaker: str) -> str:
        return _joined(each for each in self.segments if each.speaker == speaker)

    @property
    def whole(self) -> str | None:
        """All of it in order; None where it is not known."""
        if self.text is not None:
            return self.text
        return _joined(self.segments) if self.segments else None


def reference_of(item: Item) -> Reference:
    """What the manifest knows. Raises BadManifest where the STM file is malformed."""
    return Reference(item.text, read_stm(item.stm) if item.stm else ())


def read_stm(path: Path) -> tuple[Segment, ...]:
    """The lines of an STM file: `file channel speaker start end [<labels>] text`."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadManifest(f"{path} cannot be read as an STM file in UTF-8.") from error
    segments = [
        _segment(path, number, line)
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.startswith(";;")
    ]
    return tuple(sorted(segments, key=lambda each: each.start))


def _segment(path: Path, number: int, line: str) -> Segment:
    parts = line.split(None, FIELDS)
    try:
        _, channel, speaker, start, _ = parts[:FIELDS]
        index, begin = int(channel) - 1, float(start)
    except ValueError:  # without its cause: that may quote what somebody said
        index = -1
    if index < 0:
        wanted = "file, channel from 1, speaker, start, end, text"
        raise BadManifest(f"{path}, line {number}: {wanted} are expected.")
    return Segment(index, speaker, begin, _without_labels(parts[FIELDS:]))


def _without_labels(rest: list[str]) -> str:
    text = rest[0] if rest else ""
    return text.partition(">")[2].strip() if text.startswith("<") else text.strip()


def _joined(segments: Iterable[Segment]) -> str:
    return " ".join(each.text for each in segments)

"""Several files on one clock: read side by side, a block at a time."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import numpy as np

from malgwi.audio.clock import Piece, silence
from malgwi.audio.conversion import Sound
from malgwi.audio.defects import Defects
from malgwi.audio.excerpt import sound_of
from malgwi.audio.track import Track
from malgwi.errors import BadAudio
from malgwi.types import SAMPLE_RATE, Block, Notice

UNEQUAL = 0.5  # seconds by which files may end apart without a word


class FileRecording:
    """A `Recording` of files; `starts` says by how many seconds each begins late."""

    def __init__(
        self,
        tracks: Sequence[Track],
        starts: Sequence[float],
        labels: tuple[str, ...],
        block: int,
    ) -> None:
        self.sources = tuple(str(track.path) for track in tracks)
        self.labels = labels
        self.duration = _duration(tracks, starts)
        self._tracks = tracks
        self._starts = starts
        self._block = block
        self._readers: list[Reader] = []

    def blocks(self, first: int = 0) -> Iterator[Block]:
        with ExitStack() as files:
            self._readers = [
                Reader(*arguments, first, files)
                for arguments in zip(self._tracks, self._starts, self._own_labels(), strict=True)
            ]
            while (samples := self._read()).shape[1]:
                yield Block(first, samples)
                first += samples.shape[1]
        if not first:
            raise BadAudio(f"No sound could be decoded from {', '.join(self.sources)}.")

    @property
    def notices(self) -> Sequence[Notice]:
        opening = [notice for track in self._tracks for notice in track.notices]
        defects = [notice for reader in self._readers for notice in reader.defects.notices()]
        return (*opening, *defects, *_unequal(self.sources, self._readers))

    def _read(self) -> Sound:
        """The next block of all files; without samples once all have ended."""
        samples = np.empty((len(self.labels), self._block), np.float32)
        longest = top = 0
        for reader in self._readers:
            rows = samples[top : top + reader.channels]
            longest = max(longest, reader.fill(rows))
            top += reader.channels
        return samples if longest == self._block else samples[:, :longest].copy()

    def _own_labels(self) -> Iterator[tuple[str, ...]]:
        top = 0
        for track in self._tracks:
            yield self.labels[top : top + track.channels]
            top += track.channels


class Reader:
    """Reads one file from sample `first` of the recording, as far as it is asked to."""

    def __init__(
        self, track: Track, start: float, labels: Sequence[str], first: int, files: ExitStack
    ) -> None:
        self.channels = track.channels
        self.defects = Defects(str(track.path), labels, track.promised, track.whole)
        self.samples = first  # where it is, with the silence before the start
        self._sound = _sound(track, start, first, self.defects, files)
        self._left: Sound = np.empty((track.channels, 0), np.float32)

    def fill(self, rows: Sound) -> int:
        """Write what comes next, then silence. Returns how many samples came."""
        filled, size = 0, rows.shape[1]
        while filled < size:
            if not self._left.shape[1]:
                piece = next(self._sound, None)
                if piece is None:
                    break
                self._left = piece
            taken = self._left[:, : size - filled]
            rows[:, filled : filled + taken.shape[1]] = taken
            filled += taken.shape[1]
            self._left = self._left[:, taken.shape[1] :]
        rows[:, filled:] = 0.0
        self.samples += filled
        return filled


def _sound(
    track: Track, start: float, first: int, defects: Defects, files: ExitStack
) -> Iterator[Sound]:
    """From sample `first` of the recording, of a file that begins `start` seconds late."""
    late = round(start * SAMPLE_RATE) - first
    sound = sound_of(track, max(0, -late), defects, files)
    return _after(late, track.channels, sound)


def _after(late: int, channels: int, sound: Iterator[Sound]) -> Iterator[Sound]:
    nothing = Piece(np.empty((channels, 0), np.float32), SAMPLE_RATE)
    yield from (piece.samples for piece in silence(late / SAMPLE_RATE, nothing))
    yield from sound


def _duration(tracks: Sequence[Track], starts: Sequence[float]) -> float | None:
    ends = [
        start + track.duration
        for track, start in zip(tracks, starts, strict=True)
        if track.duration is not None
    ]
    return max(ends) if len(ends) == len(tracks) else None


def _unequal(sources: Sequence[str], readers: Sequence[Reader]) -> Iterator[Notice]:
    if not all(reader.defects.ended for reader in readers):
        return
    ends = [reader.samples / SAMPLE_RATE for reader in readers]
    last = max(ends, default=0.0)
    early = {source: last - end for source, end in zip(sources, ends, strict=False)}
    short = [f"{source} by {gap:.1f} s" for source, gap in early.items() if gap >= UNEQUAL]
    if short:
        yield Notice(
            "channels-unequal",
            f"Of {len(ends)} files, {len(short)} end before {last:.1f} s, where the recording "
            f"ends: {', '.join(short)}. Their channels are silent from there on.",
        )

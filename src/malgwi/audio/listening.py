"""Pieces of recordings for who listens: opened once, and read by decoders of their own, so that a
listener waits for no transcription."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock

from malgwi.audio.isolated import Decoders, IsolatedRecording
from malgwi.errors import BadAudio
from malgwi.types import Block

KNOWN = 64  # recordings of which it is remembered what is in their files
BLOCK = 1.0  # seconds: so much is in memory at a time


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A piece of a recording, not yet decoded."""

    channels: int
    blocks: Iterator[Block]
    """Raises BadAudio; Cancelled once who listens has gone."""


class Listening:
    """Any thread may use it."""

    def __init__(self, decoders: Decoders) -> None:
        self._decoders = decoders
        self._known: OrderedDict[tuple[object, ...], IsolatedRecording] = OrderedDict()
        self._lock = Lock()

    def excerpt(
        self, files: Sequence[tuple[Path, float]], first: int, end: int, stop: Event
    ) -> Excerpt:
        """The samples `first` to `end` of all channels of the files, each with its offset; fewer
        past the end. Raises BadAudio, BadOption, EngineGone, and Cancelled once `stop` is set."""
        recording = self._opened(files, stop)
        blocks = self._blocks(recording, files, first, end, stop)
        return Excerpt(len(recording.labels), blocks)

    def _blocks(
        self,
        recording: IsolatedRecording,
        files: Sequence[tuple[Path, float]],
        first: int,
        end: int,
        stop: Event,
    ) -> Iterator[Block]:
        try:
            yield from recording.excerpt(first, end, stop)
        except BadAudio:
            with self._lock:
                self._known.pop(tuple(files), None)
            raise

    def _opened(self, files: Sequence[tuple[Path, float]], stop: Event) -> IsolatedRecording:
        key = tuple(files)
        with self._lock:
            known = self._known.pop(key, None)
        if known is None:
            known = self._decoders.open(
                [path for path, _ in files],
                names=[path.name for path, _ in files],
                offsets=[offset for _, offset in files],
                block_seconds=BLOCK,
                stop=stop,
            )
        with self._lock:
            self._known[key] = known
            if len(self._known) > KNOWN:
                self._known.popitem(last=False)
        return known

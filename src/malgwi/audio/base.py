"""What a recording is to the rest of the platform, whatever it was before."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from malgwi.types import Block, Notice


class Recording(Protocol):
    """One or more files with one clock, opened and looked at, not yet decoded.

    Opening reads headers and decodes the first moment of each file; memory does not grow with the
    length, however often and however far it is read. One thread reads at a time.
    """

    sources: tuple[str, ...]
    """The files, as they were named."""
    labels: tuple[str, ...]
    """What each channel is called; as many as there are channels, no two alike."""
    duration: float | None
    """Seconds, as the header says or the size lets one guess; None where neither does."""

    def blocks(self, first: int = 0) -> Iterator[Block]:
        """Decode from sample `first` on. All channels end together: shorter ones with silence.

        Blocks are C-contiguous and, but for the last, of the same length; none is empty. Raises
        BadAudio where nothing at all could be decoded. Where the sound breaks off or a part of
        it cannot be decoded, the blocks go on with what can be, and `notices` says so.

        From wherever it is begun, a sample is the same to within rounding: a file is jumped in
        where its format says for certain where a jump leads, and else decoded from its start.
        Two things are not exact: AAC that has its decoder make noise, which has no memory of the
        noise before; and files that lack sound for less than clock.JITTER, by as much. Past the
        end of the recording there are no blocks.
        """
        ...

    @property
    def notices(self) -> Sequence[Notice]:
        """What was wrong with the sound in the last reading; complete once `blocks` has ended, if
        that began at the start."""
        ...

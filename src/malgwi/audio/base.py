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

    def blocks(self) -> Iterator[Block]:
        """Decode from the start. All channels end together: shorter ones with silence.

        Blocks are C-contiguous and, but for the last, of the same length; none is empty. Raises
        BadAudio where nothing at all could be decoded. Where the sound breaks off or a part of
        it cannot be decoded, the blocks go on with what can be, and `notices` says so.
        """
        ...

    @property
    def notices(self) -> Sequence[Notice]:
        """What was wrong with the sound in the last reading; complete once `blocks` has ended."""
        ...

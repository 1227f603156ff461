"""What goes through the pipes between this process and a decoder.

To the decoder: an order on a line of its own; where it is to read, a WANTED for each block, and at
last a DONE. From it: frames, each a kind, a length and so many bytes. A decoder may be in the hands
of whoever made the file it reads, so nothing that it sends is unpickled, only JSON and samples.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from struct import Struct

HEADER = Struct("<cQ")  # kind, bytes that follow

READY = b"r"  # once, when all is loaded
OPENED = b"o"  # labels, duration, notices: the whole answer to an order that is not to read
BLOCK = b"b"  # float32 [channels, samples]
END = b"e"  # notices; after the last block, or after DONE
FAILED = b"f"  # the class of the error, and its message where the files are to blame

WANTED = b"+"
DONE = b"."


@dataclass(frozen=True, slots=True)
class Order:
    """What a decoder shall open, and whether it shall also read it."""

    paths: Sequence[str]
    """Absolute: a decoder stands in another folder."""
    names: Sequence[str]
    """What to call the files, instead of their paths."""
    labels: Sequence[str]
    offsets: Sequence[float]
    block_seconds: float
    channels: Sequence[str] = ()
    """What opening has called the channels: then it is an order to read."""
    first: int = 0
    end: int | None = None
    """Samples: from which to which it is to read; all where there is no end."""

    @property
    def files(self) -> "Order":
        """What it is about, whatever is to be done with it."""
        return replace(self, channels=(), first=0, end=None)

    def follows(self, other: "Order | None") -> bool:
        """Whether it goes on where the other ended."""
        return other is not None and other.files == self.files and other.end == self.first

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode("ascii") + b"\n"

    @classmethod
    def of_line(cls, line: bytes) -> "Order":
        return cls(**json.loads(line))

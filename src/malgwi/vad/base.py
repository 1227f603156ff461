"""The contract between the pipeline and a voice activity engine."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class VoiceDetector(Protocol):
    """Says how probable speech is; the decision is `gate`'s.

    One instance hears one recording, all of its channels at once, from start to end: it keeps
    its state between calls, so that the answer does not depend on how the sound was cut into
    blocks. It is called by one thread at a time.
    """

    window: int
    """Samples that one probability stands for."""

    def probabilities(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the next `[channels, samples]`; return `[channels, windows]`, each in [0, 1].

        Samples that fill no whole window are kept for the next call. The number of channels
        is that of the first call.
        """
        ...

"""The door: whatever comes in becomes channels of float32 samples at SAMPLE_RATE, in blocks.

A file's way: `track` looks at it, `container` opens it, `decode` takes the samples out, `check`
mends them, `clock` keeps their time, `resample` brings them to our rate; `defects` remembers what
was wrong. `open` checks what was asked for, `recording` puts several files on one clock.
"""

from malgwi.audio.base import Recording
from malgwi.audio.open import LARGEST_OFFSET, MOST_CHANNELS, open_recording

__all__ = ["LARGEST_OFFSET", "MOST_CHANNELS", "Recording", "open_recording"]

"""The door: whatever comes in becomes channels of float32 samples at SAMPLE_RATE, in blocks.

A file's way: `track` looks at it, `container` opens it, `decode` takes the samples out, `check`
mends them, `clock` keeps their time, `resample` brings them to our rate; `defects` remembers what
was wrong. `open` checks what was asked for, `recording` puts several files on one clock. Who wants
the sound from the middle on gets it by `excerpt`, which jumps there by `seek`.

What strangers send goes the same way in a process of its own: `isolated` has a few of them,
`decoder` is one, `decoder_reading` what it is asked for, `decoder_process` what runs in it. By
`listening` a piece here and there is had of them.
"""

from malgwi.audio.base import Recording
from malgwi.audio.isolated import Decoders
from malgwi.audio.listening import Excerpt, Listening
from malgwi.audio.open import LARGEST_OFFSET, MOST_CHANNELS, open_recording

__all__ = [
    "LARGEST_OFFSET",
    "MOST_CHANNELS",
    "Decoders",
    "Excerpt",
    "Listening",
    "Recording",
    "open_recording",
]

"""Ids of what is kept: text that sorts by when it was made, and that nobody can guess.

They are made as UUIDs of version 7 are (RFC 9562, 6.2, method 1): 48 bits of milliseconds, a count
of those made within a millisecond, and chance. Python has them from 3.14 on. Those of one process
rise always; those of several do as far as their clocks agree.
"""

import re
import secrets
import threading
import time
import uuid

_COUNT_BITS = 12
_CHANCE_BITS = 62
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

_lock = threading.Lock()
_last = 0
"""Milliseconds and count of the id made last, as one number."""


def new_id() -> str:
    place = _place(time.time_ns() // 1_000_000)
    stamp, count = divmod(place, 1 << _COUNT_BITS)
    chance = secrets.randbits(_CHANCE_BITS)
    return str(uuid.UUID(int=(stamp << 80) | (7 << 76) | (count << 64) | (0b10 << 62) | chance))


def looks_like_id(text: str) -> bool:
    """Whether `new_id` could have made it; anything else need not be looked for."""
    return _ID.fullmatch(text) is not None


def _place(now: int) -> int:
    """After the one before, also where the clock was set back or stands still."""
    global _last  # noqa: PLW0603 - one sequence a process is the point
    with _lock:
        _last = max(now << _COUNT_BITS, _last + 1)
        return _last

"""Waiting for what happens in another thread or process, instead of sleeping and hoping."""

import time
from collections.abc import Callable


def until(happened: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for it, and fail where it does not happen."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "It did not happen in time."
        time.sleep(0.01)

"""What is told again for a while, so that many who look cost no more than one."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Fresh(Generic[Found]):
    """Finds it anew where it was found so many seconds ago. Any thread may ask."""

    def __init__(self, find: Callable[[], Found], seconds: float) -> None:
        self._find, self._seconds = find, seconds
        self._lock = Lock()
        self._kept: tuple[Found, float] | None = None

    def __call__(self) -> Found:
        with self._lock:
            if self._kept is None or time.monotonic() - self._kept[1] > self._seconds:
                self._kept = self._find(), time.monotonic()
            return self._kept[0]

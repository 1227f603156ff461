"""Whoever guesses passwords has to wait, longer each time: by name, and by address.

Each attempt counts from when it begins, so that many at once are no way around. What is known of
others' attempts is of this process, bounded, and forgotten after an hour.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from threading import Lock

from malgwi.gateway import Answer, Refusal
from malgwi.store import folded

FREE_OF_NAME, FREE_OF_ADDRESS = 5, 20
"""Attempts before one has to wait; several people may share an address."""
LONGEST = 300
"""Seconds."""
_MEMORY = 3600.0  # seconds
_MOST = 10_000  # names, and as many addresses


@dataclass(slots=True)
class _Count:
    failed: int
    until: float
    last: float


class Attempts:
    """Any thread may use it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = _MOST) -> None:
        self._clock = clock
        self._names = _Counts(FREE_OF_NAME, most)
        self._addresses = _Counts(FREE_OF_ADDRESS, most)
        self._lock = Lock()
        self.failures = 0
        """How many were wrong since the start."""

    def failed(self) -> None:
        """It was wrong."""
        with self._lock:
            self.failures += 1

    def begin(self, name: str | None, address: str) -> None:
        """Counts it as failed. Raises Refusal, 429, where one has to wait; that counts nothing."""
        with self._lock:
            now = self._clock()
            concerned = self._concerned(name, address)
            wait = max(counts.wait(key, now) for counts, key in concerned)
            if wait > 0:
                message = "There were too many attempts. Wait, then try again."
                raise Refusal(Answer(429, "too_many_attempts", message, math.ceil(wait)))
            for counts, key in concerned:
                counts.add(key, now)

    def succeeded(self, name: str | None, address: str) -> None:
        """Those of the name are forgotten; of the address this one is."""
        with self._lock:
            if name is not None:
                self._names.forget(folded(name))
            self._addresses.take_back(_network(address))

    def _concerned(self, name: str | None, address: str) -> list[tuple["_Counts", str]]:
        of_name = [] if name is None else [(self._names, folded(name))]
        return [(self._addresses, _network(address)), *of_name]


class _Counts:
    """The one that was used longest ago goes where there are too many."""

    def __init__(self, free: int, most: int) -> None:
        self._free, self._most = free, most
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    def wait(self, key: str, now: float) -> float:
        """Seconds."""
        count = self._counts.get(key)
        return 0.0 if count is None else count.until - now

    def add(self, key: str, now: float) -> None:
        count = self._counts.pop(key, None)
        if count is None or now - count.last > _MEMORY:
            count = _Count(0, 0.0, now)
        count.failed, count.last = count.failed + 1, now
        if count.failed >= self._free:
            count.until = now + min(2 ** min(count.failed - self._free, 20), LONGEST)
        self._counts[key] = count
        if len(self._counts) > self._most:
            self._counts.popitem(last=False)

    def take_back(self, key: str) -> None:
        if count := self._counts.get(key):
            count.failed, count.until = count.failed - 1, 0.0

    def forget(self, key: str) -> None:
        self._counts.pop(key, None)


def _network(address: str) -> str:
    """Who has an IPv6 address has 2^64 of them."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False))
    return str(parsed)

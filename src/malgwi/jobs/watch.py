"""Who fell silent, by our own watch. No clock and no I/O in it.

Moments in a database are no measure: where a clock is put forward all leases have run out, where
it is put back none ever does. So a lease counts from when its last heartbeat was *seen*.
"""

from collections.abc import Sequence
from datetime import datetime

from malgwi.types import Job

_Beat = tuple[str, int, datetime | None]


class Watch:
    """Sees the running jobs again and again; each must show a heartbeat within a lease."""

    def __init__(self, lease: float) -> None:
        self._lease = lease
        self._first_seen: dict[_Beat, float] = {}

    def silent(self, running: Sequence[Job], now: float) -> Sequence[Job]:
        """Those that have shown no heartbeat for a lease. `now` is in seconds, and never falls."""
        beats: dict[_Beat, Job] = {
            (each.id, each.attempt, each.lease_until): each for each in running
        }
        self._first_seen = {beat: self._first_seen.get(beat, now) for beat in beats}
        return [job for beat, job in beats.items() if now - self._first_seen[beat] >= self._lease]

    def forget(self) -> None:
        """Begin anew, as it could not be seen for a while whether hearts beat."""
        self._first_seen = {}

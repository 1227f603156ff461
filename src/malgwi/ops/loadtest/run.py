"""The test itself: hand in, ask, look, tell, until it is over or is asked to end; then tidy up."""

import secrets
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import psutil

from malgwi.client import Client
from malgwi.errors import BadOption, MalgwiError, NotFound
from malgwi.ops.loadtest.clips import Clip
from malgwi.ops.loadtest.delivery import PATIENCE, Delivery
from malgwi.ops.loadtest.measuring import Observer, Sample
from malgwi.ops.loadtest.outcome import Outcome
from malgwi.ops.loadtest.placement import placements
from malgwi.ops.loadtest.plan import Plan
from malgwi.ops.loadtest.sound import Sound
from malgwi.ops.loadtest.target import ready

LOOK, TELL, TICK = 2.0, 5.0, 0.25
"""Seconds between two looks at the service, two reports, and two questions for jobs."""

Told = Callable[[Outcome], None]


@dataclass(frozen=True, slots=True)
class Service:
    """That is put under load."""

    connect: Callable[[], Client]
    address: str | None
    """None: one of the test's own."""
    here: bool
    """It runs on this machine."""
    memory: Callable[[], int | None] | None = None
    """Resident bytes of its processes, where they are ours."""


def run(plan: Plan, clips: Sequence[Clip], service: Service, stop: Event, tell: Told) -> Outcome:
    """Put the service under load. `tell` hears every few seconds how it stands; `stop` ends it in
    order.

    Raises what keeps it from beginning; by then nothing was kept by the service.
    """
    with service.connect() as client:
        system = ready(client, plan)
        observer = Observer(client, service.memory, here=service.here)
        observer.look(0.0)
        test = _Test(plan, clips, service.connect, client, observer)
        load = psutil.getloadavg()[0]
        test.outcome = replace(test.outcome, system=system, address=service.address, load=load)
        try:
            test.go_on(stop, tell)
        finally:
            test.end(stop)
    if test.delivery.refused and not any(each.job for each in test.delivery.pieces):
        raise test.delivery.refused
    tell(test.outcome)
    return test.outcome


class _Test:
    """One that is under way."""

    def __init__(
        self,
        plan: Plan,
        clips: Sequence[Clip],
        connect: Callable[[], Client],
        client: Client,
        observer: Observer,
    ) -> None:
        placed = placements(plan, clips)
        self._folder = tempfile.TemporaryDirectory(prefix="malgwi-loadtest-")
        self._plan, self._client, self._observer = plan, client, observer
        self._run = secrets.token_hex(4)
        self.delivery = Delivery(
            Sound(plan, clips, placed), self._run, connect, Path(self._folder.name)
        )
        self._samples: list[Sample] = []
        self._looked = self._told = -TELL
        self._answered = 0.0
        self.outcome = Outcome(
            plan, self._run, datetime.now(UTC), 0.0, placed, (), (), observer.limits, {}, None
        )

    def go_on(self, stop: Event, tell: Told) -> None:
        while not (stop.is_set() or self._ended()):
            self.delivery.hand_in()
            try:
                self.delivery.ask(self._client)
                self._look()
                self._answered = self.delivery.now
            except MalgwiError as error:
                self._gone(error)
            if self.delivery.now - self._told >= TELL:
                self._told = self.delivery.now
                self.outcome = self._so_far()
                tell(self.outcome)
            stop.wait(TICK)

    def end(self, stop: Event) -> None:
        self.delivery.close()
        self.outcome = replace(self._so_far(), over=True, interrupted=stop.is_set())
        self._folder.cleanup()
        if not self._plan.keep:
            self.outcome = replace(self.outcome, left=self._tidy_up())

    def _ended(self) -> bool:
        delivery = self.delivery
        return (
            delivery.over
            or delivery.refused is not None
            or self.outcome.broken is not None
            or delivery.now > self._plan.longest
        )

    def _look(self) -> None:
        if self.delivery.now - self._looked >= LOOK:
            self._looked = self.delivery.now
            self._samples.append(self._observer.look(self._looked))

    def _gone(self, error: MalgwiError) -> None:
        if self.delivery.now - self._answered > PATIENCE:
            self.outcome = replace(self.outcome, broken=str(error))

    def _so_far(self) -> Outcome:
        return replace(
            self.outcome,
            seconds=self.delivery.now,
            pieces=[replace(each) for each in self.delivery.pieces],
            samples=tuple(self._samples),
            limits=self._observer.limits,
        )

    def _tidy_up(self) -> int:
        """How many of the recordings are still on the disk."""
        sent = [each.recording for each in self.delivery.pieces if each.recording]
        removed = 0
        with suppress(MalgwiError):  # who does not answer for one does not for the next
            for recording in sent:
                removed += self._removed(recording)
        return len(sent) - removed

    def _removed(self, recording: str) -> bool:
        """Whether from the disk too: that is for administrators."""
        try:
            self._client.remove(recording, purge=True)
        except BadOption:
            self._client.remove(recording)
            return False
        except NotFound:
            return True
        return True

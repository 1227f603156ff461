"""Who waits, and who goes next. No thread, no clock and no engine in it: times are given.

Lanes go before each other: live, interactive, batch. Within a lane every request is promised the
pace of real time: its first piece may begin at once, and each further one a length of the piece
before it later. Whose turn comes first goes first (start-time fair queueing, P. Goyal and others
1996). So a long recording does not stand in the way of a short question that comes later, and
what is said in one breath does not wait behind what is shorter. No lane starves: where a piece's
turn has been past for longer than the lane's patience, it leads every fourth batch.
"""

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from malgwi.stt import Piece
from malgwi.types import Lane

LANES = tuple(Lane)
PATIENCE = {Lane.INTERACTIVE: 5.0, Lane.BATCH: 30.0}
"""Seconds by which a piece's turn may be past before its lane has a right to a share; live is
first anyway."""
SHARE = 4
"""One of so many batches belongs to a lane that is overdue, whatever else waits."""


@dataclass(eq=False, slots=True)
class Account:
    """A request, whose pieces get their turns."""

    lane: Lane
    served: float = 0.0
    """Until when the pace of real time has been kept for it."""

    def turn(self, now: float, seconds: float) -> float:
        """When its next piece may begin, which has so many seconds of sound."""
        begin = max(now, self.served)
        self.served = begin + seconds
        return begin


@dataclass(eq=False, slots=True)
class Ticket:
    """A piece that waits for its answer."""

    piece: Piece
    kind: str
    """`transcribe` or `detect`; they do not mix."""
    account: Account
    turn: float
    arrived: float
    among: frozenset[str] = frozenset()
    attempts: int = 0
    alone: bool = False
    """It was there when something broke, and shares no batch any more."""
    answer: Future[Any] = field(default_factory=Future)

    @property
    def lane(self) -> Lane:
        return self.account.lane


class Waiting:
    """The pieces of one engine that wait."""

    def __init__(self, alike: Callable[[Ticket], object]) -> None:
        """Only tickets for which `alike` says the same share a batch."""
        self._alike = alike
        self._tickets: list[Ticket] = []
        self._led_by_lane = 0  # batches since one that was led by an overdue piece

    def __len__(self) -> int:
        return len(self._tickets)

    def add(self, tickets: Iterable[Ticket]) -> None:
        self._tickets += tickets
        self._tickets.sort(key=_urgency)

    def drop(self, tickets: Collection[Ticket] | None = None) -> list[Ticket]:
        """Take out those of these that wait, or all there are."""
        gone = set(map(id, self._tickets if tickets is None else tickets))
        out = [each for each in self._tickets if id(each) in gone]
        self._tickets = [each for each in self._tickets if id(each) not in gone]
        return out

    def take(self, size: int, now: float) -> list[Ticket]:
        """The next batch: the most urgent piece and, in order, those that may share it.

        What is live waits for nobody else: only live pieces share its batch.
        """
        if not self._tickets:
            return []
        leader = self._leader(now)
        mates = [] if leader.alone else [each for each in self._tickets if self._fits(each, leader)]
        batch = [leader, *mates][:size]
        chosen = set(map(id, batch))
        self._tickets = [each for each in self._tickets if id(each) not in chosen]
        return batch

    def seconds(self, lane: Lane) -> float:
        """Of sound that wait in a lane and those before it."""
        until = LANES.index(lane)
        return sum(each.piece.duration for each in self._tickets if LANES.index(each.lane) <= until)

    def count(self, lane: Lane) -> int:
        return sum(each.lane is lane for each in self._tickets)

    def oldest(self, lane: Lane) -> float | None:
        """When the piece came that waits longest."""
        return min((each.arrived for each in self._tickets if each.lane is lane), default=None)

    def _leader(self, now: float) -> Ticket:
        first = self._tickets[0]
        overdue = [
            each
            for each in self._tickets
            if each.lane is not first.lane and now - each.turn > PATIENCE[each.lane]
        ]
        if not overdue:
            return first
        self._led_by_lane += 1
        if self._led_by_lane < SHARE:
            return first
        self._led_by_lane = 0
        return min(overdue, key=lambda each: each.turn)

    def _fits(self, each: Ticket, leader: Ticket) -> bool:
        if each is leader or each.alone or each.kind != leader.kind:
            return False
        if leader.lane is Lane.LIVE and each.lane is not Lane.LIVE:
            return False
        return self._alike(each) == self._alike(leader)


def _urgency(ticket: Ticket) -> tuple[int, float]:
    return LANES.index(ticket.lane), ticket.turn

"""What was seen in a test, while it runs and afterwards, and what is reckoned from it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from malgwi.ops.loadtest import coverage
from malgwi.ops.loadtest.delivery import Piece, State
from malgwi.ops.loadtest.measuring import Limits, Sample
from malgwi.ops.loadtest.placement import Placement
from malgwi.ops.loadtest.plan import Plan
from malgwi.ops.loadtest.trend import Trend, trend
from malgwi.types import Span


@dataclass(frozen=True)
class Outcome:
    """All that is known at a moment. It does not change; pieces and samples are those of then."""

    plan: Plan
    run: str
    began: datetime
    seconds: float
    """Of the clock."""
    placed: Sequence[Sequence[Placement]]
    pieces: Sequence[Piece]
    samples: Sequence[Sample]
    limits: Limits
    system: Mapping[str, Any]
    """What /v1/system said at the start."""
    address: str | None
    """None: of a service of the test's own."""
    load: float | None = None
    """Average load of this machine when it began: what others have it do."""
    over: bool = False
    """It has ended."""
    interrupted: bool = False
    broken: str | None = None
    """Why the service could not be asked any more."""
    left: int = 0
    """Recordings of the test that could not be removed."""

    @cached_property
    def done(self) -> list[Piece]:
        return [each for each in self.pieces if each.state is State.DONE]

    @cached_property
    def failed(self) -> list[Piece]:
        return [each for each in self.pieces if each.state is State.FAILED]

    @cached_property
    def undelivered(self) -> list[Piece]:
        return [each for each in self.pieces if each.state is State.UNDELIVERED]

    @cached_property
    def unfinished(self) -> list[Piece]:
        """That had no transcript when the time was up. Of a test that goes on, or was broken off
        by its user, nothing can be said to be that."""
        if not self.over or self.interrupted:
            return []
        return [each for each in self.pieces if not each.over]

    @cached_property
    def lost(self) -> list[Piece]:
        """Without a transcript."""
        return [*self.failed, *self.undelivered, *self.unfinished]

    @cached_property
    def lags(self) -> list[tuple[float, float]]:
        """When the sound of a piece had ended, and its lag."""
        return [(p.due, p.lag) for p in self.done if p.due is not None and p.lag is not None]

    @cached_property
    def lag_trend(self) -> Trend | None:
        """In seconds of lag a second of the clock."""
        return trend([at for at, _ in self.lags], [lag for _, lag in self.lags])

    @cached_property
    def rtfs(self) -> list[tuple[float, float]]:
        """When the sound of a piece had ended, and what a worker took for a second of it."""
        return [
            (p.due, p.processing / self.plan.piece)
            for p in self.done
            if p.due is not None and p.processing is not None
        ]

    @property
    def sound(self) -> float:
        """Seconds of recordings that have a transcript."""
        return len(self.done) * self.plan.piece

    @cached_property
    def busy(self) -> float:
        """Seconds for which any worker had any of them."""
        spans = (
            Span(each.started.timestamp(), each.ended.timestamp())
            for each in self.done
            if each.started and each.ended
        )
        return coverage.total(coverage.joined(spans))

    @cached_property
    def transcribed_speed(self) -> float | None:
        """Seconds of recordings that were transcribed in a second, from the first delivery to the
        last transcript."""
        ends = [due + lag for due, lag in self.lags]
        taken = max(ends, default=0.0) - min((due for due, _ in self.lags), default=0.0)
        return self.sound / taken if taken > 0 else None

    @cached_property
    def delivered_speed(self) -> float | None:
        """Seconds of recordings that were taken in a second."""
        answers = sorted(each.answered for each in self.pieces if each.answered is not None)
        if len(answers) < 2 or answers[-1] <= answers[0]:
            return None
        return (len(answers) - 1) * self.plan.piece / (answers[-1] - answers[0])

    def speech(self, pieces: Iterable[Piece], channel: int) -> float:
        """Seconds of speech that were put into these pieces."""
        return coverage.total(self._spoken_in(pieces, channel))

    @cached_property
    def unheard(self) -> list[float]:
        """Of each channel the seconds of speech in pieces with a transcript, of which there is
        nothing in it."""
        return [
            coverage.uncovered(self._spoken_in(self.done, channel), heard)
            for channel, heard in enumerate(self._heard)
        ]

    def _spoken_in(self, pieces: Iterable[Piece], channel: int) -> list[Span]:
        return coverage.common(self._spoken[channel], coverage.joined(map(self._bounds, pieces)))

    @cached_property
    def _spoken(self) -> list[list[Span]]:
        return [coverage.joined(each.spoken for each in placed) for placed in self.placed]

    @cached_property
    def _heard(self) -> list[list[Span]]:
        """Of each channel, on the clock of the whole."""
        heard: list[list[Span]] = [[] for _ in self.placed]
        for piece in self.done:
            for channel, span in piece.heard:
                if channel < len(heard):
                    heard[channel].append(span.later(piece.index * self.plan.piece))
        return heard

    def _bounds(self, piece: Piece) -> Span:
        return Span(piece.index * self.plan.piece, (piece.index + 1) * self.plan.piece)

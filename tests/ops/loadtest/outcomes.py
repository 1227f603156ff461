"""Outcomes of tests that never ran: pieces with the lags and transcripts that a test wants."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from malgwi.ops.loadtest.clips import Clip
from malgwi.ops.loadtest.delivery import Piece, State
from malgwi.ops.loadtest.measuring import Limits, Sample
from malgwi.ops.loadtest.outcome import Outcome
from malgwi.ops.loadtest.placement import placements
from malgwi.ops.loadtest.plan import Plan
from malgwi.types import SAMPLE_RATE, Span

BEGAN = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
SYSTEM: Mapping[str, Any] = {"version": "0.1.0", "engines": [], "engines_elsewhere_reason": "Far."}


def clips(*lengths: float) -> list[Clip]:
    """Of so many seconds, of which all but a little at both ends is spoken."""
    return [
        Clip(np.full(round(each * SAMPLE_RATE), 9000, np.int16), Span(0.2, each - 0.2))
        for each in lengths
    ]


def done(plan: Plan, index: int, lag: float, heard: Sequence[tuple[int, Span]] = ()) -> Piece:
    """A piece that has its transcript after `lag` seconds, a second of which was its upload."""
    due = plan.due(index) or 0.0
    created = BEGAN + timedelta(seconds=due + 1)
    return Piece(
        index,
        State.DONE,
        due,
        due + 1,
        "recording",
        "job",
        created,
        created,
        created + timedelta(seconds=lag - 1),
        1,
        heard=list(heard),
    )


def sample(at: float, **seen: Any) -> Sample:
    nothing = dict.fromkeys(("service", "machine", "gpu_free", "engine_seconds", "engine_sound"))
    return Sample(**{"at": at, "waiting": 0, "running": 1, **nothing, **_DISK, **seen})


def outcome(plan: Plan, pieces: Sequence[Piece], **known: Any) -> Outcome:
    """A test that is over; whoever spoke was heard, unless the pieces say something else."""
    placed = placements(plan, clips(2.0, 3.0, 5.0))
    for piece in pieces:
        if piece.state is State.DONE and not piece.heard:
            piece.heard = [
                (channel, each.spoken.later(-piece.index * plan.piece))
                for channel, row in enumerate(placed)
                for each in row
                if piece.index - 1 <= each.spoken.start // plan.piece <= piece.index
            ]
    given: dict[str, Any] = {
        "seconds": plan.seconds,
        "samples": (sample(0.0), sample(2.0)),
        "limits": Limits(None, None),
        "system": SYSTEM,
        "address": "http://127.0.0.1:8000",
        "over": True,
        **known,
    }
    return Outcome(plan=plan, run="0123abcd", began=BEGAN, placed=placed, pieces=pieces, **given)


_DISK = {"disk_free": 5e9, "media": 0.0}

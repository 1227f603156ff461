"""Whether the machine bears it: what was lost, and whether the lag grows. Pure."""

from dataclasses import dataclass

from malgwi.ops.loadtest.outcome import Outcome

UNHEARD = 0.01
"""Share of the speech that a recogniser may miss without any load: the ends of phrases, a cough."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the test says in the end."""

    keeps_up: bool | None
    """None: nobody can tell."""
    behind: float | None
    """Seconds by which the lag grows in a minute of the clock; 0 where it does not, None where
    nobody can tell."""
    nothing_lost: bool
    reasons: tuple[tuple[str, dict[str, float]], ...]
    """Why it is not passed: phrases of `words`, with their numbers."""

    @property
    def passed(self) -> bool:
        return self.nothing_lost and self.keeps_up is True


def verdict(outcome: Outcome) -> Verdict:
    behind = _behind(outcome)
    keeps_up = _keeps_up(outcome, behind)
    lost = list(_lost(outcome))
    reasons = list(lost)
    if keeps_up is None:
        reasons.append(("cannot_tell", {"pieces": len(outcome.done)}))
    elif not keeps_up and outcome.plan.speed is None:
        reasons.append(("too_slow", {"speed": outcome.transcribed_speed or 0.0}))
    elif not keeps_up:
        reasons.append(
            ("falls_behind", {"behind": behind or 0.0, "speed": outcome.plan.speed or 1})
        )
    return Verdict(keeps_up, behind, not lost, tuple(reasons))


def _behind(outcome: Outcome) -> float | None:
    """What is delivered at no pace waits for the service: its lag says nothing of it."""
    grown = outcome.lag_trend
    if outcome.plan.speed is None or grown is None:
        return None
    interval = outcome.plan.piece / outcome.plan.speed
    return grown.slope * 60 if grown.grows and grown.growth > interval else 0.0


def _keeps_up(outcome: Outcome, behind: float | None) -> bool | None:
    if outcome.plan.speed is None:
        speed = outcome.transcribed_speed if outcome.lag_trend else None
        return None if speed is None else speed >= 1.0
    return None if behind is None else behind == 0.0


def _lost(outcome: Outcome) -> list[tuple[str, dict[str, float]]]:
    found: list[tuple[str, dict[str, float]]] = []
    piece = outcome.plan.piece
    for name in ("failed", "undelivered", "unfinished"):
        if some := getattr(outcome, name):
            found.append((name, {"pieces": len(some), "seconds": len(some) * piece}))
    channels = range(outcome.plan.channels)
    unheard = sum(outcome.unheard)
    spoken = sum(outcome.speech(outcome.done, each) for each in channels)
    if unheard > UNHEARD * spoken:
        found.append(("unheard", {"seconds": unheard, "spoken": spoken}))
    if outcome.broken:
        found.append(("broken", {}))
    return found

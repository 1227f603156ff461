"""What a check is, and what it may find.

A check looks and never mends: nothing on the machine is changed by it. What it says is for people:
a sentence about what is so, what was looked at, why it is so, and what to do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from malgwi.ops.doctor.subject import Subject


class State(StrEnum):
    """Worst first."""

    FAIL = "fail"
    """It does not work, or will not."""
    CRASH = "crash"
    """The check itself broke or did not end in time: nothing is known."""
    WARN = "warn"
    """It works, and may not for long, or not well."""
    OK = "ok"
    SKIP = "skip"
    """There was nothing to look at here."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a look gave."""

    state: State
    symptom: str
    """A sentence; for a check that was skipped, why."""
    evidence: str = ""
    """What was seen. Never a secret, and never what somebody said."""
    cause: str = ""
    remedy: str = ""
    """What to do, first of all without a network; of the check where it is empty."""


class NotThere(Exception):
    """What a check asked for is not there to be looked at; the message says why. A check that lets
    it through is skipped for that reason."""


Look = Callable[["Subject"], Found]


@dataclass(frozen=True, slots=True)
class Check:
    """Something that is looked at."""

    id: str
    """Stable: `DB-002`."""
    looks: str
    """What is looked at, as a question."""
    why: str
    """Why it matters."""
    mend: str
    """What to do in general, first of all without a network."""
    look: Look
    seconds: float
    """Within which it should have ended."""

    @property
    def group(self) -> str:
        return self.id.partition("-")[0]


def check(
    id: str, *, looks: str, why: str, mend: str, seconds: float = 3.0
) -> Callable[[Look], Check]:
    """Makes a check of the function that looks."""
    return lambda look: Check(id, looks, why, mend, look, seconds)


def ok(symptom: str, evidence: str = "") -> Found:
    return Found(State.OK, symptom, evidence)


def skip(why: str) -> Found:
    return Found(State.SKIP, why)


def warn(symptom: str, *, evidence: str = "", cause: str = "", remedy: str = "") -> Found:
    return Found(State.WARN, symptom, evidence, cause, remedy)


def fail(symptom: str, *, evidence: str = "", cause: str = "", remedy: str = "") -> Found:
    return Found(State.FAIL, symptom, evidence, cause, remedy)


def size(count: float) -> str:
    """Bytes as people say them."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.0f} MB"

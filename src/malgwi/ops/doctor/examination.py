"""All checks at once, each with its own time, and what came of them.

A check that raises has crashed, and so has one that does not end in time: that is a result, too.
What hangs is left behind; it changes nothing and ends with the process.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from traceback import extract_tb

from malgwi.errors import BadOption, MalgwiError
from malgwi.ops.doctor.base import Check, Found, NotThere, State
from malgwi.ops.doctor.hiding import Hiding
from malgwi.ops.doctor.subject import Subject

_WORST_FIRST = list(State)


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found."""

    id: str
    looks: str
    state: State
    symptom: str
    evidence: str
    cause: str
    remedy: str
    """Empty where there is nothing to do."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Examination:
    """What all of them found, worst first."""

    began: datetime
    seconds: float
    results: Sequence[Result]

    @property
    def failed(self) -> bool:
        return self.count(State.FAIL) > 0

    def count(self, state: State) -> int:
        return sum(each.state is state for each in self.results)


def examine(subject: Subject, checks: Sequence[Check]) -> Examination:
    """Takes as long as the slowest check may, and raises nothing."""
    began, start = datetime.now(UTC), time.monotonic()
    running = [_Running(each, subject) for each in checks]
    hiding = Hiding(subject.config, subject.machine.environ)
    results = [each.result(hiding) for each in running]
    results.sort(key=lambda each: (_WORST_FIRST.index(each.state), each.id))
    return Examination(began, time.monotonic() - start, results)


def chosen(
    checks: Sequence[Check], only: Iterable[str] = (), skip: Iterable[str] = ()
) -> Sequence[Check]:
    """Those that are named by their ids or groups, without those to skip. Raises BadOption for
    what is neither."""
    wanted, unwanted = ({each.upper() for each in names} for names in (only, skip))
    known = {each.id for each in checks} | {each.group for each in checks}
    if unknown := (wanted | unwanted) - known:
        groups = ", ".join(dict.fromkeys(each.group for each in checks))
        raise BadOption(f"No check or group is called {min(unknown)}. The groups are: {groups}.")
    return [
        each
        for each in checks
        if (not wanted or {each.id, each.group} & wanted) and not {each.id, each.group} & unwanted
    ]


class _Running:
    """A check in its thread."""

    def __init__(self, check: Check, subject: Subject) -> None:
        self._check, self._subject = check, subject
        self._found: tuple[Found, float] | None = None
        self._began = time.monotonic()
        self._thread = Thread(target=self._look, name=check.id, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        try:
            found = self._check.look(self._subject)
        except NotThere as reason:
            found = Found(State.SKIP, str(reason))
        except Exception as error:  # noqa: BLE001 - a result, too
            found = _crashed(error)
        self._found = found, time.monotonic() - self._began

    def result(self, hiding: Hiding) -> Result:
        """Waits for it as long as it may take."""
        check = self._check
        self._thread.join(max(0.0, self._began + check.seconds - time.monotonic()))
        found, seconds = self._found or (_late(check), check.seconds)
        amiss = found.state in (State.FAIL, State.WARN)
        return Result(
            id=check.id,
            looks=check.looks,
            state=found.state,
            symptom=hiding.hidden(found.symptom),
            evidence=hiding.hidden(found.evidence),
            cause=hiding.hidden(found.cause),
            remedy=hiding.hidden(found.remedy or check.mend * amiss),
            seconds=round(seconds, 3),
        )


def _crashed(error: Exception) -> Found:
    """Its words only where they are ours: others may quote anything."""
    last = extract_tb(error.__traceback__)[-1]
    return Found(
        State.CRASH,
        f"The check broke: {type(error).__name__}. Nothing is known.",
        evidence=f"{Path(last.filename).name}:{last.lineno}",
        cause=str(error) if isinstance(error, MalgwiError) else "A fault of the check itself.",
        remedy="Look at it by hand, and report the line above.",
    )


def _late(check: Check) -> Found:
    return Found(
        State.CRASH,
        f"The check did not end within {check.seconds:g} s. Nothing is known.",
        cause="Something that it asked does not answer, or the machine is very busy.",
        remedy=f"Run it again by itself: malgwi doctor --only {check.id}",
    )

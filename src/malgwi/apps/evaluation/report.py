"""What was measured: a result an item, and the results of a group added up.

Whatever could not be measured is Unmeasured, with the reason, and stays out of every sum.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import add
from typing import TypeVar

from malgwi.apps.evaluation.machine import Machine
from malgwi.apps.evaluation.rates import Errors, Rate, Unmeasured, measured, pooled, reasons
from malgwi.types import Engine


@dataclass(frozen=True, slots=True)
class Cost:
    """What it took. All channels are added up in `audio`."""

    audio: float
    wall: float
    """Seconds, the model already loaded."""

    @property
    def real_time_factor(self) -> float | None:
        """Wall seconds a second of sound."""
        return self.wall / self.audio if self.audio else None

    @property
    def speed(self) -> float | None:
        """Times real time."""
        return self.audio / self.wall if self.wall else None

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.audio + other.audio, self.wall + other.wall)


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """What was heard where nobody spoke."""

    audio: float
    """Seconds of sound without speech, all channels added up."""
    words: int
    characters: int
    """Without spaces; for languages that do not write any between words."""
    suppressed: int
    """Utterances that the engine heard and a rule marked; they are not in the other two."""

    def __add__(self, other: "FalseAlarms") -> "FalseAlarms":
        return FalseAlarms(
            self.audio + other.audio,
            self.words + other.words,
            self.characters + other.characters,
            self.suppressed + other.suppressed,
        )


@dataclass(frozen=True, slots=True)
class Detection:
    """Of how many channels the language was detected, and how often rightly."""

    channels: int
    right: int

    def __add__(self, other: "Detection") -> "Detection":
        return Detection(self.channels + other.channels, self.right + other.right)


Summand = TypeVar("Summand", Cost, FalseAlarms, Detection)


@dataclass(frozen=True, slots=True)
class Text:
    """A pair that was compared, before it was normalised."""

    channel: int | None
    """None where all channels were taken together."""
    said: str = field(repr=False)
    heard: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured in one recording."""

    id: str
    kind: str
    language: str | None
    exact: bool
    """False where the reference is a guide and no truth: not in the rates of a group."""
    wer: Errors | Unmeasured
    cer: Errors | Unmeasured
    cpwer: Errors | Unmeasured
    false_alarms: FalseAlarms | Unmeasured
    detection: Detection | Unmeasured
    cost: Cost | Unmeasured
    utterances: int = 0
    suppressed: int = 0
    duplicates: int = 0
    retried: int = 0
    texts: tuple[Text, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """All results of a run, and what they were measured with."""

    manifest: str
    engine: Engine | None
    """None where no recording could be transcribed."""
    machine: Machine
    date: datetime
    peak_memory: int
    """Bytes, of the whole process."""
    results: tuple[Result, ...]
    complete: bool = True
    """False where it was broken off: what is here is whole, the rest was not measured."""


@dataclass(frozen=True, slots=True)
class Group:
    """The results of one language in one set, or in all sets, added up."""

    language: str | None
    kind: str | None
    """None for all sets."""
    recordings: int
    cost: Cost | Unmeasured
    wer: Rate | Unmeasured
    cer: Rate | Unmeasured
    cpwer: Rate | Unmeasured
    false_alarms: FalseAlarms | Unmeasured
    detection: Detection | Unmeasured


def groups(results: Iterable[Result]) -> list[Group]:
    """A group a language and set, and one a language where it has several sets."""
    results = list(results)
    found: list[Group] = []
    for language in sorted({each.language or "" for each in results}):
        mine = [each for each in results if (each.language or "") == language]
        kinds = sorted({each.kind for each in mine})
        found += [_group([each for each in mine if each.kind == kind], kind) for kind in kinds]
        found += [_group(mine, None)] if len(kinds) > 1 else []
    return found


def _group(results: Sequence[Result], kind: str | None) -> Group:
    return Group(
        language=results[0].language,
        kind=kind,
        recordings=len(results),
        cost=_summed([each.cost for each in results]),
        wer=_rate(results, lambda each: each.wer),
        cer=_rate(results, lambda each: each.cer),
        cpwer=_rate(results, lambda each: each.cpwer),
        false_alarms=_summed([each.false_alarms for each in results]),
        detection=_summed([each.detection for each in results]),
    )


def _summed(values: Sequence[Summand | Unmeasured]) -> Summand | Unmeasured:
    return reduce(add, measured(values)) if measured(values) else Unmeasured(reasons(values))


def _rate(
    results: Iterable[Result], part: Callable[[Result], Errors | Unmeasured]
) -> Rate | Unmeasured:
    parts = [
        part(each) if each.exact else Unmeasured("the reference is not exact") for each in results
    ]
    return pooled(measured(parts)) if measured(parts) else Unmeasured(reasons(parts))

"""Counting errors, and adding them up.

A rate over several recordings is all errors over all words, never a mean of rates: that would
let one word in a short recording weigh as much as a hundred in a long one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from malgwi.errors import EngineMissing

T = TypeVar("T")

RESAMPLES = 2000
SEED = 1
FEWEST = 5  # recordings, below which an interval would only seem to say something


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """There is no value, and this is why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Errors:
    """The edits that lead from what was said to what was heard, of words or of characters."""

    substitutions: int
    deletions: int
    insertions: int
    length: int
    """Of what was said."""

    @property
    def total(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float | None:
        """Errors a word that was said, above 1 where much was invented; None for no words."""
        return self.total / self.length if self.length else None

    def __add__(self, other: "Errors") -> "Errors":
        return Errors(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.length + other.length,
        )


NONE = Errors(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Rate:
    """The errors of several recordings together."""

    errors: Errors
    recordings: int
    interval: tuple[float, float] | None
    """In which the rate lies with 95 % confidence, by a bootstrap over the recordings; None for
    fewer than five of them. It knows of chance, not of what kind of recordings they are."""


def count(said: Sequence[str], heard: Sequence[str]) -> Errors:
    """The fewest edits from one to the other. Raises EngineMissing."""
    try:
        import jiwer
    except ModuleNotFoundError as error:
        raise EngineMissing("evaluate", error.name) from error
    edits = jiwer.process_words([" ".join(said)], [" ".join(heard)])
    return Errors(edits.substitutions, edits.deletions, edits.insertions, len(said))


def pooled(each: Sequence[Errors]) -> Rate | Unmeasured:
    """The rate of all together."""
    total = sum(each, NONE)
    if not total.length:
        return Unmeasured("nothing was said in the references")
    return Rate(total, len(each), _interval(each))


def measured(values: Iterable[T | Unmeasured]) -> list[T]:
    return [value for value in values if not isinstance(value, Unmeasured)]


def reasons(values: Iterable[object]) -> str:
    """Why there is no value, each reason once."""
    found = (value.reason for value in values if isinstance(value, Unmeasured))
    return "; ".join(dict.fromkeys(found))


def _interval(each: Sequence[Errors]) -> tuple[float, float] | None:
    if len(each) < FEWEST:
        return None
    totals = np.array([errors.total for errors in each])
    lengths = np.array([errors.length for errors in each])
    drawn = np.random.default_rng(SEED).integers(len(each), size=(RESAMPLES, len(each)))
    said = lengths[drawn].sum(axis=1)
    some = said > 0
    low, high = np.percentile(totals[drawn].sum(axis=1)[some] / said[some], [2.5, 97.5])
    return float(low), float(high)

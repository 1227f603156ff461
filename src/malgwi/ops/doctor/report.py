"""An examination for people, a line or a few for each check, and for programs as JSON."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from malgwi.errors import BadOption
from malgwi.ops.doctor.base import Check, State
from malgwi.ops.doctor.examination import Examination, Result
from malgwi.ops.doctor.logfile import Told

SCHEMA = "malgwi.doctor/1"
_WIDTH = 100
_SHOWN = (State.FAIL, State.CRASH, State.WARN)


def as_json(found: Examination) -> dict[str, Any]:
    """As docs/reference/doctor.schema.json has it."""
    return {
        "schema": SCHEMA,
        "version": version("malgwi"),
        "began": found.began.isoformat(timespec="milliseconds"),
        "seconds": round(found.seconds, 3),
        "failed": found.failed,
        "counts": {state.value: found.count(state) for state in State},
        "checks": [asdict(each) for each in found.results],
    }


def lines(found: Examination, *, all_of_them: bool = False) -> Iterator[str]:
    """What is amiss, worst first, and how much was looked at; with `all_of_them` the rest, too."""
    for each in found.results:
        if all_of_them or each.state in _SHOWN:
            yield from _result(each)
    yield _sum(found)


def _result(each: Result) -> Iterator[str]:
    yield from _wrapped(f"{each.state.upper():5} {each.id:<11} ", each.symptom)
    if each.state in _SHOWN:
        for name in ("evidence", "cause", "remedy"):
            if said := getattr(each, name):
                yield from _wrapped(f"{'':6}{name:<12}", said)


def _sum(found: Examination) -> str:
    words = {
        State.FAIL: "failed",
        State.CRASH: "crashed",
        State.WARN: "with a warning",
        State.OK: "fine",
        State.SKIP: "skipped",
    }
    counted = [f"{count} {word}" for state, word in words.items() if (count := found.count(state))]
    return f"{len(found.results)} checks in {found.seconds:.1f} s: {', '.join(counted)}."


def known_check(checks: Sequence[Check], id: str) -> Check:
    """Raises BadOption for one that there is not."""
    for each in checks:
        if each.id == id.upper():
            return each
    near = [each.id for each in checks if each.group == id.upper().partition("-")[0]]
    there = ", ".join(near) or ", ".join(dict.fromkeys(each.group for each in checks))
    raise BadOption(f"No check is called {id}. There are: {there}.")


def explanation(check: Check) -> Iterator[str]:
    yield from _wrapped(f"{check.id:<11} ", check.looks)
    yield from _wrapped("why         ", check.why)
    yield from _wrapped("what to do  ", check.mend)


def log_lines(told: Sequence[Told]) -> Iterator[str]:
    for each in told:
        times = f", {each.times} times" if each.times > 1 else ""
        yield f"{each.diagnosis.id} (line {each.line}{times})"
        yield from _wrapped("  cause   ", each.diagnosis.cause)
        yield from _wrapped("  remedy  ", each.diagnosis.remedy)
    if not told:
        yield "Nothing in it is known as a failure."


def _wrapped(head: str, text: str) -> list[str]:
    """Commands stay whole where they can: nothing is broken at a hyphen."""
    plain = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return textwrap.wrap(
        plain,
        _WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_on_hyphens=False,
        break_long_words=False,
    )

"""An examination for people, a line or a few for each check, and for programs as JSON."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from rich.cells import cell_len

from malgwi.errors import BadOption
from malgwi.ops.doctor.base import Check, State
from malgwi.ops.doctor.examination import Examination, Result
from malgwi.ops.doctor.logfile import Told

SCHEMA = "malgwi.doctor/1"
_WIDTH = 100
_SHOWN = (State.FAIL, State.CRASH, State.WARN)

Say = Callable[[str], str]
"""Says a sentence of the doctor in the language of whoever reads."""


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


def lines(found: Examination, *, all_of_them: bool = False, say: Say = str) -> Iterator[str]:
    """What is amiss, worst first, and how much was looked at; with `all_of_them` the rest, too."""
    for each in found.results:
        if all_of_them or each.state in _SHOWN:
            yield from _result(each, say)
    yield _sum(found, say)


def _result(each: Result, say: Say) -> Iterator[str]:
    """The evidence stays as it was seen."""
    state = _padded(say(each.state.upper()), 5)
    yield from _wrapped(f"{state} {each.id:<11} ", say(each.symptom))
    if each.state in _SHOWN:
        told = {"evidence": each.evidence, "cause": say(each.cause), "remedy": say(each.remedy)}
        for name, said in told.items():
            if said:
                yield from _wrapped(f"{'':6}{_padded(say(name), 12)}", said)


def _sum(found: Examination, say: Say) -> str:
    words = {
        State.FAIL: "failed",
        State.CRASH: "crashed",
        State.WARN: "with a warning",
        State.OK: "fine",
        State.SKIP: "skipped",
    }
    counts = {word: found.count(state) for state, word in words.items()}
    counted = ", ".join(say(f"{count} {word}") for word, count in counts.items() if count)
    return say(f"{len(found.results)} checks in {found.seconds:.1f} s: {counted}.")


def known_check(checks: Sequence[Check], id: str) -> Check:
    """Raises BadOption for one that there is not."""
    for each in checks:
        if each.id == id.upper():
            return each
    near = [each.id for each in checks if each.group == id.upper().partition("-")[0]]
    there = ", ".join(near) or ", ".join(dict.fromkeys(each.group for each in checks))
    raise BadOption(f"No check is called {id}. There are: {there}.")


def explanation(check: Check, say: Say = str) -> Iterator[str]:
    yield from _wrapped(f"{check.id:<11} ", say(check.looks))
    yield from _wrapped(_padded(say("why"), 12), say(check.why))
    yield from _wrapped(_padded(say("what to do"), 12), say(check.mend))


def log_lines(told: Sequence[Told], say: Say = str) -> Iterator[str]:
    for each in told:
        where = f"line {each.line}, {each.times} times" if each.times > 1 else f"line {each.line}"
        yield f"{each.diagnosis.id} ({say(where)})"
        yield from _wrapped(f"  {_padded(say('cause'), 8)}", say(each.diagnosis.cause))
        yield from _wrapped(f"  {_padded(say('remedy'), 8)}", say(each.diagnosis.remedy))
    if not told:
        yield say("Nothing in it is known as a failure.")


def _padded(word: str, columns: int) -> str:
    """Hangul takes two columns a letter."""
    return word + " " * (columns - cell_len(word))


def _wrapped(head: str, text: str) -> Iterator[str]:
    """Broken at spaces only, so that commands stay whole."""
    line, indent = head, " " * cell_len(head)
    for word in "".join(each if each.isprintable() else " " for each in text).split():
        longer = line + word if line in (head, indent) else f"{line} {word}"
        if cell_len(longer) > _WIDTH and line not in (head, indent):
            yield line
            longer = indent + word
        line = longer
    yield line

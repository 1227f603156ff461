"""The report for people: a section for the engine, and a table of its figures."""

from collections.abc import Iterable, Iterator, Sequence

from malgwi.apps.evaluation.machine import Machine
from malgwi.apps.evaluation.manifest import NO_SPEECH
from malgwi.apps.evaluation.rates import Rate, Unmeasured
from malgwi.apps.evaluation.report import Cost, FalseAlarms, Group, Report, Result, groups

MIB = 2**20
ABSENT = "–"
HEAD = ("language", "set", "recordings", "audio", "WER", "CER", "cpWER", "× real time")
SURE = (
    "An error rate is all errors over all words of the recordings that have an exact reference; "
    "in brackets, how many they are and the interval in which it lies with 95 % confidence "
    "(bootstrap over the recordings, from five on)."
)


def as_markdown(report: Report) -> str:
    """A section: what it was measured with, the rates, false alarms, and what is missing."""
    return "\n".join(_lines(report)) + "\n"


def machine_lines(machine: Machine) -> list[str]:
    """A list of the facts that the figures depend on."""
    packages = ", ".join(f"{name} {found}" for name, found in machine.packages.items())
    return [
        f"- {machine.processor}, {machine.cores} cores, {machine.system}, Python {machine.python}",
        f"- {packages}",
        f"- revision {machine.revision or 'not known'}",
    ]


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    head = list(head)
    lines = [head, ["---"] * len(head), *(list(row) for row in rows)]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def _lines(report: Report) -> Iterator[str]:
    every = groups(report.results)
    yield f"## {_title(report)}"
    yield ""
    yield f"- {report.date:%Y-%m-%d}, peak memory {report.peak_memory / MIB:.0f} MiB"
    yield from machine_lines(report.machine)
    if report.engine and report.engine.fallback_reason:
        yield f"- fall back: {report.engine.fallback_reason}"
    if not report.complete:
        yield "- **broken off**: not all that was selected was measured"
    yield ""
    yield from table(HEAD, (_row(each) for each in every if each.language != NO_SPEECH))
    yield ""
    yield SURE
    yield from _alarms(every)
    yield from _detections(every)
    yield from _left_out(report.results)


def _title(report: Report) -> str:
    engine = report.engine
    if engine is None:
        return "Nothing was transcribed"
    compute = f" {engine.compute_type}" if engine.compute_type else ""
    return f"{engine.name}, {engine.model}{compute}, {engine.device}"


def _row(group: Group) -> list[str]:
    return [
        group.language or "not known",
        group.kind or "**all**",
        str(group.recordings),
        _audio(group.cost),
        *(_rate(rate) for rate in (group.wer, group.cer, group.cpwer)),
        _speed(group.cost),
    ]


def _rate(rate: Rate | Unmeasured) -> str:
    if isinstance(rate, Unmeasured):
        return ABSENT
    low, high = rate.interval or (None, None)
    interval = "" if low is None or high is None else f"; {low * 100:.1f}–{high * 100:.1f}"
    return f"{(rate.errors.rate or 0) * 100:.1f} % ({rate.recordings}{interval})"


def _audio(cost: Cost | Unmeasured) -> str:
    return ABSENT if isinstance(cost, Unmeasured) else f"{cost.audio / 60:.1f} min"


def _speed(cost: Cost | Unmeasured) -> str:
    if isinstance(cost, Unmeasured) or cost.speed is None:
        return ABSENT
    return f"{cost.speed:.1f}"


def _alarms(every: Sequence[Group]) -> Iterator[str]:
    for group in every:
        if isinstance(group.false_alarms, FalseAlarms) and group.language:
            alarms = group.false_alarms
            yield ""
            yield (
                f"False alarms in {alarms.audio / 60:.1f} min without speech "
                f"({group.kind or 'all sets'}): words {alarms.words}, characters "
                f"{alarms.characters}; utterances suppressed {alarms.suppressed}."
            )


def _detections(every: Sequence[Group]) -> Iterator[str]:
    last = {group.language: group for group in every}  # of all sets, where there are several
    found = [
        f"{group.language} {group.detection.right} of {group.detection.channels}"
        for group in last.values()
        if not isinstance(group.detection, Unmeasured)
    ]
    if found:
        yield ""
        yield f"Language detected rightly, channels: {', '.join(found)}."


def _left_out(results: Sequence[Result]) -> Iterator[str]:
    failed = [each for each in results if isinstance(each.cost, Unmeasured)]
    speech = (each for each in results if isinstance(each.false_alarms, Unmeasured))
    rough = ", ".join(each.id for each in speech if not each.exact)
    if rough:
        yield ""
        yield f"In no error rate, for want of an exact reference: {rough}."
    for each in failed:
        reason = each.cost.reason if isinstance(each.cost, Unmeasured) else ""
        yield ""
        yield f"{each.id} could not be transcribed: {reason}"

"""The report for programs: `malgwi.evaluation/1`. What was said is in it only if asked for.

A measure is an object that always has the same keys; one without a value has them as null, and
a `reason`.
"""

import json
from dataclasses import asdict
from typing import Any

from malgwi.apps.evaluation.rates import Errors, Rate, Unmeasured
from malgwi.apps.evaluation.report import (
    Cost,
    Detection,
    FalseAlarms,
    Group,
    Report,
    Result,
    groups,
)

SCHEMA = "malgwi.evaluation/1"
RATES = ("wer", "cer", "cpwer")


def as_json(report: Report, *, with_text: bool = False) -> str:
    return json.dumps(_document(report, with_text), ensure_ascii=False, indent=2) + "\n"


def _document(report: Report, with_text: bool) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "manifest": report.manifest,
        "date": report.date.isoformat(timespec="seconds"),
        "complete": report.complete,
        "engine": asdict(report.engine) if report.engine else None,
        "machine": asdict(report.machine),
        "peak_memory_bytes": report.peak_memory,
        "groups": [_group(each) for each in groups(report.results)],
        "items": [_item(each, with_text) for each in report.results],
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "language": group.language,
        "set": group.kind,
        "recordings": group.recordings,
        **{name: _rate(getattr(group, name)) for name in RATES},
        **_others(group),
    }


def _item(result: Result, with_text: bool) -> dict[str, Any]:
    texts = {"texts": [asdict(each) for each in result.texts]} if with_text else {}
    return {
        "id": result.id,
        "language": result.language,
        "set": result.kind,
        "reference_exact": result.exact,
        **{name: _errors(getattr(result, name)) for name in RATES},
        **_others(result),
        "utterances": result.utterances,
        "suppressed": result.suppressed,
        "duplicates": result.duplicates,
        "retried": result.retried,
        **texts,
    }


def _others(each: Group | Result) -> dict[str, Any]:
    return {
        "false_alarms": _false_alarms(each.false_alarms),
        "language_detection": _detection(each.detection),
        "cost": _cost(each.cost),
    }


def _rate(rate: Rate | Unmeasured) -> dict[str, Any]:
    if isinstance(rate, Unmeasured):
        return {**_errors(rate), "recordings": None, "interval_95": None}
    interval = [_rounded(end) for end in rate.interval] if rate.interval else None
    return {**_errors(rate.errors), "recordings": rate.recordings, "interval_95": interval}


def _errors(errors: Errors | Unmeasured) -> dict[str, Any]:
    if isinstance(errors, Unmeasured):
        return _missing(errors.reason, "rate", "length", "substitutions", "deletions", "insertions")
    return {
        "rate": _rounded(errors.rate),
        "length": errors.length,
        "substitutions": errors.substitutions,
        "deletions": errors.deletions,
        "insertions": errors.insertions,
        "reason": None if errors.length else "nothing was said in the reference",
    }


def _false_alarms(alarms: FalseAlarms | Unmeasured) -> dict[str, Any]:
    if isinstance(alarms, Unmeasured):
        return _missing(alarms.reason, "audio", "words", "characters", "suppressed")
    return {**asdict(alarms), "reason": None}


def _detection(detection: Detection | Unmeasured) -> dict[str, Any]:
    if isinstance(detection, Unmeasured):
        return _missing(detection.reason, "channels", "right")
    return {**asdict(detection), "reason": None}


def _cost(cost: Cost | Unmeasured) -> dict[str, Any]:
    if isinstance(cost, Unmeasured):
        return _missing(cost.reason, "audio", "wall", "real_time_factor")
    factor = _rounded(cost.real_time_factor)
    return {
        "audio": round(cost.audio, 3),
        "wall": round(cost.wall, 3),
        "real_time_factor": factor,
        "reason": None,
    }


def _missing(reason: str, *keys: str) -> dict[str, Any]:
    return {**dict.fromkeys(keys), "reason": reason}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)

"""The report as data: report.json, `malgwi.loadtest/1`, of which the others are made.

What was not measured is null, with the reason beside it. docs/reference/loadtest.schema.json says
what is what.
"""

import math
import platform
import statistics
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import psutil

from malgwi.ops.loadtest.coverage import TOLERANCE
from malgwi.ops.loadtest.measuring import Sample
from malgwi.ops.loadtest.outcome import Outcome
from malgwi.ops.loadtest.trend import SURE
from malgwi.ops.loadtest.verdict import UNHEARD, verdict
from malgwi.ops.loadtest.words import said

SCHEMA = "malgwi.loadtest/1"
_MOST_SAMPLES = 600


def as_data(outcome: Outcome) -> dict[str, Any]:
    """All of it, ready for JSON."""
    return {
        "schema": SCHEMA,
        "version": version("malgwi"),
        "run": outcome.run,
        "began": outcome.began.isoformat(timespec="seconds"),
        "ended": (outcome.began + timedelta(seconds=outcome.seconds)).isoformat(timespec="seconds"),
        "over": outcome.over,
        "interrupted": outcome.interrupted,
        "broken": outcome.broken,
        "left": outcome.left,
        "plan": _plan(outcome),
        "service": _service(outcome),
        "verdict": _verdict(outcome),
        "pieces": _pieces(outcome),
        "rtf": _rtf(outcome),
        "lag": _lag(outcome),
        "lost": _lost(outcome),
        "memory": _memory(outcome),
        "gpu_memory": _gpu(outcome),
        "queue": _queue(outcome),
        "disk": _disk(outcome),
        "samples": [_sample(each) for each in _thinned(outcome.samples)],
        "each": [_piece(outcome, each) for each in range(len(outcome.pieces))],
    }


def _plan(outcome: Outcome) -> dict[str, Any]:
    plan = outcome.plan
    spoken = sum(each.spoken.duration for placed in outcome.placed for each in placed)
    return {
        "channels": plan.channels,
        "hours": plan.hours,
        "seconds": plan.seconds,
        "piece_seconds": plan.piece,
        "pieces": plan.pieces,
        "speed": plan.speed,
        "real_time": plan.speed == 1.0,
        "activity": plan.activity,
        "activity_placed": _rounded(spoken / (plan.seconds * plan.channels), 4),
        "seed": plan.seed,
        "languages": list(plan.languages),
    }


def _service(outcome: Outcome) -> dict[str, Any]:
    known = ("model", "engine", "device", "compute_type", "fallback_reason")
    return {
        "embedded": outcome.address is None,
        "address": outcome.address,
        "version": outcome.system.get("version"),
        "engines": [{name: each[name] for name in known} for each in outcome.system["engines"]],
        "engines_elsewhere_reason": outcome.system.get("engines_elsewhere_reason"),
        "client_machine": {
            "system": platform.system(),
            "processor": platform.machine(),
            "cores": psutil.cpu_count() or 1,
            "memory_bytes": psutil.virtual_memory().total,
            "load_before": _rounded(outcome.load, 2),
        },
    }


def _verdict(outcome: Outcome) -> dict[str, Any]:
    found = verdict(outcome)
    return {
        "passed": found.passed,
        "keeps_up": found.keeps_up,
        "behind_seconds_a_minute": _rounded(found.behind),
        "behind_reason": _why_not_behind(outcome) if found.behind is None else None,
        "nothing_lost": found.nothing_lost,
        "reasons": [
            {"code": code, **{name: _rounded(value) for name, value in numbers.items()}}
            for code, numbers in found.reasons
        ],
    }


def _why_not_behind(outcome: Outcome) -> str:
    return said("no_pace") if outcome.plan.speed is None else said("too_few")


def _pieces(outcome: Outcome) -> dict[str, Any]:
    return {
        "handed_in": sum(bool(each.job) for each in outcome.pieces),
        "transcribed": len(outcome.done),
        "failed": len(outcome.failed),
        "undelivered": len(outcome.undelivered),
        "unfinished": len(outcome.unfinished),
        "tried_again": sum(each.attempts > 1 for each in outcome.pieces),
        "why": sorted({each.reason for each in outcome.lost if each.reason})[:10],
    }


def _rtf(outcome: Outcome) -> dict[str, Any]:
    whole = outcome.busy / outcome.sound if outcome.sound else None
    each = [rtf for _, rtf in outcome.rtfs]
    seconds, sound = (
        _gained(outcome.samples, lambda each: each.engine_seconds),
        _gained(outcome.samples, lambda each: each.engine_sound),
    )
    return {
        "whole": _rounded(whole, 5),
        "whole_reason": None if whole else said("too_few"),
        "per_channel": _rounded(whole and whole / outcome.plan.channels, 6),
        "piece_median": _rounded(statistics.median(each) if each else None, 5),
        "piece_p95": _rounded(_percentile(each, 0.95), 5),
        "piece_max": _rounded(max(each, default=None), 5),
        "engine_seconds": _rounded(seconds),
        "engine_sound_seconds": _rounded(sound),
        "engine": _rounded(seconds / sound if seconds is not None and sound else None, 5),
        "engine_reason": None if sound else said("no_engine"),
        "transcribed_speed": _rounded(outcome.transcribed_speed),
        "delivered_speed": _rounded(outcome.delivered_speed),
    }


def _lag(outcome: Outcome) -> dict[str, Any]:
    lags, grown = [lag for _, lag in outcome.lags], outcome.lag_trend
    return {
        "median": _rounded(statistics.median(lags) if lags else None),
        "p95": _rounded(_percentile(lags, 0.95)),
        "max": _rounded(max(lags, default=None)),
        "reason": None if lags else said("too_few"),
        "slope_seconds_a_minute": _rounded(grown.slope * 60 if grown else None, 4),
        "slope_chance": _rounded(grown.chance if grown else None, 6),
        "slope_sure_below": SURE,
        "slope_reason": None if grown else said("too_few"),
    }


def _lost(outcome: Outcome) -> dict[str, Any]:
    channels = range(outcome.plan.channels)
    unheard = outcome.unheard
    without = [outcome.speech(outcome.lost, each) for each in channels]
    spoken = [outcome.speech([*outcome.done, *outcome.lost], each) for each in channels]
    return {
        "tolerance_seconds": TOLERANCE,
        "unheard_allowed_share": UNHEARD,
        "spoken_seconds": _rounded(sum(spoken)),
        "unheard_seconds": _rounded(sum(unheard)),
        "without_transcript_seconds": _rounded(sum(without)),
        "recording_seconds": _rounded(len(outcome.lost) * outcome.plan.piece),
        "failed_jobs": len(outcome.failed),
        "channels": [
            {
                "channel": each,
                "spoken_seconds": _rounded(spoken[each]),
                "unheard_seconds": _rounded(unheard[each]),
                "without_transcript_seconds": _rounded(without[each]),
            }
            for each in channels
        ],
    }


def _memory(outcome: Outcome) -> dict[str, Any]:
    service = _of(outcome.samples, lambda each: each.service)
    machine = _of(outcome.samples, lambda each: each.machine)
    limit = outcome.limits.machine
    top = max(machine, default=None)
    return {
        "service_first_bytes": next(iter(service), None),
        "service_most_bytes": max(service, default=None),
        "service_last_bytes": service[-1] if service else None,
        "service_reason": None if service else said("not_of_service"),
        "machine_most_bytes": top,
        "machine_limit_bytes": limit,
        "headroom_bytes": limit - top if limit and top is not None else None,
        "headroom_share": _rounded((limit - top) / limit if limit and top is not None else None, 4),
        "machine_reason": None if machine else said("elsewhere"),
    }


def _gpu(outcome: Outcome) -> dict[str, Any]:
    free = _of(outcome.samples, lambda each: each.gpu_free)
    total = outcome.limits.gpu
    return {
        "smallest_bytes": total,
        "least_free_bytes": min(free, default=None),
        "headroom_share": _rounded(min(free) / total if free and total else None, 4),
        "reason": None if free else said("no_gpu"),
    }


def _queue(outcome: Outcome) -> dict[str, Any]:
    return {
        "most_waiting": max((each.waiting for each in outcome.samples), default=None),
        "most_running": max((each.running for each in outcome.samples), default=None),
        "last_waiting": outcome.samples[-1].waiting if outcome.samples else None,
        "reason": None if outcome.samples else said("too_few"),
    }


def _disk(outcome: Outcome) -> dict[str, Any]:
    return {
        "used_bytes": _gained(outcome.samples, lambda each: each.media, most=True),
        "least_free_bytes": min((each.disk_free for each in outcome.samples), default=None),
        "reason": None if outcome.samples else said("too_few"),
    }


def _sample(sample: Sample) -> dict[str, Any]:
    return {
        "at": _rounded(sample.at, 1),
        "waiting": sample.waiting,
        "running": sample.running,
        "service_bytes": sample.service,
        "machine_bytes": sample.machine,
        "gpu_free_bytes": sample.gpu_free,
    }


def _piece(outcome: Outcome, index: int) -> dict[str, Any]:
    piece = outcome.pieces[index]
    unfinished = outcome.over and not piece.over
    state = ("interrupted" if outcome.interrupted else "unfinished") if unfinished else piece.state
    return {
        "index": index,
        "state": str(state),
        "due": _rounded(piece.due),
        "lag": _rounded(piece.lag),
        "rtf": _rounded(piece.processing and piece.processing / outcome.plan.piece, 5),
        "attempts": piece.attempts,
        "reason": piece.reason or None,
    }


def _of(samples: Iterable[Sample], which: Callable[[Sample], float | None]) -> list[float]:
    return [value for each in samples if (value := which(each)) is not None]


def _gained(
    samples: Sequence[Sample], which: Callable[[Sample], float | None], *, most: bool = False
) -> float | None:
    """From the first look to the last, or to the highest. A counter that is not told yet is 0."""
    values = _of(samples, which)
    if not values:
        return None
    return (max(values) if most else values[-1]) - (which(samples[0]) or 0.0)


def _thinned(samples: Sequence[Sample]) -> Sequence[Sample]:
    return samples[:: 1 + len(samples) // _MOST_SAMPLES]


def _percentile(values: Sequence[float], share: float) -> float | None:
    """By the nearest rank: a value that there was."""
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None


def _rounded(value: float | None, digits: int = 3) -> float | None:
    return None if value is None else round(value, digits)

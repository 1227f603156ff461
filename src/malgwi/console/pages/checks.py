"""What is checked of the service: how each thing is, and what to do where it is not right."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from malgwi.console import reasons
from malgwi.console.elements import icon, link, tag, text
from malgwi.console.pages.amounts import long, size
from malgwi.console.words import Words

KEPT_FREE = 2**30
"""Bytes of the disk below which no upload begins."""
_SHORT = 5 * KEPT_FREE
_PATIENCE = 60.0  # seconds that a job may wait while none is done
_BACKUP_AGE = timedelta(days=7)


class State(StrEnum):
    """Worst first."""

    BAD = "bad"
    CAREFUL = "careful"
    GOOD = "good"


_DOCTORS = {
    "fail": State.BAD,
    "warn": State.CAREFUL,
    "crash": State.CAREFUL,
    "ok": State.GOOD,
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    id: str
    state: State
    symptom: str
    """What was found; for one that is good, that it is."""
    remedy: str = ""
    to: str = ""
    """A page with more of it."""


def show(words: Words, found: Sequence[Check]) -> None:
    """Those that are not good, worst first; the good ones are folded away."""
    order = list(State)
    good = [each for each in found if each.state is State.GOOD]
    for each in sorted(found, key=lambda check: order.index(check.state)):
        if each.state is not State.GOOD:
            _show(words, each)
    if good:
        phrase = "check_all_good" if len(good) == len(found) else "check_good"
        with tag("details", "mg-checks-good"):
            with tag("summary"):
                icon("check")
                text(words(phrase, count=len(good)))
            with tag("ul"):
                for each in good:
                    text(each.symptom, "li", data_check=each.id)


def _show(words: Words, check: Check) -> None:
    with tag("div", f"mg-notice mg-check-row mg-{check.state}", data_check=check.id):
        icon("warn")
        with tag("div", "mg-grow"):
            text(check.symptom, "p", "mg-check-symptom")
            text(check.remedy, "p")
        if check.to:
            link(words("check_show"), check.to, "mg-button")


def of_system(words: Words, system: Mapping[str, Any]) -> list[Check]:
    """What /v1/system tells."""
    return [
        *(each for engine in system["engines"] for each in _engine(words, engine)),
        _disk(words, system["disk"]),
        *_backup(words, system["last_backup"], system["disk"]["media"]),
        *(_model(words, each) for each in system["models"] if not each["whole"]),
        _queue(words, system),
        _workers(words, system["workers"]),
        _dead(words, system["dead"]),
    ]


def of_machine(words: Words, examined: Sequence[Mapping[str, Any]]) -> Iterator[Check]:
    """What the doctor found on the machine of the service; what it left out is left out."""
    for each in examined:
        if state := _DOCTORS.get(each["state"]):
            symptom, remedy = (
                reasons.of_doctor(words.language, each[name]) for name in ("symptom", "remedy")
            )
            yield Check(each["id"], state, f"{each['id']}: {symptom}", remedy)


def of_canaries(words: Words, engines: Sequence[Mapping[str, Any]]) -> Iterator[Check]:
    """What /health/ready tells of those that are loaded: whether they hear rightly."""
    for each in engines:
        model, state = each["model"], each["state"]
        if state == "ready" and each.get("canary_seconds") is not None:
            said = words("check_canary", model=model, seconds=f"{each['canary_seconds']:.1f}")
            yield Check(f"canary-{model}", State.GOOD, said)
        elif state not in ("ready", "loading", "unloaded"):
            said = words(
                "check_canary_failed", model=model, reason=reasons.said(words.language, state)
            )
            yield Check(f"canary-{model}", State.BAD, said, words("check_engine_remedy"))


def _engine(words: Words, engine: Mapping[str, Any]) -> Iterator[Check]:
    model, id = engine["model"], f"engine-{engine['model']}"
    if engine["state"] == "failed":
        why = reasons.said(words.language, engine["reason"] or "")
        reason = why or words("check_reason_hidden")
        said = words("check_engine_failed", model=model, reason=reason)
        yield Check(id, State.BAD, said, words("check_engine_remedy"))
    elif engine["fallback_reason"]:
        device = " ".join(filter(None, (engine["device"], engine["compute_type"])))
        why = reasons.said(words.language, engine["fallback_reason"])
        said = words("check_fallback", model=model, device=device, reason=why)
        yield Check(id, State.CAREFUL, said, words("check_fallback_remedy"))
    else:
        yield Check(id, State.GOOD, f"{model}: {words('engine_' + engine['state'])}")


def _disk(words: Words, disk: Mapping[str, Any]) -> Check:
    free = size(disk["free"])
    if disk["free"] < KEPT_FREE:
        said, remedy = words("check_disk_full", free=free), words("check_disk_remedy")
        return Check("disk", State.BAD, said, remedy)
    if disk["free"] < _SHORT:
        said, remedy = words("check_disk_short", free=free), words("check_disk_remedy")
        return Check("disk", State.CAREFUL, said, remedy)
    return Check("disk", State.GOOD, words("check_disk", free=free))


def _backup(words: Words, last: str | None, media: int) -> Iterator[Check]:
    """Of what is kept; nothing is said where nothing is."""
    age = datetime.now(UTC) - datetime.fromisoformat(last) if last else None
    if age is not None and age <= _BACKUP_AGE:
        yield Check("backup", State.GOOD, words("check_backup"))
    elif age is not None:
        said = words("check_backup_old", time=long(words, age.total_seconds()))
        yield Check("backup", State.CAREFUL, said, words("check_backup_remedy"))
    elif media:
        said = words("check_no_backup")
        yield Check("backup", State.CAREFUL, said, words("check_backup_remedy"))


def _model(words: Words, model: Mapping[str, Any]) -> Check:
    said = words("check_model", model=model["name"])
    remedy = words("check_model_remedy", model=model["name"])
    return Check(f"model-{model['name']}", State.CAREFUL, said, remedy)


def _queue(words: Words, system: Mapping[str, Any]) -> Check:
    lanes = system["lanes"]
    waiting = sum(each["waiting"] for each in lanes)
    oldest = max((each["oldest_seconds"] or 0.0 for each in lanes), default=0.0)
    if waiting and oldest > _PATIENCE and not any(each["running"] for each in lanes):
        said = words("check_queue_stuck", count=waiting, time=long(words, oldest))
        return Check("queue", State.BAD, said, words("check_queue_remedy"), "/jobs?state=queued")
    return Check("queue", State.GOOD, words("check_queue", count=waiting))


def _workers(words: Words, workers: Mapping[str, Any]) -> Check:
    if workers["silent"]:
        said = words("check_silent", count=workers["silent"])
        return Check("workers", State.CAREFUL, said, words("check_silent_remedy"))
    return Check("workers", State.GOOD, words("check_workers", count=len(workers["busy"])))


def _dead(words: Words, dead: int) -> Check:
    if dead:
        said = words("check_dead", count=dead)
        return Check("dead", State.CAREFUL, said, words("check_dead_remedy"), "/jobs?state=dead")
    return Check("dead", State.GOOD, words("check_no_dead"))

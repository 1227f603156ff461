"""The report in words: a headline, a verdict, and tables of what was measured."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from malgwi.ops.loadtest.words import Language, in_language, said

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Section:
    """A table of two columns."""

    title: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """What stands in the report, without its plots."""

    first_line: str
    """How the sound was delivered: a run that was not in real time says so here."""
    headline: str
    reasons: tuple[str, ...]
    sections: tuple[Section, ...]


def summary(data: Data, language: Language = "en") -> Summary:
    say = _Saying(language)
    return Summary(
        _first_line(data, say),
        _headline(data, say),
        tuple(_reasons(data, say)),
        (
            Section(say("speed_section"), tuple(_speed(data, say))),
            Section(say("lag_section"), tuple(_lag(data, say))),
            Section(say("lost_section"), tuple(_lost(data, say))),
            Section(say("memory_section"), tuple(_memory(data, say))),
            Section(say("queue_section"), tuple(_queue(data, say))),
            Section(say("about_section"), tuple(_about(data, say))),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Saying:
    language: Language

    def __call__(self, phrase: str, **values: object) -> str:
        return said(phrase, self.language, **values)

    def null(self, reason: str | None) -> str:
        return f"– ({in_language(reason or said('too_few'), self.language)})"


Rows = Iterable[tuple[str, str]]


def _first_line(data: Data, say: _Saying) -> str:
    plan = data["plan"]
    speed = plan["speed"]
    mode = "at_most" if speed is None else "real_time" if speed == 1 else "accelerated"
    return say(
        mode,
        channels=plan["channels"],
        piece=f"{plan['piece_seconds']:g}",
        hours=f"{plan['hours']:g}",
        speed=f"{speed or 0:g}",
    )


def _headline(data: Data, say: _Saying) -> str:
    if not data["over"]:
        return say("under_way")
    if data["interrupted"]:
        return say("interrupted")
    return say("passed" if data["verdict"]["passed"] else "not_passed")


def _reasons(data: Data, say: _Saying) -> Iterable[str]:
    found = data["verdict"]
    if data["over"]:
        for each in found["reasons"]:
            numbers = {name: _number(n) for name, n in each.items() if name != "code"}
            live = each["code"] == "falls_behind" and data["plan"]["real_time"]
            yield say("falls_behind_live" if live else each["code"], **numbers)
    if data["broken"]:
        yield data["broken"]
    if found["keeps_up"] and data["plan"]["speed"] is None:
        yield say("fast_enough", speed=_number(data["rtf"]["transcribed_speed"]))
    elif found["keeps_up"]:
        yield say("keeps_up")
    if data["left"]:
        yield say("left", left=data["left"], run=data["run"])


def _speed(data: Data, say: _Saying) -> Rows:
    rtf = data["rtf"]
    whole = rtf["whole"]
    yield say("rtf_whole"), say.null(rtf["whole_reason"]) if whole is None else f"{whole:.3f}"
    if whole is not None:
        yield say("rtf_channel"), f"{rtf['per_channel']:.5f}"
        yield say("rtf_piece"), _three(rtf, "piece_median", "piece_p95", "piece_max", "{:.3f}")
    engine = rtf["engine"]
    yield say("rtf_engine"), say.null(rtf["engine_reason"]) if engine is None else f"{engine:.3f} s"
    for row, name in (("delivered", "delivered_speed"), ("transcribed", "transcribed_speed")):
        if (speed := rtf[name]) is not None:
            yield say(row), say("times_real_time", speed=_number(speed))


def _lag(data: Data, say: _Saying) -> Rows:
    lag = data["lag"]
    if lag["median"] is None:
        yield say("lag_row"), say.null(lag["reason"])
        return
    yield say("lag_row"), _three(lag, "median", "p95", "max", "{:,.1f} s")
    behind = data["verdict"]["behind_seconds_a_minute"]
    if behind is None:
        yield say("lag_slope"), say.null(data["verdict"]["behind_reason"])
    else:
        slope, chance = lag["slope_seconds_a_minute"], lag["slope_chance"]
        yield say("lag_slope"), say("a_minute", slope=f"{slope:+.2f}", chance=_chance(chance))


def _lost(data: Data, say: _Saying) -> Rows:
    lost, pieces = data["lost"], data["pieces"]
    counts = (pieces["transcribed"], pieces["handed_in"], data["plan"]["pieces"])
    yield say("pieces_row"), " / ".join(f"{each:,}" for each in counts)
    yield say("spoken"), _seconds(lost["spoken_seconds"])
    tolerance = f"{lost['tolerance_seconds']:g}"
    yield say("unheard_row", tolerance=tolerance), _seconds(lost["unheard_seconds"])
    yield say("without_row"), _seconds(lost["without_transcript_seconds"])
    yield say("recordings_row"), _seconds(lost["recording_seconds"])
    yield say("failed_row"), f"{lost['failed_jobs']:,}"
    yield say("again_row"), f"{pieces['tried_again']:,}"
    if pieces["why"]:
        yield say("why_row"), " ".join(pieces["why"])


def _memory(data: Data, say: _Saying) -> Rows:
    memory, gpu, disk = data["memory"], data["gpu_memory"], data["disk"]
    if memory["service_reason"]:
        yield say("service_memory"), say.null(memory["service_reason"])
    else:
        names = ("service_first_bytes", "service_most_bytes", "service_last_bytes")
        yield say("service_memory"), " / ".join(_bytes(memory[each]) for each in names)
    if memory["machine_reason"]:
        yield say("headroom"), say.null(memory["machine_reason"])
    else:
        most, limit = memory["machine_most_bytes"], memory["machine_limit_bytes"]
        yield say("machine_memory"), f"{_bytes(most)} / {_bytes(limit)}"
        share = f"{memory['headroom_share']:.0%}"
        yield say("headroom"), f"{_bytes(memory['headroom_bytes'])} ({share})"
    if gpu["reason"]:
        yield say("gpu_headroom"), say.null(gpu["reason"])
    else:
        free, whole = gpu["least_free_bytes"], gpu["smallest_bytes"]
        yield say("gpu_headroom"), f"{_bytes(free)} / {_bytes(whole)} ({gpu['headroom_share']:.0%})"
    used = disk["used_bytes"]
    yield say("disk_row"), say.null(disk["reason"]) if used is None else _bytes(used)


def _queue(data: Data, say: _Saying) -> Rows:
    queue = data["queue"]
    if queue["reason"]:
        yield say("queue_row"), say.null(queue["reason"])
        return
    yield say("queue_row"), f"{queue['most_waiting']:,} / {queue['last_waiting']:,}"
    yield say("running_row"), f"{queue['most_running']:,}"


def _about(data: Data, say: _Saying) -> Rows:
    plan, service = data["plan"], data["service"]
    machine = service["client_machine"]
    yield say("service_row"), service["address"] or say("own_service")
    for each in service["engines"]:
        known = (each["engine"], each["model"], each["device"], each["compute_type"])
        yield say("engine_row"), ", ".join(name for name in known if name)
    if service["engines_elsewhere_reason"]:
        yield say("engine_row"), say.null(service["engines_elsewhere_reason"])
    yield (
        say("machine_row"),
        say(
            "cores",
            processor=machine["processor"],
            cores=machine["cores"],
            memory=_bytes(machine["memory_bytes"]),
            load=f"{machine['load_before'] or 0:.1f}",
        ),
    )
    yield say("activity_row"), f"{plan['activity']:g} ({plan['activity_placed']:.3f})"
    yield say("seed_row"), str(plan["seed"])
    yield say("began_row"), f"{data['began'][:19]} / {data['ended'][:19]}".replace("T", " ")
    yield say("run_row"), data["run"]
    yield say("version_row"), f"Malgwi {service['version'] or data['version']}"


def _three(data: Data, first: str, second: str, third: str, form: str) -> str:
    return " / ".join(form.format(data[each]) for each in (first, second, third))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _chance(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def _seconds(value: float) -> str:
    return f"{value:,.1f} s"


def _bytes(value: float) -> str:
    return f"{value / 1e9:,.2f} GB" if value >= 1e9 else f"{value / 1e6:,.0f} MB"

"""report.html: one file for a browser or for paper, without a script and without a request."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from malgwi.ops.loadtest.plots import Series, bars, lines
from malgwi.ops.loadtest.summary import Section, summary
from malgwi.ops.loadtest.words import Language, said

_MINUTE = 60.0
_GB = 1e9
_STYLE = """
:root { color-scheme: light dark; --bg: #f6f6f3; --surface: #fff; --text: #1c2224; --muted: #566065;
  --line: #dfe1dc; --ok: #2c6b33; --bad: #a92c24; --s1: #17665b; --s2: #a4501d; --s3: #3f5fa8; }
@media (prefers-color-scheme: dark) { :root { --bg: #121618; --surface: #191e21; --text: #e4e9e8;
  --muted: #9ba8ab; --line: #2b3336; --ok: #8cce92; --bad: #f0958c; --s1: #6fc7b7; --s2: #e6a06c;
  --s3: #9db4ee; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px 16px 48px; max-width: 60rem; background: var(--bg);
  color: var(--text); line-height: 1.5; font: 0.9375rem/1.5 system-ui, -apple-system, "Segoe UI",
  Pretendard, "Apple SD Gothic Neo", "Malgun Gothic", "Noto Sans KR", NanumGothic, sans-serif;
  word-break: keep-all; overflow-wrap: anywhere; }
h1 { font-size: 1.375rem; margin: 0 0 4px; } h2 { font-size: 1rem; margin: 0 0 8px; }
.mode { margin: 0 0 16px; color: var(--muted); }
.verdict, section, figure { background: var(--surface); border: 1px solid var(--line);
  border-radius: 6px; padding: 16px; margin: 0 0 16px; }
.verdict { border-left: 4px solid var(--muted); } .verdict p { margin: 0; }
.verdict ul { margin: 6px 0 0; padding-left: 20px; }
.verdict .headline { font-size: 1.125rem; font-weight: 600; }
.verdict.ok { border-left-color: var(--ok); } .verdict.ok .headline { color: var(--ok); }
.verdict.bad { border-left-color: var(--bad); } .verdict.bad .headline { color: var(--bad); }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: 5px 0; border-top: 1px solid var(--line); }
tr:first-child th, tr:first-child td { border-top: 0; }
th { width: 45%; padding-right: 16px; font-weight: 400; color: var(--muted); }
td { font-variant-numeric: tabular-nums; }
figcaption { font-weight: 600; } .empty { margin: 8px 0 0; color: var(--muted); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 4px 0 0; color: var(--muted);
  font-size: 0.8125rem; }
.legend span { display: inline-flex; align-items: center; gap: 6px; }
.key { width: 26px; height: 10px; } figure { overflow-x: auto; }
.plot { display: block; width: 100%; min-width: 34rem; height: auto; }
.plot text { font-size: 11px; fill: var(--muted); font-variant-numeric: tabular-nums; }
.grid { stroke: var(--line); } .axis { stroke: var(--muted); }
.line { fill: none; stroke-width: 1.75; } .line.s2 { stroke-dasharray: 6 3; }
.line.s3 { stroke-dasharray: 2 3; }
.line.s1 { stroke: var(--s1); } .line.s2 { stroke: var(--s2); } .line.s3 { stroke: var(--s3); }
.fill.s1 { fill: var(--s1); } .fill.s2 { fill: var(--s2); } .fill.s3 { fill: var(--s3); }
@media (min-width: 52rem) { .two { display: grid; grid-template-columns: 1fr 1fr; gap: 0 16px; } }
@media print { :root { color-scheme: light; --bg: #fff; --surface: #fff; --text: #000;
  --muted: #444; --line: #ccc; --ok: #2c6b33; --bad: #a92c24; --s1: #17665b;
  --s2: #a4501d; --s3: #3f5fa8; }
  body { max-width: none; padding: 0; font-size: 9.5pt; } .verdict, section, figure {
  break-inside: avoid; } }
"""


def page(data: Mapping[str, Any], language: Language = "en") -> str:
    told = summary(data, language)
    state = "" if not data["over"] or data["interrupted"] else _state(data)
    reasons = "".join(f"<li>{escape(each)}</li>" for each in told.reasons)
    title = said("title", language)
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · Malgwi</title><style>{_STYLE}</style></head><body><main>"
        f'<h1>{escape(title)}</h1><p class="mode">{escape(told.first_line)}</p>'
        f'<div class="verdict {state}"><p class="headline">{escape(told.headline)}</p>'
        + (f"<ul>{reasons}</ul>" if reasons else "")
        + "</div>"
        + '<div class="two">'
        + "".join(_table(each) for each in told.sections[:4])
        + "</div>"
        + "".join(_plots(data, language))
        + "".join(_table(each) for each in told.sections[4:])
        + "</main></body></html>\n"
    )


def _state(data: Mapping[str, Any]) -> str:
    return "ok" if data["verdict"]["passed"] else "bad"


def _table(section: Section) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in section.rows
    )
    return f"<section><h2>{escape(section.title)}</h2><table>{rows}</table></section>"


def _plots(data: Mapping[str, Any], language: Language) -> Iterable[str]:
    minutes, nothing = said("minutes", language), said("nothing_to_draw", language)
    right = max([0.0, *(x for x, _ in (*_each(data, "lag"), *_samples(data, "waiting")))])
    for title, series in (
        ("lag_plot", _lag(data, language)),
        ("rtf_plot", _rtf(data, language)),
        ("queue_plot", _queue(data, language)),
        ("memory_plot", _memory(data, language)),
    ):
        yield lines(said(title, language), minutes, right, series, nothing)
    channels = data["lost"]["channels"]
    stacked = [
        Series(
            said(name, language),
            [(each["channel"], each[which]) for each in channels],
            number,
            "dots",
        )
        for number, (name, which) in enumerate(
            (
                ("series_unheard", "unheard_seconds"),
                ("series_without", "without_transcript_seconds"),
            ),
            1,
        )
    ]
    yield bars(
        said("lost_plot", language),
        said("channel", language),
        [str(each["channel"]) for each in channels],
        stacked,
        said("nothing_lost", language),
    )


def _lag(data: Mapping[str, Any], language: Language) -> list[Series]:
    points = _each(data, "lag")
    series = [Series(said("series_lag", language), points, 1, "dots")]
    slope = data["lag"]["slope_seconds_a_minute"]
    if slope is not None and data["plan"]["speed"] is not None:
        start = statistics.median(lag - slope * minute for minute, lag in points)
        trend = [(x, start + slope * x) for x in (points[0][0], points[-1][0])]
        series.append(Series(said("series_trend", language), trend, 2))
    return series


def _rtf(data: Mapping[str, Any], language: Language) -> list[Series]:
    points = _each(data, "rtf")
    real = [(points[0][0], 1.0), (points[-1][0], 1.0)] if len(points) > 1 else []
    return [
        Series(said("series_lag", language), points, 1, "dots"),
        Series(said("series_real", language), real, 2),
    ]


def _queue(data: Mapping[str, Any], language: Language) -> list[Series]:
    return [
        Series(said("series_waiting", language), _samples(data, "waiting"), 1),
        Series(said("series_running", language), _samples(data, "running"), 2),
    ]


def _memory(data: Mapping[str, Any], language: Language) -> list[Series]:
    kinds = ("service", "service_bytes"), ("machine", "machine_bytes"), ("gpu", "gpu_free_bytes")
    return [
        Series(said(f"series_{name}", language), _samples(data, which, _GB), number)
        for number, (name, which) in enumerate(kinds, 1)
    ]


def _each(data: Mapping[str, Any], which: str) -> Sequence[tuple[float, float]]:
    there = (each for each in data["each"] if each[which] is not None)
    return sorted((each["due"] / _MINUTE, each[which]) for each in there)


def _samples(
    data: Mapping[str, Any], which: str, unit: float = 1.0
) -> Sequence[tuple[float, float]]:
    there = (each for each in data["samples"] if each[which] is not None)
    return [(each["at"] / _MINUTE, each[which] / unit) for each in there]

"""Plots as SVG, drawn by hand: colours come from the page, so that they follow light, dark and
print. Lines differ by dashes as well, for those who tell colours badly."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

WIDTH, HEIGHT = 720, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 10, 38
_TICKS = 4
_MOST = 400  # points of a line

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Series:
    """Points by x. `number` chooses its colour and dashes, from 1."""

    name: str
    points: Points
    number: int = 1
    kind: Literal["line", "dots"] = "line"


def lines(title: str, across: str, right: float, series: Sequence[Series], empty: str) -> str:
    """A figure with all of them on one pair of axes, both from 0, and to `right`."""
    drawn = [each for each in series if each.points]
    if not drawn:
        return _figure(title, (), f'<p class="empty">{escape(empty)}</p>')
    top = _top_of(y for each in drawn for _, y in each.points)
    frame = _Frame(max(right, 1e-3), top)
    marks = "".join(_marks(each, frame) for each in drawn)
    return _figure(title, drawn, _svg(title, frame.axes(across) + marks))


def bars(
    title: str, across: str, labels: Sequence[str], stacked: Sequence[Series], empty: str
) -> str:
    """A bar for each label, in which the series stand on one another. x of a point is the place of
    its label."""
    heights = [sum(each.points[place][1] for each in stacked) for place in range(len(labels))]
    if not any(heights):
        return _figure(title, (), f'<p class="empty">{escape(empty)}</p>')
    frame = _Frame(float(len(labels)), _top_of(heights))
    below = [0.0] * len(labels)
    parts = [frame.axes(across, labels)]
    for each in stacked:
        for place, (_, height) in enumerate(each.points):
            if height > 0:
                parts.append(frame.bar(place, below[place], height, each.number))
            below[place] += height
    return _figure(title, stacked, _svg(title, "".join(parts)))


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where values lie in the picture."""

    right: float
    top: float

    def x(self, value: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * value / self.right

    def y(self, value: float) -> float:
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * value / self.top

    def bar(self, place: int, below: float, height: float, number: int) -> str:
        left, wide = self.x(place + 0.15), self.x(0.7) - self.x(0)
        upper = self.y(below + height)
        tall = max(1.0, self.y(below) - upper)
        return (
            f'<rect class="fill s{number}" x="{left:.1f}" y="{upper:.1f}" width="{wide:.1f}" '
            f'height="{tall:.1f}"/>'
        )

    def axes(self, across: str, labels: Sequence[str] = ()) -> str:
        bottom, end = HEIGHT - _BOTTOM, WIDTH - _RIGHT
        parts = []
        for value in _ticks(self.top):
            y = self.y(value)
            parts.append(f'<line class="grid" x1="{_LEFT}" x2="{end}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(_text(_LEFT - 6, y + 4, _said(value), "end"))
        places = (
            [(self.x(place + 0.5), label) for place, label in enumerate(labels)]
            if labels
            else [(self.x(value), _said(value)) for value in _ticks(self.right)]
        )
        step = math.ceil(len(places) / 20)
        parts += [_text(x, bottom + 16, label, "middle") for x, label in places[::step]]
        parts.append(f'<line class="axis" x1="{_LEFT}" x2="{end}" y1="{bottom}" y2="{bottom}"/>')
        parts.append(_text((_LEFT + end) / 2, HEIGHT - 5, across, "middle"))
        return "".join(parts)


def _marks(series: Series, frame: _Frame) -> str:
    points = series.points[:: 1 + len(series.points) // _MOST]
    placed = [(frame.x(x), frame.y(max(0.0, y))) for x, y in points]
    if series.kind == "dots":
        return "".join(
            f'<circle class="fill s{series.number}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>'
            for x, y in placed
        )
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    return f'<polyline class="line s{series.number}" points="{path}"/>'


def _figure(title: str, series: Sequence[Series], inner: str) -> str:
    named = "".join(
        f'<span><svg class="key" viewBox="0 0 26 10" aria-hidden="true">{_key(each)}</svg>'
        f"{escape(each.name)}</span>"
        for each in series
    )
    legend = f'<p class="legend">{named}</p>' if named else ""
    return (  # it can be focused, as on a narrow screen it is to be scrolled
        f'<figure tabindex="0"><figcaption>{escape(title)}</figcaption>{legend}{inner}</figure>'
    )


def _key(series: Series) -> str:
    if series.kind == "dots":
        return f'<circle class="fill s{series.number}" cx="13" cy="5" r="3"/>'
    return f'<line class="line s{series.number}" x1="1" x2="25" y1="5" y2="5"/>'


def _svg(title: str, inner: str) -> str:
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">{inner}</svg>'
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _top_of(values: Iterable[float]) -> float:
    """A round number that none exceeds, and above 0."""
    most = max(values, default=0.0)
    if most <= 0:
        return 1.0
    step = _step(most)
    return float(math.ceil(most / step - 1e-9) * step)


def _ticks(top: float) -> list[float]:
    step = _step(top)
    return [step * each for each in range(int(top / step + 1e-9) + 1)]


def _step(top: float) -> float:
    """1, 2 or 5, tens or tenths of it, such that there are about four."""
    rough = top / _TICKS
    size = 10.0 ** math.floor(math.log10(rough))
    return next((size * each for each in (1, 2, 5) if rough <= size * each * 1.001), size * 10)


def _said(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == 0 else f"{value:.2g}"

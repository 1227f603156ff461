"""Lost seconds: speech that was put into the sound, and that no transcript has. Pure."""

from collections.abc import Iterable, Sequence

from malgwi.types import Span

TOLERANCE = 1.0
"""Seconds by which an utterance may begin late or end early, and still cover what was said."""


def uncovered(placed: Iterable[Span], heard: Iterable[Span], tolerance: float = TOLERANCE) -> float:
    """Seconds of what was placed that lie further than `tolerance` from all that was heard."""
    wide = joined(Span(each.start - tolerance, each.end + tolerance) for each in heard)
    return total(minus(joined(placed), wide))


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same time, without overlaps, in its order."""
    found: list[Span] = []
    for each in sorted(spans):
        if found and each.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, each.end))
        else:
            found.append(each)
    return found


def minus(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """What of `spans` is in none of the others; both in order and without overlaps."""
    left: list[Span] = []
    place = 0
    for span in spans:
        start = span.start
        while place < len(others) and others[place].end <= start:
            place += 1
        ahead = place
        while ahead < len(others) and others[ahead].start < span.end:
            if others[ahead].start > start:
                left.append(Span(start, others[ahead].start))
            start = max(start, others[ahead].end)
            ahead += 1
        if start < span.end:
            left.append(Span(start, span.end))
    return left


def common(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """What is in both; both in order and without overlaps."""
    return minus(spans, minus(spans, others))


def total(spans: Iterable[Span]) -> float:
    return sum(each.duration for each in spans)

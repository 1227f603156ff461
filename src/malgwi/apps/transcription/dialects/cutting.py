"""How a client wants the sound cut, in its dialect's words, as a CutRule."""

from dataclasses import replace

from malgwi.pipeline import CutRule
from malgwi.vad import GateRule

WHOLE = CutRule(longest=30.0)
"""For a piece that was cut elsewhere: it is not cut again as long as an engine can take it."""


def cut_rule(
    *,
    threshold: float | None = None,
    silence_ms: float | None = None,
    padding_ms: float | None = None,
    shortest_ms: float | None = None,
    longest: float | None = None,
) -> CutRule:
    """Ours, with what was said instead, in milliseconds but for `longest`, which is in seconds.

    Speech opens at `threshold`, and ends below half of it, which is the proportion of ours, after
    the silence; a pause of that length also ends a piece.
    """
    gate, rule = GateRule(), CutRule()
    if threshold is not None:
        gate = replace(gate, open_at=threshold, shut_below=threshold / 2)
    if silence_ms is not None:
        gate = replace(gate, hangover=silence_ms / 1000)
        rule = replace(rule, join=silence_ms / 1000)
    if shortest_ms is not None:
        gate = replace(gate, shortest=shortest_ms / 1000)
    if padding_ms is not None:
        rule = replace(rule, margin=padding_ms / 1000)
    if longest is not None:
        rule = replace(rule, longest=longest)
    return replace(rule, gate=gate)

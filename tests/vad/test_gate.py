"""Probabilities become spans of speech."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from malgwi.types import SAMPLE_RATE, Span
from malgwi.vad import Gate, GateRule

QUIET, UNSURE, SPEECH = 0.1, 0.4, 0.9
RULE = GateRule(open_at=0.5, shut_below=0.35, hangover=2.0, shortest=2.0)


def spans(*probabilities: float) -> list[Span]:
    """What a gate with windows of one second says of these."""
    gate = Gate(window=SAMPLE_RATE, rule=RULE)
    closed = [gate.push(probability) for probability in probabilities]
    return [span for span in [*closed, gate.close()] if span]


def test_speech_ends_before_the_hangover() -> None:
    assert spans(QUIET, SPEECH, SPEECH, QUIET, QUIET) == [Span(1.0, 3.0)]


def test_a_pause_shorter_than_the_hangover_does_not_end_it() -> None:
    assert spans(SPEECH, SPEECH, QUIET, SPEECH, QUIET, QUIET) == [Span(0.0, 4.0)]


def test_a_pause_as_long_as_the_hangover_ends_it() -> None:
    first, second = Span(0.0, 2.0), Span(4.0, 6.0)
    assert spans(SPEECH, SPEECH, QUIET, QUIET, SPEECH, SPEECH) == [first, second]


def test_a_wavering_voice_keeps_the_gate_open_but_does_not_open_it() -> None:
    assert spans(UNSURE, SPEECH, UNSURE, QUIET, QUIET) == [Span(1.0, 3.0)]


def test_a_click_is_not_speech() -> None:
    assert spans(QUIET, SPEECH, QUIET, QUIET) == []


def test_a_click_does_not_lengthen_the_speech_after_it() -> None:
    assert spans(SPEECH, QUIET, QUIET, SPEECH, SPEECH) == [Span(3.0, 5.0)]


def test_speech_at_the_end_of_the_recording_is_kept() -> None:
    assert spans(QUIET, SPEECH, SPEECH) == [Span(1.0, 3.0)]


def test_an_open_gate_says_since_when() -> None:
    gate = Gate(window=SAMPLE_RATE, rule=RULE)

    before = gate.opened_at
    gate.push(QUIET)
    gate.push(SPEECH)

    assert (before, gate.opened_at) == (None, 1.0)


@given(st.lists(st.floats(0, 1), max_size=60))
def test_spans_come_in_order_and_a_hangover_apart(probabilities: list[float]) -> None:
    found = spans(*probabilities)

    assert all(RULE.shortest <= span.duration for span in found)
    assert all(0 <= span.start < span.end <= len(probabilities) for span in found)
    gaps = [later.start - earlier.end for earlier, later in pairwise(found)]
    assert all(gap >= RULE.hangover for gap in gaps)

"""Speech becomes pieces: none of it is lost, none of it twice, and memory stays small."""

import weakref
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from malgwi.pipeline.cutter import Cut, CutRule, Cutter
from malgwi.types import SAMPLE_RATE, Block, Span
from malgwi.vad import Gate, GateRule

Floats = NDArray[np.float32]

WINDOW = 512
SECOND = WINDOW / SAMPLE_RATE  # that a window takes
QUIET, MURMUR, VOICE = 0.0, 0.15, 0.9  # the gate opens at 0.2 and shuts below 0.1
NEAR = 1e-6


rules = st.builds(
    CutRule,
    gate=st.builds(GateRule, hangover=st.sampled_from([0.1, 0.5]), shortest=st.just(0.1)),
    longest=st.sampled_from([1.0, 3.0, 20.0]),
    join=st.sampled_from([0.0, 0.7, 2.0]),
    margin=st.sampled_from([0.0, 0.3, 0.5]),
)


@st.composite
def voices(draw: st.DrawFn) -> Floats:
    """Probabilities `[channels, windows]`: people who begin, hesitate and stop."""
    level = st.sampled_from([QUIET, 0.05, MURMUR, 0.3, VOICE])
    stretches = st.lists(st.tuples(level, st.integers(1, 80)), min_size=1, max_size=8)
    rows = [
        np.concatenate([np.full(windows, level) for level, windows in draw(stretches)])
        for _ in range(draw(st.integers(1, 3)))
    ]
    found = np.zeros((len(rows), max(map(len, rows))), np.float32)
    for row, levels in zip(found, rows, strict=True):
        row[: len(levels)] = levels
    wavering = np.random.default_rng(draw(st.integers(0, 9))).uniform(0, 0.04, found.shape)
    return (found + wavering).astype(np.float32)


def sound_of(probabilities: Floats, more: int = 0) -> Floats:
    """As much sound as the probabilities stand for, and `more`; every sample is another."""
    channels, windows = probabilities.shape
    samples = windows * WINDOW + more
    return np.arange(channels * samples, dtype=np.float32).reshape(channels, samples)


def cut(
    probabilities: Floats, rule: CutRule, edges: Sequence[int] = (), more: int = 0
) -> list[Cut]:
    """The cuts of all channels, of a recording that comes in blocks which end at `edges`."""
    sound = sound_of(probabilities, more)
    cutter = Cutter(len(sound), WINDOW, rule)
    cuts: list[Cut] = []
    for first, last in pairwise(sorted({0, *edges, sound.shape[1]})):
        judged = slice(first // WINDOW, last // WINDOW)
        cuts += cutter.push(Block(first, sound[:, first:last]), probabilities[:, judged])
    return sorted([*cuts, *cutter.close()], key=lambda each: (each.channel, each.span))


def spoken(probabilities: Floats, rule: CutRule, channel: int) -> list[Span]:
    """What the gate alone takes for speech."""
    gate = Gate(WINDOW, rule.gate)
    closed = [gate.push(float(each)) for each in probabilities[channel]]
    return [span for span in [*closed, gate.close()] if span]


def overlap(one: Span, other: Span) -> float:
    return max(0.0, -one.apart(other))


@given(voices(), rules, st.data())
def test_the_pieces_do_not_depend_on_the_blocks(
    probabilities: Floats, rule: CutRule, data: st.DataObject
) -> None:
    samples = probabilities.shape[1] * WINDOW + 300
    edges = data.draw(st.lists(st.integers(1, samples - 1), max_size=30))

    whole = cut(probabilities, rule, more=300)
    in_blocks = cut(probabilities, rule, edges, more=300)

    assert [(each.channel, each.stretch) for each in in_blocks] == [
        (each.channel, each.stretch) for each in whole
    ]
    for one, other in zip(in_blocks, whole, strict=True):
        assert np.array_equal(one.samples, other.samples)


@given(voices(), rules)
def test_all_that_the_gate_takes_for_speech_lies_in_exactly_one_piece(
    probabilities: Floats, rule: CutRule
) -> None:
    cuts = cut(probabilities, rule)

    for channel in range(len(probabilities)):
        pieces = [each for each in cuts if each.channel == channel]
        for span in spoken(probabilities, rule, channel):
            within = sum(overlap(span, each.span) for each in pieces)
            said = sum(overlap(span, part) for each in pieces for part in each.stretch.speech)
            assert within == pytest.approx(span.duration, abs=NEAR)
            assert said == pytest.approx(span.duration, abs=NEAR)


@given(voices(), rules)
def test_the_pieces_of_a_channel_follow_each_other(probabilities: Floats, rule: CutRule) -> None:
    for one, other in pairwise(cut(probabilities, rule)):
        assert one.channel < other.channel or one.span.end <= other.span.start + NEAR


@given(voices(), rules)
def test_no_piece_is_longer_than_the_engine_can_take(probabilities: Floats, rule: CutRule) -> None:
    assert all(each.span.duration <= rule.longest + NEAR for each in cut(probabilities, rule))


@given(voices(), rules)
def test_speech_lies_inside_its_piece_and_a_piece_has_speech(
    probabilities: Floats, rule: CutRule
) -> None:
    for each in cut(probabilities, rule):
        assert each.stretch.speech
        assert each.span.start <= each.stretch.speech[0].start
        assert each.stretch.speech[-1].end <= each.span.end + NEAR
        assert all(one.end <= other.start for one, other in pairwise(each.stretch.speech))


@given(voices(), rules)
def test_a_piece_is_the_sound_of_its_place(probabilities: Floats, rule: CutRule) -> None:
    sound = sound_of(probabilities)

    for each in cut(probabilities, rule, edges=(5_000, 9_999)):
        first, last = round(each.span.start * SAMPLE_RATE), round(each.span.end * SAMPLE_RATE)
        assert np.array_equal(each.samples, sound[each.channel, first:last])


@given(voices(), rules)
def test_what_is_done_stays_done(probabilities: Floats, rule: CutRule) -> None:
    sound = sound_of(probabilities)
    cutter, done = Cutter(len(sound), WINDOW, rule), 0.0

    for first in range(0, sound.shape[1], WINDOW):
        window = slice(first // WINDOW, first // WINDOW + 1)
        cuts = cutter.push(Block(first, sound[:, first : first + WINDOW]), probabilities[:, window])

        assert all(each.span.start >= done for each in cuts)
        assert cutter.done_until >= done
        done = cutter.done_until

    assert all(each.span.start >= done for each in cutter.close())


def test_a_short_pause_joins_and_a_long_one_parts() -> None:
    rule = CutRule(join=2.0, margin=0.25)
    second = round(1 / SECOND)
    said = [(VOICE, 2), (QUIET, 1), (VOICE, 1), (QUIET, 4), (VOICE, 1)]
    row = np.concatenate([np.full(seconds * second, level) for level, seconds in said])

    one, other = cut(row[np.newaxis].astype(np.float32), rule)

    second_long = second * SECOND
    assert one.stretch.speech == (
        Span(0.0, 2 * second_long),
        Span(3 * second_long, 4 * second_long),
    )
    assert one.span == Span(0.0, 4 * second_long + 0.25)
    assert other.stretch.speech == (Span(8 * second_long, 9 * second_long),)


def test_long_speech_is_cut_where_it_is_quietest() -> None:
    row = np.full((1, round(30 / SECOND)), VOICE, np.float32)
    breath = round(15 / SECOND)
    row[0, breath : breath + 6] = 0.3  # open still

    first, second = cut(row, CutRule(longest=20.0))

    assert first.span.end == second.span.start == pytest.approx(15.1, abs=0.1)


def test_the_last_piece_ends_with_the_recording() -> None:
    row = np.full((1, 100), VOICE, np.float32)

    [only] = cut(row, CutRule(margin=0.3))

    assert only.span == Span(0.0, 100 * SECOND)


@pytest.mark.parametrize(
    "levels", [(QUIET, QUIET), (VOICE, VOICE), (QUIET, VOICE)], ids=["silence", "speech", "both"]
)
def test_an_hour_of_it_keeps_few_blocks_alive(levels: tuple[float, ...]) -> None:
    cutter = Cutter(len(levels), WINDOW, CutRule(longest=20.0))
    windows = 320  # a block, 10.24 s
    chances = np.repeat(np.array(levels, np.float32)[:, np.newaxis], windows, axis=1)
    alive: list[weakref.ref[Floats]] = []

    for number in range(350):
        sound = np.zeros((len(levels), windows * WINDOW), np.float32)
        alive = [each for each in (*alive, weakref.ref(sound)) if each() is not None]
        cutter.push(Block(number * windows * WINDOW, sound), chances)

        assert len(alive) <= 5

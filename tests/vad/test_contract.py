"""What every voice detector promises. To test a new one, add it to DETECTORS.

A detector whose library is not on this machine is skipped, but not in CI.
"""

import os
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from malgwi import plugins
from malgwi.errors import EngineMissing
from malgwi.types import SAMPLE_RATE, Span
from malgwi.vad import Gate, GateRule, VoiceDetector

Sound = NDArray[np.float32]
MakeDetector = Callable[[], VoiceDetector]

DETECTORS = ("energy", "silero")
CHANNELS, SECONDS = 3, 4


@pytest.fixture(params=DETECTORS, scope="module")
def detector(request: pytest.FixtureRequest) -> MakeDetector:
    """Makes a fresh one for each recording."""
    try:
        make: MakeDetector = plugins.load("vad", request.param)
    except EngineMissing as error:
        if "CI" in os.environ:
            raise
        pytest.skip(str(error))
    return make


def bursts() -> Sound:
    """A hum, a noise and something between, each with breaks of digital silence."""
    generator = np.random.default_rng(3)
    time = np.arange(SECONDS * SAMPLE_RATE) / SAMPLE_RATE
    hum = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 20)) * 0.1
    noise = generator.normal(0, 0.05, time.size)
    sound = np.stack([hum, noise, hum * (1 + np.sin(2 * np.pi * 4 * time)) + noise / 20])
    slots = generator.random((CHANNELS, SECONDS * 4)) < 0.6
    return (sound * np.repeat(slots, SAMPLE_RATE // 4, axis=1)).astype(np.float32)


def listen(detector: VoiceDetector, sound: Sound, cuts: list[int] | None = None) -> Sound:
    """The probabilities of `sound`, given in blocks that end at `cuts`."""
    edges = [0, *sorted(cuts or []), sound.shape[1]]
    blocks = [sound[:, first:last] for first, last in pairwise(edges)]
    return np.concatenate([detector.probabilities(block) for block in blocks], axis=1)


def spans(probabilities: Sound, window: int) -> list[Span]:
    gate = Gate(window, GateRule(open_at=0.3, shut_below=0.2, hangover=0.1, shortest=0.05))
    closed = [gate.push(float(probability)) for probability in probabilities]
    return [span for span in [*closed, gate.close()] if span]


def test_every_whole_window_of_every_channel_gets_a_probability(detector: MakeDetector) -> None:
    engine = detector()

    found = engine.probabilities(bursts()[:, : 10 * engine.window + 7])

    assert found.shape == (CHANNELS, 10)
    assert found.dtype == np.float32
    assert ((found >= 0) & (found <= 1)).all()


def test_less_than_a_window_is_kept_for_the_next_call(detector: MakeDetector) -> None:
    engine = detector()

    few = engine.probabilities(bursts()[:, : engine.window - 1])
    rest = engine.probabilities(bursts()[:, engine.window - 1 : engine.window])

    assert (few.shape, rest.shape) == ((CHANNELS, 0), (CHANNELS, 1))


def test_no_samples_are_no_windows(detector: MakeDetector) -> None:
    assert detector().probabilities(np.zeros((2, 0), np.float32)).shape == (2, 0)


def test_silence_is_not_speech(detector: MakeDetector) -> None:
    assert listen(detector(), np.zeros((2, SAMPLE_RATE), np.float32)).max() < 0.2


def test_one_recording_leaves_no_trace_in_the_next(detector: MakeDetector) -> None:
    once = listen(detector(), bursts())

    again = listen(detector(), bursts())

    assert np.array_equal(once, again)


def test_a_channel_is_heard_as_if_it_were_alone(detector: MakeDetector) -> None:
    together = listen(detector(), bursts())

    alone = [listen(detector(), bursts()[channel : channel + 1]) for channel in range(CHANNELS)]

    assert np.allclose(together, np.concatenate(alone), atol=1e-6)


@given(cuts=st.lists(st.integers(0, SECONDS * SAMPLE_RATE), max_size=30))
def test_the_spans_do_not_depend_on_how_the_sound_was_cut(
    detector: MakeDetector, cuts: list[int]
) -> None:
    whole = listen(detector(), bursts())

    cut = listen(detector(), bursts(), cuts)

    window = detector().window
    assert np.allclose(cut, whole, atol=1e-6)
    assert [spans(each, window) for each in cut] == [spans(each, window) for each in whole]


def test_the_bursts_that_the_tests_use_open_and_shut_the_gate(detector: MakeDetector) -> None:
    engine = detector()

    found = [spans(channel, engine.window) for channel in listen(engine, bursts())]

    assert sum(map(len, found)) >= 3

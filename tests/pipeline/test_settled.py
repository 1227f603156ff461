"""Whoever reads along reads the beginning of the transcript, and nothing is taken back."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline.recordings import Turns, taking_turns

from malgwi.pipeline import Engines, Request, transcribe
from malgwi.pipeline.merge import mark_duplicates, merge
from malgwi.pipeline.settled import Settled
from malgwi.pipeline.utterances import numbered
from malgwi.testing import ScriptedTranscriber
from malgwi.types import Span, Utterance
from malgwi.vad.energy import EnergyDetector

TEXTS = ("alpha four this is base come in please", "copy that", "bravo two the north gate is shut")


@st.composite
def heard(draw: st.DrawFn) -> Utterance:
    start = draw(st.integers(0, 300)) / 10
    text = draw(st.sampled_from(TEXTS))
    return Utterance(
        id="",
        channel=draw(st.integers(0, 2)),
        span=Span(start, start + draw(st.integers(5, 40)) / 10),
        raw_text=text,
        text=text,
        words=(),
        language="en",
        level=draw(st.sampled_from([-40.0, -30.0, -20.0])),
    )


@pytest.mark.slow
@given(
    st.lists(heard(), max_size=25, unique_by=lambda each: (each.channel, each.span.start)),
    st.randoms(),
)
def test_what_is_given_out_early_is_the_beginning_of_the_whole(
    utterances: list[Utterance], chance: Random
) -> None:
    whole = mark_duplicates(merge([numbered(utterances)]))
    left = list(utterances)
    chance.shuffle(left)
    settled, given_out = Settled(3), list[Utterance]()

    while left:
        settled.add([left.pop()])
        given_out += settled.until(min((each.span.start for each in left), default=1e9))

    assert given_out == list(whole)
    assert settled.given == len(whole)


def test_on_one_channel_nothing_waits_for_copies() -> None:
    settled = Settled(1)
    said = [
        Utterance("", 0, Span(second, second + 1.5), "yes", "yes", (), "en")
        for second in (0.0, 1.6, 3.2)
    ]

    settled.add(said)

    assert [each.id for each in settled.until(3.2)] == ["00-0001", "00-0002"]
    assert [each.id for each in settled.until(9.0)] == ["00-0003"]


def read_along(recording: Turns) -> tuple[list[Sequence[Utterance]], Sequence[Utterance]]:
    told: list[Sequence[Utterance]] = []
    engines = Engines(EnergyDetector, ScriptedTranscriber())
    transcript = transcribe(
        recording, engines, Request(languages=["en"]), on_utterances=told.append
    )
    return told, transcript.utterances


def test_utterances_come_while_the_rest_is_recognised() -> None:
    for channels in (1, 3):
        told, whole = read_along(taking_turns(minutes=8, channels=channels))

        assert len(told) > 2
        assert [each for some in told for each in some] == list(whole)


def test_nothing_is_told_of_silence() -> None:
    told, whole = read_along(Turns([], duration=3.0))

    assert (told, list(whole)) == ([], [])

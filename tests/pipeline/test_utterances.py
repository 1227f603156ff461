"""What was heard in a piece becomes lines, and no word of it is lost."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from malgwi.pipeline.cutter import Cut, Stretch
from malgwi.pipeline.utterances import level, numbered, utterances_of
from malgwi.stt import Recognition
from malgwi.types import SAMPLE_RATE, Span, Utterance, Word, written


def cut(*speech: tuple[float, float], start: float = 10.0, channel: int = 2) -> Cut:
    """A piece that starts at `start`, with speech at these times of the recording."""
    end = speech[-1][1] + 0.3
    samples = np.full(round((end - start) * SAMPLE_RATE), 0.1, np.float32)
    return Cut(channel, Stretch(Span(start, end), tuple(Span(*each) for each in speech)), samples)


def heard(*words: tuple[str, float, float], confidence: float | None = 0.5) -> Recognition:
    """Words with times from the start of the piece."""
    timed = (Word(f" {text}", Span(start, end), confidence) for text, start, end in words)
    return Recognition(tuple(timed), "en", no_speech=0.1, attempts=2)


@st.composite
def pieces(draw: st.DrawFn) -> tuple[Cut, Recognition]:
    times = sorted(draw(st.lists(st.integers(100, 300), min_size=2, max_size=10, unique=True)))
    speech = [(one / 10, other / 10) for one, other in zip(times[::2], times[1::2], strict=False)]
    piece = cut(*speech)
    edges = sorted(draw(st.lists(st.floats(0, piece.span.duration), max_size=20)))
    return piece, heard(*(("word", one, other) for one, other in pairwise(edges)))


@given(pieces())
def test_every_word_is_in_one_line_in_its_place(piece: tuple[Cut, Recognition]) -> None:
    where, recognition = piece

    lines = utterances_of(where, recognition)

    words = [word for line in lines for word in line.words]
    assert [word.text for word in words] == [word.text for word in recognition.words]
    for word, said in zip(words, recognition.words, strict=True):
        whole = said.span.later(where.span.start)
        assert whole.start <= word.span.start <= word.span.end <= whole.end
    assert all(line.text == line.raw_text == written(line.words) for line in lines)
    assert all(line.span.end <= other.span.start for line, other in pairwise(lines))


def test_words_go_to_the_stretch_of_speech_they_are_nearest_to() -> None:
    piece = cut((10.3, 12.0), (14.0, 16.0))
    recognition = heard(("one", 0.3, 1.0), ("two", 1.9, 2.6), ("three", 3.4, 4.1), ("four", 5, 6))

    first, second = utterances_of(piece, recognition)

    assert (first.text, first.span) == ("one two", Span(10.3, 12.1))
    assert (second.text, second.span) == ("three four", Span(13.9, 16.0))


def test_a_breath_makes_no_new_line() -> None:
    piece = cut((10.3, 12.0), (12.6, 14.0))

    [line] = utterances_of(piece, heard(("one", 0.3, 1.0), ("two", 3.0, 3.5)))

    assert line.text == "one two"


def test_a_pause_is_no_part_of_the_words_beside_it() -> None:
    piece = cut((10.3, 12.0), (14.0, 16.0))

    first, second = utterances_of(piece, heard(("one", 0.0, 2.9), ("two", 3.0, 5.0)))

    assert first.span == Span(pytest.approx(10.2), pytest.approx(12.1))  # type: ignore[arg-type]
    assert second.span == Span(pytest.approx(13.9), 15.0)  # type: ignore[arg-type]


def test_a_word_in_a_pause_stays_where_it_was_heard() -> None:
    piece = cut((10.3, 11.0), (14.0, 16.0))

    [line] = utterances_of(piece, heard(("one", 1.5, 2.0)))

    assert line.span == Span(11.5, 12.0)


def test_nothing_heard_is_no_line() -> None:
    assert utterances_of(cut((10.3, 12.0)), heard()) == []


def test_a_line_says_what_is_known_of_it() -> None:
    recognition = Recognition(
        (Word(" yes", Span(0.3, 1.0), 0.4), Word(" sir", Span(1.0, 1.5), 0.8)), "en", 0.1, 2
    )

    [line] = utterances_of(cut((10.3, 12.0)), recognition)

    assert (line.channel, line.language, line.no_speech, line.attempts) == (2, "en", 0.1, 2)
    assert line.confidence == pytest.approx(0.6)
    assert line.level == pytest.approx(-20.0, abs=0.01)


def test_what_an_engine_does_not_say_is_not_made_up() -> None:
    recognition = Recognition((Word(" yes", Span(0.3, 1.0)),), "en")

    [line] = utterances_of(cut((10.3, 12.0)), recognition)

    assert (line.confidence, line.no_speech, line.speaker) == (None, None, None)


def test_ids_count_by_channel_in_the_order_of_time() -> None:
    times = {"c": (1, 5.0), "a": (0, 1.0), "d": (1, 7.0), "b": (0, 9.0)}
    lines = [
        Utterance("", channel, Span(start, start + 1), text, text, (), "en")
        for text, (channel, start) in times.items()
    ]

    ids = {line.text: line.id for line in numbered(lines)}

    assert ids == {"a": "00-0001", "b": "00-0002", "c": "01-0001", "d": "01-0002"}
    assert Counter(line.id for line in numbered(reversed(lines))) == Counter(ids.values())


@pytest.mark.parametrize(("loudness", "decibels"), [(1.0, 0.0), (0.1, -20.0), (0.001, -60.0)])
def test_level_is_in_decibels_of_full_scale(loudness: float, decibels: float) -> None:
    assert level(np.full(100, loudness, np.float32)) == pytest.approx(decibels, abs=0.01)


@pytest.mark.parametrize("samples", [0, 100])
def test_silence_has_no_level(samples: int) -> None:
    assert level(np.zeros(samples, np.float32)) is None


def test_the_level_of_a_line_is_that_of_its_words_alone() -> None:
    piece = cut((10.3, 12.0))
    piece.samples[: round(0.3 * SAMPLE_RATE)] = 0.9

    [line] = utterances_of(piece, heard(("yes", 0.3, 1.0)))

    assert line.level is not None and math.isclose(line.level, -20.0, abs_tol=0.01)

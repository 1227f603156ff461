"""Words get their times from the path of the attention, whatever way it takes."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from malgwi.stt.word_times import FRAMES_A_SECOND, join_punctuation, timed_words
from malgwi.types import Span, Word


@dataclass
class Path:
    """What CTranslate2 calls a WhisperAlignmentResult."""

    alignments: list[tuple[int, int]]
    text_token_probs: list[float]


@st.composite
def aligned(draw: st.DrawFn) -> tuple[list[str], list[int], Path, float]:
    """Words, their tokens, a path of steps right, up or both, and how long the piece is."""
    lengths = draw(st.lists(st.integers(1, 4), max_size=12))
    tokens = sum(lengths)
    token = frame = 0
    path = [(0, 0)]
    while token < tokens:
        up, right = draw(st.sampled_from([(0, 1), (1, 0), (1, 1)]))
        token, frame = token + up, frame + right
        path.append((token, frame))
    letters = st.sampled_from(
        [" one", " two", "three", ",", ".", " “", "”", " -", "네", " 네", "?"]
    )
    texts = [draw(letters) for _ in lengths]
    sure = draw(st.lists(st.floats(0, 1), min_size=tokens, max_size=tokens))
    return texts, lengths, Path(path, sure), draw(st.floats(0, 12))


@pytest.mark.slow
@given(aligned())
def test_words_are_in_order_inside_and_complete(
    case: tuple[list[str], list[int], Path, float],
) -> None:
    texts, lengths, path, duration = case

    words = timed_words(texts, lengths, path, duration)

    assert "".join(word.text for word in words) == "".join(texts)
    assert all(0 <= word.span.start <= word.span.end <= duration for word in words)
    assert all(one.span.end <= other.span.start for one, other in pairwise(words))
    assert all(word.confidence is not None and 0 <= word.confidence <= 1 for word in words)


def test_a_word_lasts_from_its_first_token_to_the_next_word_s() -> None:
    path = Path([(0, 10), (0, 11), (1, 25), (2, 40), (2, 60), (3, 75)], [0.9, 0.5, 0.7])

    one, two = timed_words([" well", " come"], [2, 1], path, duration=5.0)

    assert one.span == Span(10 / FRAMES_A_SECOND, 40 / FRAMES_A_SECOND)
    assert two.span == Span(40 / FRAMES_A_SECOND, 75 / FRAMES_A_SECOND)
    assert one.confidence == pytest.approx(0.7)
    assert two.confidence == pytest.approx(0.7)


def test_the_last_word_ends_with_the_piece_where_the_path_does_not_say() -> None:
    [word] = timed_words([" well"], [1], Path([(0, 10)], [0.9]), duration=1.5)

    assert word.span == Span(0.2, 1.5)


def test_a_path_that_leads_nowhere_is_no_error() -> None:
    [word] = timed_words([" well"], [1], Path([], [0.9]), duration=1.5)

    assert word.span == Span(1.5, 1.5)


def test_no_words_are_no_words() -> None:
    assert timed_words([], [], Path([(0, 0)], []), duration=1.0) == ()


def words(*texts: str) -> list[Word]:
    return [
        Word(text, Span(float(at), float(at + 1)), 0.5 + at / 100) for at, text in enumerate(texts)
    ]


@pytest.mark.parametrize(
    ("apart", "joined"),
    [
        ([" Yes", ",", " sir", "."], [" Yes,", " sir."]),
        ([" Really", "?", "!"], [" Really?!"]),
        ([" he", " said", " “", "no", ".”"], [" he", " said", " “no.”"]),
        ([" ¿", "Qué"], [" ¿Qué"]),
        ([" (", "quietly", ")"], [" (quietly)"]),
        (["好", "。", "好", "，"], ["好。", "好，"]),
        ([" 네", ",", " 네", "."], [" 네,", " 네."]),
        ([".", " Yes"], [".", " Yes"]),
        ([" three", " four"], [" three", " four"]),
        ([" three", " ."], [" three", " ."]),
    ],
)
def test_a_mark_belongs_to_its_word(apart: list[str], joined: list[str]) -> None:
    assert [word.text for word in join_punctuation(words(*apart))] == joined


def test_a_word_with_its_mark_has_the_time_of_both_and_its_own_confidence() -> None:
    [closed] = join_punctuation(words(" Yes", "."))
    [opened] = join_punctuation(words(" “", "Yes"))

    assert (closed.span, closed.confidence) == (Span(0.0, 2.0), 0.5)
    assert (opened.span, opened.confidence) == (Span(0.0, 2.0), 0.51)

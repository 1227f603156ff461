"""Who corrects a word moves no other word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store.kept import words

from malgwi.store.alignment import aligned
from malgwi.types import Span, Word, written

# One word a second, from 0 to 6.
SAID = words("unit four at the north gate")
WITHIN = Span(0.0, 6.0)


def timed(text: str) -> list[tuple[str, float, float]]:
    new = aligned(SAID, text, WITHIN)
    return [(word.text.strip(), word.span.start, word.span.end) for word in new]


def test_a_word_that_is_replaced_gives_its_time_to_the_new_one() -> None:
    new = aligned(SAID, "unit five at the north gate", WITHIN)

    assert new[1] == Word(" five", Span(1.0, 2.0), None)
    assert new[0] == Word("unit", Span(0.0, 1.0), 0.5)
    assert new[2:] == SAID[2:]


def test_several_words_share_the_time_of_one_by_their_letters() -> None:
    assert timed("unit a bcd at the north gate")[1:3] == [("a", 1.0, 1.25), ("bcd", 1.25, 2.0)]


def test_one_word_takes_the_time_of_several() -> None:
    assert timed("unit four at the northgate")[-2:] == [("the", 3.0, 4.0), ("northgate", 4.0, 6.0)]


def test_a_word_that_is_left_out_takes_its_time_along() -> None:
    assert timed("unit at the north gate") == [
        ("unit", 0.0, 1.0),
        ("at", 2.0, 3.0),
        ("the", 3.0, 4.0),
        ("north", 4.0, 5.0),
        ("gate", 5.0, 6.0),
    ]


def test_a_word_between_two_has_the_time_that_is_free_between_them() -> None:
    pause = (Word(" one", Span(0.0, 1.0)), Word(" two", Span(3.0, 4.0)))

    new = aligned(pause, "one uh two", Span(0.0, 5.0))

    assert [word.span for word in new] == [Span(0.0, 1.0), Span(1.0, 3.0), Span(3.0, 4.0)]


def test_words_at_the_ends_have_what_the_utterance_has_there() -> None:
    said = (Word(" one", Span(1.0, 2.0)),)

    new = aligned(said, "so one then", Span(0.5, 2.5))

    assert [word.span for word in new] == [Span(0.5, 1.0), Span(1.0, 2.0), Span(2.0, 2.5)]


def test_nothing_has_no_words() -> None:
    assert aligned(SAID, "", WITHIN) == ()


@pytest.mark.parametrize("text", ["북문 앞에서 만나자", "one\ttwo\n three", " two  spaces"])
def test_the_words_make_up_the_text_with_its_spaces(text: str) -> None:
    assert written(aligned(SAID, text.strip(), WITHIN)) == text.strip()


@given(text=st.lists(st.sampled_from(["unit", "four", "at", "gate", "북문", "x"])).map(" ".join))
def test_words_stay_in_order_and_within_the_utterance(text: str) -> None:
    new = aligned(SAID, text, WITHIN)

    assert written(new) == text
    times = [time for word in new for time in (word.span.start, word.span.end)]
    assert times == sorted(times)
    assert all(WITHIN.start <= time <= WITHIN.end for time in times)

"""Who corrects a word moves no other word."""

import unicodedata
from itertools import accumulate, pairwise

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


def recognised(*timed: tuple[str, float]) -> tuple[Word, ...]:
    """Words and their ends, each from the end of the one before, as Whisper gives them."""
    ends = [end for _, end in timed]
    starts = [13.756, *ends]
    return tuple(
        Word(f" {text}", Span(start, end), 0.9)
        for (text, end), start in zip(timed, starts, strict=False)
    )


KOREAN = recognised(
    ("예를", 14.112), ("들어", 14.372), ("미국에서", 15.032), ("영어를", 15.412),
    ("사용하는", 16.112), ("코랄센터에", 16.952), ("대한", 17.292), ("프로젝트를", 17.992),
    ("만들", 18.272), ("수", 18.412), ("있습니다.", 19.016),
)  # fmt: skip
ENGLISH = recognised(
    ("tower", 14.1), ("korean", 14.43), ("air", 14.7), ("zero", 15.033), ("to", 15.1),
    ("seven", 15.7), ("request", 16.333), ("take", 16.6), ("off", 17.01), ("clearance", 17.7),
)  # fmt: skip
CORRECTIONS = [
    # What a person makes of it, and how many of its words were there, at the very same time.
    (KOREAN, "예를 들어 미국에서 영어를 사용하는 콜센터에 대한 프로젝트를 만들 수 있습니다.", 10),
    (KOREAN, "예를 들어, 미국에서 영어를 사용하는 콜 센터에 대한 프로젝트를 만들 수 있습니다.", 10),
    (KOREAN, "예를 들어 미국에서 영어를 사용하는 코랄센터에 대한 프로젝트를 만들수 있습니다.", 9),
    (KOREAN, "예를 들어 미국에서 영어만 쓰는 콜센터에 대한 프로젝트를 만들 수 있습니다.", 8),
    (KOREAN, "음, 예를 들어 미국에서 영어를 사용하는 대한 프로젝트를 만들 수 있습니다. 네.", 10),
    (KOREAN, unicodedata.normalize("NFD", "예를 들어 미국에서 영어를 쓰는 콜센터"), 4),
    (ENGLISH, "Tower, Korean Air 027, request take-off clearance.", 5),
    (ENGLISH, "Tower, Korean Air zero two seven, request take off clearance.", 9),
    (ENGLISH, "tower korean air zero two seven heavy request take off clearance", 9),
    (ENGLISH, "Tower Korean Air zero to seven, we request the take off clearance now, now.", 10),
    (ENGLISH, "seven to zero", 1),
]


@pytest.mark.parametrize(("said", "text", "stay"), CORRECTIONS)
def test_what_people_correct_moves_no_word_that_stays(
    said: tuple[Word, ...], text: str, stay: int
) -> None:
    within = Span(13.5, 19.1)

    new = aligned(said, text, within)

    assert written(new) == text
    times = [time for word in new for time in (word.span.start, word.span.end)]
    assert times == sorted(times)
    assert within.start <= times[0] <= times[-1] <= within.end
    spans = {word.span for word in said}
    kept = [word for word in new if word.confidence == 0.9]
    assert len(kept) == stay
    assert all(word.span in spans for word in kept)


def test_a_word_that_only_gets_its_comma_or_its_capital_is_the_one_that_was_heard() -> None:
    new = aligned(ENGLISH[:3], "Tower, Korean AIR!", WITHIN)

    assert [(word.span, word.confidence) for word in new] == [
        (word.span, word.confidence) for word in ENGLISH[:3]
    ]


def test_as_many_words_as_before_have_the_time_of_one_each() -> None:
    new = aligned(ENGLISH, "tower korean air zero to a tremendously late off clearance", WITHIN)

    assert [word.span for word in new] == [word.span for word in ENGLISH]
    assert [word.confidence for word in new[5:8]] == [None] * 3


@given(
    start=st.floats(0, 7200), seconds=st.lists(st.floats(0, 10), min_size=2, max_size=6),
    text=st.lists(st.sampled_from(["a", "bcd", "북문에서", "x" * 17])).map(" ".join),
)  # fmt: skip
def test_words_are_in_order_at_any_times(start: float, seconds: list[float], text: str) -> None:
    ends = list(accumulate(seconds, initial=start))
    old = [Word(f" {n}", Span(*pair)) for n, pair in enumerate(pairwise(ends))]

    for kept in (f"0 {text}", text, f"{text} {len(old) - 1}"):
        new = aligned(old, kept.strip(), Span(start, ends[-1]))

        times = [time for word in new for time in (word.span.start, word.span.end)]
        assert times == sorted(times)
        assert all(start <= time <= ends[-1] for time in times)


@given(text=st.lists(st.sampled_from(["unit", "four", "at", "gate", "북문", "x"])).map(" ".join))
def test_words_stay_in_order_and_within_the_utterance(text: str) -> None:
    new = aligned(SAID, text, WITHIN)

    assert written(new) == text
    times = [time for word in new for time in (word.span.start, word.span.end)]
    assert times == sorted(times)
    assert all(WITHIN.start <= time <= WITHIN.end for time in times)

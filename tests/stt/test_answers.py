from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from malgwi.errors import EngineFailed
from malgwi.stt.answers import Timed, fitted, joined, led, placed, segments, spread, words
from malgwi.stt.languages import NAMES, language_code


def timed(*texts: str) -> list[Timed]:
    return [Timed(text, float(i), float(i + 1)) for i, text in enumerate(texts)]


def texts(parts: list[Timed] | None) -> list[str] | None:
    return None if parts is None else [each.text for each in parts]


@pytest.mark.parametrize(
    ("text", "cut", "whole"),
    [
        (" Yes, it was.", ["Yes", "it", "was"], [" Yes,", " it", " was."]),
        (
            ' He said: "No!" Then',
            ["He", "said", "No", "Then"],
            [" He", " said:", ' "No!"', " Then"],
        ),
        (" twenty-five", ["twenty", "five"], [" twenty-", "five"]),
        (" 관제탑, 여기는 둘.", ["관제탑", "여기는", "둘"], [" 관제탑,", " 여기는", " 둘."]),
        (" 안녕하세요", ["안녕", "하세요"], [" 안녕", "하세요"]),
        ("今日は雨です。", ["今日", "は", "雨", "です"], ["今日", "は", "雨", "です。"]),
        (" It was", [" It", " was"], [" It", " was"]),
        (" one  two", ["one", "two"], [" one", " two"]),
        (" well", [" well", " ."], None),
        (" one two", ["one", "three"], None),
        (" one two three", ["one", "three"], None),
        (" one two", ["one"], None),
        ("", [], []),
    ],
)
def test_words_get_the_spaces_and_marks_of_the_text(
    text: str, cut: list[str], whole: list[str] | None
) -> None:
    assert texts(fitted(text, timed(*cut))) == whole


@given(st.lists(st.text("ab가나,.!'-", min_size=1, max_size=4).filter(lambda t: t.strip(",.!'-"))))
def test_words_that_fit_write_the_text_and_nothing_else(cut: list[str]) -> None:
    text = "".join(f" {each}" for each in cut)

    whole = fitted(text, timed(*(each.strip(",.!'-") for each in cut)))

    assert whole is None or "".join(each.text for each in whole) == text


def test_parts_of_words_become_words_as_sure_as_all_their_parts() -> None:
    parts = [Timed(" fool", 0.0, 0.2, 0.5), Timed("ish", 0.2, 0.4, 1.0), Timed(" man", 0.5, 0.9)]

    assert joined(parts) == [Timed(" foolish", 0.0, 0.4, 0.75), Timed(" man", 0.5, 0.9)]


def test_a_text_without_words_is_spread_over_its_segment() -> None:
    assert spread(Timed(" one two", 2.0, 4.0, 0.5), 9.0) == [
        Timed(" one", 2.0, 3.0, 0.5),
        Timed(" two", 3.0, 4.0, 0.5),
    ]


def test_a_text_written_without_spaces_gets_none() -> None:
    assert texts(spread(Timed(led(" 今日は ", "ja"), None, None), 3.0)) == ["今日は"]
    assert led("hello ", "en") == " hello"


@given(st.lists(st.tuples(*[st.none() | st.floats(-5, 50, allow_nan=False)] * 3), max_size=8))
def test_times_lie_in_the_piece_and_do_not_go_back(
    times: list[tuple[float | None, float | None, float | None]],
) -> None:
    placed_words = placed([Timed(" a", *each) for each in times], 9.0)

    spans = [each.span for each in placed_words]
    assert all(0 <= span.start <= span.end <= 9.0 for span in spans)
    assert all(first.start <= second.start for first, second in pairwise(spans))
    assert all(each.confidence is None or 0 <= each.confidence <= 1 for each in placed_words)


def test_a_number_that_is_none_is_taken_for_not_said() -> None:
    [segment] = segments({"segments": [{"text": "a", "start": None, "avg_logprob": True}]})

    assert (segment.timed.start, segment.log_probability, segment.tokens) == (None, None, None)


@pytest.mark.parametrize("answer", [{"segments": 1}, {"segments": [1]}, {"segments": [{"id": 1}]}])
def test_segments_that_are_none_are_not_guessed_at(answer: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"segments|text"):
        segments(answer)


def test_words_without_a_text_are_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="word"):
        words({"words": [{"start": 1.0}]})


@pytest.mark.parametrize("said", ["Korean", "korean", "ko", " KO "])
def test_a_language_may_be_said_by_name_or_by_code(said: str) -> None:
    assert language_code(said) == "ko"
    assert len(NAMES) == 100


@pytest.mark.parametrize("said", ["", "klingon", "None"])
def test_a_language_that_whisper_does_not_know_is_not_made_up(said: str) -> None:
    with pytest.raises(EngineFailed, match="language"):
        language_code(said)

"""What is an error, and what many of them add up to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from malgwi.apps.evaluation import Errors, Rate, Unmeasured, count, pooled

CASES = [
    ("a b c", "a b c", Errors(0, 0, 0, 3)),
    ("a b c", "a x c", Errors(1, 0, 0, 3)),
    ("a b c", "a c", Errors(0, 1, 0, 3)),
    ("a b c", "a b b c", Errors(0, 0, 1, 3)),
    ("a b c", "", Errors(0, 3, 0, 3)),
    ("", "a b", Errors(0, 0, 2, 0)),
    ("", "", Errors(0, 0, 0, 0)),
    ("a", "x y z", Errors(1, 0, 2, 1)),
]


@pytest.mark.parametrize(("said", "heard", "errors"), CASES)
def test_errors_are_the_fewest_edits(said: str, heard: str, errors: Errors) -> None:
    assert count(said.split(), heard.split()) == errors


def test_a_rate_is_above_one_where_much_is_invented_and_none_where_nothing_was_said() -> None:
    assert Errors(1, 0, 2, 1).rate == 3.0
    assert Errors(0, 0, 2, 0).rate is None


def test_a_long_recording_weighs_more_than_a_short_one() -> None:
    both = pooled([Errors(1, 0, 0, 1), Errors(0, 0, 0, 99)])

    assert isinstance(both, Rate)
    assert both.errors.rate == 0.01
    assert both.recordings == 2


def test_what_is_heard_in_a_silent_recording_counts_as_inserted() -> None:
    both = pooled([Errors(0, 0, 5, 0), Errors(0, 0, 0, 10)])

    assert isinstance(both, Rate)
    assert both.errors.rate == 0.5


def test_there_is_no_rate_where_nothing_was_said() -> None:
    assert pooled([Errors(0, 0, 5, 0)]) == Unmeasured("nothing was said in the references")


def test_there_is_no_interval_for_a_few_recordings() -> None:
    few = pooled([Errors(1, 0, 0, 10)] * 4)

    assert isinstance(few, Rate)
    assert few.interval is None


def test_recordings_that_are_alike_leave_no_doubt_and_others_do() -> None:
    alike = pooled([Errors(1, 0, 0, 10)] * 8)
    unlike = pooled([Errors(at, 0, 0, 10) for at in range(8)])

    assert isinstance(alike, Rate)
    assert alike.interval == (0.1, 0.1)
    assert isinstance(unlike, Rate)
    assert unlike.interval is not None
    assert 0.1 < unlike.interval[0] < 0.35 < unlike.interval[1] < 0.6
    assert unlike == pooled([Errors(at, 0, 0, 10) for at in range(8)])


errors = st.builds(Errors, *[st.integers(0, 9)] * 3, st.integers(0, 30))


@given(st.lists(errors, max_size=12))
def test_the_interval_holds_what_resampling_can_give(each: list[Errors]) -> None:
    rate = pooled(each)

    if isinstance(rate, Rate) and rate.interval:
        low, high = rate.interval
        assert 0 <= low <= high

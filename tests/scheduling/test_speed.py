"""The wait that is told is the one that was measured."""

import pytest

from malgwi.scheduling.speed import UNKNOWN, Speed


def test_before_anything_was_measured_a_guess_is_made() -> None:
    assert Speed().wait(60.0) == 60.0 / UNKNOWN


def test_the_wait_follows_from_the_measured_speed() -> None:
    speed = Speed()

    speed.measured(audio=60.0, seconds=3.0)

    assert speed.times_real_time == pytest.approx(20.0)
    assert speed.wait(100.0) == pytest.approx(5.0)


def test_a_batch_without_sound_says_nothing_of_the_speed() -> None:
    speed = Speed()

    speed.measured(audio=0.0, seconds=0.1)

    assert speed.wait(60.0) == 60.0 / UNKNOWN


def test_what_was_measured_long_ago_is_forgotten() -> None:
    speed = Speed()
    speed.measured(audio=100.0, seconds=100.0)

    for _ in range(20):
        speed.measured(audio=60.0, seconds=3.0)

    assert speed.times_real_time == pytest.approx(20.0, rel=0.01)

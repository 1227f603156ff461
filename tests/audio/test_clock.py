"""The time stamps rule, but only where they can be believed."""

import numpy as np
import pytest

from malgwi.audio.clock import Piece, gapless
from malgwi.audio.defects import Defects

RATE = 1000


def stamped(*stamps: float | None) -> tuple[float, Defects]:
    """How long pieces of one second with these stamps are together, and what was wrong."""
    defects = Defects("a.mkv")
    pieces = [Piece(np.ones((1, RATE), np.float32), RATE, stamp) for stamp in stamps]
    return sum(piece.seconds for piece in gapless(pieces, defects)), defects


def test_stamps_that_fit_add_nothing() -> None:
    seconds, defects = stamped(0.0, 1.0, 2.0)

    assert seconds == 3.0
    assert list(defects.notices()) == []


def test_stamps_that_are_a_little_off_add_nothing() -> None:
    assert stamped(0.0, 1.04, 1.97, 3.04)[0] == 4.0


def test_a_gap_is_filled_once() -> None:
    seconds, defects = stamped(0.0, 3.5, 4.5)

    assert seconds == pytest.approx(5.5)
    assert defects.gaps.first == 1.0
    assert defects.gaps.amount == pytest.approx(2.5)


def test_small_gaps_are_filled_once_they_add_up() -> None:
    assert stamped(0.0, 1.03, 2.06, 3.09)[0] == pytest.approx(4.09, abs=0.05)


def test_no_stamps_mean_no_gaps() -> None:
    assert stamped(0.0, None, None)[0] == 3.0


def test_stamps_that_begin_anew_are_followed_from_there() -> None:
    seconds, defects = stamped(0.0, 1.0, 2.0, 0.0, 1.0, 4.0)

    assert seconds == pytest.approx(8.0)  # the gap of two seconds counts, the step back does not
    assert [notice.code for notice in defects.notices()] == ["audio-gap", "audio-gap"]


def test_a_stamp_that_is_days_away_is_not_believed() -> None:
    seconds, defects = stamped(0.0, 400_000.0, 400_001.0)

    assert seconds == 3.0
    assert [notice.code for notice in defects.notices()] == ["audio-gap"]


def test_more_silence_than_the_file_is_long_is_not_believed() -> None:
    defects = Defects("a.caf")
    stamps = range(0, 4_000, 4)  # of a broken header: each second claims to come after four
    pieces = [Piece(np.ones((1, RATE), np.float32), RATE, float(stamp)) for stamp in stamps]

    seconds = sum(piece.seconds for piece in gapless(pieces, defects, length=1000.0))

    assert seconds == pytest.approx(2000.0, abs=5.0)
    assert [notice.code for notice in defects.notices()] == ["audio-gap", "audio-gap"]


def test_a_filled_gap_is_cut_into_small_pieces() -> None:
    pieces = [Piece(np.ones((2, RATE), np.float32), RATE, stamp) for stamp in (0.0, 3600.0)]

    longest = max(piece.samples.shape[1] for piece in gapless(pieces, Defects("a.mkv")))

    assert longest == RATE

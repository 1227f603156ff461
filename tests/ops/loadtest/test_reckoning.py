"""Lost seconds, lag and the verdict, reckoned from what was seen."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from ops.loadtest.outcomes import done, outcome

from malgwi.ops.loadtest import Plan, as_data, verdict
from malgwi.ops.loadtest.coverage import common, joined, minus, total, uncovered
from malgwi.ops.loadtest.delivery import Piece, State
from malgwi.ops.loadtest.measuring import read_metrics
from malgwi.ops.loadtest.trend import trend
from malgwi.types import Span

PLAN = Plan(channels=2, hours=20 / 60)
"""Twenty pieces of a minute, in real time."""
FAST = Plan(channels=2, hours=20 / 60, speed=None)


def reasons(plan: Plan, pieces: list[Piece], **known: object) -> list[str]:
    return [code for code, _ in verdict(outcome(plan, pieces, **known)).reasons]


def test_what_no_utterance_covers_is_lost_and_a_second_at_its_edges_is_not() -> None:
    placed = [Span(10, 20), Span(30, 34), Span(50, 51)]

    assert uncovered(placed, []) == 15
    assert uncovered(placed, [Span(11, 19), Span(29, 35), Span(50, 51)]) == 0
    assert uncovered(placed, [Span(11, 15), Span(29, 35)], 1.0) == 5  # 16 to 20, and the last
    assert uncovered(placed, [Span(0, 100)]) == 0
    assert uncovered([], [Span(0, 1)]) == 0


def test_spans_are_reckoned_as_sets_of_moments() -> None:
    chance = np.random.default_rng(5)
    for _ in range(50):
        a, b = (joined(Span(x, x + w) for x, w in chance.integers(0, 40, (6, 2))) for _ in "ab")
        moments = {x for x in range(90) if any(s.start <= x < s.end for s in a)}
        others = {x for x in range(90) if any(s.start <= x < s.end for s in b)}

        assert total(minus(a, b)) == len(moments - others)
        assert total(common(a, b)) == len(moments & others)


def test_a_lag_that_grows_is_told_from_one_that_jumps() -> None:
    chance = np.random.default_rng(3)
    times = np.arange(120.0) * 60
    noise = chance.normal(5.0, 1.0, 120)

    steady, growing = (
        trend(times.tolist(), noise.tolist()),
        trend(times.tolist(), (noise + times / 100).tolist()),
    )
    noise[-1] = 600.0
    jumped = trend(times.tolist(), noise.tolist())

    assert steady and not steady.grows
    assert jumped and not jumped.grows
    assert growing and growing.grows and growing.slope == pytest.approx(0.01, rel=0.1)
    assert trend([0.0, 1.0], [0.0, 1.0]) is None


def test_a_service_whose_lag_stays_keeps_up() -> None:
    found = verdict(outcome(PLAN, [done(PLAN, index, 9 + index % 3) for index in range(20)]))

    assert found.passed and found.behind == 0.0 and not found.reasons


def test_a_service_that_takes_66_seconds_for_a_minute_falls_behind_by_six_a_minute() -> None:
    found = verdict(outcome(PLAN, [done(PLAN, index, 66 + 6 * index) for index in range(20)]))

    assert found.keeps_up is False and found.nothing_lost and not found.passed
    assert found.behind == pytest.approx(6.0)
    assert [code for code, _ in found.reasons] == ["falls_behind"]


def test_where_delivery_waits_for_the_service_its_speed_counts_and_not_the_lag() -> None:
    slow = [replace(done(FAST, 0, 9), index=n, due=80.0 * n, answered=80.0 * n) for n in range(20)]
    fast = [replace(done(FAST, 0, 9), index=n, due=30.0 * n, answered=30.0 * n) for n in range(20)]

    assert reasons(FAST, slow) == ["too_slow"]
    assert verdict(outcome(FAST, fast)).passed
    assert outcome(FAST, fast).transcribed_speed == pytest.approx(20 * 60 / (19 * 30 + 8), rel=0.01)


def test_jobs_that_fail_lose_the_seconds_that_were_spoken_in_them() -> None:
    pieces = [done(PLAN, index, 9.0) for index in range(20)]
    pieces[3] = Piece(3, State.FAILED, 240.0, 241.0, "r", "j", reason="It broke.")

    lost = as_data(found := outcome(PLAN, pieces))["lost"]

    assert (lost["failed_jobs"], lost["recording_seconds"]) == (1, 60.0)
    spoken = [found.speech([pieces[3]], channel) for channel in range(2)]
    assert lost["without_transcript_seconds"] == pytest.approx(sum(spoken), abs=0.01)
    assert sum(spoken) == pytest.approx(0.2 * 120, rel=0.5)
    assert lost["unheard_seconds"] == 0
    assert reasons(PLAN, pieces) == ["failed"]


def test_speech_that_is_in_no_transcript_is_counted_on_its_channel() -> None:
    pieces = [done(PLAN, index, 9.0) for index in range(20)]
    found = outcome(PLAN, pieces)
    for piece in pieces:
        piece.heard = [each for each in piece.heard if each[0] == 0]

    assert found.unheard[0] == 0
    assert found.unheard[1] == pytest.approx(found.speech(pieces, 1))
    assert [code for code, _ in verdict(found).reasons] == ["unheard"]


def test_what_was_not_done_in_time_is_lost_but_not_what_its_user_broke_off() -> None:
    pieces = [done(PLAN, index, 9.0) for index in range(18)] + [Piece(18), Piece(19)]

    assert reasons(PLAN, pieces) == ["unfinished"]
    assert verdict(outcome(PLAN, pieces, interrupted=True)).nothing_lost
    assert as_data(outcome(PLAN, pieces, interrupted=True))["each"][18]["state"] == "interrupted"


def test_after_three_pieces_nobody_can_tell() -> None:
    pieces = [done(PLAN, index, 9.0) for index in range(3)] + [Piece(n) for n in range(3, 20)]

    found = verdict(outcome(PLAN, pieces, interrupted=True))

    assert found.keeps_up is None and not found.passed


def test_lag_compares_each_clock_with_itself_only() -> None:
    here = done(PLAN, 0, 9.0)
    assert here.created and here.ended

    wrong = timedelta(days=400)
    there = replace(here, created=here.created + wrong, ended=here.ended + wrong)

    assert here.lag == there.lag == 9.0


def test_metrics_are_summed_over_their_labels() -> None:
    text = (
        "# HELP malgwi_process_resident_memory_bytes Resident\n"
        'malgwi_process_resident_memory_bytes{process="parent"} 1.5e+08\n'
        'malgwi_process_resident_memory_bytes{process="engine whisper-base"} 50\n'
        "malgwi_store_up 1.0\npython_info 1.0\n"
    )

    assert read_metrics(text) == {
        "malgwi_process_resident_memory_bytes": (1.5e8, 50.0),
        "malgwi_store_up": (1.0,),
    }

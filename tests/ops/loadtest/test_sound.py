"""What is sent is what was planned: who speaks where is known to the sample."""

from pathlib import Path

import numpy as np
import pytest
from audio.soundfiles import tone, write
from ops.loadtest.outcomes import clips

from malgwi import audio
from malgwi.errors import BadInput, BadOption
from malgwi.ops.loadtest import Plan, clips_of
from malgwi.ops.loadtest.placement import placements
from malgwi.ops.loadtest.sound import Sound
from malgwi.types import SAMPLE_RATE
from malgwi.vad.energy import EnergyDetector

PLAN = Plan(channels=3, hours=1 / 60, piece=5.0)


def test_the_same_seed_puts_the_same_words_at_the_same_seconds() -> None:
    voices = clips(2.0, 3.0, 1.5)

    assert placements(PLAN, voices) == placements(PLAN, voices)
    assert placements(PLAN, voices) != placements(Plan(3, 1 / 60, 5.0, seed=2), voices)


@pytest.mark.parametrize("activity", [0.05, 0.2, 0.6])
def test_a_channel_speaks_for_the_share_of_the_time_that_was_asked_for(activity: float) -> None:
    plan = Plan(channels=4, activity=activity)

    for placed in placements(plan, clips(2.0, 6.0, 12.0, 1.5)):
        share = sum(each.spoken.duration for each in placed) / plan.seconds
        assert share == pytest.approx(activity, rel=0.15)


def test_nobody_talks_over_themselves_or_beyond_the_end() -> None:
    plan = Plan(channels=8, hours=0.2, activity=0.9)
    voices = clips(2.0, 6.0)

    for placed in placements(plan, voices):
        ends = [each.first / SAMPLE_RATE + voices[each.clip].duration for each in placed]
        begins = [each.first / SAMPLE_RATE for each in placed]
        assert all(end <= begin for end, begin in zip(ends, begins[1:], strict=False))
        assert ends[-1] <= plan.seconds


def test_channels_do_not_speak_in_chorus() -> None:
    first = [placed[0] for placed in placements(PLAN, clips(2.0, 3.0, 4.0))]

    assert len({each.clip for each in first}) == 3
    assert len({each.first for each in first}) == 3


def test_speech_is_in_the_sound_where_it_is_said_to_be() -> None:
    voices = clips(2.0, 3.0)
    placed = placements(PLAN, voices)
    sound = Sound(PLAN, voices, placed)

    whole = np.concatenate([sound.piece(each) for each in range(PLAN.pieces)], axis=1)

    assert whole.shape == (3, PLAN.seconds * SAMPLE_RATE)
    silent = np.full_like(whole, True, bool)
    for row, there, quiet in zip(whole, placed, silent, strict=True):
        for each in there:
            last = each.first + len(voices[each.clip].samples)
            assert row[each.first : last].min() > 8000, "it is whole, over the edges of pieces"
            begin, end = (round(at * SAMPLE_RATE) for at in (each.spoken.start, each.spoken.end))
            assert each.first < begin < end < last
            quiet[each.first : last] = False
    faint = np.abs(whole[silent])
    assert 0 < faint.max() < 33  # -60 dBFS


def test_a_piece_is_a_recording_with_all_channels_and_no_two_runs_send_the_same(
    tmp_path: Path,
) -> None:
    sound = Sound(PLAN, clips(2.0), placements(PLAN, clips(2.0)))
    first, again = tmp_path / "a.wav", tmp_path / "b.wav"

    sound.write(1, first, "0123abcd")
    sound.write(1, again, "4567abcd")

    assert first.read_bytes() != again.read_bytes()
    read = audio.open_recording([first])
    heard = np.concatenate([block.samples for block in read.blocks()], axis=1)
    assert np.array_equal(np.round(heard * 32768).astype(np.int16), sound.piece(1))
    assert read.notices == ()


def test_clips_are_what_is_spoken_and_their_speech_is_inside(tmp_path: Path) -> None:
    turns = [np.pad(tone(400.0, each, 16_000), ((0, 0), (16_000, 0))) for each in (2.0, 0.5, 32.0)]
    path = write(tmp_path / "turns.wav", np.concatenate(turns, axis=1), 16_000)

    found = clips_of([path], EnergyDetector)

    assert [round(each.spoken.duration) for each in found] == [2, 15, 15, 2]
    for each in found:
        inside = each.samples[round(each.spoken.start * 16_000) : round(each.spoken.end * 16_000)]
        assert np.abs(inside[:600]).max() > 5000 and np.abs(inside[-600:]).max() > 5000


def test_where_nobody_speaks_there_is_nothing_to_send(tmp_path: Path) -> None:
    path = write(tmp_path / "hush.wav", np.zeros((1, 48_000), np.float32), 16_000)

    with pytest.raises(BadInput, match=r"Nobody speaks .* hush\.wav"):
        clips_of([path], EnergyDetector)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"channels": 0}, "--channels 0 is out of bounds: from 1 to 64."),
        ({"channels": 65}, "--channels 65"),
        ({"hours": 25.0}, "--hours 25 is no length for a test: more than 0, at most 24."),
        ({"hours": 0.0}, "--hours 0"),
        ({"hours": float("nan")}, "--hours nan"),
        ({"hours": 0.1}, "makes 6 pieces of 60 s, and a trend needs 8"),
        ({"piece": 1.0}, "--piece 1"),
        ({"speed": 0.0}, "--speed 0"),
        ({"activity": 1.0}, "--activity 1"),
        ({"seed": -1}, "--seed -1"),
        ({"languages": ("ko", "en")}, "--spoken"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(asked: dict[str, object], said: str) -> None:
    with pytest.raises(BadOption, match=said.replace("(", r"\(")):
        Plan(**asked)  # type: ignore[arg-type]


def test_every_test_ends_by_itself() -> None:
    assert Plan(hours=2.0).longest == 2.5 * 3600
    assert Plan(hours=2.0, speed=8.0).longest < 0.4 * 3600
    assert Plan(hours=2.0, speed=None).longest == 2.5 * 3600

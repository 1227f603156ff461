"""Every display is fed values and says what they say; none of them looks at a clock."""

import io
import json
from dataclasses import dataclass, replace

import pytest

from malgwi.apps.transcription import Style, progress_display
from malgwi.apps.transcription.progress import clock, speed, time_left


@dataclass(frozen=True, slots=True)
class Step:
    """A value as the pipeline gives it."""

    stage: str = "recognising"
    audio_done: float = 0.0
    audio_total: float | None = 600.0
    speech_done: float = 0.0
    speech_found: float = 0.0
    channels: int = 4
    wall: float = 0.0


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(style: Style, *steps: Step, file: io.StringIO | None = None) -> str:
    file = file or io.StringIO()
    with progress_display(style, file) as update:
        for step in steps:
            update(step)
    return file.getvalue()


def test_speed_counts_the_seconds_of_all_channels() -> None:
    assert speed(Step(audio_done=60, wall=10)) == 24
    assert speed(Step(audio_done=60, wall=0)) is None
    assert speed(Step(audio_done=0, wall=10)) is None


def test_time_left_is_what_the_rest_takes_at_the_same_pace() -> None:
    assert time_left(Step(audio_done=150, wall=10)) == 30
    assert time_left(Step(audio_done=700, wall=10)) == 0
    assert time_left(Step(audio_done=150, wall=10, audio_total=None)) is None


def test_nobody_says_at_the_very_beginning_how_long_it_will_take() -> None:
    assert time_left(Step(audio_done=1, wall=10)) is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.9, "0:59"), (62, "1:02"), (3723, "1:02:03")]
)
def test_times_are_written_as_people_do(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_lines_come_every_twentieth_and_at_the_end() -> None:
    steps = [Step(audio_done=6.0 * n, wall=0.01 * n) for n in range(101)]

    lines = shown(Style.LINES, *steps).splitlines()

    assert len(lines) == 21
    assert lines[0] == "Recognising 0:00 of 10:00, 0 %"
    assert lines[-1] == "Recognising 10:00 of 10:00, 100 %, 2400x real time, 0:00 left"


def test_a_slow_run_gets_a_line_every_ten_seconds() -> None:
    steps = [Step(audio_done=n / 10, wall=float(n)) for n in range(31)]

    assert len(shown(Style.LINES, *steps).splitlines()) == 4


def test_a_new_stage_gets_a_line() -> None:
    start = Step(audio_done=1, wall=1)

    lines = shown(Style.LINES, start, replace(start, stage="writing")).splitlines()

    assert lines[1].startswith("Writing ")


def test_a_recording_of_unknown_length_has_no_percentage() -> None:
    text = shown(Style.LINES, Step(audio_done=75, audio_total=None, wall=100))

    assert text == "Recognising 1:15, 3.0x real time\n"


def test_json_is_an_object_a_line_with_nulls_for_what_is_not_known() -> None:
    text = shown(Style.JSON, Step(), Step(audio_done=60, speech_done=20, speech_found=30, wall=10))

    first, second = map(json.loads, text.splitlines())
    assert (first["speed"], first["time_left"]) == (None, None)
    assert second == {
        "event": "progress", "stage": "recognising", "audio_done": 60, "audio_total": 600,
        "speech_done": 20, "speech_found": 30, "channels": 4, "wall": 10, "speed": 24,
        "time_left": 90,
    }  # fmt: skip


def test_quiet_is_quiet() -> None:
    assert shown(Style.QUIET, Step(audio_done=60, wall=10)) == ""


def test_the_bar_shows_stage_position_speed_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm-256color")

    text = shown(Style.BAR, Step(audio_done=150, wall=10), file=Terminal())

    assert "Recognising" in text
    assert "2:30 of 10:00" in text
    assert "60x real time · 0:30 left" in text


def test_a_terminal_gets_a_bar_and_a_log_gets_lines() -> None:
    assert Style.fitting(Terminal()) is Style.BAR
    assert Style.fitting(io.StringIO()) is Style.LINES

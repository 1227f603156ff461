"""The timeline, recorded from a console of a fixed width."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from malgwi.apps.transcription import print_timeline
from malgwi.types import Channel, Span, Transcript


def printed(transcript: Transcript, width: int = 100, most: int = 200) -> list[str]:
    console = Console(file=io.StringIO(), record=True, width=width)
    print_timeline(console, transcript, rest_in=Path("out/a.txt"), most=most)
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_the_head_says_what_it_is_and_every_fall_back(radio: Transcript) -> None:
    head, fallback, notice, *_ = printed(radio)

    assert head == "관제 무전 1  01:01:40 · 4 channels · whisper-base on cpu · 123x real time"
    assert fallback == "! No CUDA device was found."
    assert notice == "! The file breaks off at 01:01:40."


def test_a_lane_shows_where_a_channel_speaks(radio: Transcript) -> None:
    said = (
        replace(radio.utterances[0], span=Span(0.0, 10.0)),
        replace(radio.utterances[1], span=Span(30.0, 35.0)),
    )
    ten = replace(
        radio, duration=40.0, utterances=said, channels=(Channel(0, "가"), Channel(1, "b"))
    )

    lines = printed(ten, width=4 + 4)  # four columns of ten seconds

    assert [line for line in lines if line.startswith(("가  ", "b   "))][:2] == [
        "가  ▇···",
        "b   ···▄",
    ]


def test_a_lane_leaves_out_what_does_not_count(radio: Transcript) -> None:
    only = replace(radio, utterances=(radio.utterances[5],))

    [lane] = [line for line in printed(only) if line.startswith("tower")]

    assert set(lane.removeprefix("tower")) == {" ", "·"}


def test_korean_and_latin_labels_are_equally_wide(radio: Transcript) -> None:
    lines = [line for line in printed(radio) if "·····" in line]

    starts = {cell_len(line[: line.index("·")].rstrip("▁▂▃▄▅▆▇ ")) for line in lines}
    assert len(lines) == 4
    assert all(cell_len(line) == 100 for line in lines)
    assert max(starts) <= 11


@pytest.mark.parametrize("width", [20, 40, 100, 237])
def test_no_line_is_wider_than_the_terminal(radio: Transcript, width: int) -> None:
    assert all(cell_len(line) <= width for line in printed(radio, width))


def test_lines_carry_time_speaker_and_text(radio: Transcript) -> None:
    lines = printed(radio)

    assert "00:00:01.2 tower       대한항공 공이칠 이륙을 허가합니다." in lines
    assert "00:00:12.0 김 기장   ? 음 <잡음> R&D --> 확인" in lines


def test_the_foot_counts_what_was_hard_and_what_is_not_shown(radio: Transcript) -> None:
    assert printed(radio)[-1] == (
        "6 utterances · 1 unsure (?) · 1 retried · not shown: 1 suppressed, 1 duplicate"
    )


def test_of_a_long_transcript_the_rest_is_in_the_file(radio: Transcript) -> None:
    lines = printed(radio, most=2)

    assert "… and 4 more in out/a.txt" in lines
    assert not any("브리핑" in line or "관제 종료" in line for line in lines)


def test_it_is_in_colour_in_a_terminal_and_plain_elsewhere(radio: Transcript) -> None:
    terminal, log = io.StringIO(), io.StringIO()
    print_timeline(Console(file=terminal, force_terminal=True, color_system="truecolor"), radio)
    print_timeline(Console(file=log), radio)

    assert "\x1b[38;2;" in terminal.getvalue()
    assert "\x1b" not in log.getvalue()


def test_brackets_in_what_was_said_are_no_markup(radio: Transcript) -> None:
    odd = replace(radio.utterances[0], text="[bold]loud[/bold] [/x]")

    lines = printed(replace(radio, utterances=(odd,)))

    assert any(line.endswith("[bold]loud[/bold] [/x]") for line in lines)


def test_a_recording_in_which_nobody_speaks_has_a_timeline_too(radio: Transcript) -> None:
    assert printed(replace(radio, utterances=(), duration=0.0))[-1] == "0 utterances"
    assert printed(replace(radio, utterances=(), channels=()))[-1] == "0 utterances"

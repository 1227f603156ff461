"""TXT, CSV, RTTM and CTM, read back with plain tools."""

import csv
import io
from dataclasses import replace

import pytest

from malgwi.apps.transcription import FORMATS
from malgwi.types import Span, Transcript, Word


def written(name: str, transcript: Transcript) -> str:
    file = io.StringIO()
    FORMATS[name].write(transcript, file)
    return file.getvalue()


def test_text_names_the_recording_and_what_is_wrong_with_it(radio: Transcript) -> None:
    head, *_ = written("txt", replace(radio, complete=False)).split("\n\n")

    assert head.splitlines() == [
        "Recording: 관제 무전 1.wav",
        "Duration: 01:01:40",
        "Channels: tower (ko), 지상 관제 (en), ch 03 (en), briefing",
        "Engine: faster-whisper, whisper-base on cpu, int8",
        "Fallback: No CUDA device was found.",
        "Not shown: 1 suppressed, 1 duplicate (the JSON has them)",
        "Note: Broken off: the end of the recording is missing.",
        "Note: The file breaks off at 01:01:40.",
    ]


def test_text_has_a_line_an_utterance_and_a_gap_where_all_are_silent(radio: Transcript) -> None:
    _, *groups = written("txt", radio).strip().split("\n\n")

    assert [len(group.splitlines()) for group in groups] == [4, 1, 1]
    assert groups[0].startswith("[00:00:01.2] tower: 대한항공 공이칠 이륙을 허가합니다.\n")
    assert groups[1] == "[00:01:35.0] ch 03: =1+1 ground, vacate left, then hold short"


def test_csv_has_all_utterances_and_marks_those_that_do_not_count(radio: Transcript) -> None:
    rows = list(csv.DictReader(io.StringIO(written("csv", radio), newline="")))

    assert [row["id"] for row in rows] == [each.id for each in radio.utterances]
    assert rows[5]["suppressed"] == "stock:ko-thanks"
    assert rows[2]["duplicate_of"] == "01-0001"
    assert rows[4]["speaker"] == "김 기장"
    assert (rows[0]["start"], rows[0]["confidence"], rows[0]["level"]) == (
        "1.200",
        "0.9000",
        "-23.50",
    )
    assert rows[0]["raw_text"] == "대한 항공 027 이륙을 허가합니다."


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝"])  # noqa: RUF001
def test_a_cell_that_would_run_as_a_formula_gets_an_apostrophe(
    radio: Transcript, start: str
) -> None:
    evil = replace(radio.utterances[0], text=f"{start}cmd()", speaker=f"{start}x")

    text = written("csv", replace(radio, utterances=(evil,)))

    [row] = csv.DictReader(io.StringIO(text, newline=""))
    assert (row["text"], row["speaker"]) == (f"'{start}cmd()", f"'{start}x")


def test_csv_is_for_excel_with_a_byte_order_mark() -> None:
    assert FORMATS["csv"].encoding == "utf-8-sig"


def test_rttm_has_ten_fields_and_channels_from_one(radio: Transcript) -> None:
    lines = [line.split(" ") for line in written("rttm", radio).splitlines()]

    assert len(lines) == 6
    assert all(len(line) == 10 and line[0] == "SPEAKER" for line in lines)
    assert lines[0] == ["SPEAKER", "관제_무전_1", "1", "1.200", "3.300", "<NA>", "<NA>", "tower",
                        "<NA>", "<NA>"]  # fmt: skip
    assert [line[7] for line in lines[1:5]] == ["지상_관제", "briefing", "김_기장", "ch_03"]


def test_ctm_gives_every_word_with_its_time_sorted_as_scoring_tools_want(
    radio: Transcript,
) -> None:
    lines = [line.split(" ") for line in written("ctm", radio).splitlines()]

    assert all(len(line) == 6 for line in lines)
    assert lines == sorted(lines, key=lambda line: (line[0], line[1], float(line[2])))
    assert lines[0] == ["관제_무전_1", "1", "1.200", "0.825", "대한항공", "0.9000"]
    shown = [each for each in radio.utterances if each.counts]
    assert len(lines) == sum(len(each.words) for each in shown)


def test_channels_of_a_ctm_are_sorted_as_text(radio: Transcript) -> None:
    channels = tuple(replace(radio.channels[0], index=index) for index in range(11))
    said = tuple(replace(radio.utterances[0], channel=index) for index in range(11))

    lines = written("ctm", replace(radio, channels=channels, utterances=said)).splitlines()

    numbers = [line.split(" ")[1] for line in lines]
    assert numbers == sorted(numbers)
    assert numbers[4] == "10"


def test_a_word_written_with_a_space_shares_its_time_and_an_unknown_confidence_is_left_away(
    radio: Transcript,
) -> None:
    one = replace(radio.utterances[0], words=(Word(" 27 left", Span(1.0, 2.2)),))

    text = written("ctm", replace(radio, utterances=(one,)))

    assert text == "관제_무전_1 1 1.000 0.400 27\n관제_무전_1 1 1.400 0.800 left\n"


@pytest.mark.parametrize("name", ["rttm", "ctm"])
def test_nothing_said_is_an_empty_file(radio: Transcript, name: str) -> None:
    assert written(name, replace(radio, utterances=())) == ""

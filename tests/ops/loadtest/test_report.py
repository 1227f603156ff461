"""The report: complete, honest about what was not measured, and readable everywhere."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ops.loadtest.outcomes import done, outcome, sample

from malgwi.errors import OutputError
from malgwi.ops.loadtest import Outcome, Plan, as_data, check_folder, summary, write_report
from malgwi.ops.loadtest.delivery import Piece, State
from malgwi.ops.loadtest.markdown import markdown
from malgwi.ops.loadtest.measuring import Limits
from malgwi.ops.loadtest.page import page

SCHEMA = Path(__file__).parents[3] / "docs" / "reference" / "loadtest.schema.json"
PLAN = Plan(channels=4, hours=20 / 60, speed=8.0)
ELEMENTS = re.compile(r"<(?:script|link|img|iframe)|https?://(?!127\.0\.0\.1)|\bsrc=|url\(|@import")


def whole(**known: Any) -> Outcome:
    """Of a service that tells everything, which lost a piece."""
    pieces = [done(PLAN, index, 4.0 + index % 2) for index in range(20)]
    pieces[7] = Piece(7, State.FAILED, 60.0, 61.0, "r", "j", attempts=3, reason="<b>It broke.</b>")
    samples = [
        sample(2.0 * n, service=5e8 + n, machine=4e9 + n, gpu_free=2e9, engine_seconds=1.0 * n)
        for n in range(80)
    ]
    seen = {"samples": samples, "limits": Limits(8e9, 6e9), **known}
    return outcome(PLAN, pieces, **seen)


def nothing() -> Outcome:
    return outcome(PLAN, [Piece(index) for index in range(20)], samples=(), over=False)


@pytest.mark.parametrize("made", [whole(), nothing(), whole(interrupted=True, broken="Gone.")])
def test_a_program_gets_what_the_schema_promises(made: Outcome) -> None:
    data = json.loads(json.dumps(as_data(made)))

    jsonschema.validate(
        data,
        json.loads(SCHEMA.read_text("utf-8")),
        format_checker=jsonschema.FormatChecker(),
    )


def test_headroom_is_the_limit_less_the_most_that_was_in_use() -> None:
    memory = as_data(whole())["memory"]

    assert memory["headroom_bytes"] == 8e9 - (4e9 + 79)
    assert memory["headroom_share"] == 0.5
    assert as_data(whole())["gpu_memory"]["headroom_share"] == pytest.approx(1 / 3, abs=1e-3)


def test_what_was_not_measured_is_null_with_its_reason() -> None:
    data = as_data(nothing())

    for part, value, reason in (
        ("rtf", "whole", "whole_reason"),
        ("rtf", "engine", "engine_reason"),
        ("lag", "median", "reason"),
        ("memory", "service_most_bytes", "service_reason"),
        ("memory", "headroom_bytes", "machine_reason"),
        ("gpu_memory", "least_free_bytes", "reason"),
        ("queue", "most_waiting", "reason"),
        ("disk", "used_bytes", "reason"),
        ("verdict", "behind_seconds_a_minute", "behind_reason"),
    ):
        assert data[part][value] is None and data[part][reason].endswith("."), (part, value)


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("made", [whole(), nothing(), whole(interrupted=True, left=3)])
def test_the_page_needs_no_script_and_asks_nobody(made: Outcome, language: Any) -> None:
    text = page(as_data(made), language)

    assert not ELEMENTS.search(text)
    assert "<b>It broke" not in text, "what the service says is text"
    assert text.count("<figure ") == 5
    assert not re.search(r"nan|inf\b|None|\{\w+\}", re.sub(r"<style>.*?</style>", "", text))


def test_a_run_that_was_not_in_real_time_says_so_first() -> None:
    accelerated = markdown(as_data(whole())).splitlines()

    assert accelerated[2].startswith("Accelerated: 8 times real time, so this is not a real-time")
    assert "실시간 시험이 아닙니다" in markdown(as_data(whole()), "ko").splitlines()[2]


def test_the_verdict_is_a_sentence_with_its_reason() -> None:
    told = summary(as_data(whole()))

    assert told.headline == "Not passed."
    assert told.reasons[0] == "Jobs failed (1): 60 s of recordings have no transcript."


def test_korean_says_all_of_it_in_korean() -> None:
    for made in (whole(), nothing()):
        titles = [name for part in summary(as_data(made), "ko").sections for name, _ in part.rows]
        assert all(re.search("[가-힣]|RTF", each) for each in titles), titles


def test_files_are_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "out"
    check_folder(folder)

    write_report(nothing(), folder, "en")
    write_report(whole(), folder, "en")

    assert sorted(each.name for each in folder.iterdir()) == [
        "report.html",
        "report.json",
        "report.md",
    ]
    assert json.loads((folder / "report.json").read_text("utf-8"))["over"] is True


def test_a_report_that_is_there_is_not_replaced_by_another_test(tmp_path: Path) -> None:
    write_report(whole(), tmp_path, "en")

    with pytest.raises(OutputError, match="is there already"):
        check_folder(tmp_path)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputError, match="cannot be written"):
        check_folder(tmp_path / "file" / "out")

"""How the service is, in a real browser, and what is checked of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from console.browser import barriers, looking, told
from playwright.sync_api import Browser, expect
from plugged_in import install
from test_library import library

from malgwi.console.pages.checks import KEPT_FREE, State, of_canaries, of_machine, of_system
from malgwi.console.words import Words

WORDS = Words("en")
FINE: dict[str, Any] = {
    "engines": [
        {
            "model": "whisper-base",
            "state": "ready",
            "reason": None,
            "device": "cuda:0",
            "compute_type": "float16",
            "fallback_reason": None,
        }
    ],
    "disk": {"free": 100 * KEPT_FREE, "total": 200 * KEPT_FREE, "media": 10_000},
    "last_backup": datetime.now(UTC).isoformat(),
    "models": [{"name": "whisper-base", "whole": True}],
    "lanes": [{"lane": "batch", "waiting": 0, "running": 0, "oldest_seconds": None}],
    "workers": {"busy": [], "silent": 0},
    "dead": 0,
}
FALLEN = '''
"""An engine that did not get what was asked for."""

from dataclasses import replace

from malgwi.testing import ScriptedTranscriber


class Fallen(ScriptedTranscriber):
    engine = replace(
        ScriptedTranscriber.engine,
        fallback_reason="cuda was asked for, cpu int8 is used: the driver <b>525</b> is too old.",
    )
'''


def worst(**other: Any) -> tuple[State, str, str]:
    """Of the service as it is fine, but for that."""
    found = of_system(WORDS, {**FINE, **other})
    [check] = [each for each in found if each.state is not State.GOOD]
    return check.state, check.symptom, check.remedy


def test_a_service_that_is_fine_has_nothing_but_good_checks() -> None:
    assert {each.state for each in of_system(WORDS, FINE)} == {State.GOOD}


def test_a_backup_that_is_missing_or_old_is_told_where_there_is_something_to_lose() -> None:
    old = (datetime.now(UTC) - timedelta(days=9)).isoformat()

    assert worst(last_backup=None)[1] == "There is no backup."
    assert worst(last_backup=old)[1] == "The last backup is 9 days old."
    empty = {**FINE, "disk": {**FINE["disk"], "media": 0}, "last_backup": None}
    assert {each.state for each in of_system(WORDS, empty)} == {State.GOOD}


def test_a_fall_back_says_its_reason_and_what_to_do() -> None:
    engine = {**FINE["engines"][0], "device": "cpu", "fallback_reason": "The driver is too old."}

    state, symptom, remedy = worst(engines=[engine])

    assert state is State.CAREFUL
    assert "cpu float16" in symptom
    assert "The driver is too old." in symptom
    assert "malgwi engines" in remedy


def test_what_the_doctor_found_stands_among_the_checks() -> None:
    examined = [
        {"id": f"DISK-{state}", "state": state, "symptom": "Full.", "remedy": "Make room."}
        for state in ("ok", "warn", "fail", "crash", "skip")
    ]

    found = {each.id: each for each in of_machine(WORDS, examined)}

    assert {id: each.state for id, each in found.items()} == {
        "DISK-ok": State.GOOD,
        "DISK-warn": State.CAREFUL,
        "DISK-fail": State.BAD,
        "DISK-crash": State.CAREFUL,
    }
    assert (found["DISK-fail"].symptom, found["DISK-fail"].remedy) == (
        "DISK-fail: Full.",
        "Make room.",
    )


def test_a_disk_with_less_than_is_kept_free_is_bad() -> None:
    assert worst(disk={"free": KEPT_FREE - 1, "total": KEPT_FREE * 9, "media": 0})[0] is State.BAD
    assert worst(disk={"free": KEPT_FREE, "total": KEPT_FREE * 9, "media": 0})[0] is State.CAREFUL


def test_a_queue_that_nobody_works_on_is_bad_and_one_that_is_worked_on_is_not() -> None:
    lane = {"lane": "batch", "waiting": 3, "running": 0, "oldest_seconds": 7300.0}

    state, symptom, _ = worst(lanes=[lane])

    assert (state, symptom) == (
        State.BAD,
        "Jobs wait, the first of 3 for 2 h, and none is being done.",
    )
    running = of_system(WORDS, {**FINE, "lanes": [{**lane, "running": 1}]})
    assert {each.state for each in running} == {State.GOOD}


def test_an_engine_that_does_not_hear_rightly_is_bad() -> None:
    said: list[dict[str, Any]] = [
        {"model": "a", "state": "ready", "canary_seconds": 0.31},
        {"model": "b", "state": "b heard nothing."},
        {"model": "c", "state": "unloaded"},
    ]

    found = list(of_canaries(WORDS, said))

    assert [(each.id, each.state) for each in found] == [
        ("canary-a", State.GOOD),
        ("canary-b", State.BAD),
    ]
    assert "b heard nothing." in found[1].symptom


@pytest.mark.slow
def test_a_fall_back_stands_above_everything(browser: Browser, tmp_path: Path) -> None:
    with library(tmp_path, MALGWI_STT__ENGINE="fallen", PYTHONPATH=_plugged_in(tmp_path)) as it:
        for scheme, width in (("light", 1280), ("dark", 390)):
            size = {"width": width, "height": 800}
            with looking(
                browser, str(it.http.base_url), color_scheme=scheme, viewport=size
            ) as page:
                page.goto("/status")

                first = page.locator(".mg-check-row").first
                expect(first).to_contain_text("the driver <b>525</b> is too old")
                expect(first).to_contain_text("Run malgwi engines")
                expect(page.get_by_text("fell back")).to_be_visible()
                expect(page.get_by_text("heard a known recording rightly")).to_be_attached()
                rest = page.locator(".mg-check-row:not([data-check='HOST-008'])")  # it may be busy
                expect(rest).to_have_count(1)
                found = barriers(page)
                assert not found, told(found)


def _plugged_in(folder: Path) -> str:
    site = install(folder / "site")
    about = site / "fallen-1.0.dist-info"
    about.mkdir()
    (site / "fallen.py").write_text(FALLEN)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: fallen\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[malgwi.stt]\nfallen = fallen:Fallen\n")
    return str(site)

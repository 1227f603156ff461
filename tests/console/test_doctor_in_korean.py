"""The doctor in Korean: its table and what its checks can say are held together."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from console.browser import looking
from console.doctors_words import listed, returned, sentences
from playwright.sync_api import Browser, expect
from rich.cells import cell_len
from test_library import library

import malgwi
from malgwi.console import reasons
from malgwi.console.pages.checks import of_machine
from malgwi.console.words import Words
from malgwi.devices import known
from malgwi.ops.doctor import (
    CHECKS,
    NODE_CHECKS,
    Examination,
    Result,
    State,
    Told,
    explanation,
    lines,
    log_lines,
)

SOURCE = Path(malgwi.__file__).parent
DOCTOR = SOURCE / "ops" / "doctor"
STORE = SOURCE / "store" / "engine.py"
TABLE = json.loads((SOURCE / "console" / "doctor.json").read_text("utf-8"))["sentences"]
PART = re.compile(r"\{(\w+)\}")
HANGUL = re.compile("[가-힣]")
KEPT = re.compile(
    r"\b[A-Z]+_\w+|\b[A-Z]+-\d{3}\b|--[a-z-]+"
    r"|\bmalgwi (?:(?:backup|bundle|deploy|models) )?[a-z]+\b"
    r"|\b(?:docker [a-z]+|redis-cli CONFIG|pip (?:un)?install)\b",
    re.ASCII,
)
RESULT = Result("DISK-001", "Is it?", State.FAIL, "It is.", "seen", "It is so.", "Mend it.", 0.1)


def test_everything_that_the_doctor_says_is_in_the_table() -> None:
    """Where it fails, put the sentences that it names into console/doctor.json, in Korean."""
    there = {_plain(english) for english, _ in TABLE}

    missing = {*_of_checks(), *_of_failures(), *_said_by_checks()} - there
    assert not missing, "\n".join(sorted(missing))
    for each in _said_by_the_report():
        assert HANGUL.search(_korean(each)), each


def test_nothing_is_in_the_table_that_the_doctor_says_no_more() -> None:
    said = {*_of_checks(), *_of_failures(), *_said_by_checks()}
    report = set(_said_by_the_report())

    for english, _ in TABLE:
        pattern = PART.sub(".+", re.escape(english).replace(r"\{", "{").replace(r"\}", "}"))
        of_report = any(re.fullmatch(pattern, each) for each in report)
        assert _plain(english) in said or of_report, english


def test_a_sentence_is_put_into_korean_with_all_of_its_values() -> None:
    """Also where another one of the table would fit."""
    for english, korean in TABLE:
        values = {name: f"v{at}" for at, name in enumerate(PART.findall(english))}
        sentence = _filled(english, values)

        assert sorted(PART.findall(korean)) == sorted(values), english
        assert HANGUL.search(korean), english
        assert _korean(sentence) == _filled(korean, values)
        assert reasons.of_doctor("en", sentence) == sentence


def test_commands_settings_and_ids_stay_as_they_are() -> None:
    for english, korean in TABLE:
        assert set(KEPT.findall(korean)) == set(KEPT.findall(english)), english


def test_what_is_quoted_is_put_into_korean_too() -> None:
    missing = "serve is not installed (no module sqlalchemy). Run: pip install 'malgwi[serve]'"
    damaged = "The database /data/malgwi.db is damaged. Restore a backup."
    card = "It computes with float32: no efficient float16."

    assert _korean(missing).startswith("설치되지 않았습니다: serve (sqlalchemy 모듈 없음).")
    assert _korean(damaged) == "데이터베이스 /data/malgwi.db: 손상되었습니다. 백업을 복원하세요."
    assert _korean(card) == "float32 형식으로 계산합니다. float16이 느립니다."
    assert _korean("The moon is full.") == "The moon is full."


def test_no_line_is_wider_than_a_terminal() -> None:
    """Hangul takes two columns a letter."""
    for check in (*CHECKS, *NODE_CHECKS):
        for line in explanation(check, _korean):
            assert cell_len(line) <= 100, line


def test_the_page_tells_a_finding_in_the_language_of_its_reader() -> None:
    found = {
        "id": "QUEUE-004",
        "state": "warn",
        "symptom": "Redis forgets everything when it is restarted.",
        "remedy": "Run: redis-cli CONFIG SET appendonly yes; and set it in redis.conf.",
    }

    [korean], [english] = (list(of_machine(Words(each), [found])) for each in ("ko", "en"))

    assert korean.symptom == "QUEUE-004: Redis가 다시 시작하면 모든 것을 잊습니다."
    assert korean.remedy.startswith("실행하세요: redis-cli CONFIG SET appendonly yes.")
    assert (english.symptom, english.remedy) == (f"QUEUE-004: {found['symptom']}", found["remedy"])


@pytest.mark.slow
def test_no_check_is_told_in_english_to_a_korean_reader(browser: Browser, tmp_path: Path) -> None:
    with (
        library(tmp_path) as service,
        looking(browser, str(service.http.base_url), locale="ko-KR") as page,
    ):
        page.goto("/status")
        expect(page.locator("[data-check='HOST-001']")).to_be_attached(timeout=30_000)
        page.locator(".mg-checks-good summary").click()

        told = page.locator(".mg-check-row p, .mg-checks-good li").all_inner_texts()

    assert len(told) > 30
    for each in filter(None, told):
        assert HANGUL.search(each) or not re.search("[a-z]+ [a-z]+", each), each


def _korean(sentence: str) -> str:
    return reasons.of_doctor("ko", sentence)


def _of_checks() -> Iterator[str]:
    for each in (*CHECKS, *NODE_CHECKS):
        yield from (each.looks, each.why, each.mend)


def _of_failures() -> Iterator[str]:
    """What a log or a library may mean, and what to compute with on a card."""
    failures = tomllib.loads((SOURCE / "devices" / "failures.toml").read_text("utf-8"))["failure"]
    for each in failures:
        yield from (each["cause"], each["remedy"])
    cards = tomllib.loads((SOURCE / "devices" / "cards.toml").read_text("utf-8"))
    yield from (row["why"] for rows in cards.values() for row in rows)


def _said_by_checks() -> Iterator[str]:
    for each in (*DOCTOR.glob("*.py"), SOURCE / "devices" / "ladder.py", STORE):
        yield from sentences(each)
    yield from returned(DOCTOR / "machine.py", "connects")
    yield from listed(STORE, "_FAULTS")


def _said_by_the_report() -> list[str]:
    """All but what it was told by the checks."""
    said: list[str] = []

    def say(sentence: str) -> str:
        said.append(sentence)
        return sentence

    results = [replace(RESULT, state=each) for each in State]
    told = [Told(known("disk-full"), 3, times) for times in (1, 2)]
    list(lines(Examination(datetime.now(UTC), 1.4, results), all_of_them=True, say=say))
    list(explanation(CHECKS[0], say))
    list(log_lines(told, say))
    list(log_lines([], say))
    return [each for each in said if each not in (RESULT.symptom, RESULT.cause, RESULT.remedy)]


def _filled(shape: str, values: Mapping[str, str]) -> str:
    return PART.sub(lambda part: values[part[1]], shape)


def _plain(shape: str) -> str:
    return PART.sub("{}", shape)

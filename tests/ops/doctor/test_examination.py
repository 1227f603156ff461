"""All checks together: at once, in time, whatever one of them does, and without a secret."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ops.doctor.pretended import look, pretend, subject

from malgwi.errors import BadOption, StoreError
from malgwi.ops.doctor import (
    CHECKS,
    Check,
    Found,
    Machine,
    State,
    Subject,
    as_json,
    chosen,
    examine,
    explanation,
    known_check,
    lines,
)
from malgwi.ops.doctor.base import NotThere, fail, ok, skip, warn

SCHEMA = Path(__file__).parents[3] / "docs" / "reference" / "doctor.schema.json"
PASSWORD = "wistful-river-crossing"


def check(id: str, look: Callable[[Subject], Found], seconds: float = 5.0) -> Check:
    return Check(id, "Is it?", "It matters.", "Mend it.", look, seconds)


@pytest.fixture
def patient(tmp_path: Path) -> Subject:
    return subject(pretend(tmp_path), tmp_path)


def broken(_: Subject) -> Found:
    raise KeyError(PASSWORD)


def test_a_check_that_breaks_is_a_result_and_quotes_nothing(patient: Subject) -> None:
    found = examine(patient, [check("A-001", broken), check("A-002", lambda _: ok("Fine."))])

    crashed, fine = found.results
    assert (crashed.state, fine.state) == ("crash", "ok")
    assert "KeyError" in crashed.symptom and "test_examination.py" in crashed.evidence
    assert PASSWORD not in str(crashed)
    assert not found.failed


def test_of_an_error_of_ours_the_words_are_told(patient: Subject) -> None:
    def ours(_: Subject) -> Found:
        raise StoreError("The disk is gone.")

    [result] = examine(patient, [check("A-001", ours)]).results

    assert result.cause == "The disk is gone."


def test_a_check_that_finds_nothing_to_look_at_is_skipped_and_says_why(patient: Subject) -> None:
    def looks(it: Subject) -> Found:
        return ok(f"{it.once(nothing)}.")

    def nothing(_: Subject) -> str:
        raise NotThere("There is no database yet.")

    results = examine(patient, [check("A-001", looks), check("A-002", looks)]).results

    assert [(each.state, each.symptom) for each in results] == [
        ("skip", "There is no database yet.")
    ] * 2
    assert not any(each.evidence or each.cause or each.remedy for each in results)


def test_a_check_that_hangs_ends_in_its_time_and_the_rest_is_told(patient: Subject) -> None:
    go_on, began = Event(), time.monotonic()

    def hangs(_: Subject) -> Found:
        go_on.wait(30)
        return ok("Late.")

    found = examine(patient, [check("A-001", hangs, 0.2), check("A-002", lambda _: ok("Fine."))])

    go_on.set()
    assert time.monotonic() - began < 5
    assert [each.state for each in found.results] == ["crash", "ok"]
    assert "malgwi doctor --only A-001" in found.results[0].remedy


def test_checks_run_at_once(patient: Subject) -> None:
    together = Barrier(20)

    def meets(_: Subject) -> Found:
        together.wait(10)
        return ok("Met.")

    found = examine(patient, [check(f"A-{number:03}", meets) for number in range(20)])

    assert found.count(State.OK) == 20


def test_what_several_want_to_know_is_looked_up_once(patient: Subject) -> None:
    looked = []

    def slow(_: Subject) -> int:
        looked.append(1)
        return 7

    examine(patient, [check(f"A-{n:03}", lambda it: ok(f"{it.once(slow)}.")) for n in range(9)])

    assert looked == [1]


def test_the_worst_comes_first(patient: Subject) -> None:
    states = [ok("a."), skip("b."), fail("c."), warn("d.")]
    checks = [
        check(f"A-{number:03}", lambda _, it=each: it)  # type: ignore[misc]
        for number, each in enumerate(states)
    ]

    found = examine(patient, [*checks, check("A-009", broken)])

    assert [each.state for each in found.results] == ["fail", "crash", "warn", "ok", "skip"]
    assert found.failed
    assert [each.remedy for each in found.results if each.state in ("fail", "warn")] == [
        "Mend it.",
        "Mend it.",
    ]


def test_no_secret_of_the_settings_or_the_environment_is_told(tmp_path: Path) -> None:
    machine = pretend(tmp_path, environ={"REGISTRY_TOKEN": "hub-0123456789"})
    settings = {
        "store": {"url": f"postgresql://malgwi:{PASSWORD}@db/malgwi"},
        "stt": {"options": {"api_key": "sk-abcdefghijk"}},
    }

    def tells(_: Subject) -> Found:
        said = f"{PASSWORD} hub-0123456789 sk-abcdefghijk redis://:other-secret@host:1/0"
        return fail(f"{said}.", evidence=said, cause=said, remedy=said)

    [result] = examine(subject(machine, tmp_path, settings), [check("A-001", tells)]).results

    for secret in (PASSWORD, "hub-", "sk-", "other-secret"):
        assert secret not in str(result)


def test_checks_are_chosen_by_id_and_by_group() -> None:
    assert [each.id for each in chosen(CHECKS, ["db-001", "DRV"], ["DRV-002"])] == [
        "DRV-001",
        "DRV-003",
        "DRV-004",
        "DB-001",
    ]
    assert len(chosen(CHECKS)) == len(CHECKS)
    for wrong in (["GPT"], ["DB-999"]):
        with pytest.raises(BadOption, match="The groups are: HOST"):
            chosen(CHECKS, wrong)


def test_a_check_is_explained() -> None:
    told = "\n".join(explanation(known_check(CHECKS, "queue-003")))

    assert "noeviction" in told and "why " in told and "what to do" in told
    with pytest.raises(BadOption, match="QUEUE-001"):
        known_check(CHECKS, "QUEUE-099")
    with pytest.raises(BadOption, match="HOST"):
        known_check(CHECKS, "nothing")


def test_the_report_says_what_is_amiss_and_counts_the_rest(patient: Subject) -> None:
    checks = [
        check("A-001", lambda _: ok("Fine.")),
        check("A-002", lambda _: fail("Gone.", evidence="seen\x1b[31m", cause="Because.")),
    ]
    found = examine(patient, checks)

    short, full = "\n".join(lines(found)), "\n".join(lines(found, all_of_them=True))

    assert short.startswith("FAIL  A-002       Gone.\n      evidence    seen [31m\n")
    assert "remedy      Mend it." in short
    assert "A-001" not in short and "OK    A-001       Fine." in full
    assert short.endswith("1 failed, 1 fine.")


def test_all_checks_of_a_real_machine_end_in_time_and_crash_nowhere(tmp_path: Path) -> None:
    """This one, as it is: a change of it must not be needed for the test."""
    real = Machine(folder=tmp_path)
    found = examine(subject(real, tmp_path, model="whisper-base"), CHECKS)

    assert found.seconds < 10  # five, where nothing else runs
    assert [each for each in found.results if each.state == "crash"] == []
    assert len(found.results) == len(CHECKS)
    Draft202012Validator(schema()).validate(json.loads(json.dumps(as_json(found))))
    assert not (tmp_path / "home").exists()


def test_the_schema_holds_a_report_to_its_word(patient: Subject) -> None:
    report = as_json(examine(patient, [check("A-001", lambda _: fail("Gone."))]))
    validator = Draft202012Validator(schema())
    validator.validate(report)

    for wrong in ({"state": "bad"}, {"id": "a1"}, {"remedy": ""}, {"seconds": -1}):
        worse = {**report, "checks": [{**report["checks"][0], **wrong}]}
        assert list(validator.iter_errors(worse)), wrong


def schema() -> Any:
    return json.loads(SCHEMA.read_text("utf-8"))


def test_a_machine_of_another_is_looked_at_by_its_files(tmp_path: Path) -> None:
    patient = subject(pretend(tmp_path, {"/proc/loadavg": "99 99 99 1/1 1"}), tmp_path)

    assert "99" in look("HOST-008", patient).evidence

from datetime import UTC, datetime
from pathlib import Path

from apps.transcription.api.site import Site, site, uploaded, wav

from malgwi.store import Place, Role


def test_what_waits_what_is_done_and_what_is_dead_is_told(opened: Site) -> None:
    client = opened.client()
    for pitch in (1, 2, 3):
        uploaded(client, wav(pitch=pitch))
    dead = opened.ledger.claim_next(("batch",), "alone", 60)
    assert dead
    opened.ledger.fail(dead.id, dead.attempt, "It cannot be read.", final=True)
    assert opened.ledger.claim_next(("batch",), "alone", 60)

    told = client.get("/v1/system").json()

    (batch,) = (each for each in told["lanes"] if each["lane"] == "batch")
    assert (batch["waiting"], batch["running"]) == (1, 1)
    assert 0 <= batch["oldest_seconds"] < 60
    assert told["kinds"] == [{"kind": "transcribe", "waiting": 1, "running": 1, "dead": 1}]
    assert told["dead"] == 1
    assert told["workers"]["busy"] == [{"name": "alone", "jobs": 1}]
    assert told["disk"]["media"] > 0
    assert told["disk"]["database"] > 0


def test_a_worker_that_was_not_heard_of_is_none_of_the_living(opened: Site) -> None:
    uploaded(opened.client())
    assert opened.ledger.claim_next(("batch",), "gone", -1)

    workers = opened.client().get("/v1/system").json()["workers"]

    assert (workers["busy"], workers["silent"]) == ([], 1)


def test_what_is_not_known_is_null_and_says_why(opened: Site) -> None:
    told = opened.client().get("/v1/system").json()

    assert told["last_backup"] is None
    assert told["last_backup_reason"]
    assert told["workers"]["idle"] is None
    assert told["workers"]["idle_reason"]
    assert told["engines"][0]["device"] is None
    assert all(each["oldest_seconds"] is None for each in told["lanes"])


def test_the_time_of_the_last_backup_is_told(tmp_path: Path) -> None:
    at, data = datetime(2026, 3, 1, 2, 30, tzinfo=UTC), tmp_path / "data"
    with site(tmp_path) as own:
        Place(f"sqlite:///{data / 'malgwi.db'}", data).note_backup(at)

        told = own.client().get("/v1/system").json()

    assert datetime.fromisoformat(told["last_backup"]) == at
    assert told["last_backup_reason"] is None


def test_models_are_told_with_licence_and_size(opened: Site) -> None:
    (model,) = opened.client().get("/v1/system").json()["models"]

    assert model == {
        "name": "base",
        "licence": "MIT",
        "commercial_use": True,
        "bytes": 145,
        "whole": True,
    }


def test_only_an_administrator_is_told_of_folders_and_names(locked: Site) -> None:
    full = locked.client(Role.ADMIN).get("/v1/system")
    plain = locked.client(Role.VIEWER).get("/v1/system")

    assert str(locked.folder) in full.json()["disk"]["folder"]
    assert str(locked.folder) in full.json()["engines"][0]["reason"]
    assert str(locked.folder) not in plain.text


def test_an_administrator_reads_what_the_doctor_found_and_nobody_else(locked: Site) -> None:
    answer = locked.client(Role.ADMIN).get("/v1/system/checks")
    refused = locked.client(Role.EDITOR).get("/v1/system/checks")

    [found] = answer.json()["items"]
    assert (found["id"], found["state"], found["remedy"]) == ("DISK-001", "fail", "Make room.")
    assert refused.status_code == 403

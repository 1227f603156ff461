"""Secrets that others can read, doors that stand open, names that are not known."""

from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from ops.doctor.pretended import assert_amiss, look, pretend, subject

from malgwi.gateway import hash_of, new_key
from malgwi.ops.doctor import Subject

NONE: Mapping[str, str] = {}
Settings = dict[str, Any]


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "keys"
    file.write_text(f"anna {hash_of(new_key())}\n")
    file.chmod(0o600)
    return file


def patient(tmp_path: Path, environ: Mapping[str, str] = NONE, **settings: Any) -> Subject:
    return subject(pretend(tmp_path, environ=environ), tmp_path, settings)


def test_a_secret_that_all_can_read_is_said(key_file: Path, tmp_path: Path) -> None:
    settings: Settings = {"engine": {"key_file": key_file}}

    assert look("SECRET-001", patient(tmp_path, **settings)).state == "ok"
    key_file.chmod(0o644)
    found = look("SECRET-001", patient(tmp_path, **settings))

    assert_amiss(found, "fail", "read by everybody", str(key_file))
    assert "chmod 600" in found.remedy


@pytest.mark.parametrize("part", ["store", "client", "stt"])
def test_a_secret_that_is_missing_or_empty_is_said(part: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    settings: Settings = {
        "store": {"password_file": file},
        "client": {"key_file": file, "address": "http://127.0.0.1:9"},
        "stt": {"options": {"api_key_file": str(file)}},
    }
    given: Settings = {part: settings[part]}

    assert_amiss(look("SECRET-001", patient(tmp_path, **given)), "fail", "no such file")
    file.touch(0o600)
    assert_amiss(look("SECRET-001", patient(tmp_path, **given)), "fail", "is empty")


def test_where_no_secret_is_named_there_is_none(tmp_path: Path) -> None:
    for number, state in ((1, "skip"), (2, "ok"), (3, "skip"), (4, "skip"), (5, "skip"), (6, "ok")):
        assert look(f"SECRET-{number:03}", patient(tmp_path)).state == state


def test_secrets_in_the_environment_are_said_and_not_shown(tmp_path: Path) -> None:
    settings: Settings = {
        "store": {"url": "postgresql://malgwi:amber-and-slate@db/malgwi"},
        "engine": {"keys": "mg_a-key-that-is-long-enough"},
    }

    found = look("SECRET-002", patient(tmp_path, **settings))

    assert_amiss(found, "warn", "MALGWI_STORE__URL", "MALGWI_ENGINE__KEYS")
    assert "amber" not in str(found) and "mg_a" not in str(found)


def test_secrets_that_came_from_files_are_not_taken_for_some_of_the_environment(
    tmp_path: Path,
) -> None:
    settings: Settings = {
        "store": {"media_key": "mg_a-key-that-is-long-enough"},
        "engine": {"keys": "mg_a-key-that-is-long-enough"},
    }
    files = {"MALGWI_ENGINE__KEYS_FILE": "/run/secrets/admin_key"}

    one = look("SECRET-002", patient(tmp_path, files, **settings))
    files["MALGWI_STORE__MEDIA_KEY_FILE"] = "/run/secrets/media_key"
    none = look("SECRET-002", patient(tmp_path, files, **settings))

    assert_amiss(one, "warn", "MALGWI_STORE__MEDIA_KEY")
    assert "KEYS" not in one.evidence
    assert none.state == "ok"


def test_data_that_all_can_read_are_said(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "data"
    folder.mkdir(parents=True, mode=0o700)
    assert look("SECRET-003", patient(tmp_path)).state == "ok"

    (folder / "malgwi.db").touch(0o644)
    folder.chmod(0o711)
    assert_amiss(look("SECRET-003", patient(tmp_path)), "warn", "malgwi.db")
    folder.chmod(0o755)
    assert_amiss(look("SECRET-003", patient(tmp_path)), "warn", "look into the data")


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("DB_PASSWORD=amber-and-slate\n", "fail"),
        ("URL=redis://:amber-and-slate@redis:6379/0\n", "fail"),
        ("DB_PASSWORD=\nMALGWI_STORE__PASSWORD_FILE=/run/secrets/db\n", "ok"),
    ],
)
def test_an_env_file_with_secrets_that_all_can_read_is_said(
    text: str, state: str, tmp_path: Path
) -> None:
    machine = pretend(tmp_path)
    (machine.folder / ".env").write_text(text)
    (machine.folder / ".env").chmod(0o644)

    found = look("SECRET-004", subject(machine, tmp_path))
    (machine.folder / ".env").chmod(0o600)

    assert found.state == state
    assert "amber" not in str(found)
    assert look("SECRET-004", subject(machine, tmp_path)).state == "ok"


def test_a_key_in_the_place_of_its_hash_is_said_and_not_shown(
    key_file: Path, tmp_path: Path
) -> None:
    settings: Settings = {"engine": {"key_file": key_file}}
    assert look("SECRET-005", patient(tmp_path, **settings)).state == "ok"

    key = new_key()
    key_file.write_text(f"anna {key}\n")
    found = look("SECRET-005", patient(tmp_path, **settings))

    assert_amiss(found, "fail", "sha256")
    assert key not in str(found)
    key_file.write_text("# nobody yet\n")
    assert_amiss(look("SECRET-005", patient(tmp_path, **settings)), "warn", "no key")


def test_a_password_of_the_examples_is_said_and_not_shown(tmp_path: Path) -> None:
    weak = {"jobs": {"queue": "celery", "broker": "redis://:changeme@redis:6379/0"}}
    strong = {"jobs": {"queue": "celery", "broker": "redis://:6f1c9a80d2@redis:6379/0"}}

    found = look("SECRET-006", patient(tmp_path, **weak))

    assert_amiss(found, "warn", "MALGWI_JOBS__BROKER")
    assert "changeme" not in found.evidence
    assert look("SECRET-006", patient(tmp_path, **strong)).state == "ok"


def test_a_setting_that_is_none_is_said_with_the_one_that_was_meant(tmp_path: Path) -> None:
    found = look("CONF-001", patient(tmp_path, {"MALGWI_STT__MODLE": "whisper-small"}))

    assert_amiss(found, "warn", "MALGWI_STT__MODEL")
    assert look("CONF-001", patient(tmp_path, {"MALGWI_OFFLINE": "1"})).state == "ok"


def test_a_library_that_may_reach_out_is_said(tmp_path: Path) -> None:
    torch: Settings = {"offline": True, "stt": {"engine": "transformers"}}
    told = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}

    assert_amiss(look("CONF-002", patient(tmp_path, **torch)), "warn", "HF_HUB_OFFLINE")
    assert look("CONF-002", patient(tmp_path, told, **torch)).state == "ok"
    assert look("CONF-002", patient(tmp_path, offline=True)).state == "ok"
    assert look("CONF-002", patient(tmp_path)).state == "skip"


def test_a_name_that_is_not_known_is_said(tmp_path: Path) -> None:
    unknown = {"stt": {"endpoint": "http://no-such-host.invalid:8003"}}

    assert_amiss(look("NET-001", patient(tmp_path, **unknown)), "fail", "no-such-host.invalid")
    assert look("NET-001", patient(tmp_path)).state == "ok"


def test_a_server_for_names_that_does_not_answer_is_not_waited_for(tmp_path: Path) -> None:
    """As where the network is cut, and the resolver is not told."""
    go_on = Event()
    machine = pretend(tmp_path, lookup=lambda _: go_on.wait(30))
    settings = {
        "stt": {"endpoint": "http://gpu-server:8003"},
        "store": {"url": "postgresql://malgwi@db/malgwi"},
        "client": {"address": "http://api:8000"},
    }
    deaf = subject(machine, tmp_path, settings)

    found = [look(id, deaf) for id in ("ENGINE-003", "DB-001", "ENGINE-004")]
    names = look("NET-001", deaf)
    go_on.set()

    assert [each.state for each in found] == ["fail", "fail", "skip"]
    assert "gpu-server is not known" in found[0].evidence
    assert_amiss(names, "fail", "gpu-server", "db", "api")


def test_a_proxy_in_the_way_is_said(tmp_path: Path) -> None:
    proxy = {"HTTP_PROXY": "http://proxy.example:3128"}
    engine: Settings = {"stt": {"endpoint": "http://host.docker.internal:8081"}}
    spared = {**proxy, "NO_PROXY": "127.0.0.1,.docker.internal"}

    assert_amiss(look("NET-002", patient(tmp_path, proxy, **engine)), "warn", "docker.internal")
    assert look("NET-002", patient(tmp_path, spared, **engine)).state == "ok"
    assert look("NET-002", patient(tmp_path)).state == "ok"


@pytest.mark.parametrize(
    ("engine", "state"),
    [
        ({}, "ok"),
        ({"host": "0.0.0.0"}, "fail"),
        ({"host": "0.0.0.0", "keys": "mg_a-key-that-is-long-enough"}, "ok"),
        ({"wyoming_host": "0.0.0.0"}, "fail"),
        ({"wyoming_host": "0.0.0.0", "wyoming_clients": ("192.168.1.20",)}, "ok"),
    ],
)
def test_a_door_that_stands_open_is_said(
    engine: dict[str, Any], state: str, tmp_path: Path
) -> None:
    assert look("NET-003", patient(tmp_path, engine=engine)).state == state


@pytest.mark.parametrize(
    ("address", "state"),
    [
        (None, "skip"),
        ("https://10.0.0.1", "ok"),
        ("http://127.0.0.1:8000", "ok"),
        ("http://10.0.0.1", "warn"),
    ],
)
def test_recordings_that_come_from_another_node_in_plain_are_said(
    tmp_path: Path, address: str | None, state: str
) -> None:
    given: Settings = {"store": {"media_url": address}}

    assert look("NET-004", patient(tmp_path, **given)).state == state

"""Python packages: what is missing, too old, or in the place of another."""

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from devices.machines import NOTHING, machine
from ops.doctor.pretended import assert_amiss, look, pretend, subject

from malgwi.devices import Inventory


def really(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def test_packages_of_this_machine_fit_the_settings(tmp_path: Path) -> None:
    found = look("WHEEL-001", subject(pretend(tmp_path, installed=really), tmp_path))

    assert found.state == "ok", found.evidence


@pytest.mark.parametrize(
    ("name", "instead", "said"),
    [
        ("ctranslate2", None, "ctranslate2 is missing for malgwi[faster-whisper]"),
        ("av", "0.1", "av 0.1 is here"),
        ("python-multipart", None, "python-multipart is missing for malgwi[engine]"),
    ],
)
def test_a_package_that_is_missing_or_old_is_said(
    name: str, instead: str | None, said: str, tmp_path: Path
) -> None:
    seen = pretend(tmp_path, installed=lambda each: instead if each == name else really(each))

    found = look("WHEEL-001", subject(seen, tmp_path))

    assert_amiss(found, "fail", said)
    assert "--no-index" in found.remedy


def test_what_the_settings_ask_for_is_needed(tmp_path: Path) -> None:
    seen = pretend(
        tmp_path, installed=lambda name: None if name in ("celery", "psycopg") else really(name)
    )
    settings = {
        "jobs": {"queue": "celery"},
        "store": {"url": "postgresql://malgwi@db/malgwi"},
    }

    assert_amiss(look("WHEEL-001", subject(seen, tmp_path, settings)), "fail", "celery", "psycopg")
    assert look("WHEEL-001", subject(seen, tmp_path)).state == "ok"


def test_who_has_no_service_needs_none_of_its_packages(tmp_path: Path) -> None:
    services = ("fastapi", "uvicorn", "wyoming", "prometheus-client", "python-multipart")
    seen = pretend(tmp_path, installed=lambda name: None if name in services else really(name))

    assert look("WHEEL-001", subject(seen, tmp_path)).state == "ok"
    assert look("WHEEL-002", subject(seen, tmp_path)).state == "skip"


@pytest.mark.parametrize(
    ("packages", "state"),
    [
        ({"fastapi": "0.118"}, "fail"),
        ({"fastapi": "0.118", "python-multipart": "0.0.20", "multipart": "1.2"}, "warn"),
        ({"fastapi": "0.118", "python-multipart": "0.0.20"}, "ok"),
    ],
)
def test_uploads_need_the_right_multipart(
    packages: dict[str, str], state: str, tmp_path: Path
) -> None:
    assert look("WHEEL-002", subject(pretend(tmp_path, packages=packages), tmp_path)).state == state


@pytest.mark.parametrize(
    ("packages", "cards", "state"),
    [
        ({"torch": "2.15.0", "ctranslate2": "4.8.5"}, machine("NVIDIA L4"), "fail"),
        ({"torch": "2.15.0", "ctranslate2": "4.8.5"}, NOTHING, "warn"),
        (
            {"torch": "2.15.0", "ctranslate2": "4.8.5", "nvidia-cublas-cu12": "12.9"},
            machine("NVIDIA L4"),
            "ok",
        ),
        ({"torch": "2.10.0", "ctranslate2": "4.8.5"}, machine("NVIDIA L4"), "ok"),
        ({"ctranslate2": "4.8.5"}, machine("NVIDIA L4"), "skip"),
    ],
)
def test_two_libraries_that_want_different_cuda_are_said(
    packages: dict[str, str], cards: Inventory, state: str, tmp_path: Path
) -> None:
    seen = pretend(tmp_path, packages=packages, cards=cards)

    assert look("WHEEL-003", subject(seen, tmp_path)).state == state


@pytest.mark.parametrize(
    ("packages", "state"),
    [({"ctranslate2": "4.6.0"}, "warn"), ({"ctranslate2": "4.8.5"}, "ok"), ({}, "skip")],
)
def test_a_ctranslate2_with_known_trouble_is_said(
    packages: dict[str, str], state: str, tmp_path: Path
) -> None:
    assert look("WHEEL-004", subject(pretend(tmp_path, packages=packages), tmp_path)).state == state


def test_this_machine_decodes(tmp_path: Path) -> None:
    assert look("LIB-003", subject(pretend(tmp_path), tmp_path)).state == "ok"


def test_a_machine_that_cannot_decode_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)  # as where it is not installed

    assert_amiss(look("LIB-003", subject(pretend(tmp_path), tmp_path)), "fail", "import av")

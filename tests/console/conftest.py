"""A real service with its pages, real speech in it, and a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import missing
from console.browser import AXE, CHROMIUM, launched
from console.staff import Staff
from playwright.sync_api import Browser, sync_playwright
from test_library import Library, library, until

REAL = {"MALGWI_STT__ENGINE": "faster-whisper", "MALGWI_STT__MODEL": "whisper-base"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For a module, not for all: while there is one its event loop runs in this thread, and no
    test elsewhere could have one of its own."""
    if not CHROMIUM or not AXE.is_file():
        missing("There is no Chromium or no axe-core. Run: tools/chromium.sh")
    with sync_playwright() as playwright:
        started = launched(playwright)
        yield started
        started.close()


@pytest.fixture(scope="session")
def service(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """With nobody in it yet, so that everybody on this machine may do everything."""
    if not (models / "whisper-base" / "model.bin").is_file():
        missing("There is no whisper-base. Run: malgwi models pull whisper-base")
    folder = tmp_path_factory.mktemp("service")
    (folder / "models").symlink_to(models)
    with library(folder, **REAL, MALGWI_MODELS=str(models)) as running:
        yield running


@pytest.fixture(scope="session")
def heard(service: Library, sample: Path) -> dict[str, str]:
    """A recording of four people on four channels, transcribed: `recording`, `transcript`."""
    made = service.submit(sample, name="Four people", languages="en", labels="sample")
    until(lambda: service.job(made["job"]["id"])["state"] == "done")
    recording = made["recording"]["id"]
    return {"recording": recording, "transcript": service.transcripts(recording)[0]["id"]}


@pytest.fixture(scope="session")
def staff(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staff]:
    """A service of their own for people who sign in: it has an engine that hears the same in
    everything, and the administrator anna, the editor bert and the viewer cara."""
    with library(tmp_path_factory.mktemp("staff")) as running:
        yield Staff.of(running)

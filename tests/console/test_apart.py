"""`malgwi console`, the pages in a process of their own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from console.browser import looking
from playwright.sync_api import Browser, expect
from test_library import Library, library
from test_serving import ENGINE

KEY = "a-key-that-nobody-guesses"
pytestmark = [pytest.mark.slow, pytest.mark.model]


@contextmanager
def console(api: str, folder: Path) -> Iterator[str]:
    """Its address."""
    command = [sys.executable, "-c", ENGINE, "console", "--api", api, "--port", "0"]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout
        try:
            line = process.stdout.readline()
            assert line.startswith("Listening on http://"), (folder / "log").read_text()
            yield line.split()[2].rstrip(".")
        finally:
            process.terminate()
            assert process.wait(20) == 0


@pytest.fixture(scope="module")
def apart(service: Library, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with console(str(service.http.base_url), tmp_path_factory.mktemp("console")) as address:
        yield address


def test_its_pages_are_those_of_the_service(browser: Browser, apart: str) -> None:
    with looking(browser, apart) as page:
        page.goto("/recordings")

        expect(page.locator("h1")).to_have_text("Recordings")


def test_what_it_passes_on_comes_as_it_is(
    apart: str, service: Library, heard: dict[str, str], sample: Path
) -> None:
    media = f"/v1/recordings/{heard['recording']}/media/0"
    with httpx.Client(base_url=apart, trust_env=False) as through, sample.open("rb") as file:
        part = through.get(media, headers={"range": "bytes=100-1099"})
        whole = through.get(media)
        made = through.post("/v1/recordings", files={"file": file}, data={"transcribe": "false"})

    assert part.status_code == 206
    assert part.content == sample.read_bytes()[100:1100]
    assert whole.content == sample.read_bytes()
    assert made.json()["duplicate"] is True
    assert made.json()["recording"]["id"] == heard["recording"]


def test_nobody_is_signed_in_by_the_session_of_another(tmp_path: Path) -> None:
    with library(tmp_path, MALGWI_ENGINE__KEYS=KEY) as locked:
        (tmp_path / "console").mkdir()
        with console(str(locked.http.base_url), tmp_path / "console") as address:
            signed_in = httpx.post(
                f"{address}/v1/session", json={"key": KEY}, trust_env=False, timeout=20
            )
            stranger = httpx.get(f"{address}/v1/recordings", trust_env=False)

    assert signed_in.status_code == 200
    assert stranger.status_code == 401


def test_paths_that_are_not_the_apis_are_not_passed_on(apart: str) -> None:
    for path in ("/metrics", "/openapi.json", "/v1/../metrics"):
        assert httpx.get(apart + path, trust_env=False).status_code == 404


def test_without_the_service_it_says_so(browser: Browser, tmp_path: Path) -> None:
    with console("http://127.0.0.1:9", tmp_path) as address:
        with looking(browser, address) as page:
            page.goto("/recordings")
            expect(page.locator("h1")).to_contain_text("does not answer")

        answer = httpx.get(f"{address}/v1/recordings", trust_env=False)

    assert answer.status_code == 502
    assert answer.json()["detail"].startswith("The service does not answer")

"""Jobs in a real browser: what runs, what failed and why, what was called off."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from audio.soundfiles import tone, write
from console.browser import barriers, looking, told
from console.staff import Staff, signed_in
from playwright.sync_api import Browser, Locator, Page, expect
from test_library import Library, library, slow, until

from malgwi.console.pages.listing import PIECE

pytestmark = pytest.mark.slow

HTML = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """A service that takes two seconds for each piece."""
    with library(tmp_path_factory.mktemp("busy"), MALGWI_STT__OPTIONS=slow(2.0)) as running:
        yield running


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    return write(tmp_path / "speech.wav", tone(440.0, 2.0, 16_000), 16_000)


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    file = tmp_path / "letter.txt"
    file.write_text(f"Dear {tmp_path.name}, " * 100)
    return file


def test_a_dead_job_says_why_and_is_tried_again(
    browser: Browser, busy: Library, letter: Path
) -> None:
    made = busy.submit(letter, name=HTML)["job"]["id"]
    until(lambda: busy.job(made)["state"] == "dead")
    with looking(browser, str(busy.http.base_url)) as page:
        page.goto("/jobs?state=dead")
        row = _row(page, made)
        expect(row).to_contain_text(HTML)
        expect(row).to_contain_text(busy.job(made)["error"])
        expect(row).to_contain_text("Failed")
        found = barriers(page)
        assert not found, told(found)

        row.get_by_role("button", name="Try again").click()

        until(lambda: busy.job(made)["attempt"] > 1 and busy.job(made)["state"] == "dead")
        expect(row).to_contain_text("2 of")


def test_a_job_is_followed_and_called_off(browser: Browser, busy: Library, tmp_path: Path) -> None:
    long = write(tmp_path / "long.wav", tone(300.0, 600.0, 16_000), 16_000)
    made = busy.submit(long, name="Night watch", languages="en")["job"]["id"]
    with looking(browser, str(busy.http.base_url)) as page:
        page.goto("/jobs")
        row, lane = _row(page, made), page.locator(".mg-lane").filter(has_text="Batch")
        expect(row.get_by_text("Transcribing")).to_be_visible()
        expect(row.get_by_role("progressbar")).to_be_visible()
        expect(lane).to_contain_text("Running1")
        expect(row.get_by_text("x real time")).to_be_visible()

        row.get_by_role("button", name="Call off").click()

        expect(row.get_by_text("Called off")).to_be_visible()
        expect(lane).to_contain_text("Running0")


def test_the_filter_is_in_the_address_and_back_takes_it_back(
    browser: Browser, busy: Library, speech: Path, letter: Path
) -> None:
    dead = busy.submit(letter, name="The letter")["job"]["id"]
    done = busy.submit(speech, name="The speech", languages="en")
    until(lambda: busy.job(dead)["state"] == "dead")
    until(lambda: busy.job(done["job"]["id"])["state"] == "done")
    with looking(browser, str(busy.http.base_url)) as page:
        page.goto("/jobs")
        expect(_row(page, dead)).to_be_visible()
        page.get_by_label("State").select_option("done")

        expect(_row(page, dead)).to_have_count(0)
        expect(page).to_have_url(f"{str(busy.http.base_url).rstrip('/')}/jobs?state=done")
        page.go_back()
        expect(_row(page, dead)).to_be_visible()
        expect(page.get_by_label("State")).to_have_value("")

        page.goto(f"/jobs?recording={done['recording']['id']}")
        expect(page.locator("tbody tr")).to_have_count(1)
        page.get_by_role("link", name="The speech").click()
        page.wait_for_url("**/transcripts/*")


def test_many_jobs_come_in_pages_and_stay_when_the_list_is_read_again(
    browser: Browser, busy: Library, letter: Path
) -> None:
    recording = busy.submit(letter, transcribe="false")["recording"]["id"]
    more = PIECE + 5
    for _ in range(more):
        made = busy.http.post(f"/v1/recordings/{recording}/transcribe", json={})
        assert made.status_code == 202, made.text
    with looking(browser, str(busy.http.base_url)) as page:
        page.goto(f"/jobs?recording={recording}")
        expect(page.locator("tbody tr")).to_have_count(PIECE)
        page.get_by_role("button", name="Show more").click()

        expect(page.locator("tbody tr")).to_have_count(more)
        page.get_by_label("Kind").select_option("transcribe")
        expect(page.locator("tbody tr")).to_have_count(PIECE)


def test_who_may_only_read_sees_why_and_changes_nothing(
    browser: Browser, staff: Staff, letter: Path
) -> None:
    made = staff.service.submit(letter)["job"]["id"]
    until(lambda: staff.service.job(made)["state"] == "dead")
    with looking(browser, staff.url) as page:
        signed_in(page, "cara").goto("/jobs")
        row = _row(page, made)

        expect(row).to_contain_text("Failed")
        expect(row.get_by_role("button")).to_have_count(0)


def _row(page: Page, job: str) -> Locator:
    return page.locator(f"#job-{job}")

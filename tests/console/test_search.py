"""The search page in a real browser: what was said is found while one types, and heard at once."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import deadline
import pytest
from console.browser import barriers, looking, told
from playwright.sync_api import Browser, Locator, Page, Route, expect
from test_library import Library

pytestmark = [pytest.mark.slow, pytest.mark.model]

FIELD = "What was said?"


@contextmanager
def search(browser: Browser, service: Library, query: str = "", **how: Any) -> Iterator[Page]:
    how = {"viewport": {"width": 1280, "height": 800}, **how}
    with looking(browser, str(service.http.base_url), **how) as page:
        page.goto(f"/search{query}")
        expect(page.get_by_label(FIELD)).to_be_focused()
        yield page


@contextmanager
def corrected(service: Library, heard: dict[str, str], text: str) -> Iterator[None]:
    """That the first utterance says something else, for a while."""
    path = f"/v1/transcripts/{heard['transcript']}"
    first = service.http.get(f"{path}/utterances", params={"limit": 1}).json()["items"][0]["id"]
    base = service.http.get(f"{path}/revisions").json()[-1]["number"]
    body = {"base_revision": base, "corrections": [{"utterance": first, "text": text}]}
    made = service.http.post(f"{path}/corrections", json=body)
    assert made.is_success, made.text
    try:
        yield
    finally:
        undo = {"base_revision": made.json()["number"], "to": base}
        assert service.http.post(f"{path}/undo", json=undo).is_success


def hits(page: Page) -> Locator:
    return page.locator(".mg-find-hit")


def heard_for(page: Page) -> float:
    return float(page.evaluate("document.querySelector('audio').currentTime"))


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_it_has_no_barrier(
    browser: Browser, service: Library, heard: dict[str, str], scheme: str, width: int
) -> None:
    size = {"width": width, "height": 844}
    with search(browser, service, color_scheme=scheme, viewport=size) as page:
        expect(page.locator(".mg-find-example")).to_have_count(3)
        found = barriers(page)
        page.get_by_label(FIELD).fill("epoch")
        expect(hits(page).first).to_be_visible()
        page.get_by_role("button", name="Play from").first.click()
        page.locator(".mg-find-filters").evaluate("(element) => { element.open = true }")
        found += barriers(page)

        assert not found, told(found)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_word_is_found_while_one_types_and_heard_at_once(
    browser: Browser, service: Library, heard: dict[str, str]
) -> None:
    with search(browser, service) as page:
        page.keyboard.type("incredulity")

        expect(page.get_by_role("status").first).to_have_text("2 hits")
        first = hits(page).first
        expect(first.locator("mark")).to_have_text("incredulity")
        expect(first).to_contain_text("Four people")
        expect(first).to_contain_text("ch0")
        first.get_by_role("button", name="Play from").click()
        deadline.until(lambda: heard_for(page) > 0.5, 30)

        source = page.locator("audio").get_attribute("src") or ""
        asked = re.fullmatch(
            r"/v1/recordings/(.+)/sound\?start=(.+)&seconds=(.+)&channels=\d", source
        )
        assert asked
        assert asked[1] == heard["recording"]
        said = service.http.get("/v1/search", params={"q": "incredulity"}).json()["items"][0]
        assert float(asked[2]) == pytest.approx(said["start"] - 1, abs=0.01)
        assert float(asked[3]) == pytest.approx(said["end"] - said["start"] + 2, abs=0.01)


def test_only_one_is_heard_at_a_time(
    browser: Browser, service: Library, heard: dict[str, str]
) -> None:
    with search(browser, service, "?q=incredulity") as page:
        buttons = page.get_by_role("button", name="Play from")
        buttons.nth(0).click()
        deadline.until(lambda: heard_for(page) > 0.2, 30)
        buttons.nth(1).click()

        expect(page.locator(".mg-find-heard")).to_have_count(1)
        expect(hits(page).nth(1)).to_have_class(re.compile("mg-find-heard"))
        assert page.locator("audio").count() == 1
        buttons.nth(1).click()
        deadline.until(lambda: page.evaluate("document.querySelector('audio').paused"), 10)


def test_hands_stay_on_the_keys(browser: Browser, service: Library, heard: dict[str, str]) -> None:
    with search(browser, service) as page:
        page.keyboard.type("epoch")
        expect(hits(page)).to_have_count(2)
        links = page.locator(".mg-find-moment")
        page.keyboard.press("ArrowDown")
        expect(links.nth(0)).to_be_focused()
        page.keyboard.press("ArrowDown")
        expect(links.nth(1)).to_be_focused()
        page.keyboard.press("Space")
        deadline.until(lambda: heard_for(page) > 0.2, 30)
        expect(hits(page).nth(1)).to_have_class(re.compile("mg-find-heard"))
        page.keyboard.press("Escape")
        expect(page.get_by_label(FIELD)).to_be_focused()


def test_what_is_looked_for_outlives_a_reload_and_back(
    browser: Browser, service: Library, heard: dict[str, str]
) -> None:
    with search(browser, service, "?q=epoch") as page:
        expect(hits(page)).to_have_count(2)
        page.get_by_label("Channel").select_option(label="ch04")
        expect(hits(page)).to_have_count(1)
        page.get_by_label("Label").fill("sample")
        page.get_by_label("Label").press("Enter")
        page.get_by_label("Order").select_option("time")
        expect(page).to_have_url(re.compile(r"\?q=epoch&channel=3&label=sample&order=time$"))

        page.reload()

        expect(hits(page)).to_have_count(1)
        expect(page.get_by_label("Channel")).to_have_value("3")
        expect(page.get_by_label("Label")).to_have_value("sample")
        expect(page.get_by_label("Order")).to_have_value("time")
        for _ in range(3):
            page.go_back()
        expect(page).to_have_url(re.compile(r"\?q=epoch$"))
        expect(hits(page)).to_have_count(2)
        expect(page.get_by_label("Channel")).to_have_value("")


def test_a_recording_a_speaker_and_a_time_narrow_it(
    browser: Browser, service: Library, heard: dict[str, str]
) -> None:
    with search(browser, service, "?q=epoch") as page:
        page.get_by_label("Recording").fill("Four people")
        page.get_by_label("Recording").press("Enter")
        expect(page).to_have_url(re.compile(f"recording={heard['recording']}"))
        expect(hits(page)).to_have_count(2)
        page.get_by_label("Speaker").fill("Nobody")
        page.get_by_label("Speaker").press("Enter")
        expect(page.get_by_text("Nothing was found")).to_be_visible()
        page.get_by_role("button", name="Look everywhere").click()
        expect(hits(page)).to_have_count(2)
        page.get_by_label("Until this time").fill("2020-01-01T00:00")
        page.get_by_label("Until this time").blur()
        expect(page.get_by_text("Try fewer words")).to_be_visible()


def test_of_answers_that_overtake_each_other_the_last_counts(
    browser: Browser, service: Library, heard: dict[str, str]
) -> None:
    late: list[Route] = []

    def hold(route: Route) -> None:
        late.append(route)

    with search(browser, service, allow=("ERR_FAILED",)) as page:
        page.route("**/v1/search?q=wisdom*", hold)
        page.get_by_label(FIELD).fill("wisdom")
        deadline.until(lambda: page.evaluate("1") == 1 and len(late) == 1, 10)

        page.get_by_label(FIELD).fill("despair")
        expect(hits(page).first).to_contain_text("despair")
        late[0].continue_()
        for _ in range(3):  # by then that one would have been answered, too
            page.evaluate("fetch('/v1/search?q=light').then((answer) => answer.text())")

        expect(hits(page).first).to_contain_text("despair")
        expect(page.get_by_role("alert").filter(visible=True)).to_have_count(0)


def test_a_link_leads_to_the_moment_and_back_to_the_hit(
    browser: Browser, service: Library, heard: dict[str, str]
) -> None:
    with search(browser, service) as page:
        page.keyboard.type("epoch")
        link = page.locator(".mg-find-moment").nth(1)
        link.click()
        expect(page).to_have_url(re.compile(rf"/transcripts/{heard['transcript']}#t=[\d.]+$"))

        page.go_back()

        expect(page.get_by_label(FIELD)).to_have_value("epoch")
        expect(page.locator(".mg-find-moment").nth(1)).to_be_focused()


def test_korean_is_found_with_any_particle_and_html_is_text(
    browser: Browser, service: Library, heard: dict[str, str]
) -> None:
    with (
        corrected(service, heard, "😀 북문은 <b onclick=alert(1)>닫혔습니다</b>"),
        search(browser, service) as page,
    ):
        page.keyboard.insert_text("북문에서")

        expect(hits(page)).to_have_count(1)
        expect(hits(page).locator("mark")).to_have_text("북문")
        text = hits(page).locator(".mg-find-text")
        expect(text).to_have_text("😀 북문은 <b onclick=alert(1)>닫혔습니다</b>")
        expect(text.locator("b")).to_have_count(0)


def test_an_example_shows_what_can_be_asked(
    browser: Browser, service: Library, heard: dict[str, str]
) -> None:
    with search(browser, service) as page:
        page.get_by_role("button", name="gate -north").click()

        expect(page.get_by_label(FIELD)).to_have_value("gate -north")
        expect(page).to_have_url(re.compile(r"q=gate\+-north"))
        expect(page.get_by_text("Nothing was found for “gate -north”")).to_be_visible()
        page.go_back()
        expect(page.locator(".mg-find-example")).to_have_count(3)

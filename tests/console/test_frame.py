"""True of every page: nothing from elsewhere, two languages, two brightnesses, no barrier."""

import pytest
from console.browser import barriers, looking, told
from playwright.sync_api import Browser, expect
from test_library import Library

from malgwi.console.frame import NAVIGATION
from malgwi.console.words import PHRASES, chosen

pytestmark = [pytest.mark.slow, pytest.mark.model]

PAGES = [name for name, _ in NAVIGATION]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_nobody_else_and_has_no_barrier(
    browser: Browser, service: Library, heard: dict[str, str], name: str
) -> None:
    for scheme, width in (("light", 1280), ("dark", 390)):
        size = {"width": width, "height": 800}
        with looking(
            browser, str(service.http.base_url), color_scheme=scheme, viewport=size
        ) as page:
            page.goto(f"/{name}")

            expect(page.locator("h1")).to_have_text(PHRASES[name][1])
            expect(page.locator("nav [aria-current=page]")).to_contain_text(PHRASES[name][1])
            found = barriers(page)
            assert not found, told(found)


def test_the_language_is_that_of_the_browser_until_somebody_chooses(
    browser: Browser, service: Library
) -> None:
    with looking(browser, str(service.http.base_url), locale="ko-KR") as page:
        page.goto("/recordings")
        expect(page.locator("h1")).to_have_text("녹음")
        assert page.evaluate("document.documentElement.lang") == "ko"

        page.get_by_role("button", name="English").click()

        expect(page.locator("h1")).to_have_text("Recordings")


def test_the_brightness_stays_as_it_was_chosen(browser: Browser, service: Library) -> None:
    with looking(browser, str(service.http.base_url), color_scheme="light") as page:
        page.goto("/recordings")
        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        button = page.get_by_role("button", name="Brightness")
        button.click()
        button.click()  # by the system, light, dark

        page.reload()

        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light


def test_a_page_that_is_not_there_says_so(browser: Browser, service: Library) -> None:
    with looking(browser, str(service.http.base_url), allow=(404,)) as page:
        page.goto("/recordings/nothing/of/it")

        expect(page.get_by_role("heading")).to_have_text("There is no such page.")
        page.get_by_role("link", name="Go to the recordings").click()
        expect(page.locator("h1")).to_have_text("Recordings")


def test_the_language_is_taken_from_what_a_browser_says_best_first() -> None:
    assert chosen(None, "ko-KR,ko;q=0.9,en;q=0.8") == "ko"
    assert chosen(None, "fr, en;q=0.3, ko;q=0.9") == "ko"
    assert chosen("en", "ko") == "en"
    assert chosen("nonsense", None) == "en"
    assert chosen(None, "ko;q=nonsense, ko;q=0") == "en"


def test_a_slash_looks_for_recordings_here_and_for_what_was_said_elsewhere(
    browser: Browser, service: Library, heard: dict[str, str]
) -> None:
    with looking(browser, str(service.http.base_url)) as page:
        page.goto("/recordings")
        field = page.get_by_label("Part of a name")
        expect(field).to_be_visible()
        page.keyboard.press("/")
        expect(field).to_be_focused()
        page.keyboard.type("a/b")
        expect(field).to_have_value("a/b")

        page.goto("/jobs")
        page.keyboard.press("/")

        page.wait_for_url("**/search")
        expect(page.locator(".mg-find-field")).to_be_focused()


def test_a_page_of_another_site_gets_no_connection(service: Library) -> None:
    path = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"
    own = str(service.http.base_url).rstrip("/")

    assert service.http.get(path, headers={"origin": own}).status_code == 200
    for foreign in ("http://elsewhere.example", "http://127.0.0.1:1", "null"):
        assert service.http.get(path, headers={"origin": foreign}).status_code == 403, foreign
        answer = service.http.get("/recordings", headers={"origin": foreign})
        assert "access-control-allow-origin" not in answer.headers

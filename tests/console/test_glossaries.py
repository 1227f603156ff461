"""Glossaries in a real browser: written, tried on what was said, applied; nothing typed is lost."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from console.browser import barriers, looking, told
from console.staff import Staff, sign_in, signed_in
from playwright.sync_api import Browser, Dialog, Locator, Page, expect
from test_library import Library, until

pytestmark = [pytest.mark.slow, pytest.mark.model]

NASTY = 'a: "b" #c, [d] {e} & \\ 북문(North Gate) - 😀'
ENTRY = {"written": "Radio", "spoken": ["wireless"]}


@pytest.fixture
def kept(service: Library) -> Iterator[Library]:
    """The service, which has no glossary before and after."""
    yield service
    for each in service.http.get("/v1/glossaries").json():
        service.http.delete(f"/v1/glossaries/{each['name']}")


@contextmanager
def glossary(
    browser: Browser, service: Library, name: str = "/radio", **how: Any
) -> Iterator[Page]:
    how = {"viewport": {"width": 1280, "height": 800}, **how}
    with looking(browser, str(service.http.base_url), **how) as page:
        page.goto(f"/glossaries{name}")
        yield page


def put(service: Library, *entries: dict[str, Any], name: str = "radio") -> None:
    answer = service.http.put(f"/v1/glossaries/{name}", json={"entries": entries})
    assert answer.is_success, answer.text


def entries(service: Library, name: str = "radio") -> list[tuple[str, list[str]]]:
    found = service.http.get(f"/v1/glossaries/{name}").json()["entries"]
    return [(each["written"], each["spoken"]) for each in found]


def write(page: Page, row: int, written: str, spoken: str) -> None:
    rows = page.locator(".mg-gls-row")
    rows.nth(row).get_by_label("Written").fill(written)
    rows.nth(row).get_by_label("What is heard").fill(spoken)


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()


def saved(page: Page) -> None:
    expect(facts(page)).to_contain_text("Revision")
    expect(facts(page)).not_to_contain_text("not saved")


def facts(page: Page) -> Locator:
    return page.locator(".mg-gls-facts")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_it_has_no_barrier(
    browser: Browser, kept: Library, heard: dict[str, str], scheme: str, width: int
) -> None:
    put(kept, {"written": "era", "spoken": ["epoch"], "languages": ["en"]})
    size = {"width": width, "height": 844}
    with glossary(browser, kept, "", color_scheme=scheme, viewport=size) as page:
        expect(page.get_by_role("link", name="radio")).to_be_visible()
        found = barriers(page)
        page.get_by_role("link", name="radio").click()
        page.get_by_role("button", name="Try it").click()
        expect(page.locator(".mg-gls-example").first).to_be_visible()
        found += barriers(page)
        page.get_by_role("button", name="YAML").click()
        found += barriers(page)

        assert not found, told(found)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_glossary_is_made_tried_and_applied(
    browser: Browser, kept: Library, heard: dict[str, str]
) -> None:
    path = f"/v1/transcripts/{heard['transcript']}"
    with glossary(browser, kept, "") as page:
        page.get_by_label("Name of a new glossary").fill("무전")
        page.get_by_role("button", name="Make").click()
        write(page, 0, "<i>aeon</i>", "epoch | epochs")
        page.get_by_label("Label").fill("sample")
        page.get_by_label("Label").press("Enter")
        page.get_by_role("button", name="Try it").click()

        result = page.locator(".mg-gls-result")
        expect(result).to_contain_text("2 utterances in 1 of 1 transcripts would change.")
        example = result.locator(".mg-gls-example").first
        expect(example.locator("del").first).to_have_text("epoch")
        expect(example.locator("ins").first).to_have_text("<i>aeon</i>")
        expect(example.locator("i")).to_have_count(0)
        before = kept.http.get(f"{path}/revisions").json()[-1]["number"]

        page.get_by_role("button", name="Save and apply").click()

        expect(result.get_by_text("Done")).to_be_visible(timeout=60_000)
        assert entries(kept, "무전") == [("<i>aeon</i>", ["epoch", "epochs"])]
        after = kept.http.get(f"{path}/revisions").json()[-1]["number"]
        texts = [each["text"] for each in kept.http.get(path).json()["utterances"]]
        assert kept.http.post(
            f"{path}/undo", json={"base_revision": after, "to": before}
        ).is_success
        assert sum("<i>aeon</i> of belief" in each for each in texts) == 2
        result.get_by_role("link", name="See the job").click()
        expect(page).to_have_url(re.compile(r"/jobs\?kind=glossary$"))


def test_the_table_and_the_text_say_the_same(browser: Browser, kept: Library) -> None:
    whole = {
        **{"id": "x", "written": NASTY, "spoken": [NASTY + "x", "yes", "007"], "match": "word"},
        **{"channels": ["tower", "3"], "languages": ["en", "ko"], "case_sensitive": True},
    }
    put(kept, whole, ENTRY)
    before = kept.http.get("/v1/glossaries/radio").json()["entries"]
    with glossary(browser, kept) as page:
        page.get_by_role("button", name="YAML").click()
        field = page.get_by_label("The glossary as YAML")
        expect(field).to_have_value(re.compile("- written: Radio\n  spoken: \\[wireless\\]\n"))
        page.get_by_role("button", name="Table").click()
        expect(page.locator(".mg-gls-row")).to_have_count(2)
        page.locator(".mg-gls-row").nth(1).get_by_label("What is heard").fill("wireless | set")
        save(page)

        saved(page)
        now = kept.http.get("/v1/glossaries/radio").json()["entries"]
        assert now == [before[0], {**before[1], "spoken": ["wireless", "set"]}]


def test_what_is_wrong_is_told_where_it_stands(browser: Browser, kept: Library) -> None:
    with glossary(browser, kept, allow=(400,)) as page:
        write(page, 0, "North", "gate")
        page.get_by_role("button", name="Add an entry").click()
        write(page, 1, "South", "")
        save(page)
        rows = page.locator(".mg-gls-row")
        expect(rows.nth(1)).to_contain_text("What is heard for it?")
        expect(rows.nth(1).get_by_label("What is heard")).to_be_focused()

        write(page, 1, "South", "gate")
        save(page)
        expect(rows.nth(1)).to_contain_text("'gate' is written 'North' in row 1.")

        page.get_by_role("button", name="YAML").click()
        save(page)
        expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("line 4")
        expect(page.locator(".mg-gls-wrong")).to_have_text(re.compile("4"))


def test_two_people_at_one_glossary_lose_nothing(browser: Browser, kept: Library) -> None:
    put(kept, ENTRY, {"written": "gone", "spoken": ["lost"]})
    with glossary(browser, kept, allow=(409,)) as page:
        expect(page.locator(".mg-gls-row")).to_have_count(2)
        put(
            kept,
            {"written": "Radio", "spoken": ["wireless", "set"]},
            {"written": "new", "spoken": ["n"]},
        )
        page.get_by_role("button", name="Add an entry").click()
        write(page, 2, "mine", "m")

        save(page)

        conflict = page.locator(".mg-gls-conflict")
        expect(conflict).to_contain_text(re.compile(r"Meanwhile revision \d+ was saved"))
        expect(conflict.locator("del").last).to_have_text("gone ← lost")
        page.get_by_role("button", name="Put both together").click()
        expect(facts(page)).to_contain_text("not saved")
        save(page)
        saved(page)
        assert sorted(entries(kept)) == [
            ("Radio", ["wireless", "set"]), ("mine", ["m"]), ("new", ["n"]),
        ]  # fmt: skip


def test_what_was_typed_outlives_a_lost_connection_and_a_reload(
    browser: Browser, kept: Library
) -> None:
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    with glossary(browser, kept, allow=("ERR_FAILED",)) as page:
        page.on("dialog", leave)
        write(page, 0, "typed", "t")
        page.route("**/v1/glossaries/radio?*", lambda route: route.abort())
        save(page)
        expect(page.get_by_text("What you wrote is kept")).to_be_visible()
        page.unroute("**/v1/glossaries/radio?*")

        page.reload()

        assert asked == ["beforeunload"]
        expect(page.get_by_text("What you had not saved is here again.")).to_be_visible()
        expect(page.get_by_label("Written")).to_have_value("typed")
        save(page)
        saved(page)
        assert entries(kept) == [("typed", ["t"])]


def test_a_file_is_taken_in_and_what_is_wrong_with_one_is_told(
    browser: Browser, kept: Library, tmp_path: Path
) -> None:
    good, bad = tmp_path / "gates.csv", tmp_path / "bad.csv"
    good.write_text("written,spoken,languages\n북문,붕문|북 문,ko\n남문,난문,\n")
    bad.write_text("written,spoken\n북문,붕문\n남문,\n")
    with glossary(browser, kept, "", allow=(400,)) as page:
        with page.expect_file_chooser() as chosen:
            page.get_by_role("button", name="Import a file").click()
        chosen.value.set_files(good)
        expect(page.locator("h1")).to_have_text("gates")
        expect(page.get_by_text("2 entries came from gates.csv")).to_be_visible()
        with page.expect_file_chooser() as chosen:
            page.get_by_role("button", name="Import a file").click()
        chosen.value.set_files(bad)
        expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("bad.csv, line 3")

        save(page)

        saved(page)
        assert entries(kept, "gates") == [("북문", ["붕문", "북 문"]), ("남문", ["난문"])]


def test_what_was_typed_when_the_session_ended_is_saved_after_signing_in(
    browser: Browser, staff: Staff
) -> None:
    ines = staff.add("ines", "editor")
    with looking(browser, staff.url, allow=(401,)) as page:
        signed_in(page, "ines").goto("/glossaries/typed")
        write(page, 0, "typed", "t")
        staff.end_sessions(ines)
        save(page)
        with page.expect_popup() as opened:
            page.locator(".mg-ended").get_by_role("link", name="Sign in").click()
        sign_in(opened.value, "ines")
        expect(page.locator(".mg-ended")).to_be_hidden()
        opened.value.close()

        save(page)

        saved(page)
        expect(facts(page)).to_contain_text("ines")
        assert entries(staff.service, "typed") == [("typed", ["t"])]
    staff.service.http.delete("/v1/glossaries/typed")


def test_a_viewer_may_try_and_not_save(browser: Browser, staff: Staff, sample: Path) -> None:
    http = staff.service.http
    made = staff.service.submit(sample, languages="en")
    until(lambda: staff.service.job(made["job"]["id"])["state"] == "done")
    recording = made["recording"]["id"]
    word = re.findall(r"\w+", staff.service.said(recording)[0][2])[0]
    put(staff.service, ENTRY)
    with looking(browser, staff.url) as page:
        signed_in(page, "cara").goto("/glossaries")
        expect(page.get_by_role("button", name="Delete radio")).to_have_count(0)
        page.get_by_role("link", name="radio").click()
        write(page, 0, "aeon", word)
        page.get_by_role("button", name="Try it").click()

        expect(page.locator(".mg-gls-example ins").first).to_contain_text("aeon")
        for name in ("Save", "Apply", "Import a file"):
            expect(page.get_by_role("button", name=name)).to_have_count(0)
        assert entries(staff.service) == [("Radio", ["wireless"])]
    http.delete("/v1/glossaries/radio")
    http.delete(f"/v1/recordings/{recording}", params={"purge": True})


def test_a_glossary_is_deleted_after_a_question(browser: Browser, kept: Library) -> None:
    put(kept, ENTRY)
    with glossary(browser, kept, "") as page:
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name="radio"))
        expect(row).to_contain_text("1")
        row.get_by_role("button", name="Delete radio").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()

        expect(page.get_by_text("No glossaries yet")).to_be_visible()
        assert kept.http.get("/v1/glossaries").json() == []

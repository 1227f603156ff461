"""Users, keys and the trail in a real browser, and what each role may do."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from console.browser import barriers, looking, told
from console.staff import PASSWORD, Staff, sign_in, signed_in
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = pytest.mark.slow

HTML = '<img src=x onerror="document.title=1">'
ASK = """async ([method, path, body]) => (await fetch(path, {
    method, headers: { "content-type": "application/json" },
    body: body === null ? null : JSON.stringify(body),
})).status"""
CHANGES: dict[str, list[tuple[str, str, Any]]] = {
    "viewer": [("POST", "/v1/jobs/x/retry", {}), ("PUT", "/v1/glossaries/x", {"entries": []})],
    "editor": [
        ("POST", "/v1/users", {"name": "x", "role": "admin", "password": PASSWORD}),
        ("POST", "/v1/keys", {"name": "x", "role": "admin"}),
        ("GET", "/v1/audit", None),
    ],
}


@pytest.mark.parametrize(("name", "role"), [("cara", "viewer"), ("bert", "editor")])
def test_whoever_may_not_look_after_people_finds_no_way_to_it(
    browser: Browser, staff: Staff, name: str, role: str
) -> None:
    with looking(browser, staff.url, allow=(403,)) as page:
        signed_in(page, name).goto("/jobs")
        expect(page.locator("nav")).to_contain_text("Jobs")
        expect(page.locator("nav")).not_to_contain_text("People")

        page.goto("/people")
        expect(page.get_by_role("heading")).to_contain_text("needs the role admin")
        asked = [*CHANGES["editor"], *(CHANGES["viewer"] if role == "viewer" else [])]
        assert [page.evaluate(ASK, list(each)) for each in asked] == [403] * len(asked)


def test_an_administrator_makes_changes_disables_and_removes_a_user(
    browser: Browser, staff: Staff
) -> None:
    with looking(browser, staff.url) as page:
        signed_in(page, "anna").goto("/people")
        page.get_by_role("button", name="Add a user").first.click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name").fill(HTML)
        dialog.get_by_label("Role").select_option("viewer")
        dialog.get_by_label("Password").fill(PASSWORD)
        found = barriers(page)
        assert not found, told(found)
        dialog.get_by_role("button", name="Add a user").click()

        row = _row(page, HTML)
        expect(row).to_contain_text("viewer")
        row.get_by_role("button", name="Role").click()
        dialog.get_by_label("Role").select_option("editor")
        dialog.get_by_role("button", name="Save").click()
        expect(row).to_contain_text("editor")

        row.get_by_role("button", name="Disable").click()
        dialog.get_by_role("button", name="Disable").click()
        expect(row).to_contain_text("disabled")

        row.get_by_role("button", name="Remove").click()
        expect(dialog).to_contain_text(HTML)
        dialog.get_by_role("button", name="Remove").click()
        expect(row).to_have_count(0)
        assert page.title() != "1"
        expect(_section(page, "Audit trail").locator("tbody tr").first).to_contain_text(
            re.compile("anna.*removed a user")
        )
        found = barriers(page)
        assert not found, told(found)


def test_the_last_administrator_stays_and_the_page_says_why(browser: Browser, staff: Staff) -> None:
    others = [
        each
        for each in staff.service.http.get("/v1/users").json()
        if each["role"] == "admin" and each["name"] != "anna"
    ]
    for each in others:
        assert staff.service.http.delete(f"/v1/users/{each['id']}").is_success
    with looking(browser, staff.url, allow=(409,)) as page:
        signed_in(page, "anna").goto("/people")
        _row(page, "anna").get_by_role("button", name="Remove").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Remove").click()

        expect(dialog.get_by_role("alert")).to_contain_text("administrator")
        dialog.get_by_role("button", name="Cancel").click()
        expect(_row(page, "anna")).to_be_visible()


def test_a_key_is_shown_once_opens_and_opens_nothing_after_it_is_revoked(
    browser: Browser, staff: Staff
) -> None:
    with looking(browser, staff.url, permissions=["clipboard-read", "clipboard-write"]) as page:
        signed_in(page, "anna").goto("/people")
        page.get_by_role("button", name="Make a key").first.click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("What it is for").fill("the <b>ward</b>")
        dialog.get_by_label("Role").select_option("viewer")
        dialog.get_by_label("Expires").fill("2099-01-01T10:00")
        dialog.get_by_role("button", name="Make a key").click()

        made = page.locator(".mg-made")
        expect(made).to_contain_text("shown this once")
        secret = made.locator("code").inner_text()
        made.get_by_role("button", name="Copy").click()
        expect(page.get_by_text("Copied.")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == secret
        row = _row(page, "the <b>ward</b>")
        expect(row).to_contain_text("2099")
        page.reload()
        expect(row).to_be_visible()
        assert secret not in page.content()

        with looking(browser, staff.url, allow=(401,)) as theirs:
            theirs.goto("/sign-in")
            theirs.get_by_role("button", name="Sign in with an API key").click()
            theirs.get_by_label("API key").fill(secret)
            theirs.get_by_role("button", name="Sign in", exact=True).click()
            theirs.wait_for_url(re.compile("/recordings|/$"))
            theirs.goto("/jobs")
            expect(theirs.locator(".mg-name")).to_contain_text("the <b>ward</b>")

            row.get_by_role("button", name="Revoke").click()
            dialog.get_by_role("button", name="Revoke").click()
            expect(row).to_contain_text("revoked")

            theirs.get_by_label("State").select_option("dead")
            expect(theirs.get_by_role("alert")).to_contain_text("Your session has ended")
    with httpx.Client(base_url=staff.url, headers={"x-api-key": secret}) as program:
        assert program.get("/v1/jobs").status_code == 401


def test_people_change_their_own_password_and_go_on_in_every_tab(
    browser: Browser, staff: Staff, tmp_path: Path
) -> None:
    staff.add("hans", "viewer")
    letter = tmp_path / "letter.txt"
    letter.write_text(f"Dear {tmp_path.name}, " * 100)
    with looking(browser, staff.url, allow=(401, 403)) as page:
        signed_in(page, "hans").goto("/jobs")
        other = page.context.new_page()
        other.goto("/jobs")
        page.locator(".mg-name").click()
        _change(page, "not his at all", "another password", "another password")
        said = page.locator("#mg-password").get_by_role("status")
        expect(said).to_contain_text("current password is another")
        _change(page, PASSWORD, "another password", "yet another one")
        expect(said).to_contain_text("not the same")
        _change(page, PASSWORD, "another password", "another password")
        expect(said).to_contain_text("is changed")
        found = barriers(page)
        assert not found, told(found)
        made = staff.service.submit(letter)["job"]["id"]
        expect(other.locator(f"#job-{made}")).to_be_visible(timeout=25_000)
        expect(other.locator(".mg-ended")).to_be_hidden()

        page.get_by_role("link", name="Jobs").click()
        expect(page.locator("h1")).to_have_text("Jobs")
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/sign-in")
        sign_in(page, "hans")
        expect(page.get_by_role("alert")).to_be_visible()
        sign_in(page, "hans", "another password")
        page.wait_for_url(re.compile("/recordings|/$"))


def test_the_trail_shows_what_was_done_to_one_thing(browser: Browser, staff: Staff) -> None:
    ida = staff.add("ida", "viewer")
    staff.end_sessions(ida)
    with looking(browser, staff.url) as page:
        signed_in(page, "anna").goto("/people")
        trail = _section(page, "Audit trail")
        trail.get_by_role("button", name=ida["id"]).first.click()

        rows = trail.locator("tbody tr")
        expect(rows).to_have_count(2)
        expect(rows.nth(0)).to_contain_text("changed a user")
        expect(rows.nth(1)).to_contain_text("made a user")


def _section(page: Page, heading: str) -> Locator:
    return page.locator("section").filter(has=page.get_by_role("heading", name=heading))


def _row(page: Page, name: str) -> Locator:
    return page.locator("tbody tr").filter(has=page.get_by_text(name, exact=True)).first


def _change(page: Page, current: str, new: str, again: str) -> None:
    page.get_by_label("Current password").fill(current)
    page.get_by_label("New password (").fill(new)
    page.get_by_label("New password once more").fill(again)
    page.get_by_role("button", name="Save").click()

"""The doors in a real browser: the first administrator, signing in, sessions that end."""

import re
from pathlib import Path

import pytest
from console.browser import barriers, looking, told
from console.staff import PASSWORD, Staff, sign_in, signed_in
from playwright.sync_api import Browser, expect
from test_library import library, until

pytestmark = pytest.mark.slow

SIGN_IN = re.compile("/sign-in")


def test_the_first_run_makes_the_administrator_and_from_then_on_people_sign_in(
    browser: Browser, tmp_path: Path
) -> None:
    with library(tmp_path) as running:
        url = str(running.http.base_url)
        with looking(browser, url) as page:
            page.context.clear_cookies()
            page.goto("/status")
            page.wait_for_url("**/first")
            found = barriers(page)
            assert not found, told(found)
            page.get_by_label("Name").fill("anna")
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Make the administrator").click()

            expect(page.locator("h1")).to_have_text("Recordings")
            expect(page.locator(".mg-name")).to_contain_text("anna")

        with looking(browser, url) as page:
            page.goto("/jobs?state=dead")
            page.wait_for_url(SIGN_IN)
            found = barriers(page)
            assert not found, told(found)
            sign_in(page, "anna")

            page.wait_for_url("**/jobs?state=dead")
            expect(page.locator("h1")).to_have_text("Jobs")


def test_a_wrong_password_is_said_in_the_language_of_the_page(
    browser: Browser, staff: Staff
) -> None:
    with looking(browser, staff.url, allow=(401,), locale="ko-KR") as page:
        page.goto("/sign-in")
        page.get_by_label("이름").fill("anna")
        page.get_by_label("비밀번호").fill("not hers at all")
        page.get_by_role("button", name="로그인", exact=True).click()

        expect(page.get_by_role("alert")).to_contain_text("맞지 않습니다")
        assert page.get_by_label("이름").input_value() == "anna"


def test_who_tries_too_often_is_told_the_seconds_to_wait(browser: Browser, staff: Staff) -> None:
    with looking(browser, staff.url, allow=(401, 429)) as page:
        page.goto("/sign-in")
        page.get_by_label("Name").fill("nobody at all")
        page.get_by_label("Password").fill("a guess")
        submit, said = (
            page.get_by_role("button", name="Sign in", exact=True),
            page.get_by_role("alert"),
        )
        for _ in range(10):
            submit.click()
            expect(said).to_be_visible()
            if "too many" in said.inner_text():
                break

        expect(said).to_contain_text("Try again in")
        expect(submit).to_be_disabled()
        expect(submit).to_be_enabled(timeout=20_000)


def test_an_ended_session_is_told_on_the_page_which_goes_on_after_signing_in(
    browser: Browser, staff: Staff
) -> None:
    dora = staff.add("dora", "editor")
    with looking(browser, staff.url, allow=(401,)) as page:
        signed_in(page, "dora").goto("/jobs")
        staff.end_sessions(dora)
        page.get_by_label("State").select_option("dead")
        told_so = page.get_by_role("alert")
        expect(told_so).to_contain_text("Your session has ended")
        assert page.url.endswith("/jobs?state=dead")

        with page.expect_popup() as opened:
            told_so.get_by_role("link", name="Sign in").click()
        sign_in(opened.value, "dora")

        opened.value.wait_for_url("**/jobs?state=dead")
        expect(told_so).to_be_hidden()
        page.get_by_label("State").select_option("")
        expect(page).to_have_url(f"{staff.url.rstrip('/')}/jobs")
        expect(told_so).to_be_hidden()


def test_what_was_typed_when_the_session_ended_is_sent_after_signing_in(
    browser: Browser, staff: Staff
) -> None:
    emil = staff.add("emil", "admin")
    with looking(browser, staff.url, allow=(401,)) as page:
        signed_in(page, "emil").goto("/people")
        page.get_by_role("button", name="Add a user").first.click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name").fill("fritz")
        dialog.get_by_label("Password").fill(PASSWORD)
        staff.end_sessions(emil)
        dialog.get_by_role("button", name="Add a user").click()
        expect(dialog.get_by_role("alert")).to_contain_text("Your session has ended")

        with page.expect_popup() as opened:
            dialog.get_by_role("link", name="Sign in").click()
        sign_in(opened.value, "emil")
        expect(page.locator(".mg-ended")).to_be_hidden()
        expect(page.locator("#popup")).to_have_attribute("aria-hidden", "true")
        dialog.get_by_role("button", name="Add a user").click()

        expect(dialog).to_be_hidden()
        names = [each["name"] for each in staff.service.http.get("/v1/users").json()]
        assert "fritz" in names


def test_a_transcript_whose_reader_has_to_sign_in_again_keeps_what_was_typed(
    browser: Browser, staff: Staff, sample: Path
) -> None:
    jana = staff.add("jana", "editor")
    made = staff.service.submit(sample, name="Night watch", languages="en")
    until(lambda: staff.service.job(made["job"]["id"])["state"] == "done")
    [transcript] = staff.service.transcripts(made["recording"]["id"])
    with looking(browser, staff.url, allow=(401,)) as page:
        signed_in(page, "jana").goto(f"/transcripts/{transcript['id']}")
        page.get_by_role("button", name="Correct").first.click()
        page.get_by_label("Text", exact=True).fill("Good evening")
        staff.end_sessions(jana)
        page.keyboard.press("Control+Enter")
        told_so = page.locator(".mg-ended")
        expect(told_so).to_contain_text("Your session has ended")
        expect(page.get_by_text("What you typed is kept.")).to_be_visible()

        with page.expect_popup() as opened:
            told_so.get_by_role("link", name="Sign in").click()
        sign_in(opened.value, "jana")
        expect(told_so).to_be_hidden()
        page.get_by_role("button", name="Try again").click()

        expect(page.get_by_text("Good evening")).to_be_visible()
        expect(page).to_have_title("Night watch · Malgwi")
    staff.service.http.delete(f"/v1/recordings/{made['recording']['id']}")


def test_another_person_who_signs_in_gets_a_page_of_their_own(
    browser: Browser, staff: Staff
) -> None:
    gerd = staff.add("gerd", "admin")
    with looking(browser, staff.url, allow=(401, 403)) as page:
        signed_in(page, "gerd").goto("/jobs")
        staff.end_sessions(gerd)
        page.get_by_label("State").select_option("dead")
        with page.expect_popup() as opened:
            page.get_by_role("alert").get_by_role("link", name="Sign in").click()
        sign_in(opened.value, "cara")

        expect(page.locator(".mg-name")).to_contain_text("cara")
        expect(page.locator("nav")).not_to_contain_text("People")


def test_who_signs_out_is_out_in_every_tab(browser: Browser, staff: Staff) -> None:
    with looking(browser, staff.url, allow=(401,)) as page:
        signed_in(page, "bert").goto("/account")
        other = page.context.new_page()
        other.goto("/jobs")
        other.get_by_role("button", name="Sign out").click()

        other.wait_for_url("**/sign-in")
        expect(page.get_by_role("alert")).to_contain_text("Your session has ended")
        other.goto("/jobs")
        other.wait_for_url(SIGN_IN)

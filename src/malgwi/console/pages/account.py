"""Whoever is signed in: as whom, until when, and their own password."""

import json

from nicegui import ui

from malgwi.console.doors import stamp
from malgwi.console.elements import fact, link, tag, text
from malgwi.console.frame import Page

_SAID = ("account_other", "account_changed", "too_many", "gone")


async def build(page: Page) -> None:
    words, me = page.words, page.me
    session = await page.api.get("/v1/session")
    ui.add_head_html(
        f'<link rel="stylesheet" href="{stamp("operations.css")}">'
        f'<script type="module" src="{stamp("people.js")}"></script>'
    )
    text(words("account"), "h1")
    with tag("div", "mg-account mg-stack"):
        with tag("section", "mg-card"), tag("dl", "mg-facts"):
            fact(words("name"), me.name or words("nobody"))
            fact(words("people_role"), words(f"role_{me.role}"))
            if session["expires"]:
                with tag("div"):
                    text(words("account_until"), "dt")
                    with tag("dd"):
                        tag("mg-time", at=str(session["expires"]))
        with tag("section", "mg-card mg-stack"):
            text(words("account_password"), "h2")
            if me.user:
                _form(page)
            elif me.open:
                text(words("account_open"), "p", "mg-muted")
                if me.first:
                    link(words("first_make"), "/first", "mg-button")
            else:
                text(words("account_key"), "p", "mg-muted")


def _form(page: Page) -> None:
    """Sent by the browser itself, which gets the cookie of the session that goes on."""
    words = page.words
    said = json.dumps({each: words(each) for each in _SAID}, ensure_ascii=False)
    with tag("form", "mg-stack", method="post", id="mg-password", data_words=said):
        for name, phrase, kind in (
            ("current", "account_current", "current-password"),
            ("new", "account_new", "new-password"),
            ("again", "account_again", "new-password"),
        ):
            with tag("div", "mg-field"):
                text(words(phrase), "label", for_=f"mg-password-{name}")
                tag(
                    "input",
                    "mg-input",
                    id=f"mg-password-{name}",
                    name_=name,
                    type="password",
                    required="required",
                    maxlength="1024",
                    autocomplete=kind,
                    **({} if name == "current" else {"minlength": "8"}),
                )
        text("", "p", "mg-notice", role="status", hidden="hidden")
        with tag("div", "mg-row"):
            text(words("save"), "button", "mg-button mg-primary", type="submit")
        text(words("account_ends"), "p", "mg-small mg-muted")

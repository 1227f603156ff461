"""What is around every page: navigation, who is signed in, language and brightness.

`Console.page` is how a page is made: it is built for one person in one language, with the API as
that person.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from nicegui import Client, ui
from nicegui.element import Element
from starlette.requests import cookie_parser

from malgwi.console import elements, reasons
from malgwi.console.api import COOKIE, Api, Me, Refused
from malgwi.console.doors import stamp, words_of
from malgwi.console.elements import icon, link, tag, text
from malgwi.console.words import LANGUAGES, NAMES, Words
from malgwi.gateway import is_loopback

SECONDS = 20.0
"""That a page may take to be made."""
NAVIGATION = (
    ("recordings", "viewer"),
    ("search", "viewer"),
    ("glossaries", "viewer"),
    ("jobs", "viewer"),
    ("status", "viewer"),
    ("people", "admin"),
)
"""Pages in their order, and who finds them there."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a page is built with."""

    api: Api
    words: Words
    me: Me
    request: Request

    def refused(self, refused: Refused) -> None:
        """Says on the page why the API did not do it. The page stays as it is, also where the
        session has ended: what somebody wrote is still there when they have signed in again."""
        if refused.signed_out:
            ui.run_javascript("malgwi.ended()")
        else:
            elements.toast(self.reason(refused))

    def reason(self, refused: Refused) -> str:
        """Why the API did not do it."""
        if refused.signed_out:
            return self.words("signed_out")
        return self.why(str(refused), refused.body) or self.words("gone")

    def why(self, sentence: str, problem: Mapping[str, Any] | None = None) -> str:
        """What the API said, in the language of the page."""
        return reasons.said(self.words.language, sentence, problem)


Build = Callable[[Page], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Console:
    """What all pages share."""

    client: httpx.AsyncClient

    def page(
        self,
        path: str,
        title: str,
        build: Build,
        wide: bool = False,
        reconnect_timeout: float | None = None,
    ) -> None:
        """Puts a page at a path; `wide` ones use all of the window. `reconnect_timeout`: seconds
        that it outlives its connection, where that is not as long as for the others."""

        async def shown(request: Request) -> Response | None:
            words = words_of(request)
            api = Api(self.client, request.cookies.get(COOKIE), words.language)
            try:
                me = await api.me()
            except Refused:
                alone(words, "gone")
                return None
            if me and me.open and not is_loopback(request.url.hostname or ""):
                alone(words, "closed")  # whoever is on the network is not this machine
                return None
            if me is None:
                return RedirectResponse(f"/sign-in?next={quote(_here(request))}", 303)
            if me.first and "malgwi_later" not in request.cookies:
                return RedirectResponse("/first", 303)
            page = Page(api, words, me, request)
            _follow(api, ui.context.client)
            ui.page_title(f"{words(title)} · {words('brand')}")
            with framed(page, title, wide) as content:
                try:
                    await build(page)
                except Refused as refused:
                    content.clear()
                    _instead(page, refused)
            return None

        ui.page(path, response_timeout=SECONDS, reconnect_timeout=reconnect_timeout)(shown)


def _follow(api: Api, client: Client) -> None:
    """A connection that is made anew comes with the cookie of whoever is signed in by then."""

    def connected() -> None:
        said = str((client.environ or {}).get("HTTP_COOKIE", ""))
        if cookie := cookie_parser(said).get(COOKIE):
            api.cookie = cookie

    client.on_connect(connected)


@contextmanager
def framed(page: Page, current: str, wide: bool = False) -> Iterator[Element]:
    """The frame, to be filled with the page."""
    words = page.words
    _head(words)
    with tag("div", "mg-app"):
        link(words("skip"), "#main", "mg-skip")
        with tag("header", "mg-side"):
            with tag("a", "mg-brand", href="/recordings"):
                icon("ear")
                text(words("brand"))
            with tag("nav", "mg-nav", aria_label=words("navigation")):
                for name, role in NAVIGATION:
                    if page.me.may(role):
                        _entry(words, name, name == current)
            _who(page)
        with tag("main", f"mg-main {'mg-wide' if wide else ''}", id="main"):
            _ended(page)
            with tag("div", "mg-page") as content:
                yield content


def _ended(page: Page) -> None:
    """Shown by `shell.js` when the session has ended."""
    who = page.me.name or ""
    with tag(
        "div", "mg-notice mg-careful mg-ended", role="alert", hidden="hidden", data_mg_who=who
    ):
        text(page.words("signed_out"), classes="mg-grow")
        link(page.words("sign_in"), "/sign-in", "mg-button mg-primary", target="_blank")


def _entry(words: Words, name: str, is_current: bool) -> None:
    current = {"aria_current": "page"} if is_current else {}
    with tag("a", href=f"/{name}", **current):
        icon(name)
        text(words(name))


def _who(page: Page) -> None:
    words, me = page.words, page.me
    with tag("div", "mg-who"):
        with tag("a", "mg-name mg-small", href="/account"):
            text(me.name or words("nobody"), "div")
            text(words(f"role_{me.role}"), "div", "mg-muted")
        with tag("div", "mg-who-row"):
            theme = elements.tag(
                "button",
                "mg-button mg-quiet mg-icon",
                type="button",
                title=words("theme"),
                aria_label=words("theme"),
                data_mg="theme",
                data_auto=words("theme_auto"),
                data_light=words("theme_light"),
                data_dark=words("theme_dark"),
            )
            with theme:
                icon("light")
            other = next(each for each in LANGUAGES if each != words.language)
            with tag(
                "button", "mg-button mg-quiet", type="button", data_mg=f"language:{other}"
            ) as switch:
                text(NAMES[other], lang=other)
            switch.props["aria-label"] = f"{words('language')}: {NAMES[other]}"
            if not me.open:
                with tag(
                    "button",
                    "mg-button mg-quiet mg-icon",
                    type="button",
                    title=words("sign_out"),
                    aria_label=words("sign_out"),
                    data_mg="sign-out",
                ):
                    icon("out")


def _head(words: Words) -> None:
    slot = ui.context.client.content.parent_slot
    assert slot
    slot.parent.tag = "div"  # the framework's own is a second `main`, around ours
    ui.add_head_html(
        f'<link rel="stylesheet" href="{stamp("malgwi.css")}">'
        f'<script src="{stamp("shell.js")}"></script>'
        f'<script>document.documentElement.lang = "{words.language}";</script>'
    )


def _instead(page: Page, refused: Refused) -> None:
    """What stands where a page could not be made."""
    words = page.words
    missing = refused.status == 404
    with tag("div", "mg-empty"):
        icon("warn")
        text(words("not_here") if missing else page.reason(refused), "h1")
        link(words("back_home"), "/recordings", "mg-button")


def alone(words: Words, phrase: str) -> None:
    """A page that says one thing, where nothing is known of who looks."""
    _head(words)
    with tag("main", "mg-door"), tag("div", "mg-empty"):
        icon("warn")
        text(words(phrase), "h1")
        link(words("back_home"), "/recordings", "mg-button")


def _here(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return request.url.path + query

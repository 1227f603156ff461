"""The pages before anybody is signed in: plain HTML, so that a stranger gets no connection that
the console has to keep, and no script but the few files that are theirs."""

import html
import re
from hashlib import sha256
from pathlib import Path
from string import Template
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from malgwi.console.words import Words, chosen

PATHS = ("sign-in", "first")
_FILES = Path(__file__).parent / "static"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_WHERE = re.compile(r"/(?![/\\])[^\x00-\x1f]*")
_PAGE = Template((_FILES / "door.html").read_text("utf-8"))


def stamp(name: str) -> str:
    """The address of a static file, other where its content is other."""
    content = (_FILES / name).read_bytes()
    return f"/static/{name}?{sha256(content).hexdigest()[:12]}"


def router() -> APIRouter:
    made = APIRouter(include_in_schema=False)

    @made.get("/sign-in")
    def sign_in(request: Request, next: Annotated[str, Query()] = "/") -> HTMLResponse:
        return _page(request, "sign-in", next)

    @made.get("/first")
    def first(request: Request) -> HTMLResponse:
        return _page(request, "first", "/")

    return made


def _page(request: Request, which: str, then: str) -> HTMLResponse:
    words = words_of(request)
    said = {
        f"w_{phrase}": html.escape(words(phrase))
        for phrase in (
            *("brand", "name", "password", "password_hint", "key", "sign_in", "by_key"),
            *("by_password", "first_why", "first_make", "first_later", "gone"),
            *("wrong", "too_many"),
        )
    }
    filled = _PAGE.substitute(
        said,
        title=html.escape(words("welcome" if which == "first" else "sign_in")),
        language=words.language,
        which=which,
        then=html.escape(then if _WHERE.fullmatch(then) else "/", quote=True),
        css=stamp("malgwi.css"),
        shell=stamp("shell.js"),
        script=stamp("door.js"),
    )
    return HTMLResponse(filled, headers={"content-security-policy": _POLICY})


def words_of(request: Request) -> Words:
    return Words(chosen(request.cookies.get("malgwi_lang"), request.headers.get("accept-language")))

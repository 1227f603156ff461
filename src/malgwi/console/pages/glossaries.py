"""How names and terms are written: the glossaries that there are, and one of them to write and to
try. What is written and tried is in `static/glossary/`, in the browser, so that no lost connection
takes it away."""

import json
from collections.abc import Callable
from urllib.parse import quote

from nicegui import ui

from malgwi.console.api import Refused
from malgwi.console.doors import stamp
from malgwi.console.elements import Dialog, button, icon, link, table, tag, text
from malgwi.console.frame import Page
from malgwi.console.pages.asking import ask
from malgwi.console.pages.listing import Item, Part, Rows
from malgwi.console.pages.live import Live

_NEW = ("gls_name", "gls_name_why", "gls_new", "gls_import")
_WORDS = (
    *("gls_find", "gls_written", "gls_spoken", "gls_add", "gls_count", "gls_of", "gls_bar"),
    *("gls_rest", "gls_remove", "gls_match", "gls_match_auto", "gls_match_word"),
    *("gls_match_morpheme", "gls_channels", "gls_all_channels", "gls_languages"),
    *("gls_all_languages", "gls_id", "gls_id_made", "gls_case", "gls_as_text", "gls_view"),
    *("gls_table", "gls_text", "gls_download", "gls_import", "gls_viewer", "gls_restored"),
    *("gls_discard", "gls_no_written", "gls_no_spoken", "gls_none", "gls_row", "gls_saved"),
    *("gls_gone", "gls_removed", "gls_theirs", "gls_removed_mine", "gls_together"),
    *("gls_imported", "gls_revision", "gls_new_one", "gls_unsaved", "gls_offline"),
    *("gls_somebody", "gls_take_sure", "gls_stale", "gls_merge", "gls_take", "gls_trial"),
    *("gls_trial_why", "gls_names", "gls_since", "gls_until", "gls_try", "gls_on"),
    *("gls_on_first", "gls_trying", "gls_other_now", "gls_would", "gls_would_not", "gls_left"),
    *(
        "gls_shown",
        "gls_apply",
        "gls_save_apply",
        "gls_job",
        "rec_label",
        "rec_queued",
        "rec_running",
        "rec_done",
    ),
    *("rec_dead", "rec_cancelled", "save", "more", "retry", "signed_out"),
)


async def build(page: Page) -> None:
    """The list."""
    _head("glossary/making.js")
    await _List(page).build()


async def build_one(page: Page) -> None:
    """One of them, or one that is to be."""
    _head("glossary/glossary.js")
    name = page.request.path_params["name"]
    try:
        await page.api.get(_path(name))
    except Refused as refused:
        if refused.status != 404 or not page.me.may("editor"):
            raise
        state = "new"
    else:
        state = "kept"
    with tag("div", "mg-head"):
        text(name, "h1")
        link(page.words("gls_all"), "/glossaries", "mg-button mg-quiet")
    words = _said(page, _WORDS)
    who = page.me.name or ""
    made = tag("malgwi-glossary", name_=name, who=who, state=state, access=page.me.role)
    made.props["data-words"] = words


def _head(module: str) -> None:
    ui.add_head_html(
        f'<link rel="stylesheet" href="{stamp("operations.css")}">'
        f'<link rel="stylesheet" href="{stamp("glossary/glossary.css")}">'
        f'<script type="module" src="{stamp(module)}"></script>'
    )


def _said(page: Page, phrases: tuple[str, ...]) -> str:
    return json.dumps({each: page.words(each) for each in phrases}, ensure_ascii=False)


class _List:
    """It stays as new as the API has it."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def build(self) -> None:
        words = self._page.words
        with tag("div", "mg-head"):
            text(words("glossaries"), "h1")
            if self._page.me.may("editor"):
                tag("malgwi-glossary-new", data_words=_said(self._page, _NEW))
        self._live = Live(self._page, self._ask)
        with tag("div", "mg-list-box") as self._box:
            heads = ("name", "gls_entries", "gls_state", "gls_author", "rec_when", "rec_actions")
            body = table([words(each) for each in heads], "mg-list")
        with tag("div", "mg-empty") as self._empty:
            icon("glossaries")
            text(words("gls_empty"), "h2")
            text(words("gls_empty_why"), "p")
        self._dialogs = tag("div")
        self._rows = Rows(body, lambda item: _Row(self._page, item, self._delete))
        await self._live.begin()

    async def _ask(self) -> bool:
        found = await self._page.api.get("/v1/glossaries")
        self._rows.show([{**each, "id": each["name"]} for each in found])
        self._box.set_visibility(bool(found))
        self._empty.set_visibility(not found)
        return False

    def _delete(self, name: str) -> None:
        words = self._page.words
        with self._dialogs:
            dialog = Dialog(words("gls_delete_sure", name=name))
        with dialog.body:
            text(words("gls_delete_why"), "p")

        async def remove() -> None:
            await self._page.api.delete(_path(name))
            await self._live.look()

        ask(self._page, dialog, "rec_delete", remove, grave=True)


class _Row:
    def __init__(self, page: Page, item: Item, delete: Callable[[str], None]) -> None:
        self._page, self._delete = page, delete
        self.element = tag("tr")
        self._part = Part(self.element)
        self.show(item)

    def show(self, item: Item) -> None:
        self._part.show(item, lambda: self._build(item))

    def _build(self, item: Item) -> None:
        words, name = self._page.words, str(item["name"])
        with tag("td"):
            link(name, f"/glossaries/{quote(name, safe='')}")
        text(words("gls_count", count=item["size"]), "td", "mg-number")
        text(words("gls_revision", revision=item["revision"]), "td", "mg-number")
        text(item["author_name"] or "–", "td")
        with tag("td", "mg-muted mg-number"):
            tag("mg-time", at=str(item["created"]))
        with tag("td", "mg-list-actions"):
            if self._page.me.may("editor"):
                said = words("gls_delete", name=name)
                button(said, lambda: self._delete(name), "mg-quiet", "remove", only_icon=True)


def _path(name: str) -> str:
    return f"/v1/glossaries/{quote(name, safe='')}"

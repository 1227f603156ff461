"""All recordings: bring new ones, see what becomes of them, find them again."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from nicegui import ui
from nicegui.element import Element

from malgwi.console import elements
from malgwi.console.api import Refused
from malgwi.console.doors import stamp
from malgwi.console.elements import button, tag, text
from malgwi.console.frame import Page
from malgwi.console.pages import recording_dialogs as dialogs
from malgwi.console.pages import recording_welcome
from malgwi.console.pages.job_state import ACTIVE
from malgwi.console.pages.live import Live
from malgwi.console.pages.recording_filter import Filter
from malgwi.console.pages.recording_row import Item, Row
from malgwi.console.pages.recording_view import View

PATIENCE = 120.0
"""Seconds that the page outlives its connection: uploads go on after it."""
PIECE = 50
_MOST = 1000  # of a page of the API
_QUEUE = 200  # jobs that are looked through for a place in the queue
_MENU = "mg-rec-menu"
_UPLOAD_WORDS = (
    *("up_title", "up_choose", "up_drop_here", "up_empty_file", "up_alike", "up_together"),
    *("up_name", "up_started", "up_join", "up_leave_out", "up_apart", "up_earlier"),
    *("up_channel_name", "up_channels", "up_goes_on", "up_language", "up_detect", "up_glossary"),
    *("up_no_glossary", "up_labels", "up_labels_hint", "up_send_one", "up_send", "up_tray"),
    *("up_fold", "up_clear", "up_under_way", "up_all_done", "up_of", "up_left", "up_waiting"),
    *("up_sending", "up_paused", "up_lost", "up_making", "up_cancelled", "up_refused", "up_done"),
    *("up_duplicate", "up_show", "up_pause", "up_go_on", "up_cancel", "up_now", "cancel", "retry"),
)


async def build(page: Page) -> None:
    ui.add_head_html(
        f'<link rel="stylesheet" href="{stamp("recordings.css")}">'
        f'<script type="module" src="{stamp("recordings.js")}"></script>'
    )
    if page.me.may("editor"):
        _uploads(page)
    await Recordings(page).build()


def _uploads(page: Page) -> None:
    ui.add_head_html(f'<script type="module" src="{stamp("upload.js")}"></script>')
    said = {phrase: page.words(phrase) for phrase in _UPLOAD_WORDS}
    languages = json.dumps(dict(dialogs.LANGUAGES), ensure_ascii=False)
    words = json.dumps(said, ensure_ascii=False)
    tag("mg-uploads", data_words=words, data_languages=languages)


class Recordings:
    """The page of one person."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._view = View.of(dict(page.request.query_params))
        self._rows: dict[str, Row] = {}
        self._cursor: str | None = None
        self._chosen: set[str] = set()
        self._menu_of = ""
        self._known: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._turn = 0

    async def build(self) -> None:
        words, may = self._page.words, self._page.me.may("editor")
        with tag("div", "mg-head"):
            text(words("recordings"), "h1")
            if may:
                with tag("button", "mg-button mg-primary", type="button", data_mg_upload=""):
                    elements.icon("upload")
                    text(words("rec_upload"))
        self._filter = Filter(self._page, self._view, self.look_for)
        if may:
            self._bar()
        self._live = Live(self._page, self._ask_again)
        with tag("div", "mg-rec-box") as self._box:
            self._table()
        with tag("div", "mg-rec-end"):
            self._more = button(words("more"), self._show_more)
        self._empty = tag("div")
        self._row_menu()
        self._dialogs = tag("div")
        await self._live.begin()
        ui.on("mg-recordings", lambda _: self._look(), args=[])
        ui.on("mg-back", lambda event: self._back(event.args))

    # -- the list

    def _table(self) -> None:
        words = self._page.words
        with tag("table", "mg-table mg-rec-table"):
            with tag("thead"), tag("tr"):
                if self._page.me.may("editor"):
                    with tag("th", scope="col"), tag("label", "mg-check"):
                        text(words("rec_choose_all"), classes="mg-unseen")
                        self._all = tag("input", type="checkbox").on(
                            "change",
                            lambda event: self._choose_all(bool(event.args)),
                            js_handler="(e) => emit(e.target.checked)",
                        )
                for each in ("name", "rec_when", "rec_length", "rec_channels", "rec_labels"):
                    text(words(each), "th", scope="col")
                text(words("rec_state"), "th", scope="col")
                with tag("th", scope="col"):
                    text(words("rec_actions"), classes="mg-unseen")
            self._body = tag("tbody")

    async def _look(self) -> None:
        await self._live.look()

    async def _ask_again(self) -> bool:
        await self._refresh()
        return any(row.item.state in ACTIVE for row in self._rows.values())

    async def _refresh(self) -> None:
        self._turn += 1
        turn = self._turn
        limit = min(max(PIECE, len(self._rows)), _MOST)
        found = await self._page.api.get("/v1/recordings", limit=limit, **self._view.query)
        items = await self._items(found["items"])
        if turn == self._turn:
            self._cursor = found["next_cursor"]
            self._show(items)

    async def _show_more(self) -> None:
        self._turn += 1
        try:
            found = await self._page.api.get(
                "/v1/recordings", limit=PIECE, cursor=self._cursor, **self._view.query
            )
            items = await self._items(found["items"])
        except Refused as refused:
            self._page.refused(refused)
            return
        self._cursor = found["next_cursor"]
        new = [each for each in items if each.id not in self._rows]
        self._show([*(row.item for row in self._rows.values()), *new])

    def _show(self, items: Sequence[Item]) -> None:
        here = {each.id: each for each in items}
        for gone in [each for each in self._rows if each not in here]:
            self._rows.pop(gone).element.delete()
            self._chosen.discard(gone)
        for item in items:
            if row := self._rows.get(item.id):
                row.show(item)
            else:
                with self._body:
                    self._rows[item.id] = Row(self._page, self, item)
        if list(self._rows) != list(here):
            self._rows = {id: self._rows[id] for id in here}
            for place, row in enumerate(self._rows.values()):
                if self._body.default_slot.children[place] is not row.element:
                    row.element.move(target_index=place)
        self._shown()

    def _shown(self) -> None:
        """What is around the list, after it changed."""
        self._more.set_visibility(self._cursor is not None)
        self._box.set_visibility(bool(self._rows))
        self._empty.clear()
        if not self._rows:
            with self._empty:
                recording_welcome.build(self._page, self._view, self.look_for)
        self._count()
        self._filter.offer(self._labels(), bool(self._rows) or self._view.filters)

    async def _items(self, recordings: Sequence[Mapping[str, Any]]) -> list[Item]:
        jobs = await asyncio.gather(*(self._job(each["job"]) for each in recordings))
        waiting = any(job and job["state"] == "queued" for job in jobs)
        places = await self._places() if waiting else {}
        return [
            Item(recording, job, places.get(job["id"]) if job else None)
            for recording, job in zip(recordings, jobs, strict=True)
        ]

    async def _job(self, job: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """All of it where there is more to say than its state."""
        if job is None or job["state"] not in ("running", "dead"):
            return job
        key = (job["id"], job["state"])
        if job["state"] == "running" or key not in self._known:
            whole: Mapping[str, Any] = await self._page.api.get(f"/v1/jobs/{job['id']}")
            self._known[key] = whole
        return self._known[key]

    async def _places(self) -> dict[str, int]:
        """Of the jobs that wait; none where more wait than are looked through."""
        found = await self._page.api.get("/v1/jobs", state="queued", limit=_QUEUE)
        if found["next_cursor"]:
            return {}
        lanes = ("live", "interactive", "batch")
        waiting = sorted(
            found["items"], key=lambda each: (lanes.index(each["lane"]), each["created"])
        )
        return {each["id"]: place for place, each in enumerate(waiting, start=1)}

    # -- filter and address

    async def look_for(self, view: View) -> None:
        """Shows these, and says so in the address."""
        if view != self._view:
            ui.navigate.history.push(view.address)
            await self._change(view)

    async def label(self, label: str) -> None:
        await self.look_for(replace(self._view, label=label))

    async def _back(self, query: str) -> None:
        await self._change(View.of(dict(parse_qsl(str(query).removeprefix("?")))))

    async def _change(self, view: View) -> None:
        self._view = view
        self._filter.show(view)
        await self._look()

    def _labels(self) -> list[str]:
        return sorted(
            {each for row in self._rows.values() for each in row.item.recording["labels"]}
        )

    # -- what is done to recordings

    async def call_off(self, job: str) -> None:
        await self._ask(f"/v1/jobs/{job}/cancel")

    async def try_again(self, job: str) -> None:
        await self._ask(f"/v1/jobs/{job}/retry")

    async def _ask(self, path: str) -> None:
        try:
            await self._page.api.post(path)
        except Refused as refused:
            self._page.refused(refused)
        self._known.clear()
        await self._look()

    def menu(self, recording: str) -> None:
        self._menu_of = recording
        row = self._rows.get(recording)
        self._export.set_visibility(bool(row and row.item.transcript))

    def _row_menu(self) -> None:
        words = self._page.words
        with tag("div", "mg-rec-menu", popover="auto", id=_MENU):
            if self._page.me.may("editor"):
                _entry(words("rec_again"), "again", self._transcribe_again)
                _entry(words("rec_rename"), "edit", self._rename)
                _entry(words("rec_edit_labels"), "label", self._edit_labels)
            self._export = _entry(words("rec_export"), "download", self._export_one)
            if self._page.me.may("editor"):
                _entry(words("rec_delete"), "remove", self._delete, "mg-danger")

    async def _transcribe_again(self) -> None:
        await self._again(self._meant())

    def _rename(self) -> None:
        with self._dialogs:
            for item in self._meant():
                dialogs.rename(self._page, item, self._changed)

    def _edit_labels(self) -> None:
        self._label(self._meant())

    def _export_one(self) -> None:
        with self._dialogs:
            for item in self._meant():
                dialogs.export(self._page, item)

    def _delete(self) -> None:
        self._remove(self._meant())

    async def _again(self, items: Sequence[Item]) -> None:
        with self._dialogs:
            if items:
                await dialogs.again(self._page, items, self._changed)

    def _label(self, items: Sequence[Item]) -> None:
        with self._dialogs:
            if items:
                dialogs.labels(self._page, items, self._changed)

    def _remove(self, items: Sequence[Item]) -> None:
        with self._dialogs:
            if items:
                dialogs.delete(self._page, items, self._changed)

    def _meant(self) -> list[Item]:
        """The recording whose menu is open."""
        row = self._rows.get(self._menu_of)
        return [row.item] if row else []

    async def _changed(self) -> None:
        self._choose_none()
        await self._look()

    # -- several at once

    def _bar(self) -> None:
        words = self._page.words
        with tag("div", "mg-rec-bar", role="status") as self._chosen_bar:
            self._chosen_count = text("", classes="mg-grow")
            button(words("rec_edit_labels"), self._label_chosen, icon_name="label")
            button(words("rec_again"), self._transcribe_chosen, icon_name="again")
            button(words("rec_delete"), self._delete_chosen, "mg-danger", "remove")
            button(words("rec_choose_none"), self._choose_none, "mg-quiet")
        self._chosen_bar.set_visibility(False)

    def choose(self, recording: str, chosen: bool) -> None:
        (self._chosen.add if chosen else self._chosen.discard)(recording)
        self._count()

    def _choose_all(self, chosen: bool) -> None:
        self._chosen = set(self._rows) if chosen else set()
        self._tick("true" if chosen else "false")
        self._count()

    def _choose_none(self) -> None:
        self._chosen.clear()
        self._tick("false")
        self._count()

    def _tick(self, checked: str) -> None:
        boxes = "document.querySelectorAll('.mg-rec-table input[type=checkbox]')"
        ui.run_javascript(f"{boxes}.forEach((box) => {{ box.checked = {checked}; }})")

    def _count(self) -> None:
        if self._page.me.may("editor"):
            self._chosen_bar.set_visibility(bool(self._chosen))
            said = self._page.words("rec_chosen", count=len(self._chosen))
            if self._chosen and self._chosen_count.text != said:
                self._chosen_count.text = said

    def _items_chosen(self) -> list[Item]:
        return [row.item for id, row in self._rows.items() if id in self._chosen]

    def _label_chosen(self) -> None:
        self._label(self._items_chosen())

    async def _transcribe_chosen(self) -> None:
        await self._again(self._items_chosen())

    def _delete_chosen(self) -> None:
        self._remove(self._items_chosen())


def _entry(said: str, icon_name: str, work: Callable[[], Any], classes: str = "") -> Element:
    """Of the menu, which closes before anything is asked."""
    made = button(said, work, f"mg-quiet {classes}", icon_name, popovertarget=_MENU)
    made.props["popovertargetaction"] = "hide"
    return made

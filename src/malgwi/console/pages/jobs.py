"""The work that there is: what waits, what runs and how fast, what failed and why."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from nicegui import ui

from malgwi.console.api import Refused
from malgwi.console.doors import stamp
from malgwi.console.elements import Say, button, choice, fact, link, set_value, table, tag, text
from malgwi.console.frame import Page
from malgwi.console.pages.amounts import clock, long
from malgwi.console.pages.job_state import ACTIVE, STATES, JobState
from malgwi.console.pages.listing import Item, Paged, Part, Rows
from malgwi.console.pages.live import Live
from malgwi.console.words import Words

LANES = ("live", "interactive", "batch")
KINDS = ("transcribe", "glossary")
_LONGEST = 100
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class View:
    """Which jobs; what is empty asks for nothing. The names are those of the API."""

    state: str = ""
    lane: str = ""
    kind: str = ""
    recording: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "View":
        state, lane = query.get("state", ""), query.get("lane", "")
        return cls(
            state if state in STATES else "",
            lane if lane in LANES else "",
            query.get("kind", "")[:_LONGEST],
            query.get("recording", "")[:_LONGEST],
        )

    @property
    def query(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if value}

    @property
    def address(self) -> str:
        return f"/jobs?{urlencode(self.query)}" if self.query else "/jobs"


async def build(page: Page) -> None:
    ui.add_head_html(f'<link rel="stylesheet" href="{stamp("operations.css")}">')
    await Jobs(page).build()


class Jobs:
    """The page of one person."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._view = View.of(dict(page.request.query_params))
        self._recordings: dict[tuple[str, bool], Item | None] = {}

    async def build(self) -> None:
        words = self._page.words
        with tag("div", "mg-head"):
            text(words("jobs"), "h1")
        self._live = Live(self._page, self._ask)
        self._lanes = Part(tag("div", "mg-lanes"))
        self._build_filter()
        headings = ("job_what", "job_lane", "rec_state", "job_attempt", "job_age")
        with tag("div", "mg-list-box") as self._box:
            body = table([words(each) for each in headings], "mg-list mg-jobs")
        self._empty = text(words("job_none"), "p", "mg-empty")
        self._rows = Rows(body, self._row)
        self._paged = Paged(self._page, "/v1/jobs", self._show, self._view.query)
        await self._live.begin()
        ui.on("mg-back", lambda event: self._back(str(event.args)))

    def _build_filter(self) -> None:
        words, view = self._page.words, self._view
        states = {each: words(_state_phrase(each)) for each in STATES}
        lanes = {each: words(f"lane_{each}") for each in LANES}
        kinds = {each: kind_in_words(words, each) for each in KINDS}
        with tag("div", "mg-list-filter", role="search", aria_label=words("jobs")):
            self._fields = {
                "state": self._choice("rec_state", "rec_any_state", states, "state"),
                "lane": self._choice("job_lane", "job_any_lane", lanes, "lane"),
                "kind": self._choice("job_kind", "job_any_kind", kinds, "kind"),
            }
            self._clear = button(words("rec_clear"), self._all, "mg-quiet", "close")
        self._clear.set_visibility(bool(view.query))

    def _choice(self, label: str, every: str, options: Mapping[str, str], name: str) -> Any:
        words = self._page.words
        chosen = getattr(self._view, name)
        return choice(words(label), {"": words(every), **options}, chosen, self._say(name))

    def _say(self, name: str) -> Say:
        async def say(value: str) -> None:
            await self._look_for(replace(self._view, **{name: value}))

        return say

    async def _all(self) -> None:
        await self._look_for(View())

    async def _look_for(self, view: View) -> None:
        """Shows these, and says so in the address."""
        if view != self._view:
            ui.navigate.history.push(view.address)
            await self._change(view)

    async def _back(self, query: str) -> None:
        await self._change(View.of(dict(parse_qsl(query.removeprefix("?")))))

    async def _change(self, view: View) -> None:
        self._view = view
        for name, element in self._fields.items():
            set_value(element, getattr(view, name))
        self._clear.set_visibility(bool(view.query))
        try:
            await self._paged.look_for(view.query)
        except Refused as refused:
            self._page.refused(refused)

    # -- what is so now

    async def _ask(self) -> bool:
        system, _ = await asyncio.gather(self._page.api.get("/v1/system"), self._paged.refresh())
        lanes = system["lanes"]
        facts = [{**each, "oldest_seconds": _minutes(each["oldest_seconds"])} for each in lanes]
        self._lanes.show(facts, lambda: self._show_lanes(facts))
        return any(each["running"] or each["waiting"] for each in lanes)

    def _show_lanes(self, lanes: Sequence[Item]) -> None:
        words = self._page.words
        for lane in lanes:
            with tag("section", "mg-lane"):
                text(words(f"lane_{lane['lane']}"), "h2")
                with tag("dl"):
                    fact(words("job_waiting"), str(lane["waiting"]))
                    fact(words("job_running"), str(lane["running"]))
                    oldest = lane["oldest_seconds"]
                    said = "–" if oldest is None else long(words, oldest)
                    fact(words("job_oldest"), said)

    async def _show(self, items: Sequence[Item]) -> None:
        await self._learn(items)
        self._rows.show(items)
        self._box.set_visibility(bool(items))
        self._empty.set_visibility(not items)

    async def _learn(self, items: Sequence[Item]) -> None:
        """The recordings that they are about. One that is done may have a transcript since."""
        wanted = {_key(each) for each in items if each["recording"]} - self._recordings.keys()
        turns = asyncio.Semaphore(_AT_ONCE)

        async def learn(key: tuple[str, bool]) -> None:
            async with turns:
                self._recordings[key] = await self._recording(key[0])

        await asyncio.gather(*map(learn, wanted))

    async def _recording(self, id: str) -> Item | None:
        try:
            found: Item = await self._page.api.get(f"/v1/recordings/{quote(id, safe='')}")
        except Refused as refused:
            if refused.status == 404:
                return None
            raise
        return found

    def _row(self, job: Item) -> "Row":
        return Row(self._page, self, self._recordings, job)

    # -- what is done to jobs

    async def call_off(self, job: str) -> None:
        await self._do(f"/v1/jobs/{job}/cancel")

    async def try_again(self, job: str) -> None:
        await self._do(f"/v1/jobs/{job}/retry")

    async def _do(self, path: str) -> None:
        try:
            await self._page.api.post(path)
        except Refused as refused:
            self._page.refused(refused)
        await self._live.look()


class Row:
    """A job."""

    def __init__(
        self,
        page: Page,
        jobs: Jobs,
        recordings: Mapping[tuple[str, bool], Item | None],
        job: Item,
    ) -> None:
        self._page, self._recordings = page, recordings
        with tag("tr", id=f"job-{job['id']}") as self.element:
            names = ("what", "lane", "state", "attempt", "age")
            cells = {name: tag("td", f"mg-job-{name}") for name in names}
        self._parts = {name: Part(cell) for name, cell in cells.items() if name != "state"}
        self._state = JobState(page, jobs, cells["state"], "job_call_off")
        self.show(job)

    def show(self, item: Item) -> None:
        words, recording = self._page.words, self._recordings.get(_key(item))
        name = str(recording["name"]) if recording else ""
        kind = kind_in_words(words, item["kind"])
        self._parts["what"].show((kind, recording), lambda: self._what(item, kind, recording))
        self._parts["lane"].show(item["lane"], lambda: text(words(f"lane_{item['lane']}")))
        attempt = words("job_nth", attempt=item["attempt"], most=item["max_attempts"])
        self._parts["attempt"].show(attempt, lambda: text(attempt))
        took = _took(item)
        self._parts["age"].show((item["created"], took), lambda: self._age(item, took))
        self._state.show(item, f"{kind} {name}".strip())

    def _what(self, job: Item, kind: str, recording: Item | None) -> None:
        words = self._page.words
        text(kind, "div", "mg-small mg-muted")
        if recording:
            link(str(recording["name"]), _place_of(recording), "mg-job-name")
        elif job["recording"]:
            text(words("job_recording_gone"), classes="mg-muted")
        elif glossary := job["payload"].get("glossary"):
            text(str(glossary), classes="mg-job-name")

    def _age(self, job: Item, took: float | None) -> None:
        tag("mg-time", at=str(job["created"]))
        if took is not None:
            said = self._page.words("job_took", time=clock(took))
            text(said, "div", "mg-small mg-muted mg-number")


def kind_in_words(words: Words, kind: str) -> str:
    """A kind that somebody else's program made is called as it is."""
    return words(f"kind_{kind}") if kind in KINDS else kind


def _state_phrase(state: str) -> str:
    return "job_waiting_for_other" if state == "waiting" else STATES[state]


def _key(job: Item) -> tuple[str, bool]:
    return str(job["recording"]), job["state"] in ACTIVE


def _place_of(recording: Item) -> str:
    """Its newest transcript, or itself in the list."""
    if transcript := recording.get("transcript"):
        return f"/transcripts/{transcript['id']}"
    return "/recordings?" + urlencode({"name": recording["name"]})


def _minutes(seconds: float | None) -> float | None:
    """So that what is shown is not other each time that one looks."""
    return None if seconds is None else seconds // 60 * 60


def _took(job: Item) -> float | None:
    """Seconds; None before it has ended, and where it was never begun."""
    if not job["started"] or not job["ended"]:
        return None
    began, ended = (datetime.fromisoformat(job[each]) for each in ("started", "ended"))
    return max(0.0, (ended.astimezone(UTC) - began.astimezone(UTC)).total_seconds())

"""A recording in the list: what it is, and what becomes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

from malgwi.console.elements import button, icon, link, tag, text
from malgwi.console.frame import Page

ACTIVE = ("waiting", "queued", "running")
_CHIPS = {"done": "mg-good", "dead": "mg-bad", "running": "mg-busy"}
_STAGES = {
    "decoding": "rec_stage_decoding",
    "recognising": "rec_stage_recognising",
    "writing": "rec_stage_writing",
}


@dataclass(frozen=True, slots=True)
class Item:
    """A recording and its last job, as the API has them."""

    recording: Mapping[str, Any]
    job: Mapping[str, Any] | None
    """Its id and state; of one that runs or is dead, all that is known."""
    place: int | None = None
    """In the queue, from 1, where it is known."""

    @property
    def id(self) -> str:
        return str(self.recording["id"])

    @property
    def name(self) -> str:
        return str(self.recording["name"])

    @property
    def transcript(self) -> str | None:
        """Id of the newest."""
        found = self.recording.get("transcript")
        return str(found["id"]) if found else None

    @property
    def state(self) -> str:
        """Empty where nothing was to be done."""
        return str(self.job["state"]) if self.job else ""


class Doing(Protocol):
    """What a row asks of its list."""

    async def call_off(self, job: str) -> None: ...

    async def try_again(self, job: str) -> None: ...

    async def label(self, label: str) -> None:
        """Shows those that have it."""

    def choose(self, recording: str, chosen: bool) -> None: ...

    def menu(self, recording: str) -> None:
        """Says for which recording the menu opens."""


class Row:
    """It is changed in place, and only where something is other: focus and scroll stay."""

    def __init__(self, page: Page, doing: Doing, item: Item) -> None:
        self.item = item
        self._page = page
        self._doing = doing
        self._shown: dict[str, Any] = {}
        self._may = page.me.may("editor")
        with tag("tr", "mg-rec", id=f"recording-{item.id}") as self.element:
            if self._may:
                self._checkbox()
            self._cells = {
                name: tag("td", f"mg-rec-{name}")
                for name in ("name", "when", "length", "channels", "labels", "state")
            }
            self._menu()
        self.show(item)

    def show(self, item: Item) -> None:
        self.item = item
        recording = item.recording
        self._cell("name", (item.name, self._to()), self._name)
        self._cell("when", recording["started"] or recording["created"], self._when)
        self._cell("length", recording["duration"], self._length)
        self._cell("channels", tuple(recording["channel_labels"]), self._channels)
        self._cell("labels", tuple(recording["labels"]), self._labels)
        job = item.job or {}
        stopping = bool(job.get("cancel_asked"))
        facts = (job.get("id"), item.state, stopping, job.get("error"))
        self._cell("state", facts, lambda: self._state(stopping))
        self._progress()

    def _cell(self, name: str, facts: Any, build: Callable[[], None]) -> None:
        if name in self._shown and self._shown[name] == facts:
            return
        self._shown[name] = facts
        self._cells[name].clear()
        with self._cells[name]:
            build()

    def _checkbox(self) -> None:
        words = self._page.words
        with tag("td", "mg-rec-choose"), tag("label", "mg-check"):
            text(words("rec_choose", name=self.item.name), classes="mg-unseen")
            box = tag("input", type="checkbox")
            box.on(
                "change",
                lambda event: self._doing.choose(self.item.id, bool(event.args)),
                js_handler="(e) => emit(e.target.checked)",
            )

    def _to(self) -> str:
        """Where the name leads: to what was said, or to why there is nothing yet."""
        if self.item.transcript:
            return f"/transcripts/{self.item.transcript}"
        return "/jobs?" + urlencode({"recording": self.item.id})

    def _name(self) -> None:
        link(self.item.name, self._to())

    def _when(self) -> None:
        recording = self.item.recording
        tag("mg-time", at=str(recording["started"] or recording["created"]))

    def _length(self) -> None:
        duration = self.item.recording["duration"]
        text("–" if duration is None else clock(float(duration)))

    def _channels(self) -> None:
        labels = self.item.recording["channel_labels"]
        text(str(len(labels)) if labels else "–", title=", ".join(labels))

    def _labels(self) -> None:
        for each in self.item.recording["labels"]:
            made = text(each, "button", "mg-chip", type="button")
            made.on("click", lambda _, label=each: self._doing.label(label), args=[])

    def _state(self, stopping: bool) -> None:
        words, job, state = self._page.words, self.item.job, self.item.state
        if job is None:
            text(words("rec_kept"), classes="mg-chip")
            return
        chip = f"mg-chip {_CHIPS.get(state, '')}"
        with tag("div", "mg-rec-line"):
            self._said = text(words(_WORDS[state]), classes=chip)
            if state in ACTIVE:
                self._pace = text("", classes="mg-grow mg-small mg-muted mg-number")
            if stopping and state in ACTIVE:
                self._said.text = words("rec_stopping")
            elif state in ACTIVE and self._may:
                off = words("rec_call_off")
                button(off, self._call_off, "mg-quiet mg-rec-off", "close", only_icon=True)
            if state == "dead" and self._may:
                button(words("retry"), self._try_again, "mg-rec-retry", "again")
        if state == "dead":
            text(str(job.get("error") or ""), "div", "mg-small mg-rec-why")
        if state in ACTIVE:
            self._bar = tag("progress", "mg-progress", max="1", aria_label=self.item.name)

    def _progress(self) -> None:
        """What changes while it runs: the elements stay."""
        item, words = self.item, self._page.words
        if item.job is None or item.state not in ACTIVE:
            return
        progress = item.job.get("progress") or {}
        running = item.state == "running" and bool(progress.get("stage"))
        self._bar.set_visibility(running)
        if not running:
            said = words("rec_place", place=item.place) if item.place else ""
            _say(self._pace, said)
            return
        if not item.job.get("cancel_asked"):
            _say(self._said, words(_STAGES.get(progress["stage"], "rec_running")))
        done, total = progress.get("audio_done") or 0.0, progress.get("audio_total")
        share = f"{min(1.0, done / total):.3f}" if total else "0"
        if self._bar.props.get("value") != share:
            self._bar.props["value"] = share
            self._bar.update()
        _say(self._pace, self._paces(progress))

    def _paces(self, progress: Mapping[str, Any]) -> str:
        words = self._page.words
        times, left = progress.get("times_real_time"), progress.get("seconds_left")
        parts = []
        if times:
            parts.append(
                words("rec_speed", times=f"{times:.0f}" if times >= 10 else f"{times:.1f}")
            )
        if left is not None:
            parts.append(words("rec_left", time=clock(left)))
        return " · ".join(parts)

    def _menu(self) -> None:
        said = self._page.words("rec_actions_of", name=self.item.name)
        with tag("td", "mg-rec-menu-cell"):
            made = tag(
                "button",
                "mg-button mg-quiet mg-icon",
                type="button",
                aria_label=said,
                title=self._page.words("rec_actions"),
                aria_haspopup="true",
                data_mg_menu="mg-rec-menu",
            )
            with made:
                icon("more")
            made.on("click", lambda _: self._doing.menu(self.item.id), args=[])

    async def _call_off(self) -> None:
        if self.item.job:
            await self._doing.call_off(self.item.job["id"])

    async def _try_again(self) -> None:
        if self.item.job:
            await self._doing.try_again(self.item.job["id"])


_WORDS = {
    "waiting": "rec_queued",
    "queued": "rec_queued",
    "running": "rec_running",
    "done": "rec_done",
    "dead": "rec_dead",
    "cancelled": "rec_cancelled",
}


def _say(element: Any, said: str) -> None:
    if element.text != said:
        element.text = said


def clock(seconds: float) -> str:
    """As 0:42 or 1:02:03, down to the whole second."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"

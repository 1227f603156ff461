"""A recording in the list: what it is, and what becomes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

from malgwi.console.elements import icon, link, tag, text
from malgwi.console.frame import Page
from malgwi.console.pages import job_state
from malgwi.console.pages.amounts import clock
from malgwi.console.pages.job_state import JobState


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


class Doing(job_state.Doing, Protocol):
    """What a row asks of its list."""

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
        self._state = JobState(page, doing, self._cells["state"], "rec_call_off")
        self.show(item)

    def show(self, item: Item) -> None:
        self.item = item
        recording = item.recording
        self._cell("name", (item.name, self._to()), self._name)
        self._cell("when", recording["started"] or recording["created"], self._when)
        self._cell("length", recording["duration"], self._length)
        self._cell("channels", tuple(recording["channel_labels"]), self._channels)
        self._cell("labels", tuple(recording["labels"]), self._labels)
        if item.job:
            self._state.show(item.job, item.name, item.place)
        else:
            self._cell("state", None, self._kept)

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

    def _kept(self) -> None:
        text(self._page.words("rec_kept"), classes="mg-chip")

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

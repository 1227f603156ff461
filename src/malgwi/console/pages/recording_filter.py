"""Above the list of recordings: what to look for, and in which order."""

from collections.abc import Awaitable, Callable, Sequence

from nicegui.element import Element

from malgwi.console.elements import Say, button, choice, line, set_value, tag, text
from malgwi.console.frame import Page
from malgwi.console.pages.recording_view import STATES, View

_LABELS = "mg-rec-known-labels"
_ORDERS = {
    "newest": "rec_newest",
    "oldest": "rec_oldest",
    "started": "rec_started",
    "name": "rec_by_name",
    "duration": "rec_duration",
}

LookFor = Callable[[View], Awaitable[None]]


class Filter:
    """Tells of each change the view that is wanted then."""

    def __init__(self, page: Page, view: View, look_for: LookFor) -> None:
        words = page.words
        self._look_for = look_for
        self._view = view
        states = {"": words("rec_any_state"), **{each: words(f"rec_{each}") for each in STATES}}
        orders = {each: words(said) for each, said in _ORDERS.items()}
        with tag("div", "mg-rec-filter", role="search", aria_label=words("recordings")) as box:
            self._fields = {
                "name": line(words("rec_find"), view.name, self._say("name")),
                "label": line(words("rec_label"), view.label, self._say("label"), _LABELS),
                "state": choice(words("rec_state"), states, view.state, self._say("state")),
            }
            with tag("span", "mg-rec-days"):
                since = _day(words("rec_since"), view.since, self._say("since"))
                text("–", classes="mg-muted", aria_hidden="true")
                until = _day(words("rec_until"), view.until, self._say("until"), is_end=True)
            self._days = {"since": since, "until": until}
            order = choice(words("rec_order"), orders, view.order, self._say("order"))
            self._fields["order"] = order
            self._clear = button(words("rec_clear"), self._all, "mg-quiet", "close")
        self._box = box
        self._known = tag("datalist", id=_LABELS)
        self._offered: list[str] = []
        self._clear.set_visibility(view.filters)

    def show(self, view: View) -> None:
        self._view = view
        for name, element in self._fields.items():
            set_value(element, getattr(view, name))
        for name, element in self._days.items():
            element.props["at"] = getattr(view, name)
            element.update()
        self._clear.set_visibility(view.filters)

    def offer(self, labels: Sequence[str], is_of_use: bool) -> None:
        """Labels to choose from; nothing at all while there is nothing to look for."""
        self._box.set_visibility(is_of_use)
        if labels == self._offered:
            return
        self._offered = list(labels)
        self._known.clear()
        with self._known:
            for each in labels:
                tag("option", value=each)

    def _say(self, name: str) -> Say:
        async def say(value: str) -> None:
            await self._look_for(View.of({**self._view.query, name: value.strip()}))

        return say

    async def _all(self) -> None:
        await self._look_for(View(order=self._view.order))


def _day(label: str, at: str, say: Say, is_end: bool = False) -> Element:
    made = tag("mg-day", label=label, at=at, **({"end": ""} if is_end else {}))
    return made.on("day", lambda event: say(str(event.args)), js_handler="(e) => emit(e.detail)")

"""Where a job stands: what it does, how fast, what time is left; why it failed."""

from collections.abc import Mapping
from typing import Any, Protocol

from nicegui.element import Element

from malgwi.console.elements import button, tag, text
from malgwi.console.frame import Page
from malgwi.console.pages.amounts import clock
from malgwi.console.pages.listing import Part

ACTIVE = ("waiting", "queued", "running")
STATES = {
    "waiting": "rec_queued",
    "queued": "rec_queued",
    "running": "rec_running",
    "done": "rec_done",
    "dead": "rec_dead",
    "cancelled": "rec_cancelled",
}
"""What each is called."""
_CHIPS = {"done": "mg-good", "dead": "mg-bad", "running": "mg-busy"}
_STAGES = {
    "decoding": "rec_stage_decoding",
    "recognising": "rec_stage_recognising",
    "writing": "rec_stage_writing",
}


class Doing(Protocol):
    """What it asks of its list."""

    async def call_off(self, job: str) -> None: ...

    async def try_again(self, job: str) -> None: ...


class JobState:
    """It is changed in place, and only where something is other."""

    def __init__(self, page: Page, doing: Doing, cell: Element, call_off: str) -> None:
        """`call_off`: the phrase of the button that does it."""
        self._page, self._doing, self._call_off_said = page, doing, call_off
        self._part = Part(cell)
        self._may = page.me.may("editor")
        self._job: Mapping[str, Any] = {}

    def show(self, job: Mapping[str, Any], name: str, place: int | None = None) -> None:
        """`name` is read out of its bar; `place` is that in the queue, from 1."""
        self._job = job
        stopping = bool(job.get("cancel_asked"))
        self._part.show(
            (job["id"], job["state"], stopping, job.get("error"), name),
            lambda: self._build(job, name, stopping),
        )
        if job["state"] in ACTIVE:
            self._progress(job, place)

    def _build(self, job: Mapping[str, Any], name: str, stopping: bool) -> None:
        words, state = self._page.words, job["state"]
        with tag("div", "mg-job-line"):
            self._said = text(words(STATES[state]), classes=f"mg-chip {_CHIPS.get(state, '')}")
            if state in ACTIVE:
                self._pace = text("", classes="mg-grow mg-small mg-muted mg-number")
            if stopping and state in ACTIVE:
                self._said.text = words("rec_stopping")
            elif state in ACTIVE and self._may:
                off = words(self._call_off_said)
                button(off, self._call_off, "mg-quiet mg-job-off", "close", only_icon=True)
            if state == "dead" and self._may:
                button(words("retry"), self._try_again, "mg-job-retry", "again")
        if state == "dead":
            text(self._page.why(str(job.get("error") or "")), "div", "mg-small mg-job-why")
        if state in ACTIVE:
            self._bar = tag("progress", "mg-progress", max="1", aria_label=name)

    def _progress(self, job: Mapping[str, Any], place: int | None) -> None:
        """What changes while it runs: the elements stay."""
        words, progress = self._page.words, job.get("progress") or {}
        running = job["state"] == "running" and bool(progress.get("stage"))
        self._bar.set_visibility(running)
        if not running:
            say(self._pace, words("rec_place", place=place) if place else "")
            return
        if not job.get("cancel_asked"):
            say(self._said, words(_STAGES.get(progress["stage"], "rec_running")))
        done, total = progress.get("audio_done") or 0.0, progress.get("audio_total")
        share = f"{min(1.0, done / total):.3f}" if total else "0"
        if self._bar.props.get("value") != share:
            self._bar.props["value"] = share
            self._bar.update()
        say(self._pace, self._paces(progress))

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

    async def _call_off(self) -> None:
        await self._doing.call_off(self._job["id"])

    async def _try_again(self) -> None:
        await self._doing.try_again(self._job["id"])


def say(element: Any, said: str) -> None:
    """Only what is other goes to the browser."""
    if element.text != said:
        element.text = said

"""How the service is, at a glance, worst first: what is checked, engines, models, disk, work."""

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

from malgwi.console.api import Refused
from malgwi.console.doors import stamp
from malgwi.console.elements import button, fact, table, tag, text
from malgwi.console.frame import Page
from malgwi.console.pages import checks
from malgwi.console.pages.amounts import long, size
from malgwi.console.pages.checks import Check
from malgwi.console.pages.listing import Part
from malgwi.console.pages.live import Live

_ENGINE_CHIPS = {"ready": "mg-good", "loading": "mg-busy", "failed": "mg-bad"}


async def build(page: Page) -> None:
    ui.add_head_html(f'<link rel="stylesheet" href="{stamp("operations.css")}">')
    await Status(page).build()


class Status:
    """The page of one person."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._canaries: list[Check] = []
        self._machine: list[Check] = []
        self._system: Mapping[str, Any] = {}

    async def build(self) -> None:
        words = self._page.words
        with tag("div", "mg-head"):
            text(words("status"), "h1")
            self._version = Part(tag("span", "mg-muted mg-small"))
            self._look = button(words("status_check"), self._listen, icon_name="again")
        live = Live(self._page, self._ask)
        with tag("section", "mg-checks", aria_label=words("status_checks")):
            self._checks = Part(tag("div", "mg-stack", role="status"))
        with tag("div", "mg-status-grid"):
            self._engines = _section(words("status_engines"), "mg-wide-part")
            self._work = _section(words("status_work"))
            self._disk = _section(words("status_disk"))
            self._models = _section(words("status_models"), "mg-wide-part")
        await live.begin()
        ui.timer(0.1, self._listen, once=True)  # after the page is there: it may take a second

    async def _ask(self) -> bool:
        system = await self._page.api.get("/v1/system")
        self._system = system
        about = {name: system[name] for name in ("version", "started", "last_backup")}
        self._version.show(about, lambda: self._show_version(about))
        self._show_checks()
        engines = system["engines"], system["engines_elsewhere_reason"]
        self._engines.show(engines, lambda: self._show_engines(*engines))
        self._models.show(system["models"], lambda: self._show_models(system["models"]))
        disk = {**system["disk"], "backup": system["last_backup"]}
        self._disk.show(_rounded(disk), lambda: self._show_disk(disk))
        lanes, workers = system["lanes"], system["workers"]
        ages = [each["oldest_seconds"] and each["oldest_seconds"] // 60 for each in lanes]
        counts = [(each["waiting"], each["running"]) for each in lanes]
        self._work.show((ages, counts, workers), lambda: self._show_work(lanes, workers))
        return any(each["running"] for each in lanes)

    async def _listen(self) -> None:
        """Has every engine that is loaded hear a known recording."""
        try:
            said = await self._page.api.get("/health/ready")
        except Refused as refused:
            said = refused.body
            if "engines" not in said:
                self._page.refused(refused)
                return
        self._canaries = list(checks.of_canaries(self._page.words, said.get("engines", ())))
        self._show_checks()
        if self._page.me.may("admin"):
            await self._examine()

    async def _examine(self) -> None:
        """Has the doctor look at the machine."""
        try:
            found = await self._page.api.get("/v1/system/checks")
        except Refused as refused:
            self._page.refused(refused)
            return
        self._machine = list(checks.of_machine(self._page.words, found["items"]))
        self._show_checks()

    def _show_checks(self) -> None:
        words = self._page.words
        found = [*self._canaries, *checks.of_system(words, self._system), *self._machine]
        self._checks.show(found, lambda: checks.show(words, found))

    def _show_version(self, about: Mapping[str, Any]) -> None:
        words = self._page.words
        text(f"{words('brand')} {about['version']} · {words('status_since')} ")
        tag("mg-time", at=str(about["started"]))

    def _show_engines(self, engines: Sequence[Mapping[str, Any]], elsewhere: str | None) -> None:
        words = self._page.words
        if engines:
            headings = ("rec_model", "rec_state", "status_device", "status_memory")
            with table([words(each) for each in headings], "mg-list"):
                for each in engines:
                    self._show_engine(each)
        if elsewhere:
            text(self._page.why(elsewhere), "p", "mg-muted")
        elif not engines:
            text(words("status_no_engine"), "p", "mg-muted")

    def _show_engine(self, engine: Mapping[str, Any]) -> None:
        words, state = self._page.words, engine["state"]
        with tag("tr"):
            with tag("td"):
                text(engine["model"], "div", "mg-job-name")
                text(engine["engine"] or "", "div", "mg-small mg-muted")
            with tag("td"):
                chip = f"mg-chip {_ENGINE_CHIPS.get(state, '')}"
                text(words(f"engine_{state}"), classes=chip)
            with tag("td"):
                device = " ".join(filter(None, (engine["device"], engine["compute_type"])))
                text(device or "–", "div")
                if engine["fallback_reason"]:
                    text(words("status_fell_back"), classes="mg-chip mg-careful")
            memory = engine["memory_bytes"]
            text("–" if memory is None else size(memory), "td", "mg-number")

    def _show_models(self, models: Sequence[Mapping[str, Any]]) -> None:
        words = self._page.words
        if not models:
            text(words("status_no_model"), "p", "mg-muted")
            return
        headings = ("name", "status_size", "status_licence", "status_commercial")
        with table([words(each) for each in headings], "mg-list"):
            for each in models:
                with tag("tr"):
                    text(each["name"], "td", "mg-job-name")
                    text(size(each["bytes"]), "td", "mg-number")
                    text(each["licence"], "td")
                    phrase, chip = _COMMERCIAL[each["commercial_use"]]
                    with tag("td"):
                        text(words(phrase), classes=f"mg-chip {chip}")

    def _show_disk(self, disk: Mapping[str, Any]) -> None:
        words, used = self._page.words, disk["total"] - disk["free"]
        share = used / disk["total"] if disk["total"] else 0.0
        low = " mg-low" if disk["free"] < checks.KEPT_FREE else ""
        said = words("status_free", free=size(disk["free"]), total=size(disk["total"]))
        text(said, "p", "mg-status-large")
        tag(
            "progress",
            f"mg-progress mg-disk{low}",
            max="1",
            value=f"{share:.3f}",
            aria_label=words("status_used"),
        )
        with tag("dl", "mg-facts"):
            fact(words("status_media"), size(disk["media"]))
            if disk["database"] is not None:
                fact(words("status_database"), size(disk["database"]))
            if disk["folder"]:
                fact(words("status_folder"), disk["folder"])
            with tag("div"):
                text(words("status_backup"), "dt")
                with tag("dd"):
                    if disk["backup"]:
                        tag("mg-time", at=str(disk["backup"]))
                    else:
                        text(words("status_no_backup"), classes="mg-muted")

    def _show_work(self, lanes: Sequence[Mapping[str, Any]], workers: Mapping[str, Any]) -> None:
        words = self._page.words
        oldest = max((each["oldest_seconds"] or 0.0 for each in lanes), default=0.0)
        with tag("dl", "mg-facts"):
            fact(words("job_waiting"), str(sum(each["waiting"] for each in lanes)))
            fact(words("job_running"), str(sum(each["running"] for each in lanes)))
            fact(words("job_oldest"), long(words, oldest) if oldest else "–")
            fact(words("status_busy"), str(len(workers["busy"])))
        for each in workers["busy"]:
            if each["name"]:
                said = words("status_worker", name=each["name"], count=each["jobs"])
                text(said, "p", "mg-small mg-muted")


_COMMERCIAL = {
    True: ("status_allowed", "mg-good"),
    False: ("status_forbidden", "mg-careful"),
    None: ("status_unknown", ""),
}


def _section(title: str, classes: str = "") -> Part:
    with tag("section", f"mg-card {classes}"):
        text(title, "h2")
        return Part(tag("div", "mg-stack"))


def _rounded(disk: Mapping[str, Any]) -> dict[str, Any]:
    """What is shown of it, so that a few bytes more change nothing."""
    return {name: size(said) if isinstance(said, int) else said for name, said in disk.items()}

"""What was done, when, by whom and to what."""

import json
from collections.abc import Sequence

from malgwi.console.api import Refused
from malgwi.console.elements import button, line, set_value, table, tag, text
from malgwi.console.frame import Page
from malgwi.console.pages.listing import Item, Paged, Rows
from malgwi.console.words import PHRASES

_ACTORS = {"settings": "audit_settings", "command": "audit_command"}


class Audit:
    """The trail, newest first."""

    def __init__(self, page: Page) -> None:
        self._page = page
        words = page.words
        headings = ("audit_at", "audit_who", "audit_what", "audit_target", "audit_details")
        with tag("section"):
            with tag("div", "mg-head"):
                text(words("people_audit"), "h2", "mg-grow")
                self._line = line(words("audit_find"), "", self._look_for)
            with tag("div", "mg-list-box") as self._box:
                body = table([words(each) for each in headings], "mg-list")
            self._empty = text(words("audit_none"), "p", "mg-muted")
            self._rows = Rows(body, lambda entry: _Row(page, self, entry))
            self._paged = Paged(page, "/v1/audit", self._show, {})

    async def refresh(self) -> None:
        """Raises Refused."""
        await self._paged.refresh()

    async def only(self, target: str) -> None:
        """What was done to that."""
        set_value(self._line, target)
        await self._look_for(target)

    async def _look_for(self, target: str) -> None:
        try:
            await self._paged.look_for({"target": target.strip()} if target.strip() else {})
        except Refused as refused:
            self._page.refused(refused)

    def _show(self, entries: Sequence[Item]) -> None:
        self._rows.show(entries)
        self._box.set_visibility(bool(entries))
        self._empty.set_visibility(not entries)


class _Row:
    """What was done never changes."""

    def __init__(self, page: Page, audit: Audit, entry: Item) -> None:
        words, target = page.words, entry["target"]
        phrase, actor = f"audit_{entry['action'].replace('.', '_')}", entry["actor"] or ""
        with tag("tr") as self.element:
            with tag("td"):
                tag("mg-time", at=str(entry["at"]))
            known = _ACTORS.get(actor)
            text(words(known) if known else entry["actor_name"] or actor or "–", "td")
            text(words(phrase) if phrase in PHRASES else entry["action"], "td")
            with tag("td"):
                if target:
                    said = words("audit_only", target=target)
                    made = button(target, lambda: audit.only(target), "mg-quiet mg-target")
                    made.props["title"] = said
            details = json.dumps(entry["details"], ensure_ascii=False) if entry["details"] else ""
            text(details, "td", "mg-small mg-muted mg-details", title=details)

    def show(self, item: Item) -> None:
        """As it was."""

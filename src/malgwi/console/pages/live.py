"""A page that shows how things are now: it asks again while somebody looks at it."""

import time
from collections.abc import Awaitable, Callable

from nicegui import ui

from malgwi.console.api import Refused
from malgwi.console.doors import stamp
from malgwi.console.elements import text
from malgwi.console.frame import Page

SOON, LATER = 2.0, 10.0
"""Seconds between two looks, while something is under way, and else."""


class Live:
    """What the API says instead of an answer stands where this is made."""

    def __init__(self, page: Page, ask: Callable[[], Awaitable[bool]]) -> None:
        """`ask` shows what is so now, says whether something is under way, and raises Refused."""
        ui.add_head_html(f'<script type="module" src="{stamp("live.js")}"></script>')
        self._page, self._ask = page, ask
        self._is_seen = True
        self._trouble = text("", "div", "mg-notice mg-careful", role="status")
        self._trouble.set_visibility(False)
        self._at = 0.0
        self._is_active = False
        self._timer = ui.timer(SOON, self._turn, active=False, immediate=False)
        ui.on("mg-looked-at", lambda event: self._seen(event.args))

    async def begin(self) -> None:
        """Raises Refused. The first look after it comes soon: a page takes its time to arrive."""
        self._is_active = await self._ask()
        self._timer.activate()

    async def look(self) -> None:
        """At once, if anybody sees it."""
        if not self._is_seen or not ui.context.client.has_socket_connection:
            return
        self._at = time.monotonic()
        try:
            self._is_active = await self._ask()
        except Refused as refused:
            if refused.signed_out:
                self._page.refused(refused)
            self._trouble.text = self._page.reason(refused)
            self._trouble.set_visibility(not refused.signed_out)
        else:
            self._trouble.set_visibility(False)

    async def _turn(self) -> None:
        if self._is_active or time.monotonic() - self._at >= LATER:
            await self.look()

    async def _seen(self, is_seen: object) -> None:
        self._is_seen = bool(is_seen)
        await self.look()

"""Who may do what, for administrators: users, API keys, and what was done by whom."""

import asyncio
from collections.abc import Awaitable, Callable

from nicegui import ui

from malgwi.console.api import Refused
from malgwi.console.doors import stamp
from malgwi.console.elements import tag, text
from malgwi.console.frame import Page
from malgwi.console.pages.people_audit import Audit
from malgwi.console.pages.people_keys import Keys
from malgwi.console.pages.people_users import Users


async def build(page: Page) -> None:
    ui.add_head_html(
        f'<link rel="stylesheet" href="{stamp("operations.css")}">'
        f'<script type="module" src="{stamp("people.js")}"></script>'
    )
    text(page.words("people"), "h1")

    async def changed() -> None:
        """All three: what is done to a user or a key is in the trail."""
        await asyncio.gather(*(_tried(page, each) for each in refreshes))

    with tag("div", "mg-people"):
        users, keys, audit = Users(page, changed), Keys(page, changed), Audit(page)
    refreshes = (users.refresh, keys.refresh, audit.refresh)
    await asyncio.gather(*(each() for each in refreshes))


async def _tried(page: Page, refresh: Callable[[], Awaitable[None]]) -> None:
    try:
        await refresh()
    except Refused as refused:
        page.refused(refused)

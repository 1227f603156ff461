"""A transcript to read, hear and correct; all of it is in `static/transcript/`, in the browser."""

from nicegui import ui

from malgwi.console.doors import stamp
from malgwi.console.elements import tag
from malgwi.console.frame import Page


async def build(page: Page) -> None:
    transcript = page.request.path_params["transcript"]
    await page.api.get(f"/v1/transcripts/{transcript}/revisions")  # refused where there is none
    ui.add_head_html(f'<script type="module" src="{stamp("transcript/transcript.js")}"></script>')
    tag("malgwi-transcript", transcript=transcript, lang=page.words.language, access=page.me.role)

"""A transcript to read, hear and correct; all of it is in `static/transcript/`, in the browser."""

from nicegui import ui

from malgwi.console.doors import stamp
from malgwi.console.elements import tag
from malgwi.console.frame import Page


async def build(page: Page) -> None:
    transcript = page.request.path_params["transcript"]
    record = await page.api.get(f"/v1/transcripts/{transcript}/outline", fields="name")
    ui.page_title(f"{record['recording_name']} · {page.words('brand')}")
    ui.add_head_html(
        f'<link rel="stylesheet" href="{stamp("transcript/transcript.css")}">'
        f'<script type="module" src="{stamp("transcript/transcript.js")}"></script>'
    )
    tag(
        "malgwi-transcript",
        transcript=transcript,
        lang=page.words.language,
        role=page.me.role,
    )

"""All recordings: bring new ones, see what becomes of them, find them again."""

from malgwi.console.elements import tag, text
from malgwi.console.frame import Page


async def build(page: Page) -> None:
    words = page.words
    found = await page.api.get("/v1/recordings", limit=50)
    with tag("div", "mg-head"):
        text(words("recordings"), "h1")
    for each in found["items"]:
        text(each["name"], "div")

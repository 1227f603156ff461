"""The pages, one a module; each is built with a `frame.Page`."""

from malgwi.console.elements import text
from malgwi.console.frame import Build, Console, Page
from malgwi.console.pages import recordings, transcript

PATHS = ("recordings", "transcripts", "search", "glossaries", "jobs", "status", "people")


def register(console: Console) -> None:
    console.page("/", "recordings", recordings.build)
    console.page("/recordings", "recordings", recordings.build)
    console.page("/transcripts/{transcript}", "recordings", transcript.build, wide=True)
    for name in ("search", "glossaries", "jobs", "status", "people"):
        console.page(f"/{name}", name, _later(name))


def _later(name: str) -> Build:
    async def build(page: Page) -> None:
        text(page.words(name), "h1")

    return build

"""The pages, one a module; each is built with a `frame.Page`."""

from malgwi.console.elements import text
from malgwi.console.frame import Build, Console, Page
from malgwi.console.pages import account, jobs, people, recordings, status, transcript

PATHS = ("recordings", "transcripts", "search", "glossaries", "jobs", "status", "people", "account")


def register(console: Console) -> None:
    console.page("/", "recordings", recordings.build)
    console.page("/recordings", "recordings", recordings.build)
    console.page("/transcripts/{transcript}", "recordings", transcript.build, wide=True)
    console.page("/jobs", "jobs", jobs.build)
    console.page("/status", "status", status.build)
    console.page("/people", "people", people.build)
    console.page("/account", "account", account.build)
    for name in ("search", "glossaries"):
        console.page(f"/{name}", name, _later(name))


def _later(name: str) -> Build:
    async def build(page: Page) -> None:
        text(page.words(name), "h1")

    return build

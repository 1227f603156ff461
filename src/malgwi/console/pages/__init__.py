"""The pages, one a module; each is built with a `frame.Page`."""

from malgwi.console.frame import Console
from malgwi.console.pages import (
    account,
    glossaries,
    jobs,
    people,
    recordings,
    search,
    status,
    transcript,
)

PATHS = ("recordings", "transcripts", "search", "glossaries", "jobs", "status", "people", "account")


def register(console: Console) -> None:
    for path in ("/", "/recordings"):
        console.page(path, "recordings", recordings.build, reconnect_timeout=recordings.PATIENCE)
    console.page("/transcripts/{transcript}", "recordings", transcript.build, wide=True)
    console.page("/jobs", "jobs", jobs.build)
    console.page("/status", "status", status.build)
    console.page("/people", "people", people.build)
    console.page("/account", "account", account.build)
    console.page("/search", "search", search.build)
    console.page("/glossaries", "glossaries", glossaries.build)
    console.page("/glossaries/{name}", "glossaries", glossaries.build_one)

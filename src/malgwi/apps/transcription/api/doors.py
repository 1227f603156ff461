"""What every part of the API is given: what is kept, and the ways in that all doors share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from malgwi.apps.transcription.webhooks import Reach
from malgwi.gateway import Crossing, Limits, Spool
from malgwi.store import Glossaries, Outbox, Search, Store, Uploads
from malgwi.types import Job, JobState, Lane


class Ledger(Protocol):
    """What those who want work done need of the ledger of jobs."""

    def add(  # noqa: PLR0913 - a job has as many columns
        self,
        kind: str,
        payload: Mapping[str, Any],
        *,
        lane: Lane,
        queue: str,
        key: str | None = None,
        recording_id: str | None = None,
        owner: str | None = None,
    ) -> Job:
        """The new job, or the one that has this `key` already."""
        ...

    def get(self, job_id: str) -> Job: ...

    def list(  # noqa: PLR0913 - each of them narrows it
        self,
        *,
        state: JobState | None = None,
        kind: str | None = None,
        lane: Lane | None = None,
        recording_id: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> Sequence[Job]:
        """The newest first; `before` is the id of the last one of the page before."""
        ...

    def cancel(self, job_id: str) -> Job: ...

    def retry(self, job_id: str) -> Job:
        """Raises Conflict for one that is not dead."""
        ...


@dataclass(frozen=True, slots=True)
class ApiDoors:
    """Made once where the service is put together."""

    store: Store
    ledger: Ledger
    uploads: Uploads
    """On the disk of the store's media, as is the spool: what is whole is moved there."""
    glossaries: Glossaries
    search: Search
    spool: Spool
    crossing: Crossing
    limits: Limits
    send: Callable[[Job], None]
    """Tells the queue of a job that is to be done."""
    outbox: Outbox | None = None
    """The same, of webhooks."""
    reach: Reach = field(default_factory=Reach)
    """Whom webhooks may tell."""
    reference_folders: tuple[Path, ...] = ()
    """From which recordings are taken by name; nothing else of this machine is read."""
    ending: Callable[[], bool] = lambda: False
    """Whether the service is about to end: who listens for events is let go then."""

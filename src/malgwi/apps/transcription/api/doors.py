"""What every part of the API is given: what is kept, and the ways in that all doors share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from malgwi.apps.transcription.api.attempts import Attempts
from malgwi.apps.transcription.api.installation import Installation
from malgwi.apps.transcription.webhooks import Reach
from malgwi.audio import Excerpt
from malgwi.gateway import Crossing, Keys, Limits, Spool
from malgwi.store import Glossaries, Ledger, Notes, Outbox, People, Search, Store, Uploads
from malgwi.types import Job

Listen = Callable[[Sequence[tuple[Path, float]], int, int, Event], Excerpt]
"""The files of a recording with their offsets, and from which sample to which, to their sound."""


@dataclass(frozen=True, slots=True)
class ApiDoors:
    """Made once where the service is put together."""

    store: Store
    people: People
    ledger: Ledger
    uploads: Uploads
    """On the disk of the store's media, as is the spool: what is whole is moved there."""
    glossaries: Glossaries
    notes: Notes
    search: Search
    spool: Spool
    crossing: Crossing
    limits: Limits
    send: Callable[[Job], None]
    """Tells the queue of a job that is to be done."""
    listen: Listen
    """Decodes for who listens."""
    installation: Callable[[], Installation]
    examine: Callable[[], Sequence[object]]
    """What is right and wrong on this machine, each with the fields of `checks.CheckOut`."""
    """How the program is as a whole; whoever asks for it takes care not to too often."""
    outbox: Outbox
    """What webhooks are to be told."""
    keys: Keys = field(default_factory=Keys)
    """Those of the settings."""
    attempts: Attempts = field(default_factory=Attempts)
    reach: Reach = field(default_factory=Reach)
    """Whom webhooks may tell."""
    reference_folders: tuple[Path, ...] = ()
    """From which recordings are taken by name; nothing else of this machine is read."""
    ending: Callable[[], bool] = lambda: False
    """Whether the service is about to end: who listens for events is let go then."""

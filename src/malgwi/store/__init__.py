"""Recordings, transcripts and jobs are kept here, and found again."""

from malgwi.store.alignment import aligned
from malgwi.store.base import (
    ApiKey,
    AuditEntry,
    Authorship,
    Correction,
    Difference,
    LastJob,
    LatestTranscript,
    Media,
    MediaPart,
    NewRecording,
    Page,
    Paging,
    Placed,
    Recording,
    RecordingChanges,
    RecordingFilter,
    RecordingOrder,
    Revision,
    RevisionKind,
    Role,
    Source,
    Store,
    TranscriptRecord,
    UtteranceFilter,
)
from malgwi.store.condition import Condition, condition, sqlite_file
from malgwi.store.copying import copy
from malgwi.store.dump import Dump, Place, Rows, media_in, table_file, table_lines
from malgwi.store.engine import Database, connect
from malgwi.store.glossaries import Glossaries, GlossaryRevision
from malgwi.store.identity import FILE as INSTANCE_FILE
from malgwi.store.job_rows import JobCount
from malgwi.store.ledger import Ledger
from malgwi.store.media import RESERVE
from malgwi.store.media_cache import Elsewhere
from malgwi.store.media_source import MediaSource
from malgwi.store.migration import upgrade
from malgwi.store.notes import NewNote, Note, Notes
from malgwi.store.outline_base import LOW_CONFIDENCE, Flag, Outline
from malgwi.store.people import Begun, People
from malgwi.store.search import Search
from malgwi.store.search_base import Hit, Line, Order, SearchFilter
from malgwi.store.sessions import Session
from malgwi.store.sql_store import SqlStore
from malgwi.store.uploads import PendingUpload, Uploads, Writing
from malgwi.store.usage import Usage, usage
from malgwi.store.users import User, folded
from malgwi.store.webhooks import Delivery, DeliveryState, Event, Outbox, Outgoing, Webhook

__all__ = [
    "INSTANCE_FILE",
    "LOW_CONFIDENCE",
    "RESERVE",
    "ApiKey",
    "AuditEntry",
    "Authorship",
    "Begun",
    "Condition",
    "Correction",
    "Database",
    "Delivery",
    "DeliveryState",
    "Difference",
    "Dump",
    "Elsewhere",
    "Event",
    "Flag",
    "Glossaries",
    "GlossaryRevision",
    "Hit",
    "JobCount",
    "LastJob",
    "LatestTranscript",
    "Ledger",
    "Line",
    "Media",
    "MediaPart",
    "MediaSource",
    "NewNote",
    "NewRecording",
    "Note",
    "Notes",
    "Order",
    "Outbox",
    "Outgoing",
    "Outline",
    "Page",
    "Paging",
    "PendingUpload",
    "People",
    "Place",
    "Placed",
    "Recording",
    "RecordingChanges",
    "RecordingFilter",
    "RecordingOrder",
    "Revision",
    "RevisionKind",
    "Role",
    "Rows",
    "Search",
    "SearchFilter",
    "Session",
    "Source",
    "SqlStore",
    "Store",
    "TranscriptRecord",
    "Uploads",
    "Usage",
    "User",
    "UtteranceFilter",
    "Webhook",
    "Writing",
    "aligned",
    "condition",
    "connect",
    "copy",
    "folded",
    "media_in",
    "sqlite_file",
    "table_file",
    "table_lines",
    "upgrade",
    "usage",
]

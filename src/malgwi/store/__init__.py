"""Recordings, transcripts and jobs are kept here, and found again."""

from malgwi.store.alignment import aligned
from malgwi.store.base import (
    ApiKey,
    AuditEntry,
    Authorship,
    Correction,
    Difference,
    Media,
    MediaPart,
    NewRecording,
    Page,
    Paging,
    Placed,
    Recording,
    RecordingChanges,
    RecordingFilter,
    Revision,
    RevisionKind,
    Role,
    Source,
    Store,
    TranscriptRecord,
    UtteranceFilter,
)
from malgwi.store.copying import copy
from malgwi.store.dump import Dump, Place, Rows, media_in, table_file, table_lines
from malgwi.store.engine import Database, connect
from malgwi.store.glossaries import Glossaries, GlossaryRevision
from malgwi.store.ledger import Ledger
from malgwi.store.migration import upgrade
from malgwi.store.outline_base import LOW_CONFIDENCE, Flag, Outline
from malgwi.store.search import Search
from malgwi.store.search_base import Hit, Line, Order, SearchFilter
from malgwi.store.sql_store import SqlStore
from malgwi.store.uploads import PendingUpload, Uploads, Writing
from malgwi.store.webhooks import Delivery, DeliveryState, Event, Outbox, Outgoing, Webhook

__all__ = [
    "ApiKey",
    "AuditEntry",
    "Authorship",
    "LOW_CONFIDENCE",
    "Correction",
    "Database",
    "Delivery",
    "DeliveryState",
    "Difference",
    "Dump",
    "Event",
    "Glossaries",
    "GlossaryRevision",
    "Hit",
    "Ledger",
    "Flag",
    "Line",
    "Media",
    "MediaPart",
    "NewRecording",
    "Order",
    "Outbox",
    "Outgoing",
    "Page",
    "Paging",
    "PendingUpload",
    "Place",
    "Outline",
    "Recording",
    "RecordingChanges",
    "RecordingFilter",
    "Revision",
    "RevisionKind",
    "Placed",
    "Role",
    "Rows",
    "Search",
    "SearchFilter",
    "Source",
    "SqlStore",
    "Store",
    "TranscriptRecord",
    "Uploads",
    "UtteranceFilter",
    "Webhook",
    "Writing",
    "aligned",
    "connect",
    "copy",
    "media_in",
    "table_file",
    "table_lines",
    "upgrade",
]

"""Recordings, transcripts and jobs are kept here, and found again."""

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
from malgwi.store.engine import Database, connect
from malgwi.store.glossaries import Glossaries, GlossaryRevision
from malgwi.store.migration import upgrade
from malgwi.store.sql_store import SqlStore
from malgwi.store.uploads import PendingUpload, Uploads, Writing

__all__ = [
    "ApiKey",
    "AuditEntry",
    "Authorship",
    "Correction",
    "Database",
    "Difference",
    "Glossaries",
    "GlossaryRevision",
    "Media",
    "MediaPart",
    "NewRecording",
    "Page",
    "Paging",
    "PendingUpload",
    "Recording",
    "RecordingChanges",
    "RecordingFilter",
    "Revision",
    "RevisionKind",
    "Role",
    "Source",
    "SqlStore",
    "Store",
    "TranscriptRecord",
    "Uploads",
    "UtteranceFilter",
    "Writing",
    "connect",
    "copy",
    "upgrade",
]

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
from malgwi.store.migration import upgrade
from malgwi.store.sql_store import SqlStore

__all__ = [
    "ApiKey",
    "AuditEntry",
    "Authorship",
    "Correction",
    "Database",
    "Difference",
    "Media",
    "MediaPart",
    "NewRecording",
    "Page",
    "Paging",
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
    "UtteranceFilter",
    "connect",
    "copy",
    "upgrade",
]

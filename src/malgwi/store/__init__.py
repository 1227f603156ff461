"""Recordings, transcripts and jobs are kept here, and found again."""

from malgwi.store.engine import Database, connect
from malgwi.store.migration import upgrade

__all__ = ["Database", "connect", "upgrade"]

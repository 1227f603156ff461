"""Recordings, transcripts and jobs are kept here, and found again."""

from malgwi.store.engine import Database, connect

__all__ = ["Database", "connect"]

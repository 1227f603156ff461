"""Recordings, transcripts and jobs are kept here, and found again."""

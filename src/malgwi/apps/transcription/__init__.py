"""Recordings in, transcripts out, in every format: the first application."""

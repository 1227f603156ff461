"""Pieces of all requests share the engines: who waits, who goes next, and on which process."""

"""What one request may ask of this machine, at most."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that keep one client from using up what all share."""

    upload_bytes: int = 2 * 1024**3
    """Of one request's body."""
    seconds: float = 4 * 3600.0
    """Of sound in one recording."""
    channels: int = 64
    uploads: int = 32
    """That are received at the same time; others wait for their turn."""
    turn: float = 5.0
    """Seconds that they wait before they hear 429."""
    field_bytes: int = 64 * 1024
    """Of one form field that is no file."""
    text_bytes: int = 4 * 1024**2
    """Of all of them in one form: they are in memory."""
    fields: int = 512
    """Of one form, files included: a file a channel, and what is said of each."""
    silence: float = 60.0
    """Seconds without a byte after which an upload is given up."""

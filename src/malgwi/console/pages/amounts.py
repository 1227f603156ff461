"""Stretches of time and numbers of bytes, as people say them."""

from malgwi.console.words import Words

_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")


def clock(seconds: float) -> str:
    """As 0:42 or 1:02:03, down to the whole second."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def long(words: Words, seconds: float) -> str:
    """Roughly, as "5 hours"."""
    for unit, length in (("days", 86_400), ("hours", 3_600)):
        if seconds >= 2 * length:
            return words(f"time_{unit}", count=int(seconds // length))
    if seconds >= 60:
        return words("time_minutes", count=int(seconds // 60))
    return words("time_moment")


def size(amount: float) -> str:
    """As "1.5 GB", by thousands, as disks are sold."""
    power = 0
    while amount >= 1000 and power < len(_UNITS) - 1:
        amount, power = amount / 1000, power + 1
    digits = 1 if power > 1 and amount < 100 else 0
    return f"{amount:.{digits}f} {_UNITS[power]}"

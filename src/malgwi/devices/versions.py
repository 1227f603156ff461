"""Versions as numbers that can be compared, of drivers, wheels and chips alike."""

import re

Version = tuple[int, ...]


def numbers(text: str) -> Version:
    """`550.144.03` becomes (550, 144, 3); what comes after the numbers (`+cu128`, `rc1`) counts
    for nothing. Raises ValueError where there is no number in front."""
    match = re.match(r"\d+(\.\d+)*", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a version.")
    return tuple(int(each) for each in match[0].split("."))

"""Becoming somebody whom permissions stop."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

ROOT, NOBODY = 0, 65_534


@contextmanager
def as_an_ordinary_user() -> Iterator[None]:
    """Somebody whom permissions stop, also where the tests run as root."""
    if os.geteuid() != ROOT:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(ROOT)

"""A disk that is full, but for the number of the error."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_room() -> Iterator[None]:
    """No file may grow meanwhile."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

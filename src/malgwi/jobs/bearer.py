"""Which process bears a name: one at a time, for as long as it lives, however it ends.

The next one to bear it may say that whatever was done under it is not any more.
"""

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def borne(name: str, lock: Path) -> Iterator[str]:
    """`name`, unless another process that uses this lock bears it: then one that nobody has."""
    with lock.open("a") as file:
        yield name if _is_ours(file.fileno()) else f"{name}:{secrets.token_hex(8)}"


def _is_ours(file: int) -> bool:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

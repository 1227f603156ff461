"""What the C library does with memory that is free. Only glibc is asked; others do as they do."""

import ctypes
import sys
from typing import Any

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # of <malloc.h>
ENOUGH = 2**30  # bytes
ARENAS = 2


def keep_freed() -> None:
    """Have what is freed kept for the next layer of a network, not given back and asked for anew.

    New pages come zeroed by the kernel, which takes longer than some of the layers.
    `give_back` between batches keeps it from adding up.
    """
    _set(M_MMAP_THRESHOLD, ENOUGH)
    _set(M_TRIM_THRESHOLD, ENOUGH)


def give_back() -> None:
    """Return to the system what is free: pieces of many lengths leave holes that nothing fits."""
    malloc_trim = _of_glibc("malloc_trim")
    if malloc_trim:
        malloc_trim(0)


def share_arenas() -> None:
    """Have threads share a few heaps; call it before they are started. By itself each of many
    gets its own, which keeps what it once had: 100 MB after two hundred requests."""
    _set(M_ARENA_MAX, ARENAS)


def _set(option: int, value: int) -> None:
    mallopt = _of_glibc("mallopt")
    if mallopt:
        mallopt(option, value)


def _of_glibc(name: str) -> Any:
    """A function of the C library, None where it is not glibc."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None

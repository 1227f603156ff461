"""The log lines of whatever runs meanwhile."""

import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

from malgwi import logs

_TOUCHED = (None, "malgwi", "uvicorn", "uvicorn.error", "uvicorn.access")


@contextmanager
def log_lines() -> Iterator[StringIO]:
    """Where the lines go; afterwards all is as it was."""
    loggers = [logging.getLogger(name) for name in _TOUCHED]
    before = [(each, each.level, each.propagate, list(each.handlers)) for each in loggers]
    hooks = sys.excepthook, threading.excepthook
    stream = StringIO()
    logs.set_up("INFO", stream)
    try:
        yield stream
    finally:
        sys.excepthook, threading.excepthook = hooks
        logging.captureWarnings(False)
        for each, level, propagate, handlers in before:
            each.setLevel(level)
            each.propagate = propagate
            each.handlers[:] = handlers


def parsed(stream: StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]

"""Log lines for machines: JSON, with the id of the request, and never what was said.

    {"time": "2026-03-01T09:30:00.123Z", "level": "INFO", "logger": "malgwi.gateway.access",
     "message": "answered", "request_id": "0b1f…", "route": "/v1/models", "status": 200}

Our own loggers and uvicorn's are taken at their word. Of every other library only warnings come
through, and of each the constant text without what was put into it: nobody here has read what
they put in. An exception is its type and where it was raised; its message is left out, for it may
quote what it choked on, unless it is one of ours, which promise not to.
"""

import json
import logging
import math
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from traceback import extract_tb
from types import TracebackType
from typing import Any, TextIO

from malgwi.errors import BadOption, MalgwiError

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The request on whose behalf this code runs; None outside of one."""

_TRUSTED = ("malgwi", "uvicorn", "py.warnings")  # their arguments may be shown
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message"}
_DEEPEST = 8  # causes of causes that are shown

logger = logging.getLogger(__name__)


def set_up(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send the log lines of the whole process to `stream` (standard error), as JSON.

    `level` is for our own loggers and uvicorn's. Raises BadOption for one that there is not.
    """
    if level.upper() not in _LEVELS:
        raise BadOption(f"There is no log level {level!r}. There are: {', '.join(_LEVELS)}.")
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, _Lines)]:
        root.removeHandler(old)
    handler = _Lines(stream or sys.stderr)
    handler.setFormatter(_Json())
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("malgwi").setLevel(level.upper())
    _take_over_uvicorn(level.upper())
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


@contextmanager
def bind(value: str) -> Iterator[None]:
    """Write `value` as the request's id on every line of what runs inside."""
    token = request_id.set(value)
    try:
        yield
    finally:
        request_id.reset(token)


def _take_over_uvicorn(level: str) -> None:
    """Run uvicorn with log_config=None, or it would take them back."""
    for name in ("uvicorn", "uvicorn.error"):
        uvicorn = logging.getLogger(name)
        uvicorn.handlers.clear()
        uvicorn.propagate = True
        uvicorn.setLevel(level)
    # Its access lines have the query string in them. gateway/access.py writes ours.
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False
    access.setLevel(logging.CRITICAL)


class _Lines(logging.StreamHandler[TextIO]):
    """Stays silent where a line cannot be written: the complaint would print the arguments."""

    def handleError(self, record: logging.LogRecord) -> None:
        return


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": _time(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
        }
        if bound := request_id.get():
            line["request_id"] = bound
        if record.exc_info and record.exc_info[1]:
            line["error"] = error_facts(record.exc_info[1])
        for name, value in vars(record).items():
            if name not in _STANDARD and name not in line:
                line[name] = _fact(value)
        return json.dumps(line, ensure_ascii=False)


def _time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")


def _message(record: logging.LogRecord) -> str:
    trusted = record.name.partition(".")[0] in _TRUSTED or record.name in _TRUSTED
    text = record.getMessage() if trusted else str(record.msg)
    return text.strip().partition("\n")[0]


def error_facts(error: BaseException) -> dict[str, object]:
    """What may be written about an exception: type, place, and the message where it is ours."""
    return _error_facts(error, _DEEPEST)


def _error_facts(error: BaseException, deeper: int) -> dict[str, object]:
    facts: dict[str, object] = {"type": _name(type(error))}
    if isinstance(error, MalgwiError):
        facts["message"] = str(error)
    facts["where"] = _where(error.__traceback__)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if isinstance(error, BaseExceptionGroup) and deeper:
        facts["errors"] = [_error_facts(each, deeper - 1) for each in error.exceptions[:_DEEPEST]]
    if cause and deeper:
        facts["cause"] = _error_facts(cause, deeper - 1)
    return facts


def _name(kind: type) -> str:
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _where(traceback: TracebackType | None) -> list[str]:
    """From the outermost call to the one that raised, as `uploads.py:120 in form`."""
    frames = extract_tb(traceback)
    return [f"{'/'.join(Path(f.filename).parts[-2:])}:{f.lineno} in {f.name}" for f in frames]


def _fact(value: object) -> object:
    """As JSON, and of a type that nobody foresaw only the name."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): _fact(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_fact(each) for each in value]
    if isinstance(value, BaseException):
        return error_facts(value)
    return str(value) if isinstance(value, Path) else f"<{_name(type(value))}>"


def _uncaught(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
    else:
        logger.critical("the process ends by an error", exc_info=(kind, error, traceback))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    error: Any = args.exc_value
    if error is not None:
        logger.error("a thread ended by an error", exc_info=error)

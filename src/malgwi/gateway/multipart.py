"""multipart/form-data without I/O: bytes in, the beginnings, contents and ends of parts out."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from malgwi.errors import BadOption

# It warns of every bad form, with a byte of it. The client hears of it, and the log has its status.
logging.getLogger("python_multipart").setLevel(logging.ERROR)

_EXTENDED = re.compile(rb"(?i);\s*filename\*\s*=\s*utf-8'[^']*'([^;\s]+)")
_TEXT = ("text/", "application/json", "application/x-www-form-urlencoded")


@dataclass(frozen=True, slots=True)
class Head:
    """Where a part begins."""

    field: str
    filename: str | None
    content_type: str

    @property
    def is_file(self) -> bool:
        """Some clients send sound without a name; its type tells."""
        if self.filename is not None:
            return True
        kind = self.content_type.lower()
        return bool(kind) and not kind.startswith(_TEXT)


@dataclass(frozen=True, slots=True)
class End:
    """Where a part ends."""


Event = Head | bytes | End


class Parts:
    """Feed it the body as it comes, then `finish`. Raises BadOption where it is not a form."""

    def __init__(self, boundary: bytes) -> None:
        self._events: list[Event] = []
        self._name, self._value = b"", b""
        self._headers: dict[bytes, bytes] = {}
        self._whole = False
        with _translated():
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._head,
                    "on_part_data": self._data,
                    "on_part_end": self._end,
                    "on_end": self._all,
                },
            )

    def feed(self, data: bytes) -> list[Event]:
        with _translated():
            self._parser.write(data)
        events, self._events = self._events, []
        return events

    def finish(self) -> None:
        if not self._whole:
            raise BadOption("The form breaks off before its end. Send it again.")

    def _begin(self) -> None:
        self._headers = {}

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name, self._value = b"", b""

    def _head(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        _, options = parse_options_header(disposition)
        if b"name" not in options:
            raise BadOption("A part of the form has no name in its Content-Disposition.")
        filename = _name_by_rfc_5987(disposition) or options.get(b"filename")
        content_type = self._headers.get(b"content-type", b"").decode("latin-1").strip()
        self._events.append(
            Head(
                options[b"name"].decode("utf-8", "replace"),
                None if filename is None else filename.decode("utf-8", "replace"),
                content_type,
            )
        )

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(data[start:end])

    def _end(self) -> None:
        self._events.append(End())

    def _all(self) -> None:
        self._whole = True


def boundary_of(content_type: str) -> bytes | None:
    """None where it is no multipart form."""
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        return None
    if not options.get(b"boundary"):
        raise BadOption("The Content-Type of the form names no boundary.")
    return options[b"boundary"]


def _name_by_rfc_5987(disposition: bytes) -> bytes | None:
    """Of `filename*=utf-8''...`: some clients send what is not ASCII so, although forms should not
    have it (RFC 7578, 4.2)."""
    found = _EXTENDED.search(disposition)
    return unquote_to_bytes(found[1]) if found else None


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except FormParserError as error:
        raise BadOption(
            "The body is not a multipart form: its parts cannot be told apart."
        ) from error

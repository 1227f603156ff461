"""A large file on its way to a service: by tus 1.0.0, so that a break costs what came after it.

https://tus.io/protocols/resumable-upload; the service has it at /v1/uploads.
"""

import json
import os
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from malgwi.client_http import Service
from malgwi.errors import Conflict, MalgwiError, NetworkError, Overloaded, StoreGone

PATIENCE = 120.0
"""Seconds that it is tried without a byte more having come there: twice as long as it takes the
service to see that nobody sends any more where the line broke without a word."""
_WAIT = 0.5  # seconds before it is tried again; doubled each time that nothing came
_LONGEST_WAIT = 8.0
_BLOCK = 256 * 1024
_PATH = "/v1/uploads"
_VERSION = {"Tus-Resumable": "1.0.0"}
_PASSING = (NetworkError, Overloaded, StoreGone, Conflict)
"""Conflict: the service knows of more than we do, or of less."""

Fields = Mapping[str, str | list[str]]
Sent = Callable[[int, int], None]
"""Told how many bytes are there, and how many there are."""


def send(service: Service, file: BinaryIO, fields: Fields, on_sent: Sent) -> Mapping[str, Any]:
    """The upload as the service tells of it once it is whole, with the `recording` that it is."""
    size = os.fstat(file.fileno()).st_size
    headers = {**_VERSION, "Upload-Length": str(size), "Upload-Metadata": _metadata(fields)}
    begun = service.ask("POST", _PATH, headers=headers)
    path = f"{_PATH}/{begun.headers.get('Location', '').rpartition('/')[2]}"
    there, failures, came = 0, 0, time.monotonic()
    while True:
        broke = _rest_sent(service, path, _Rest(file, there, size, on_sent))
        upload = _looked_at(service, path, there)
        if upload.get("recording"):
            return upload
        if upload["received"] > there:
            failures, came = 0, time.monotonic()
        elif time.monotonic() - came > PATIENCE:
            raise broke or service.nonsense()
        else:
            failures += 1
        time.sleep(_pause(broke, failures))
        there = upload["received"]


def _rest_sent(service: Service, path: str, rest: "_Rest") -> MalgwiError | None:
    """What kept it from being sent, if it may be tried again."""
    headers = {
        **_VERSION,
        "Upload-Offset": str(rest.there),
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(rest.size - rest.there),
    }
    try:
        if rest.there < rest.size:
            service.ask("PATCH", path, headers=headers, content=rest.blocks())
    except _PASSING as error:
        return error
    return None


def _looked_at(service: Service, path: str, there: int) -> Mapping[str, Any]:
    """The upload; where nobody answers now, what is known of it."""
    try:
        return service.mapping("GET", path)
    except (NetworkError, StoreGone):
        return {"received": there}


@dataclass(frozen=True, slots=True)
class _Rest:
    """What of a file is not there yet."""

    file: BinaryIO
    there: int
    size: int
    on_sent: Sent

    def blocks(self) -> Iterator[bytes]:
        self.file.seek(self.there)
        there = self.there
        while block := self.file.read(_BLOCK):
            yield block
            there += len(block)
            self.on_sent(there, self.size)


def _pause(broke: MalgwiError | None, failures: int) -> float:
    asked = broke.retry_after if isinstance(broke, Overloaded) else 0.0
    return max(float(asked), min(_LONGEST_WAIT, _WAIT * float(2**failures)))


def _metadata(fields: Fields) -> str:
    """Upload-Metadata; what has several values is JSON there."""
    plain = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in fields.items()
    }
    return ",".join(f"{name} {b64encode(each.encode()).decode()}" for name, each in plain.items())

"""Large files on their way to a service: by tus 1.0.0, so that a break costs what came after it.

https://tus.io/protocols/resumable-upload; the service has it at /v1/uploads.
"""

import os
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from malgwi.client_http import Service
from malgwi.errors import (
    BadInput,
    Cancelled,
    Conflict,
    MalgwiError,
    NetworkError,
    Overloaded,
    StoreGone,
)

PATIENCE = 120.0
"""Seconds that it is tried without a byte more having come there: twice as long as it takes the
service to see that nobody sends any more where the line broke without a word."""
_WAIT = 0.5  # seconds before it is tried again; doubled each time that nothing came
_LONGEST_WAIT = 8.0
_BLOCK = 256 * 1024
_PATH = "/v1/uploads"
_VERSION = {"Tus-Resumable": "1.0.0"}
_AWAY = (NetworkError, Overloaded, StoreGone)
_PASSING = (*_AWAY, Conflict, Cancelled)
"""Conflict: the service knows of more than we do, or of less. Cancelled: it waited for too long."""

Fields = Mapping[str, str | list[str]]
Sent = Callable[[int, int], None]
"""Told how many bytes are there, and how many there are."""


def send(service: Service, file: BinaryIO, said: Mapping[str, str], on_sent: Sent) -> str:
    """The id of the upload, which is whole then. `said` goes with it."""
    size = os.fstat(file.fileno()).st_size
    headers = {**_VERSION, "Upload-Length": str(size), "Upload-Metadata": _metadata(said)}
    begun = service.ask("POST", _PATH, headers=headers)
    upload_id = str(begun.headers.get("Location", "").rpartition("/")[2])
    path = f"{_PATH}/{upload_id}"
    there, failures, came = 0, 0, time.monotonic()
    while True:
        broke = _rest_sent(service, path, _Rest(file, there, size, on_sent))
        received = _received(service, path, there)
        if received == size:
            return upload_id
        if received > there:
            failures, came = 0, time.monotonic()
        elif time.monotonic() - came > PATIENCE:
            raise broke or service.nonsense()
        else:
            failures += 1
        time.sleep(_pause(broke, failures))
        there = received


def join(service: Service, uploads: Sequence[str], fields: Fields) -> dict[str, Any]:
    """One recording of uploads that were sent as parts. The service may be started anew meanwhile:
    asked twice it makes one."""
    failures, began = 0, time.monotonic()
    while True:
        try:
            return service.mapping(
                "POST", "/v1/recordings", json={"uploads": list(uploads), **fields}
            )
        except _AWAY as error:
            if time.monotonic() - began > PATIENCE:
                raise
            broke = error
        time.sleep(_pause(broke, failures))
        failures += 1


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


def _received(service: Service, path: str, there: int) -> int:
    """How many bytes are there; where nobody answers now, as many as were known to be."""
    try:
        received = service.mapping("GET", path).get("received")
    except _AWAY:
        return there
    if not isinstance(received, int):
        raise service.nonsense()
    return received


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
        while there < self.size:
            block = self.file.read(min(_BLOCK, self.size - there))
            if not block:
                raise BadInput("The file became shorter while it was sent. Send it again.")
            yield block
            there += len(block)
            self.on_sent(there, self.size)


def _pause(broke: MalgwiError | None, failures: int) -> float:
    asked = broke.retry_after if isinstance(broke, Overloaded) else 0.0
    return max(float(asked), min(_LONGEST_WAIT, _WAIT * float(2**failures)))


def _metadata(said: Mapping[str, str]) -> str:
    """Upload-Metadata."""
    return ",".join(f"{name} {b64encode(each.encode()).decode()}" for name, each in said.items())

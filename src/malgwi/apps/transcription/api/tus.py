"""tus 1.0.0 as its headers say it: what they ask for, and what they answer.

https://tus.io/protocols/resumable-upload. Nothing here knows of recordings.
"""

import hashlib
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Annotated

from fastapi import Header, Response

from malgwi.apps.transcription.api import problems
from malgwi.errors import TooLarge
from malgwi.gateway import Answer, BadField, Refusal
from malgwi.store import PendingUpload

VERSION = "1.0.0"
EXTENSIONS = "creation,termination,expiration,checksum"
HASHES = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}  # sha1 is what every client knows
PIECE = "application/offset+octet-stream"
RETRY_AFTER = 5
"""Seconds."""
_KEY = re.compile(r"[^\s,]{1,100}")

Version = Annotated[str | None, Header(alias="Tus-Resumable", examples=[VERSION])]
Length = Annotated[str | None, Header(alias="Upload-Length", examples=["115200044"])]
Said = Annotated[
    str | None,
    Header(alias="Upload-Metadata", examples=["filename cmFkaW8ud2F2,labels WyJyYWRpbyJd"]),
]
Offset = Annotated[str | None, Header(alias="Upload-Offset", examples=["0"])]
Checksum = Annotated[str | None, Header(alias="Upload-Checksum")]


@dataclass(frozen=True, slots=True)
class Expected:
    """What a piece shall add up to."""

    algorithm: str
    digest: bytes


def metadata(said: str) -> dict[str, str]:
    """Upload-Metadata. Raises BadField."""
    found: dict[str, str] = {}
    for pair in filter(None, map(str.strip, said.split(","))):
        name, _, coded = pair.partition(" ")
        if not _KEY.fullmatch(name) or name in found:
            raise BadField("Upload-Metadata", "its keys are words, each there once")
        try:
            found[name] = b64decode(coded.strip(), validate=True).decode("utf-8")
        except ValueError as error:
            raise BadField("Upload-Metadata", "its values are Base64 of UTF-8") from error
    return found


def size(length: str | None, most: int) -> int:
    """Upload-Length. Raises BadField, TooLarge."""
    asked = number("Upload-Length", length)
    if not asked:
        raise BadField("Upload-Length", "an empty file is no recording")
    if asked > most:
        raise TooLarge(f"An upload has at most {most:,} bytes; this one has {asked:,}.")
    return asked


def number(header: str, value: str | None) -> int:
    """Raises BadField."""
    if not value or not (value.isascii() and value.isdecimal() and len(value) <= 18):
        raise BadField(header, "it is a number of bytes, and it is needed")
    return int(value)


def digest(checksum: str | None) -> Expected | None:
    """Upload-Checksum. Raises BadField."""
    if checksum is None:
        return None
    algorithm, _, coded = checksum.partition(" ")
    if algorithm not in HASHES:
        raise BadField("Upload-Checksum", f"the sums known here are {', '.join(HASHES)}")
    try:
        return Expected(algorithm, b64decode(coded.strip(), validate=True))
    except ValueError as error:
        raise BadField("Upload-Checksum", "the sum is not Base64") from error


def check_version(version: str | None) -> None:
    """Raises Refusal, 412."""
    if version != VERSION:
        message = f"This speaks tus {VERSION}: send Tus-Resumable: {VERSION}."
        raise refused(412, "precondition_failed", message)


def check_offset(pending: PendingUpload, offset: int) -> None:
    """Raises Refusal, 409."""
    if pending.received != offset:
        message = f"{pending.received} bytes of the upload are here. Go on from there."
        raise refused(409, "wrong_offset", message)


def refused(status: int, code: str, message: str, retry_after: int | None = None) -> Refusal:
    return Refusal(Answer(status, code, message, retry_after))


def progress(pending: PendingUpload) -> dict[str, str]:
    recording = pending.recording_id
    return {
        "upload-offset": str(pending.received),
        **expires(pending),
        **({"x-malgwi-recording": recording} if recording else {}),
    }


def expires(pending: PendingUpload) -> dict[str, str]:
    return {"upload-expires": format_datetime(pending.expires, usegmt=True)}


def answer(status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status_code=status, headers={"tus-resumable": VERSION, **(headers or {})})


def shape(error: Answer) -> Response:
    """An error, as the API says it, with the headers that every answer of tus has."""
    response = problems.shape(error)
    response.headers["tus-resumable"] = VERSION
    if error.status == 412:
        response.headers["tus-version"] = VERSION
    return response

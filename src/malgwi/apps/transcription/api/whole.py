"""From uploads that are whole to recordings: one by itself, or several parts together.

Done twice it is done once, also where a kill came in between.
"""

import json
import logging
from collections.abc import Mapping
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from malgwi.apps.transcription.api.access import Caller
from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.intake import Arrived, Described, TakenIn, check, take_in
from malgwi.apps.transcription.api.tus import metadata
from malgwi.errors import Conflict, MalgwiError, NotFound, StoreError
from malgwi.gateway import BadField, read_form
from malgwi.store import Media, PendingUpload, Role, Source

_LISTS = ("labels", "channel_labels", "offsets", "languages")

logger = logging.getLogger(__name__)


class OfUploads(Described):
    """Uploads that are parts, each a file of the recording, in the order of its channels."""

    model_config = ConfigDict(extra="forbid")

    uploads: Annotated[
        tuple[Annotated[str, StringConstraints(max_length=100)], ...],
        Field(min_length=1, max_length=64),
    ]


def find(doors: ApiDoors, caller: Caller, upload_id: str) -> PendingUpload:
    """Raises NotFound, for another's as well: who does not know of it need not hear of it."""
    pending = doors.uploads.find(upload_id)
    if caller.role is not Role.ADMIN and pending.owner != caller.id:
        raise NotFound(f"There is no upload {upload_id}.")
    return pending


def is_part(pending: PendingUpload) -> bool:
    """Whether it waits for others to become a recording with them."""
    return bool(pending.metadata.get("part"))


def described(fields: Mapping[str, str]) -> Described:
    """What Upload-Metadata says of a recording. Raises BadField."""
    return read_form(Described, {name: _values(name, value) for name, value in fields.items()})


def complete(doors: ApiDoors, pending: PendingUpload) -> PendingUpload:
    """A whole upload as a recording with a job."""
    said = described(metadata(str(pending.metadata.get("said", ""))))
    asked = pending.metadata.get("asked")
    media = _media(doors, pending)
    taken = take_in(
        doors,
        Caller(pending.owner, Role.EDITOR),
        [Arrived(media, pending.name)],
        said,
        source=Source.UPLOAD,
        asked=asked,
    )
    return doors.uploads.finish(pending.id, media.sha256, taken.recording.id)


def join(doors: ApiDoors, caller: Caller, wanted: OfUploads, asked: str | None) -> TakenIn:
    """Parts as one recording. Those that are of one already may be of another, too.

    Raises BadField, NotFound, and Conflict for one that is not whole.
    """
    if len(set(wanted.uploads)) < len(wanted.uploads):
        raise BadField("uploads", "one of them is there twice")
    check(doors, wanted, len(wanted.uploads))
    parts = [_part(doors, caller, each) for each in wanted.uploads]
    arrived = [Arrived(_media(doors, each), each.name) for each in parts]
    taken = take_in(doors, caller, arrived, wanted, source=Source.UPLOAD, asked=asked)
    for part, file in zip(parts, arrived, strict=True):
        if not part.done:
            doors.uploads.finish(part.id, file.media.sha256, taken.recording.id)
    return taken


def sweep(doors: ApiDoors) -> int:
    """Finishes what a kill kept from being finished, and removes what expired. How many uploads."""
    finished = 0
    for each in doors.uploads.unfinished():
        if is_part(each):
            continue
        try:
            complete(doors, each)
        except MalgwiError as error:  # its owner hears of it at the next question
            logger.warning("an upload is not finished", extra={"upload": each.id}, exc_info=error)
        else:
            finished += 1
    return finished + doors.uploads.sweep()


def _part(doors: ApiDoors, caller: Caller, upload_id: str) -> PendingUpload:
    pending = find(doors, caller, upload_id)
    if not is_part(pending):
        raise BadField("uploads", f"{upload_id} was not sent as a part, with the metadata part")
    if not pending.whole:
        raise Conflict(
            f"Of upload {upload_id} {pending.received:,} of {pending.size:,} bytes are here. "
            "Send the rest of it first."
        )
    return pending


def _media(doors: ApiDoors, pending: PendingUpload) -> Media:
    """What came, among the media that are kept."""
    if pending.sha256 is not None:
        return _kept(doors, pending.id, pending.sha256)
    try:
        with doors.uploads.whole_file(pending.id) as path:
            return doors.store.take_media(path, pending.content_type)
    except StoreError:
        sha256 = doors.uploads.find(pending.id).sha256
        if sha256 is None:
            raise
        return _kept(doors, pending.id, sha256)  # somebody else was at it, and was faster


def _kept(doors: ApiDoors, upload_id: str, sha256: str) -> Media:
    try:
        return doors.store.media(sha256)
    except NotFound:
        raise Conflict(
            f"Upload {upload_id} was of a recording that is removed. Send the file again."
        ) from None


def _values(name: str, value: str) -> list[str]:
    """A field as a form has it: a list is JSON here, and one that has one value may be bare."""
    if name in _LISTS and value.lstrip().startswith("["):
        try:
            items = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise BadField(name, "it is not JSON") from error
        return [each if isinstance(each, str) else json.dumps(each) for each in items]
    return [value]

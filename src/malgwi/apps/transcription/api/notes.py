"""/v1/recordings/{id}/notes and /v1/notes: what people write at a place, and places they mark."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, StringConstraints

from malgwi.apps.transcription.api.access import SCHEMES, Caller, Editor, Viewer
from malgwi.apps.transcription.api.bodies import BoundedRoute
from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.fields import ChannelIndex, Cursor, Limit, Seconds
from malgwi.apps.transcription.api.pages import PageOf
from malgwi.apps.transcription.api.problems import problems
from malgwi.gateway import Answer, Refusal
from malgwi.store import NewNote, Note, Paging, Role

NoteText = Annotated[str, StringConstraints(max_length=4000)]


class NoteIn(BaseModel):
    """A place, and what there is to say of it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"at": 62.5, "until": 71.0, "text": "다시 들어 볼 것"}]},
    )

    at: Seconds
    until: Seconds | None = None
    """Where it is about a stretch."""
    channel: ChannelIndex | None = None
    """Without it all of them."""
    text: NoteText = ""
    """Empty marks the place."""


class NotePatch(BaseModel):
    """What shall be other. What is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"text": "확인함"}]})

    at: Seconds = 0
    until: Seconds | None = None
    channel: ChannelIndex | None = None
    text: NoteText = ""


class NoteOut(BaseModel):
    """A note, or a bookmark, which has no text."""

    id: str
    recording: str
    at: float
    """Second of the recording."""
    until: float | None
    channel: int | None
    text: str
    author: str | None
    """Id of the user or the key that made it; null where nobody needed one."""
    author_name: str | None
    """While there is one."""
    created: datetime
    changed: datetime | None
    """Last; null where it is as it was made."""


class NoteQuery(BaseModel):
    """Which page of them."""

    model_config = ConfigDict(extra="forbid")

    cursor: Cursor = None
    limit: Limit = 50


def router(doors: ApiDoors) -> APIRouter:
    routes = APIRouter(
        tags=["notes"], responses=problems(), dependencies=SCHEMES, route_class=BoundedRoute
    )

    @routes.get("/v1/recordings/{recording_id}/notes")
    def list_notes(
        caller: Viewer, recording_id: str, query: Annotated[NoteQuery, Query()]
    ) -> PageOf[NoteOut]:
        """In the order of the recording."""
        page = doors.notes.listed(recording_id, Paging(query.cursor, query.limit))
        names = doors.people.names()
        items = [_note_out(each, names) for each in page.items]
        return PageOf(items=items, next_cursor=page.next_cursor)

    @routes.post("/v1/recordings/{recording_id}/notes", status_code=201)
    def create_note(caller: Editor, recording_id: str, wanted: NoteIn) -> NoteOut:
        """409 where the recording has 10,000 of them."""
        made = doors.notes.add(recording_id, NewNote(**wanted.model_dump()), caller.id)
        doors.store.note("note.create", recording_id, caller.id, {"note": made.id})
        return _note_out(made, doors.people.names())

    @routes.patch("/v1/notes/{note_id}")
    def change_note(caller: Editor, note_id: str, patch: NotePatch) -> NoteOut:
        """That of somebody else only for administrators."""
        before = doors.notes.find(note_id)
        _check_may(caller, before)
        wanted = NewNote(before.at, before.until, before.channel, before.text)
        changed = replace(wanted, **patch.model_dump(exclude_unset=True))
        made = doors.notes.change(note_id, changed)
        doors.store.note("note.update", made.recording_id, caller.id, {"note": note_id})
        return _note_out(made, doors.people.names())

    @routes.delete("/v1/notes/{note_id}", status_code=204)
    def delete_note(caller: Editor, note_id: str) -> None:
        """That of somebody else only for administrators."""
        before = doors.notes.find(note_id)
        _check_may(caller, before)
        doors.notes.remove(note_id)
        doors.store.note("note.delete", before.recording_id, caller.id, {"note": note_id})

    return routes


def _check_may(caller: Caller, note: Note) -> None:
    """Raises Refusal, 403."""
    if caller.role is not Role.ADMIN and (caller.id is None or caller.id != note.author):
        message = "The note is somebody else's: only they, or an administrator, may change it."
        raise Refusal(Answer(403, "forbidden", message))


def _note_out(note: Note, names: Mapping[str, str]) -> NoteOut:
    return NoteOut(
        id=note.id,
        recording=note.recording_id,
        at=note.at,
        until=note.until,
        channel=note.channel,
        text=note.text,
        author=note.author,
        author_name=names.get(note.author) if note.author else None,
        created=note.created,
        changed=note.changed,
    )

"""/v1/glossaries: how names and terms are written, and what that would change in what is kept."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from threading import Event
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.concurrency import run_in_threadpool

from malgwi.apps.transcription.api.access import SCHEMES, Caller, Editor, Viewer
from malgwi.apps.transcription.api.bodies import BoundedRoute, read_body
from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.fields import RevisionNumber
from malgwi.apps.transcription.api.glossary_content import (
    EntryModel,
    content_of,
    glossary_of,
    models_of,
    of_entries,
    size_of,
)
from malgwi.apps.transcription.api.jobs import JobOut, job_out
from malgwi.apps.transcription.api.kept import kept
from malgwi.apps.transcription.api.problems import problems
from malgwi.apps.transcription.api.rewriting import Rewriting, corrected, rewritings
from malgwi.apps.transcription.api.work import GLOSSARY, told
from malgwi.errors import BadGlossary, BadInput, BadOption, Cancelled
from malgwi.gateway import Answer, BadField, Refusal
from malgwi.store import GlossaryRevision
from malgwi.text import Glossary, Syntax, parse_glossary
from malgwi.types import Lane

_MOST_BYTES = 1024 * 1024
_MOST_EXAMPLES = 2000  # in an answer, which is made in memory
_SYNTAXES: dict[str, Syntax] = {
    "application/yaml": "yaml",
    "application/x-yaml": "yaml",
    "text/yaml": "yaml",
    "text/csv": "csv",
}
_ANALYSIS = "analysis"  # the queue

GlossaryName = Annotated[str, Path(min_length=1, max_length=100)]
Ids = Annotated[list[Annotated[str, StringConstraints(max_length=100)]], Field(max_length=1000)]


class GlossaryIn(BaseModel):
    """All that is to be in it."""

    model_config = ConfigDict(extra="forbid")

    entries: Annotated[list[EntryModel], Field(min_length=1, max_length=10_000)]


class GlossaryOut(BaseModel):
    """A state of a glossary."""

    name: str
    revision: int
    created: datetime
    author: str | None
    author_name: str | None
    """While there is one."""


class GlossaryListed(GlossaryOut):
    """A glossary in the list."""

    size: int
    """Entries."""


class GlossaryContent(BaseModel):
    """What is in a glossary that nobody keeps."""

    entries: list[EntryModel]


class GlossaryWhole(GlossaryOut):
    """A state of a glossary, and what is in it."""

    entries: list[EntryModel]


class Where(BaseModel):
    """In which transcripts."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"recordings": ["0190a1b2-0000-7000-8000-000000000000"]}]},
    )

    transcripts: Ids = []
    recordings: Ids = []
    """The newest transcript of each."""
    revision: RevisionNumber | None = None
    """Of the glossary; the current one without it."""


class DryRun(Where):
    """What would change."""

    examples: Annotated[int, Field(ge=0, le=1000)] = 20
    """Changes that are shown for each transcript; 2000 in all."""
    entries: Annotated[list[EntryModel], Field(max_length=10_000)] = []
    """These instead of what is kept; the name may then be that of none."""


class Example(BaseModel):
    """An utterance that would say something else."""

    utterance: str
    channel: int
    start: float
    before: str
    after: str


class WouldChange(BaseModel):
    """A transcript in a dry run."""

    transcript: str
    recording: str
    revision: int
    utterances: int
    changed: int
    corrected: int
    """That somebody has corrected: they are left alone."""
    examples: list[Example]


class DryRunOut(BaseModel):
    """What a glossary would change; nothing was."""

    glossary: str
    revision: int | None
    """Null where entries were tried that nobody keeps."""
    changed: int
    transcripts: list[WouldChange]


def router(doors: ApiDoors) -> APIRouter:
    return _routes(doors)


def _routes(doors: ApiDoors) -> APIRouter:
    routes = APIRouter(
        prefix="/v1/glossaries",
        tags=["glossaries"],
        responses=problems(),
        dependencies=SCHEMES,
        route_class=BoundedRoute,
    )

    @routes.get("")
    def list_glossaries(caller: Viewer) -> list[GlossaryListed]:
        """The current state of each, by name."""
        names = doors.people.names()
        return [
            GlossaryListed(**_out(each, names).model_dump(), size=size_of(each.content))
            for each in doors.glossaries.current()
        ]

    @routes.post("/check", openapi_extra=_put_openapi())
    async def check_glossary(caller: Viewer, request: Request) -> GlossaryContent:
        """What would be kept of this, which is sent as to write it. Nothing is."""
        body, kind = await _sent(request)
        entries = await run_in_threadpool(lambda: models_of(content_of(_read(body, kind))))
        return GlossaryContent(entries=entries)

    @routes.put("/{name}", openapi_extra=_put_openapi())
    async def put_glossary(
        caller: Editor,
        request: Request,
        name: GlossaryName,
        base_revision: Annotated[int | None, Query(ge=0, lt=2**31)] = None,
    ) -> GlossaryWhole:
        """The next state of it, or its first. As JSON, or as the file that it is kept in
        elsewhere: YAML or CSV, see docs/reference/glossary.md. With `base_revision`, which is 0
        for one that is new, 409 where that is not the current one."""
        body, kind = await _sent(request)

        def work() -> GlossaryWhole:
            return _put(doors, caller, name, _read(body, kind), base_revision)

        return await run_in_threadpool(work)

    @routes.get("/{name}")
    def read_glossary(
        caller: Viewer,
        name: GlossaryName,
        revision: Annotated[RevisionNumber | None, Query()] = None,
    ) -> GlossaryWhole:
        """As it is, or as any revision of it was, also after it was deleted."""
        return _whole(doors.glossaries.find(name, revision), doors.people.names())

    @routes.get("/{name}/revisions")
    def list_glossary_revisions(caller: Viewer, name: GlossaryName) -> list[GlossaryOut]:
        """Oldest first."""
        names = doors.people.names()
        return [_out(each, names) for each in doors.glossaries.revisions(name)]

    @routes.delete("/{name}", status_code=204)
    def delete_glossary(caller: Editor, name: GlossaryName) -> None:
        doors.glossaries.delete(name, caller.id)
        doors.store.note("glossary.delete", name, caller.id)

    @routes.post("/{name}/dry-run")
    async def dry_run_glossary(
        caller: Viewer, request: Request, name: GlossaryName, where: DryRun
    ) -> DryRunOut:
        """What it would change in transcripts that are kept, of their raw text. Nothing is."""

        def work(stop: Event) -> DryRunOut:
            return _dry_run(doors, name, where, stop)

        return await doors.crossing.run(request, work)

    @routes.post("/{name}/apply", status_code=202)
    def apply_glossary(caller: Editor, name: GlossaryName, where: Where) -> JobOut:
        """A job that makes a new revision of each transcript in which it changes something."""
        found = doors.glossaries.find(name, where.revision)
        payload = {
            "glossary": found.name,
            "revision": found.number,
            "transcripts": list(_transcripts(doors, where)),
            "author": caller.id,
        }
        job = told(
            doors,
            doors.ledger.add(GLOSSARY, payload, lane=Lane.BATCH, queue=_ANALYSIS, owner=caller.id),
        )
        facts = {"job": job.id, "revision": found.number}
        doors.store.note("glossary.apply", found.name, caller.id, facts)
        return job_out(job)

    return routes


async def _sent(request: Request) -> tuple[bytes, str]:
    """The body and its media type."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return await read_body(request, _MOST_BYTES), kind


def _put(
    doors: ApiDoors, caller: Caller, name: str, glossary: Glossary, base: int | None
) -> GlossaryWhole:
    _check_name(name)
    kept = doors.glossaries.put(name, content_of(glossary), caller.id, base)
    doors.store.note("glossary.put", kept.name, caller.id, {"revision": kept.number})
    return _whole(kept, doors.people.names())


def _check_name(name: str) -> None:
    """One that can stand in a path and in a list."""
    if name != name.strip() or not name.isprintable() or set(name) & set("/\\"):
        raise BadField("name", "it has a slash, a space at an end or what cannot be seen")


def _read(body: bytes, content_type: str) -> Glossary:
    if content_type in ("", "application/json"):
        try:
            return of_entries(GlossaryIn.model_validate_json(body).entries)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(map(str, fault["loc"])) or "body"
            raise BadField(where, fault["msg"]) from None
    if content_type not in _SYNTAXES:
        message = "A glossary is sent as application/json, application/yaml or text/csv."
        raise Refusal(Answer(415, "unsupported_media_type", message))
    try:
        return parse_glossary(body.decode("utf-8-sig"), _SYNTAXES[content_type])
    except UnicodeDecodeError as error:
        raise BadInput("The glossary is not UTF-8.") from error
    except BadGlossary as error:
        more = {"line": error.line}
        raise Refusal(Answer(400, "invalid_request", str(error), more=more)) from None


def _dry_run(doors: ApiDoors, name: str, where: DryRun, stop: Event) -> DryRunOut:
    found = None if where.entries else doors.glossaries.find(name, where.revision)
    glossary = glossary_of(found.content) if found else of_entries(where.entries)
    would: list[WouldChange] = []
    left = _MOST_EXAMPLES
    for each in _transcripts(doors, where):
        if stop.is_set():
            raise Cancelled("The client has gone.")
        would.append(_would_change(doors, each, glossary, min(left, where.examples)))
        left -= len(would[-1].examples)
    return DryRunOut(
        glossary=name,
        revision=found.number if found else None,
        changed=sum(each.changed for each in would),
        transcripts=would,
    )


def _would_change(
    doors: ApiDoors, transcript_id: str, glossary: Glossary, examples: int
) -> WouldChange:
    found = kept(doors.store, transcript_id, None, None)
    changes = list(rewritings(found.transcript, glossary))
    return WouldChange(
        transcript=transcript_id,
        recording=found.record.recording_id,
        revision=found.number,
        utterances=len(found.transcript.utterances),
        changed=len(changes),
        corrected=sum(map(corrected, found.transcript.utterances)),
        examples=[_example(each) for each in changes[:examples]],
    )


def _transcripts(doors: ApiDoors, where: Where) -> Iterator[str]:
    """Each once. Raises NotFound, and BadOption where none is named."""
    if not where.transcripts and not where.recordings:
        raise BadOption("Name transcripts, recordings or both.")
    seen = dict.fromkeys(doors.store.transcript_record(each).id for each in where.transcripts)
    for each in where.recordings:
        seen.update(dict.fromkeys(record.id for record in doors.store.transcripts(each)[:1]))
    yield from seen


def _example(each: Rewriting) -> Example:
    return Example(
        utterance=each.before.id,
        channel=each.before.channel,
        start=round(each.before.span.start, 3),
        before=each.before.text,
        after=each.after.text,
    )


def _out(revision: GlossaryRevision, names: Mapping[str, str]) -> GlossaryOut:
    return GlossaryOut(
        name=revision.name,
        revision=revision.number,
        created=revision.created,
        author=revision.author,
        author_name=names.get(revision.author) if revision.author else None,
    )


def _whole(revision: GlossaryRevision, names: Mapping[str, str]) -> GlossaryWhole:
    entries = models_of(revision.content)
    return GlossaryWhole(**_out(revision, names).model_dump(), entries=entries)


def _put_openapi() -> dict[str, object]:
    text = {"schema": {"type": "string"}}
    # Its entries are in the document already, as they are in what is answered.
    entries = {"type": "array", "items": {"$ref": "#/components/schemas/EntryModel"}}
    schema = {"type": "object", "properties": {"entries": entries}, "required": ["entries"]}
    json = {"schema": {**schema, "additionalProperties": False}}
    content = {"application/json": json, "application/yaml": text, "text/csv": text}
    return {"requestBody": {"required": True, "content": content}}

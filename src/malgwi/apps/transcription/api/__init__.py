"""The API of what is kept: recordings come in, are transcribed, read, corrected, found, exported.

recordings, media, uploads   what came: at once, by name, or in pieces by tus
sound                        a piece of it, to be played
jobs, events                 the work that there is, and what becomes of it
transcripts, outline, exports   what was said, in every state and format
notes                        what people write beside it
search                       where it was said
glossaries                   how names are written, and what that would change
session, users               who signs in with a browser
keys                         who may do what, and who did
system, checks               how the service is, and its machine
webhooks                     who is told of it, and what they were told

doors, installation          what all of them are given
access                       the lock, and what role a route needs
intake, work                 from files to a recording with a job
tus, pieces, whole           an upload's headers, its way to disk, and what becomes of it
problems, pages, fields, bodies, ranges, file_names, references   how HTTP is done here
kept, rewriting, glossary_content                         pure functions over what is kept
"""

from collections.abc import Iterable, Mapping

from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute

from malgwi.apps.transcription.api import (
    checks,
    exports,
    glossaries,
    jobs,
    keys,
    media,
    notes,
    outline,
    recordings,
    search,
    session,
    sound,
    system,
    transcripts,
    tus,
    uploads,
    users,
    webhooks,
)
from malgwi.apps.transcription.api.access import StoreLock, lock_of, needs
from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.glossary_content import glossary_of
from malgwi.apps.transcription.api.installation import (
    EngineState,
    Installation,
    InstalledModel,
)
from malgwi.apps.transcription.api.problems import shape
from malgwi.apps.transcription.api.rewriting import rewritings
from malgwi.apps.transcription.api.whole import sweep
from malgwi.apps.transcription.api.work import GLOSSARY
from malgwi.gateway import Shape
from malgwi.store import Role

__all__ = [
    "GLOSSARY",
    "OPEN_PATHS",
    "SHAPES",
    "ApiDoors",
    "EngineState",
    "Installation",
    "InstalledModel",
    "StoreLock",
    "for_editors",
    "glossary_of",
    "lock_of",
    "rewritings",
    "routers",
    "sweep",
]

_NOUNS = (
    "recordings",
    "media",
    "notes",
    "jobs",
    "transcripts",
    "search",
    "exports",
    "glossaries",
    "session",
    "users",
    "keys",
    "audit",
    "webhooks",
    "system",
)
SHAPES: Mapping[str, Shape] = {
    **{f"/v1/{noun}": shape for noun in _NOUNS},
    "/v1/uploads": tus.shape,
}
"""How errors are said, by the prefix of the path."""


OPEN_PATHS = (session.PATH,)


def routers(doors: ApiDoors) -> list[APIRouter]:
    made = [
        *recordings.routers(doors),
        media.router(doors),
        sound.router(doors),
        uploads.router(doors),
        jobs.router(doors),
        transcripts.router(doors),
        outline.router(doors),
        notes.router(doors),
        exports.router(doors),
        search.router(doors.search),
        system.router(doors),
        checks.router(doors),
        glossaries.router(doors),
        *session.routers(doors),
        users.router(doors),
        *keys.routers(doors),
        webhooks.router(doors),
    ]
    for route in (each for router in made for each in router.routes):
        if isinstance(route, APIRoute):
            route.operation_id = route.name  # what a generated client calls it
    return made


def for_editors(routers: Iterable[APIRouter]) -> APIRouter:
    """Routes of others beside these. Whoever may only read does not make the machine work."""
    guarded = APIRouter(dependencies=[Depends(_at_work)])
    for each in routers:
        guarded.include_router(each)
    return guarded


async def _at_work(request: Request) -> None:
    if request.method not in ("GET", "HEAD"):
        await needs(Role.EDITOR)(request)

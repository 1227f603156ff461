"""/v1/system: how the service is, for whoever looks after it: work, engines, models, disk.

What only the whole program knows comes by `ApiDoors.installation`. What is not known is null, with
the reason beside it. No path, no name of a machine and no message of an error is told to anybody
but an administrator.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from fastapi import APIRouter
from pydantic import BaseModel

from malgwi.apps.transcription.api.access import SCHEMES, Viewer
from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.fresh import Fresh
from malgwi.apps.transcription.api.installation import EngineState, Installation
from malgwi.apps.transcription.api.problems import problems
from malgwi.store import JobCount, Role
from malgwi.types import Job, JobState, Lane

_FRESH = 5.0  # seconds for which what was counted is told again
_IDLE = (
    "The ledger knows workers by the jobs that they have; of those without one it knows nothing."
)
_WAITING = (JobState.WAITING, JobState.QUEUED)
_BACKUP = "No backup was made of this installation yet: `malgwi backup create`."


class LaneOut(BaseModel):
    """What is to be done in a lane."""

    lane: Lane
    waiting: int
    running: int
    oldest_seconds: float | None
    """How long ago the first of those that wait was added; null where none waits."""


class KindOut(BaseModel):
    """What is to be done of a kind."""

    kind: str
    waiting: int
    running: int
    dead: int


class WorkerOut(BaseModel):
    """A worker with something to do, whose lease has not run out."""

    name: str | None
    """For administrators."""
    jobs: int


class WorkersOut(BaseModel):
    """Who does the jobs."""

    busy: list[WorkerOut]
    silent: int
    """Jobs whose worker was not heard of in time; they are taken from it."""
    idle: int | None
    idle_reason: str | None


class EngineOut(BaseModel):
    """An engine of this service."""

    model: str
    state: str
    """`ready`, `loading`, `unloaded` or `failed`."""
    reason: str | None
    """Why it failed; for administrators."""
    engine: str | None
    """Null, as is the rest, until it was loaded once."""
    device: str | None
    compute_type: str | None
    fallback_reason: str | None
    memory_bytes: int | None


class ModelOut(BaseModel):
    """A model that is installed."""

    name: str
    licence: str
    commercial_use: bool | None
    """Null: nobody knows."""
    bytes: int
    whole: bool
    """By names and sizes of its files."""


class DiskOut(BaseModel):
    """Where recordings and transcripts lie. In bytes."""

    free: int
    total: int
    media: int
    """Of the sound that is kept."""
    database: int | None
    folder: str | None
    """For administrators."""


class SystemOut(BaseModel):
    """How the service is."""

    version: str
    started: datetime
    lanes: list[LaneOut]
    kinds: list[KindOut]
    dead: int
    """Jobs that were given up and can be tried again."""
    workers: WorkersOut
    engines: list[EngineOut]
    engines_elsewhere_reason: str | None
    """Why nothing is known of engines in workers elsewhere; null where there are none."""
    models: list[ModelOut]
    disk: DiskOut
    last_backup: datetime | None
    last_backup_reason: str | None


def router(doors: ApiDoors) -> APIRouter:
    routes = APIRouter(tags=["system"], responses=problems(), dependencies=SCHEMES)
    installation = Fresh(doors.installation, _FRESH)

    @routes.get("/v1/system")
    def read_system(caller: Viewer) -> SystemOut:
        """What waits and what is done, engines, models and disk. Cheap enough to be asked every
        few seconds."""
        found, full = installation(), caller.role is Role.ADMIN
        counts = doors.ledger.counts()
        dead = sum(each.jobs for each in counts if each.state is JobState.DEAD)
        return SystemOut(
            version=found.version,
            started=found.started,
            lanes=_lanes(counts),
            kinds=_kinds(counts),
            dead=dead,
            workers=_workers(doors.ledger.running(), full),
            engines=[_engine(each, full) for each in found.engines],
            engines_elsewhere_reason=found.engines_elsewhere,
            models=[ModelOut.model_validate(each, from_attributes=True) for each in found.models],
            disk=_disk(found, full),
            last_backup=found.last_backup,
            last_backup_reason=None if found.last_backup else _BACKUP,
        )

    return routes


def _lanes(counts: Sequence[JobCount]) -> list[LaneOut]:
    return [_lane(lane, [each for each in counts if each.lane is lane]) for lane in Lane]


def _lane(lane: Lane, counts: Sequence[JobCount]) -> LaneOut:
    waiting = [each for each in counts if each.state in _WAITING]
    oldest = min((each.oldest for each in waiting), default=None)
    return LaneOut(
        lane=lane,
        waiting=sum(each.jobs for each in waiting),
        running=_sum(counts, JobState.RUNNING),
        oldest_seconds=None if oldest is None else round(_age(oldest), 1),
    )


def _kinds(counts: Sequence[JobCount]) -> list[KindOut]:
    kinds = sorted({each.kind for each in counts})
    of_kind = {kind: [each for each in counts if each.kind == kind] for kind in kinds}
    return [
        KindOut(
            kind=kind,
            waiting=_sum(of_kind[kind], *_WAITING),
            running=_sum(of_kind[kind], JobState.RUNNING),
            dead=_sum(of_kind[kind], JobState.DEAD),
        )
        for kind in kinds
    ]


def _workers(running: Sequence[Job], full: bool) -> WorkersOut:
    heard = [job for job in running if job.lease_until and _age(job.lease_until) < 0]
    names = Counter(job.worker for job in heard)
    busy = [WorkerOut(name=name if full else None, jobs=jobs) for name, jobs in names.items()]
    return WorkersOut(busy=busy, silent=len(running) - len(heard), idle=None, idle_reason=_IDLE)


def _engine(state: EngineState, full: bool) -> EngineOut:
    runs = state.engine
    return EngineOut(
        model=state.model,
        state=state.state,
        reason=state.reason if full else None,
        engine=None if runs is None else runs.name,
        device=None if runs is None else runs.device,
        compute_type=None if runs is None else runs.compute_type,
        fallback_reason=None if runs is None else runs.fallback_reason,
        memory_bytes=state.memory,
    )


def _disk(found: Installation, full: bool) -> DiskOut:
    return DiskOut(
        free=found.free,
        total=found.total,
        media=found.media,
        database=found.database,
        folder=str(found.folder) if full else None,
    )


def _sum(counts: Sequence[JobCount], *states: JobState) -> int:
    return sum(each.jobs for each in counts if each.state in states)


def _age(moment: datetime) -> float:
    return (datetime.now(UTC) - moment).total_seconds()

"""Jobs as rows and back, for the ledger: asking for them, locking them, changing them.

Every function asks within the transaction that it is given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping

from malgwi.errors import NotFound
from malgwi.store.schema import job, job_need
from malgwi.types import Job, JobState, Lane

JobRow = Mapping[str, Any]

_COUNTED = ("waiting", "queued", "running", "dead")


@dataclass(frozen=True, slots=True)
class JobCount:
    """Jobs of one lane, kind and state."""

    lane: Lane
    kind: str
    state: JobState
    jobs: int
    oldest: datetime
    """When the first of them was added."""
    again: int
    """Of them those that were begun before and did not come to an end."""


def is_running() -> sa.ColumnElement[bool]:
    return job.c.state == JobState.RUNNING.value


def held(job_id: str, attempt: int) -> sa.ColumnElement[bool]:
    """Whoever has this token has it still."""
    return sa.and_(job.c.id == job_id, job.c.attempt == attempt, is_running())


def change(connection: Connection, job_id: str, **values: Any) -> None:
    connection.execute(sa.update(job).where(job.c.id == job_id).values(values))


def locked(connection: Connection, *where: sa.ColumnElement[bool]) -> JobRow | None:
    return next(iter(all_locked(connection, *where)), None)


def all_locked(connection: Connection, *where: sa.ColumnElement[bool]) -> Sequence[JobRow]:
    query = sa.select(job).where(*where).order_by(job.c.id).with_for_update()
    return [row._asdict() for row in connection.execute(query)]


def free(connection: Connection, *where: sa.ColumnElement[bool]) -> Sequence[JobRow]:
    """Locked, but for those that somebody else has locked: nobody waits for them."""
    query = sa.select(job).where(*where).with_for_update(skip_locked=True)
    return [row._asdict() for row in connection.execute(query)]


def the_job(connection: Connection, job_id: str) -> Job:
    """Raises NotFound."""
    for each in jobs(connection, job.c.id == job_id):
        return each
    raise not_found(job_id)


def jobs(
    connection: Connection,
    *where: sa.ColumnElement[bool],
    order: sa.ColumnElement[Any] = job.c.id,
    limit: int | None = None,
) -> Sequence[Job]:
    query = sa.select(job).where(*where).order_by(order).limit(limit)
    return as_jobs(connection, connection.execute(query).mappings().all())


def as_jobs(connection: Connection, rows: Sequence[RowMapping]) -> Sequence[Job]:
    needs = _needs(connection, [row["id"] for row in rows])
    return [_as_job(row, needs) for row in rows]


def waiting(connection: Connection) -> Mapping[str, JobState]:
    states = [JobState.WAITING.value, JobState.QUEUED.value]
    query = sa.select(job.c.id, job.c.state).where(job.c.state.in_(states))
    return {row.id: JobState(row.state) for row in connection.execute(query)}


def counts(connection: Connection) -> Sequence[JobCount]:
    what = (job.c.lane, job.c.kind, job.c.state)
    under_way = sa.case((is_running(), 1), else_=0)
    is_again = sa.and_(job.c.attempt > under_way, job.c.state != JobState.DEAD.value)
    again = sa.func.sum(sa.case((is_again, 1), else_=0))
    query = sa.select(*what, sa.func.count(), sa.func.min(job.c.created), again).group_by(*what)
    rows = connection.execute(query.where(job.c.state.in_(_COUNTED)))
    return [JobCount(Lane(lane), kind, JobState(state), *rest) for lane, kind, state, *rest in rows]


def not_found(job_id: str) -> NotFound:
    return NotFound(f"There is no job {job_id}.")


def _needs(connection: Connection, ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    query = sa.select(job_need).where(job_need.c.job_id.in_(ids)).order_by(job_need.c.needs_id)
    for row in connection.execute(query) if ids else ():
        found.setdefault(row.job_id, []).append(row.needs_id)
    return found


def _as_job(row: RowMapping, needs: Mapping[str, Sequence[str]]) -> Job:
    return Job(
        id=row["id"],
        kind=row["kind"],
        lane=Lane(row["lane"]),
        queue=row["queue"],
        payload=row["payload"],
        state=JobState(row["state"]),
        attempt=row["attempt"],
        max_attempts=row["max_attempts"],
        created=row["created"],
        needs=tuple(needs.get(row["id"], ())),
        progress=row["progress"] or {},
        error=row["error"],
        worker=row["worker"],
        lease_until=row["lease_until"],
        started=row["started"],
        ended=row["ended"],
        cancel_asked=row["cancel_asked"],
        key=row["key"],
    )

"""How jobs end, and what becomes of those that need them.

A job waits until all that it needs is done, and dies with the first of them that is not going to
be. Every function works within the transaction that it is given; `now` is the moment by whichever
clock the ledger goes.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from malgwi.store import webhooks
from malgwi.store.job_rows import JobRow, all_locked, change, not_found
from malgwi.store.schema import checkpoint, job, job_need, recording
from malgwi.types import JobState

_BAD_ENDS = (JobState.DEAD.value, JobState.CANCELLED.value)
_ENDS = (JobState.DONE.value, *_BAD_ENDS)


def expect(connection: Connection, needs: Sequence[str]) -> None:
    """Raises NotFound. They cannot end while the transaction lasts, and so not unseen."""
    query = sa.select(job.c.id).where(job.c.id.in_(needs)).with_for_update(read=True)
    there = set(connection.scalars(query)) if needs else set()
    for each in needs:
        if each not in there:
            raise not_found(each)


def end(connection: Connection, job_id: str, state: JobState, error: str | None, now: Any) -> None:
    """And settle those that need it. Its checkpoints go, but those of a dead one: that may be
    tried again, from where it was."""
    change(connection, job_id, state=state.value, error=error, ended=now, lease_until=None)
    if state is not JobState.DEAD:
        connection.execute(sa.delete(checkpoint).where(checkpoint.c.job_id == job_id))
    webhooks.job_ended(connection, job_id, state)
    settle(connection, now, job.c.id.in_(_who_needs(job_id)))


def settle(connection: Connection, now: Any, among: sa.ColumnElement[bool] | None = None) -> int:
    """Queue those that wait for nothing any more, end those that wait for nothing to come."""
    needed = job.alias("needed")
    of_it = sa.select(needed.c.id).join(job_need, job_need.c.needs_id == needed.c.id)
    of_it = of_it.where(job_need.c.job_id == job.c.id).correlate(job)
    open_one = of_it.where(needed.c.state != JobState.DONE.value)
    lost_one = of_it.where(needed.c.state.in_(_BAD_ENDS))
    waiting = [job.c.state == JobState.WAITING.value, *([] if among is None else [among])]
    ripe = sa.update(job).where(*waiting, ~sa.exists(open_one))
    settled = connection.execute(ripe.values(state=JobState.QUEUED.value)).rowcount
    query = sa.select(job.c.id, lost_one.limit(1).scalar_subquery().label("lost"))
    for each in connection.execute(query.where(*waiting, sa.exists(lost_one))).all():
        reason = f"It needs job {each.lost}, which will not be done."
        end(connection, each.id, JobState.DEAD, reason, now)  # and so on with who needs it
        settled += 1
    return settled


def revive(connection: Connection, row: JobRow, attempts: int) -> None:
    """As waiting, with what died of it; `settle` finds out whether there is a reason to."""
    change(
        connection,
        row["id"],
        state=JobState.WAITING.value,
        max_attempts=row["attempt"] + attempts,
        error=None,
        worker=None,
        dispatched=None,
        not_before=None,
        ended=None,
        cancel_asked=False,
    )
    never_tried = (job.c.state == JobState.DEAD.value, job.c.attempt == 0)
    for each in all_locked(connection, job.c.id.in_(_who_needs(row["id"])), *never_tried):
        revive(connection, each, attempts)


def is_forgettable(before: Any) -> sa.ColumnElement[bool]:
    """It ended before. Not while another needs it, which could be tried again without it; nor,
    while its recording is here, if it is the last one of that, or has a key."""
    later = job.alias("later")
    is_needed = sa.exists().where(job_need.c.needs_id == job.c.id)
    is_last = ~sa.exists().where(later.c.recording_id == job.c.recording_id, later.c.id > job.c.id)
    is_of_one_here = sa.exists().where(
        recording.c.id == job.c.recording_id, recording.c.deleted.is_(None)
    )
    is_asked_for = sa.and_(is_of_one_here, sa.or_(is_last, job.c.key.is_not(None)))
    return sa.and_(job.c.state.in_(_ENDS), job.c.ended < before, ~is_needed, ~is_asked_for)


def _who_needs(job_id: str) -> sa.Select[tuple[str]]:
    return sa.select(job_need.c.job_id).where(job_need.c.needs_id == job_id)

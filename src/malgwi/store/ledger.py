"""The job ledger: which work is wanted, who has it, how far it is, and how it ended.

It is the truth about jobs, whatever a queue carries or loses. A job is claimed for the time of a
lease; the claim counts its attempt up, and that count is the fencing token: whatever is said with
an older one changes nothing. So somebody who was taken for dead and was not can do no harm.
For that the count never falls: work that is handed back without blame may be tried once more.

Moments are the database's on PostgreSQL and the machine's on SQLite. Neither decides who is dead:
clocks jump. Who reaps says whose heartbeat it did not see for too long by its own watch, and names
the heartbeat that it saw last; one that came after it saves the job.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping

from malgwi.errors import Conflict, NotFound
from malgwi.store import webhooks
from malgwi.store.engine import Database
from malgwi.store.ids import new_id
from malgwi.store.schema import checkpoint, job, job_need
from malgwi.store.upsert import insert_if_new, insert_or_update
from malgwi.types import Job, JobState, Lane

Answer = Literal["fine", "cancel", "fenced"]
"""Go on; stop, as nobody wants it any more; stop, as it is somebody else's now."""
Write = Callable[[Connection], None]
Result = TypeVar("Result")

ATTEMPTS = 3
_UNSENT = 200  # jobs a call, so that a transaction stays short
_REAPERS_LOCK = 0x6A6F6273  # "jobs": of PostgreSQL's advisory locks, which are numbers
_IDLE = 2  # seconds in the middle of a transaction after which whoever stopped there is put out
_SLOW = 30  # the same while a handler's own result is written, which takes time to put into rows
_BAD_ENDS = (JobState.DEAD, JobState.CANCELLED)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """Any thread, process or node may use it. All of it raises StoreGone and its kin."""

    def __init__(self, database: Database, now: Callable[[], datetime] = _utc_now) -> None:
        self._database = database
        self._machine_now = now

    # -- for whoever wants something done

    def add(  # noqa: PLR0913 - a job has as many columns
        self,
        kind: str,
        payload: Mapping[str, Any],
        *,
        lane: Lane,
        queue: str,
        key: str | None = None,
        needs: Sequence[str] = (),
        max_attempts: int = ATTEMPTS,
        not_before: datetime | None = None,
        recording_id: str | None = None,
        owner: str | None = None,
    ) -> Job:
        """The new job, or the one that has this `key` already, whatever became of it.

        It waits until all that it `needs` is done, and dies with the first of them that is not
        going to be. Raises NotFound where one of them is not in the ledger.
        """
        values: dict[str, Any] = {
            "kind": kind,
            "lane": lane.value,
            "queue": queue,
            "priority": list(Lane).index(lane),
            "payload": dict(payload),
            "key": key,
            "state": JobState.WAITING.value if needs else JobState.QUEUED.value,
            "max_attempts": max_attempts,
            "not_before": not_before,
            "recording_id": recording_id,
            "owner": owner,
        }

        def work(connection: Connection) -> Job:
            id = new_id()
            _expect(connection, needs)
            row = values | {"id": id, "created": self._now}
            insert_if_new(connection, job, row)
            if key is not None and (first := _jobs(connection, job.c.key == key)[0]).id != id:
                return first
            if needs:
                wanted = [{"job_id": id, "needs_id": each} for each in dict.fromkeys(needs)]
                connection.execute(sa.insert(job_need), wanted)
                self._settle(connection, job.c.id == id)
            return _the_job(connection, id)

        return self._write(work)

    def get(self, job_id: str) -> Job:
        """Raises NotFound."""
        return self._database.read(lambda connection: _the_job(connection, job_id))

    def list(  # noqa: PLR0913 - each of them narrows it
        self,
        *,
        state: JobState | None = None,
        kind: str | None = None,
        lane: Lane | None = None,
        recording_id: str | None = None,
        owner: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> Sequence[Job]:
        """The newest first; `before` is the id of the last one of the page before."""
        asked = {
            "state": state,
            "kind": kind,
            "lane": lane,
            "recording_id": recording_id,
            "owner": owner,
        }
        where = [job.c[name] == str(value) for name, value in asked.items() if value is not None]
        if before is not None:
            where.append(job.c.id < before)

        def work(connection: Connection) -> Sequence[Job]:
            return _jobs(connection, *where, order=job.c.id.desc(), limit=limit)

        return self._database.read(work)

    def cancel(self, job_id: str) -> Job:
        """At once where nobody has it; who has it is asked to stop. One that ended stays as it is.

        Raises NotFound.
        """

        def work(connection: Connection) -> Job:
            row = _locked(connection, job.c.id == job_id)
            if row is None:
                raise _not_found(job_id)
            if row["state"] in (JobState.WAITING, JobState.QUEUED):
                self._end(connection, job_id, JobState.CANCELLED, row["error"])
            elif row["state"] == JobState.RUNNING:
                _change(connection, job_id, cancel_asked=True)
            return _the_job(connection, job_id)

        return self._write(work)

    def retry(self, job_id: str, attempts: int = ATTEMPTS) -> Job:
        """A dead job may be tried again, from its last checkpoint, and with it what died of it.

        Raises NotFound, and Conflict for one that is not dead.
        """

        def work(connection: Connection) -> Job:
            row = _locked(connection, job.c.id == job_id)
            if row is None:
                raise _not_found(job_id)
            if row["state"] != JobState.DEAD:
                raise Conflict(
                    f"Job {job_id} is {row['state']}. Only a dead one can be tried again."
                )
            self._revive(connection, row, attempts)
            self._settle(connection)
            return _the_job(connection, job_id)

        return self._write(work)

    # -- for whoever does it

    def claim(self, job_id: str, worker: str, lease: float) -> Job | None:
        """None where it is not to be had: somebody has it, it ended, or its time has not come."""
        this = job.c.id == job_id
        return self._write(lambda connection: self._claim(connection, this, worker, lease))

    def claim_next(self, queues: Collection[str], worker: str, lease: float) -> Job | None:
        """The most urgent of these queues, the oldest of those; None where there is nothing."""
        head = (
            sa.select(job.c.id)
            .where(job.c.queue.in_(queues), self._ready())
            .order_by(job.c.priority, job.c.id)
            .limit(1)
        )
        # Looking does not take the lock that SQLite's writers share, and mostly there is nothing.
        if self._database.read(lambda connection: connection.scalar(head)) is None:
            return None
        this = job.c.id == head.with_for_update(skip_locked=True).scalar_subquery()
        return self._write(lambda connection: self._claim(connection, this, worker, lease))

    def heartbeat(self, job_id: str, attempt: int, lease: float) -> Answer:
        return self._say(job_id, attempt, lease_until=self._later(lease))

    def progress(self, job_id: str, attempt: int, facts: Mapping[str, Any]) -> Answer:
        """`facts` are all there is to know, not what changed."""
        return self._say(job_id, attempt, progress=dict(facts))

    def checkpoint(self, job_id: str, attempt: int, name: str, data: Any) -> Answer:
        """Keep what is done so far, as JSON, for the attempt that comes after this one."""

        def work(connection: Connection) -> Answer:
            row = _locked(connection, _held(job_id, attempt))
            if row is None:
                return "fenced"
            values = {"job_id": job_id, "name": name, "data": data, "created": self._now}
            insert_or_update(connection, checkpoint, values, {"data", "created"})
            return "cancel" if row["cancel_asked"] else "fine"

        return self._write(work)

    def checkpoints(self, job_id: str) -> Mapping[str, Any]:
        """By name, in the order in which they were kept."""
        query = (
            sa.select(checkpoint.c.name, checkpoint.c.data)
            .where(checkpoint.c.job_id == job_id)
            .order_by(checkpoint.c.created, checkpoint.c.name)
        )
        return self._database.read(
            lambda connection: {each.name: each.data for each in connection.execute(query)}
        )

    def finish(self, job_id: str, attempt: int, write: Write | None = None) -> bool:
        """It is done, and what it made is kept, by `write` in the same transaction; or neither.

        False where the job is somebody else's. True also where it was finished so already: who got
        no answer may ask again.
        """

        def work(connection: Connection) -> bool:
            row = _locked(connection, job.c.id == job_id, job.c.attempt == attempt)
            if row is None or row["state"] != JobState.RUNNING:
                return row is not None and row["state"] == JobState.DONE
            if write is not None:
                self._put_out_after(connection, _SLOW)
                write(connection)
            self._end(connection, job_id, JobState.DONE, None)
            return True

        return self._write(work)

    def fail(
        self, job_id: str, attempt: int, error: str, *, final: bool, again_in: float = 0
    ) -> bool:
        """This attempt came to nothing. There is another in `again_in` seconds, unless it is
        `final` or there were as many as there may be. False where it is somebody else's."""

        def work(connection: Connection) -> bool:
            row = _locked(connection, _held(job_id, attempt))
            if row is not None:
                self._give_back(connection, row, error, final, again_in)
            return row is not None

        return self._write(work)

    def release(self, job_id: str, attempt: int, again_in: float = 0) -> bool:
        """Whoever has it cannot go on now; nothing is known against the job, so that it costs no
        attempt. False where it is somebody else's."""

        def work(connection: Connection) -> bool:
            row = _locked(connection, _held(job_id, attempt))
            if row is not None:
                more = {**row, "max_attempts": row["max_attempts"] + 1}
                self._give_back(connection, more, row["error"], False, again_in)
            return row is not None

        return self._write(work)

    def called_off(self, job_id: str, attempt: int) -> bool:
        """Whoever has it was asked to stop, and did. False where it is somebody else's."""

        def work(connection: Connection) -> bool:
            row = _locked(connection, _held(job_id, attempt))
            if row is not None:
                self._end(connection, job_id, JobState.CANCELLED, row["error"])
            return row is not None

        return self._write(work)

    def reclaim(self, worker: str) -> int:
        """How many jobs `worker` had when its process ended; they go on at once, as nobody else
        bears its name. Each costs an attempt: it may be what ended the process."""

        def work(connection: Connection) -> int:
            rows = _all_locked(connection, _running(), job.c.worker == worker)
            for row in rows:
                self._lose(connection, row)
            return len(rows)

        return self._write(work)

    # -- for whoever sends the ids

    def unsent(self) -> Sequence[Job]:
        """Some that are to be sent now, the most urgent first. They count as sent from here on."""
        where = (self._ready(), job.c.dispatched.is_(None))
        order = (job.c.priority, job.c.id)
        query = sa.select(job.c.id).where(*where).order_by(*order).limit(_UNSENT)
        if self._database.read(lambda connection: connection.scalar(query.limit(1))) is None:
            return ()

        def work(connection: Connection) -> Sequence[Job]:
            ids = connection.scalars(query.with_for_update(skip_locked=True)).all()
            these = job.c.id.in_(ids)
            connection.execute(sa.update(job).where(these).values(dispatched=self._now))
            return _jobs(connection, these, order=job.c.id)

        return sorted(self._write(work), key=lambda each: list(Lane).index(each.lane))

    def overdue(self, after: float) -> Mapping[str, int]:
        """The queues in which a job was sent more than `after` seconds ago and nobody has it, and
        how many each should carry. There may be nothing wrong: they may be long."""
        late = sa.func.sum(sa.case((self._late(after), 1), else_=0))
        query = (
            sa.select(job.c.queue, sa.func.count().label("sent"))
            .where(job.c.state == JobState.QUEUED.value, job.c.dispatched.is_not(None))
            .group_by(job.c.queue)
            .having(late > 0)
        )
        return self._database.read(
            lambda connection: {row.queue: row.sent for row in connection.execute(query)}
        )

    def send_again(self, queue: str, after: float) -> int:
        """How many of the queue are unsent again, as they were sent more than `after` seconds ago
        and never arrived."""
        lost = (job.c.state == JobState.QUEUED.value, job.c.queue == queue, self._late(after))
        change = sa.update(job).where(*lost).values(dispatched=None)
        return self._write(lambda connection: connection.execute(change).rowcount)

    # -- for the reaper

    def running(self) -> Sequence[Job]:
        """All that somebody has; `lease_until` changes with each heartbeat."""
        return self._database.read(lambda connection: _jobs(connection, _running()))

    def reap(self, silent: Sequence[Job]) -> Mapping[str, int]:
        """Take the `silent` ones from who has them, unless there was a heartbeat since, and settle
        what waits for others. How many of which; empty while another reaper is at it."""

        def work(connection: Connection) -> Mapping[str, int]:
            if not self._alone(connection):
                return {}
            lost = [row for each in silent for row in _free(connection, *_as_seen(each))]
            for row in lost:
                self._lose(connection, row)
            return {"lost": len(lost), "settled": self._settle(connection)}

        return self._write(work)

    # -- how it is done

    def _write(self, work: Callable[[Connection], Result]) -> Result:
        """As the database's, but whoever stops in the middle of it is put out.

        A worker that is frozen there, or cut off, would hold its locks for hours, and nobody could
        take its job away.
        """

        def guarded(connection: Connection) -> Result:
            self._put_out_after(connection, _IDLE)
            return work(connection)

        return self._database.write(guarded)

    def _put_out_after(self, connection: Connection, seconds: int) -> None:
        if not self._database.is_sqlite:
            limit = f"SET LOCAL idle_in_transaction_session_timeout = '{seconds}s'"
            connection.exec_driver_sql(limit)

    @property
    def _now(self) -> Any:
        return self._machine_now() if self._database.is_sqlite else sa.func.now()

    def _later(self, seconds: float) -> Any:
        return self._now + timedelta(seconds=seconds)

    def _ready(self) -> sa.ColumnElement[bool]:
        due = sa.or_(job.c.not_before.is_(None), job.c.not_before <= self._now)
        return sa.and_(job.c.state == JobState.QUEUED.value, due)

    def _late(self, after: float) -> sa.ColumnElement[bool]:
        # One that was sent in the future was sent before the clock was put back.
        was = job.c.dispatched
        return sa.or_(was < self._later(-after), was > self._later(after))

    def _claim(
        self, connection: Connection, this: sa.ColumnElement[bool], worker: str, lease: float
    ) -> Job | None:
        change = (
            sa.update(job)
            .where(this, self._ready())
            .values(
                state=JobState.RUNNING.value,
                attempt=job.c.attempt + 1,
                lease_until=self._later(lease),
                worker=worker,
                started=self._now,
            )
            .returning(*job.c)
        )
        row = connection.execute(change).mappings().one_or_none()
        return None if row is None else _as_job(row, _needs(connection, [row["id"]]))

    def _say(self, job_id: str, attempt: int, **values: Any) -> Answer:
        change = (
            sa.update(job)
            .where(_held(job_id, attempt))
            .values(values)
            .returning(job.c.cancel_asked)
        )
        asked = self._write(lambda connection: connection.scalar(change))
        if asked is None:
            return "fenced"
        return "cancel" if asked else "fine"

    def _lose(self, connection: Connection, row: Mapping[str, Any]) -> None:
        error = f"Its worker died, or was cut off, at attempt {row['attempt']}."
        if row["attempt"] >= row["max_attempts"]:
            error = f"Its worker died, or was cut off, at the last of {row['attempt']} attempts."
        self._give_back(connection, row, error, False, 0)

    def _give_back(
        self,
        connection: Connection,
        row: Mapping[str, Any],
        error: str | None,
        final: bool,
        again_in: float,
    ) -> None:
        if row["cancel_asked"]:
            self._end(connection, row["id"], JobState.CANCELLED, error)
        elif final or row["attempt"] >= row["max_attempts"]:
            self._end(connection, row["id"], JobState.DEAD, error)
        else:
            _change(
                connection,
                row["id"],
                state=JobState.QUEUED.value,
                max_attempts=row["max_attempts"],
                error=error,
                worker=None,
                lease_until=None,
                dispatched=None,
                not_before=self._later(again_in) if again_in else None,
            )

    def _end(self, connection: Connection, job_id: str, state: JobState, error: str | None) -> None:
        _change(
            connection,
            job_id,
            state=state.value,
            error=error,
            ended=self._now,
            lease_until=None,
        )
        if state is not JobState.DEAD:  # that one may be tried again, from where it was
            connection.execute(sa.delete(checkpoint).where(checkpoint.c.job_id == job_id))
        webhooks.job_ended(connection, job_id, state)
        needs_it = sa.select(job_need.c.job_id).where(job_need.c.needs_id == job_id)
        self._settle(connection, job.c.id.in_(needs_it))

    def _revive(self, connection: Connection, row: Mapping[str, Any], attempts: int) -> None:
        """As waiting, with what died of it; `_settle` finds out whether there is a reason to."""
        _change(
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
        needs_it = sa.select(job_need.c.job_id).where(job_need.c.needs_id == row["id"])
        never_tried = (job.c.state == JobState.DEAD.value, job.c.attempt == 0)
        for each in _all_locked(connection, job.c.id.in_(needs_it), *never_tried):
            self._revive(connection, each, attempts)

    def _settle(self, connection: Connection, among: sa.ColumnElement[bool] | None = None) -> int:
        """Queue those that wait for nothing any more, end those that wait for nothing to come."""
        needed = job.alias("needed")
        of_it = sa.select(needed.c.id).join(job_need, job_need.c.needs_id == needed.c.id)
        of_it = of_it.where(job_need.c.job_id == job.c.id).correlate(job)
        open_one = of_it.where(needed.c.state != JobState.DONE.value)
        lost_one = of_it.where(needed.c.state.in_([each.value for each in _BAD_ENDS]))
        waiting = [job.c.state == JobState.WAITING.value, *([] if among is None else [among])]
        ripe = sa.update(job).where(*waiting, ~sa.exists(open_one))
        settled = connection.execute(ripe.values(state=JobState.QUEUED.value)).rowcount
        query = sa.select(job.c.id, lost_one.limit(1).scalar_subquery().label("lost"))
        for each in connection.execute(query.where(*waiting, sa.exists(lost_one))).all():
            reason = f"It needs job {each.lost}, which will not be done."
            self._end(connection, each.id, JobState.DEAD, reason)  # and so on with who needs it
            settled += 1
        return settled

    def _alone(self, connection: Connection) -> bool:
        """Until the end of the transaction; on SQLite every writer is."""
        lock = sa.select(sa.func.pg_try_advisory_xact_lock(_REAPERS_LOCK))
        return self._database.is_sqlite or bool(connection.scalar(lock))


def _running() -> sa.ColumnElement[bool]:
    return job.c.state == JobState.RUNNING.value


def _held(job_id: str, attempt: int) -> sa.ColumnElement[bool]:
    return sa.and_(job.c.id == job_id, job.c.attempt == attempt, _running())


def _as_seen(seen: Job) -> tuple[sa.ColumnElement[bool], ...]:
    return _held(seen.id, seen.attempt), job.c.lease_until == seen.lease_until


def _change(connection: Connection, job_id: str, **values: Any) -> None:
    connection.execute(sa.update(job).where(job.c.id == job_id).values(values))


def _locked(connection: Connection, *where: sa.ColumnElement[bool]) -> Mapping[str, Any] | None:
    return next(iter(_all_locked(connection, *where)), None)


def _all_locked(
    connection: Connection, *where: sa.ColumnElement[bool]
) -> Sequence[Mapping[str, Any]]:
    query = sa.select(job).where(*where).order_by(job.c.id).with_for_update()
    return [row._asdict() for row in connection.execute(query)]


def _free(connection: Connection, *where: sa.ColumnElement[bool]) -> Sequence[Mapping[str, Any]]:
    """Locked, but for those that somebody else has locked: nobody waits for them."""
    query = sa.select(job).where(*where).with_for_update(skip_locked=True)
    return [row._asdict() for row in connection.execute(query)]


def _expect(connection: Connection, needs: Sequence[str]) -> None:
    """Raises NotFound. They cannot end while the transaction lasts, and so not unseen."""
    query = sa.select(job.c.id).where(job.c.id.in_(needs)).with_for_update(read=True)
    there = set(connection.scalars(query)) if needs else set()
    for each in needs:
        if each not in there:
            raise _not_found(each)


def _not_found(job_id: str) -> NotFound:
    return NotFound(f"There is no job {job_id}.")


def _the_job(connection: Connection, job_id: str) -> Job:
    for each in _jobs(connection, job.c.id == job_id):
        return each
    raise _not_found(job_id)


def _jobs(
    connection: Connection,
    *where: sa.ColumnElement[bool],
    order: sa.ColumnElement[Any] = job.c.id,
    limit: int | None = None,
) -> Sequence[Job]:
    query = sa.select(job).where(*where).order_by(order).limit(limit)
    rows = connection.execute(query).mappings().all()
    needs = _needs(connection, [row["id"] for row in rows])
    return [_as_job(row, needs) for row in rows]


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

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
from sqlalchemy import Connection

from malgwi.errors import Conflict
from malgwi.store import job_endings, job_rows
from malgwi.store.engine import Database
from malgwi.store.ids import new_id
from malgwi.store.job_rows import JobCount, JobRow
from malgwi.store.schema import checkpoint, job, job_need
from malgwi.store.upsert import insert_if_new, insert_or_update
from malgwi.types import Job, JobState, Lane

Answer = Literal["fine", "cancel", "fenced"]
"""Go on; stop, as nobody wants it any more; stop, as it is somebody else's now."""
Write = Callable[[Connection], None]
Result = TypeVar("Result")

ATTEMPTS = 3
_UNSENT = 200  # jobs a call, so that a transaction stays short
_FORGOTTEN = 500  # the same
_LONGEST_PAUSE = 3600.0  # seconds between two attempts
_REAPERS_LOCK = 0x6A6F6273  # "jobs": of PostgreSQL's advisory locks, which are numbers
_IDLE = 2  # seconds in the middle of a transaction after which whoever stopped there is put out
_SLOW = 30  # the same while a handler's own result is written, which takes time to put into rows


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
            job_endings.expect(connection, needs)
            row = values | {"id": id, "created": self._now}
            while not insert_if_new(connection, job, row):
                for first in job_rows.jobs(connection, job.c.key == key):
                    return first  # unless it was forgotten in this very moment
            if needs:
                wanted = [{"job_id": id, "needs_id": each} for each in dict.fromkeys(needs)]
                connection.execute(sa.insert(job_need), wanted)
                job_endings.settle(connection, self._now, job.c.id == id)
            return job_rows.the_job(connection, id)

        return self._write(work)

    def get(self, job_id: str) -> Job:
        """Raises NotFound."""
        return self._database.read(lambda connection: job_rows.the_job(connection, job_id))

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
            return job_rows.jobs(connection, *where, order=job.c.id.desc(), limit=limit)

        return self._database.read(work)

    def some(self, ids: Collection[str]) -> Sequence[Job]:
        """Those of these that are in the ledger."""
        return self._database.read(lambda each: job_rows.jobs(each, job.c.id.in_(ids)))

    def waiting(self) -> Mapping[str, JobState]:
        """By their ids those that nobody is doing, and that somebody should."""
        return self._database.read(job_rows.waiting)

    def counts(self) -> Sequence[JobCount]:
        """How many there are, but for those that were done or called off."""
        return self._database.read(job_rows.counts)

    def cancel(self, job_id: str) -> Job:
        """At once where nobody has it; who has it is asked to stop. One that ended stays as it is.

        Raises NotFound.
        """

        def work(connection: Connection) -> Job:
            row = job_rows.locked(connection, job.c.id == job_id)
            if row is None:
                raise job_rows.not_found(job_id)
            if row["state"] in (JobState.WAITING, JobState.QUEUED):
                job_endings.end(connection, job_id, JobState.CANCELLED, row["error"], self._now)
            elif row["state"] == JobState.RUNNING:
                job_rows.change(connection, job_id, cancel_asked=True)
            return job_rows.the_job(connection, job_id)

        return self._write(work)

    def retry(self, job_id: str, attempts: int = ATTEMPTS) -> Job:
        """A dead job may be tried again, from its last checkpoint, and with it what died of it.

        Raises NotFound, and Conflict for one that is not dead.
        """

        def work(connection: Connection) -> Job:
            row = job_rows.locked(connection, job.c.id == job_id)
            if row is None:
                raise job_rows.not_found(job_id)
            if row["state"] != JobState.DEAD:
                raise Conflict(
                    f"Job {job_id} is {row['state']}. Only a dead one can be tried again."
                )
            job_endings.revive(connection, row, attempts)
            job_endings.settle(connection, self._now)
            return job_rows.the_job(connection, job_id)

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
            row = job_rows.locked(connection, job_rows.held(job_id, attempt))
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
            row = job_rows.locked(connection, job.c.id == job_id, job.c.attempt == attempt)
            if row is None or row["state"] != JobState.RUNNING:
                return row is not None and row["state"] == JobState.DONE
            if write is not None:
                self._put_out_after(connection, _SLOW)
                write(connection)
            job_endings.end(connection, job_id, JobState.DONE, None, self._now)
            return True

        return self._write(work)

    def fail(
        self, job_id: str, attempt: int, error: str, *, final: bool, again_in: float = 0
    ) -> bool:
        """This attempt came to nothing. There is another in `again_in` seconds, an hour at most,
        unless it is `final` or there were as many as there may be. False where it is somebody
        else's."""

        def work(connection: Connection) -> bool:
            row = job_rows.locked(connection, job_rows.held(job_id, attempt))
            if row is not None:
                self._give_back(connection, row, error, final, again_in)
            return row is not None

        return self._write(work)

    def release(self, job_id: str, attempt: int, again_in: float = 0) -> bool:
        """Whoever has it cannot go on now; nothing is known against the job, so that it costs no
        attempt. False where it is somebody else's."""

        def work(connection: Connection) -> bool:
            row = job_rows.locked(connection, job_rows.held(job_id, attempt))
            if row is not None:
                more = {**row, "max_attempts": row["max_attempts"] + 1}
                self._give_back(connection, more, row["error"], False, again_in)
            return row is not None

        return self._write(work)

    def called_off(self, job_id: str, attempt: int) -> bool:
        """Whoever has it was asked to stop, and did. False where it is somebody else's."""

        def work(connection: Connection) -> bool:
            row = job_rows.locked(connection, job_rows.held(job_id, attempt))
            if row is not None:
                job_endings.end(connection, job_id, JobState.CANCELLED, row["error"], self._now)
            return row is not None

        return self._write(work)

    def reclaim(self, worker: str) -> int:
        """How many jobs `worker` had when its process ended; they go on at once, as nobody else
        bears its name. Each costs an attempt: it may be what ended the process."""

        def work(connection: Connection) -> int:
            rows = job_rows.all_locked(connection, job_rows.is_running(), job.c.worker == worker)
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
            return job_rows.jobs(connection, these, order=job.c.id)

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
        return self._database.read(
            lambda connection: job_rows.jobs(connection, job_rows.is_running())
        )

    def reap(self, silent: Sequence[Job]) -> Mapping[str, int]:
        """Take the `silent` ones from who has them, unless there was a heartbeat since, and settle
        what waits for others. How many of which; empty while another reaper is at it."""

        def work(connection: Connection) -> Mapping[str, int]:
            if not self._alone(connection):
                return {}
            lost = [row for each in silent for row in job_rows.free(connection, *_as_seen(each))]
            for row in lost:
                self._lose(connection, row)
            return {"lost": len(lost), "settled": job_endings.settle(connection, self._now)}

        return self._write(work)

    # -- for whoever tidies up

    def forget(self, ended_before: timedelta) -> int:
        """Jobs that ended so long ago, with their checkpoints and their keys; how many.

        Not while another needs one. While a recording is here its last one stays, which is what is
        known of its state, and those with a key: a folder that is read anew asks for them again.
        """
        forgotten = 0
        while some := self._forget(ended_before):  # others may have needed them
            forgotten += some
        return forgotten

    # -- how it is done

    def _forget(self, ended_before: timedelta) -> int:
        """Once through all of them. Looking does not take the lock that SQLite's writers share."""
        is_old = job_endings.is_forgettable(self._now - ended_before)
        last, forgotten = "", 0
        while ids := self._some_where(is_old, last):
            forgotten += self._remove(job.c.id.in_(ids), is_old)
            last = ids[-1]
        return forgotten

    def _some_where(self, condition: sa.ColumnElement[bool], after: str) -> Sequence[str]:
        query = sa.select(job.c.id).where(condition, job.c.id > after)
        query = query.order_by(job.c.id).limit(_FORGOTTEN)
        return self._database.read(lambda connection: connection.scalars(query).all())

    def _remove(self, *where: sa.ColumnElement[bool]) -> int:
        gone = sa.delete(job).where(*where)
        return self._write(lambda connection: connection.execute(gone).rowcount)

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
        at = job.c.not_before
        # No attempt waits so long for the next: the clock was put back since.
        put_off = sa.and_(job.c.attempt > 0, at > self._later(_LONGEST_PAUSE))
        due = sa.or_(at.is_(None), at <= self._now, put_off)
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
        rows = connection.execute(change).mappings().all()
        return next(iter(job_rows.as_jobs(connection, rows)), None)

    def _say(self, job_id: str, attempt: int, **values: Any) -> Answer:
        change = (
            sa.update(job)
            .where(job_rows.held(job_id, attempt))
            .values(values)
            .returning(job.c.cancel_asked)
        )
        asked = self._write(lambda connection: connection.scalar(change))
        if asked is None:
            return "fenced"
        return "cancel" if asked else "fine"

    def _lose(self, connection: Connection, row: JobRow) -> None:
        error = f"Its worker died, or was cut off, at attempt {row['attempt']}."
        if row["attempt"] >= row["max_attempts"]:
            error = f"Its worker died, or was cut off, at the last of {row['attempt']} attempts."
        self._give_back(connection, row, error, False, 0)

    def _give_back(
        self,
        connection: Connection,
        row: JobRow,
        error: str | None,
        final: bool,
        again_in: float,
    ) -> None:
        if row["cancel_asked"]:
            job_endings.end(connection, row["id"], JobState.CANCELLED, error, self._now)
        elif final or row["attempt"] >= row["max_attempts"]:
            job_endings.end(connection, row["id"], JobState.DEAD, error, self._now)
        else:
            job_rows.change(
                connection,
                row["id"],
                state=JobState.QUEUED.value,
                max_attempts=row["max_attempts"],
                error=error,
                worker=None,
                lease_until=None,
                dispatched=None,
                not_before=self._later(min(again_in, _LONGEST_PAUSE)) if again_in else None,
            )

    def _alone(self, connection: Connection) -> bool:
        """Until the end of the transaction; on SQLite every writer is."""
        lock = sa.select(sa.func.pg_try_advisory_xact_lock(_REAPERS_LOCK))
        return self._database.is_sqlite or bool(connection.scalar(lock))


def _as_seen(seen: Job) -> tuple[sa.ColumnElement[bool], ...]:
    return job_rows.held(seen.id, seen.attempt), job.c.lease_until == seen.lease_until

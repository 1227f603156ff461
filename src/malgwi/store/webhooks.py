"""Who wants to hear of what happens, and what is still to be told them.

What is to be told is written down in the transaction in which it happened: both are kept, or
neither. It holds ids and states and nothing else, so that what was said stays here. Telling it is
not for this room: a sender takes it from here, and says how it went.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from malgwi.errors import BadOption, NotFound
from malgwi.store import paging as pages
from malgwi.store.base import Page, Paging
from malgwi.store.engine import Database
from malgwi.store.ids import new_id
from malgwi.store.schema import delivery, job, webhook
from malgwi.types import JobState

PREFIX = "whsec_"
KEPT = timedelta(days=30)
"""For so long one can look up what was told, and what could not be."""
_LONGEST_WAIT = timedelta(days=1)
_LIST = "deliveries"


class Event(StrEnum):
    """What somebody may want to hear of."""

    JOB_DONE = "job.done"
    JOB_DEAD = "job.dead"
    TRANSCRIPT_READY = "transcript.ready"
    TRANSCRIPT_CORRECTED = "transcript.corrected"


class DeliveryState(StrEnum):
    """How far it is."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    """It was tried as often as it is; `Delivery.last_error` says how the last attempt went."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that wants to hear. What signs is not in it: that is known to who made it."""

    id: str
    url: str
    events: tuple[Event, ...]
    created: datetime
    owner: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something to be told to somebody. Its id is the same at every attempt."""

    id: str
    webhook_id: str
    event: Event
    payload: Mapping[str, Any]
    state: DeliveryState
    attempts: int
    next_at: datetime | None
    """When it is tried, or tried again, at the earliest; None where it is not."""
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A delivery that somebody has taken on, and what it takes."""

    delivery: Delivery
    url: str
    secret: str


def job_ended(connection: Connection, job_id: str, state: JobState) -> None:
    """To be called where a job ends; of one that was cancelled nobody hears."""
    events = {JobState.DONE: Event.JOB_DONE, JobState.DEAD: Event.JOB_DEAD}
    if state not in events:
        return
    query = sa.select(job.c.kind, job.c.recording_id, job.c.attempt).where(job.c.id == job_id)
    if (row := connection.execute(query).first()) is not None:
        facts = {"job_id": job_id, "state": state.value, **row._asdict()}
        _announce(connection, events[state], facts)


def transcript_ready(connection: Connection, transcript_id: str, recording_id: str) -> None:
    """To be called where a transcript is saved for the first time."""
    facts = {"transcript_id": transcript_id, "recording_id": recording_id, "revision": 1}
    _announce(connection, Event.TRANSCRIPT_READY, facts)


def transcript_corrected(
    connection: Connection, transcript_id: str, recording_id: str, revision: int
) -> None:
    """To be called where a transcript gets a further revision."""
    facts = {"transcript_id": transcript_id, "recording_id": recording_id, "revision": revision}
    _announce(connection, Event.TRANSCRIPT_CORRECTED, facts)


class Outbox:
    """Any thread of any process may use it; two never take the same delivery at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- who wants to hear

    def add(
        self, url: str, events: Collection[Event], owner: str | None = None
    ) -> tuple[Webhook, str]:
        """The second is what signs; it is shown this once. Whether the address may be asked is
        not for here."""
        if not events:
            raise BadOption(f"Name at least one event: {', '.join(Event)}.")
        secret = PREFIX + secrets.token_urlsafe(32)
        values = {
            "id": new_id(),
            "url": url,
            "secret": secret,
            "events": [each.value for each in Event if each in events],
            "created": datetime.now(UTC),
            "owner": owner,
        }
        self._database.write(lambda it: it.execute(webhook.insert().values(values)))
        return self.webhook(str(values["id"])), secret

    def webhook(self, webhook_id: str) -> Webhook:
        query = sa.select(webhook).where(webhook.c.id == webhook_id)
        row = self._database.read(lambda it: it.execute(query).first())
        if row is None:
            raise _no_webhook(webhook_id)
        return _webhook(row)

    def webhooks(self) -> tuple[Webhook, ...]:
        """Oldest first."""
        query = sa.select(webhook).order_by(webhook.c.id)
        return self._database.read(lambda it: tuple(map(_webhook, it.execute(query))))

    def remove(self, webhook_id: str) -> None:
        """It hears nothing more, and what it should have heard is forgotten."""
        gone = webhook.delete().where(webhook.c.id == webhook_id)
        if not self._database.write(lambda it: it.execute(gone).rowcount):
            raise _no_webhook(webhook_id)

    # -- what they are told

    def deliveries(self, webhook_id: str, paging: Paging | None = None) -> Page[Delivery]:
        """Newest first."""
        paging = paging or Paging()
        self.webhook(webhook_id)
        after = pages.after_id(paging, _LIST)
        query = sa.select(delivery).where(delivery.c.webhook_id == webhook_id)
        if after is not None:
            query = query.where(delivery.c.id < after)
        query = query.order_by(delivery.c.id.desc()).limit(paging.limit + 1)
        found = self._database.read(lambda it: it.execute(query).all())
        return pages.page(
            found, paging, _LIST, lambda row: str(row.id), lambda rows: list(map(_delivery, rows))
        )

    def send_again(self, webhook_id: str, delivery_id: str) -> Delivery:
        """It is due now, with all its attempts before it, whatever became of it."""
        this = (delivery.c.id == delivery_id, delivery.c.webhook_id == webhook_id)
        due = {"state": DeliveryState.PENDING.value, "attempts": 0, "next_at": self._now}
        change = delivery.update().where(*this).values(due).returning(*delivery.c)
        row = self._database.write(lambda it: it.execute(change).first())
        if row is None:
            raise NotFound(f"Webhook {webhook_id} has no delivery {delivery_id}.")
        return _delivery(row)

    def sweep(self) -> int:
        """Forgets what ended long ago. How many."""
        over = delivery.c.state != DeliveryState.PENDING.value
        old = delivery.c.id < _first_id(datetime.now(UTC) - KEPT)
        return self._database.write(
            lambda it: it.execute(delivery.delete().where(over, old))
        ).rowcount

    def undelivered(self) -> Mapping[DeliveryState, int]:
        """How many are still to be told, and how many were given up of late."""
        states = (DeliveryState.PENDING, DeliveryState.GIVEN_UP)
        query = sa.select(delivery.c.state, sa.func.count()).group_by(delivery.c.state)
        query = query.where(delivery.c.state.in_([each.value for each in states]))
        rows = self._database.read(lambda it: it.execute(query).all())
        return dict.fromkeys(states, 0) | {DeliveryState(state): n for state, n in rows}

    # -- for the sender

    def take(self, most: int, lease: float, besides: Collection[str] = ()) -> Sequence[Outgoing]:
        """What is due: the oldest of each webhook, but of those in `besides` none. Each counts as
        an attempt, and is not given to others for `lease` seconds."""
        query = sa.select(delivery.c.webhook_id).group_by(delivery.c.webhook_id)
        query = query.where(self._due, delivery.c.webhook_id.not_in(besides)).limit(most)
        query = query.order_by(sa.func.random())  # else those that never answer are always first
        # Looking does not take the lock that SQLite's writers share, and mostly there is nothing.
        webhooks = self._database.read(lambda it: it.scalars(query).all())

        def work(connection: Connection) -> Sequence[Outgoing]:
            taken = (self._take(connection, each, lease) for each in webhooks)
            return [each for each in taken if each is not None]

        return self._database.write(work) if webhooks else ()

    def delivered(self, outgoing: Outgoing) -> None:
        self._end(outgoing, state=DeliveryState.DELIVERED.value, next_at=None, last_error=None)

    def failed(self, outgoing: Outgoing, error: str, again_in: float | None) -> None:
        """`again_in` seconds it is due again; None gives it up."""
        state = DeliveryState.GIVEN_UP if again_in is None else DeliveryState.PENDING
        next_at = None if again_in is None else self._later(again_in)
        self._end(outgoing, state=state.value, next_at=next_at, last_error=error)

    @property
    def _now(self) -> Any:
        return datetime.now(UTC) if self._database.is_sqlite else sa.func.now()

    def _later(self, seconds: float) -> Any:
        return self._now + timedelta(seconds=seconds)

    @property
    def _due(self) -> sa.ColumnElement[bool]:
        # One that is due in days was put off before the clock was put back.
        at = delivery.c.next_at
        now = sa.or_(at <= self._now, at > self._now + _LONGEST_WAIT)
        return sa.and_(delivery.c.state == DeliveryState.PENDING.value, now)

    def _take(self, connection: Connection, webhook_id: str, lease: float) -> Outgoing | None:
        head = (
            sa.select(delivery.c.id)
            .where(delivery.c.webhook_id == webhook_id, self._due)
            .order_by(delivery.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        mine = {"attempts": delivery.c.attempts + 1, "next_at": self._later(lease)}
        taking = delivery.update().where(delivery.c.id == head, self._due).values(mine)
        row = connection.execute(taking.returning(*delivery.c)).first()
        if row is None:
            return None
        where = sa.select(webhook.c.url, webhook.c.secret).where(webhook.c.id == webhook_id)
        return Outgoing(_delivery(row), *connection.execute(where).one())

    def _end(self, outgoing: Outgoing, **values: Any) -> None:
        """Where somebody else has it by now, they say how it went."""
        mine = (
            delivery.c.id == outgoing.delivery.id,
            delivery.c.attempts == outgoing.delivery.attempts,
            delivery.c.state == DeliveryState.PENDING.value,
        )
        change = delivery.update().where(*mine).values(values)
        self._database.write(lambda it: it.execute(change))


def _announce(connection: Connection, event: Event, facts: Mapping[str, Any]) -> None:
    query = sa.select(webhook.c.id, webhook.c.events).order_by(webhook.c.id)
    # None of them is removed before what it is to hear is there: that would undo all of it.
    rows = connection.execute(query.with_for_update(read=True, key_share=True)).all()
    now = datetime.now(UTC)
    new = [
        {
            "id": new_id(),
            "webhook_id": row.id,
            "event": event.value,
            "payload": {"created": now.isoformat(timespec="milliseconds"), "data": facts},
            "state": DeliveryState.PENDING.value,
            "next_at": now if connection.dialect.name == "sqlite" else sa.func.now(),
        }
        for row in rows
        if event in row.events
    ]
    for each in new:
        connection.execute(delivery.insert().values(each))


def _first_id(moment: datetime) -> str:
    """Not an id, but it sorts between those that were made before and after."""
    stamp = f"{int(moment.timestamp() * 1000):012x}"
    return f"{stamp[:8]}-{stamp[8:]}"


def _webhook(row: Row[Any]) -> Webhook:
    events = tuple(Event(each) for each in row.events)
    return Webhook(row.id, row.url, events, row.created, row.owner)


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        webhook_id=row.webhook_id,
        event=Event(row.event),
        payload=row.payload,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        next_at=row.next_at,
        last_error=row.last_error,
    )


def _no_webhook(webhook_id: str) -> NotFound:
    return NotFound(f"There is no webhook {webhook_id}.")

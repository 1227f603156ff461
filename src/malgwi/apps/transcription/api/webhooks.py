"""/v1/webhooks: who wants to hear of what happens, and what they were told. For administrators."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from malgwi.apps.transcription.api.access import SCHEMES, Admin
from malgwi.apps.transcription.api.bodies import BoundedRoute
from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.fields import Cursor, Limit
from malgwi.apps.transcription.api.pages import PageOf
from malgwi.apps.transcription.api.problems import problems
from malgwi.store import Delivery, DeliveryState, Event, Paging, Webhook


class WebhookIn(BaseModel):
    """An address that shall hear of what happens."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "url": "https://crm.example.org/malgwi",
                    "events": ["transcript.ready", "job.dead"],
                }
            ]
        },
    )

    url: Annotated[str, Field(min_length=1, max_length=2000)]
    """Of this machine or its network only where the operator has listed it."""
    events: Annotated[list[Event], Field(min_length=1, max_length=len(Event))]


class WebhookOut(BaseModel):
    """An address that hears of what happens."""

    id: str
    url: str
    events: list[Event]
    created: datetime
    owner: str | None
    """Id of the key that it was made with."""


class WebhookMade(WebhookOut):
    """One that was made."""

    secret: str = Field(examples=["whsec_..."])
    """What signs. It is shown this once."""


class DeliveryOut(BaseModel):
    """Something that was told, or is to be."""

    id: str
    """As in the header `Malgwi-Delivery`."""
    event: Event
    created: datetime
    data: dict[str, Any]
    state: DeliveryState
    attempts: int
    next_at: datetime | None
    """When it is tried, or tried again, at the earliest; null where it is not."""
    last_error: str | None


def router(doors: ApiDoors) -> APIRouter:
    outbox = doors.outbox
    routes = APIRouter(
        prefix="/v1/webhooks",
        tags=["webhooks"],
        responses=problems(),
        dependencies=SCHEMES,
        route_class=BoundedRoute,
    )

    @routes.get("")
    def list_webhooks(caller: Admin) -> list[WebhookOut]:
        """Oldest first."""
        return list(map(_out, outbox.webhooks()))

    @routes.post("", status_code=201)
    def create_webhook(caller: Admin, wanted: WebhookIn) -> WebhookMade:
        """The only answer that has the secret."""
        doors.reach.check(wanted.url)
        made, secret = outbox.add(wanted.url, wanted.events, caller.id)
        doors.store.note("webhook.create", made.id, caller.id, {"events": list(made.events)})
        return WebhookMade(**_out(made).model_dump(), secret=secret)

    @routes.get("/{webhook_id}")
    def read_webhook(caller: Admin, webhook_id: str) -> WebhookOut:
        return _out(outbox.webhook(webhook_id))

    @routes.delete("/{webhook_id}", status_code=204)
    def delete_webhook(caller: Admin, webhook_id: str) -> None:
        """It hears nothing more, not even what it should have heard by now."""
        outbox.remove(webhook_id)
        doors.store.note("webhook.delete", webhook_id, caller.id)

    @routes.get("/{webhook_id}/deliveries")
    def list_deliveries(
        caller: Admin, webhook_id: str, cursor: Cursor = None, limit: Limit = 50
    ) -> PageOf[DeliveryOut]:
        """Newest first. What ended is forgotten after 30 days."""
        page = outbox.deliveries(webhook_id, Paging(cursor, limit))
        return PageOf(items=list(map(_delivery_out, page.items)), next_cursor=page.next_cursor)

    @routes.post("/{webhook_id}/deliveries/{delivery_id}/retry")
    def retry_delivery(caller: Admin, webhook_id: str, delivery_id: str) -> DeliveryOut:
        """It is sent again, with all its attempts before it, whatever became of it."""
        again = outbox.send_again(webhook_id, delivery_id)
        doors.store.note("webhook.retry", webhook_id, caller.id, {"delivery": delivery_id})
        return _delivery_out(again)

    return routes


def _out(webhook: Webhook) -> WebhookOut:
    return WebhookOut(
        id=webhook.id,
        url=webhook.url,
        events=list(webhook.events),
        created=webhook.created,
        owner=webhook.owner,
    )


def _delivery_out(delivery: Delivery) -> DeliveryOut:
    return DeliveryOut(
        id=delivery.id,
        event=delivery.event,
        created=delivery.payload["created"],
        data=delivery.payload["data"],
        state=delivery.state,
        attempts=delivery.attempts,
        next_at=delivery.next_at,
        last_error=delivery.last_error,
    )

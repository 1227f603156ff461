"""Webhooks over HTTP: for administrators, and never to this machine unless it is listed."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from apps.transcription.api.site import LOCAL, NO_ID, Site
from fastapi import FastAPI
from starlette.testclient import TestClient

from malgwi.apps.transcription.api import StoreLock
from malgwi.apps.transcription.api.problems import shape
from malgwi.apps.transcription.api.webhooks import router
from malgwi.apps.transcription.webhooks import Reach
from malgwi.gateway import Keys, Metrics, Readiness, new_app
from malgwi.store import Role
from malgwi.store.webhooks import Event, Outbox, transcript_ready

LISTED = "10.1.2.3:8080"
WANTED = {"url": f"http://{LISTED}/hook", "events": ["transcript.ready", "job.dead"]}


class _Well:
    def live(self) -> bool:
        return True

    def ready(self) -> Readiness:
        return Readiness(True)


@pytest.fixture
def outbox(opened: Site) -> Outbox:
    return Outbox(opened.store.database)


def app(site: Site, outbox: Outbox, needed: bool) -> FastAPI:
    return new_app(
        title="test",
        version="1.2.3",
        keys=StoreLock(site.store, site.doors.people, Keys(), needed),
        metrics=Metrics("1.2.3"),
        health=_Well(),
        routers=[router(replace(site.doors, outbox=outbox, reach=Reach([LISTED])))],
        shapes={"/v1/webhooks": shape},
    )


@pytest.fixture
def client(opened: Site, outbox: Outbox) -> Iterator[TestClient]:
    yield TestClient(app(opened, outbox, False), LOCAL, raise_server_exceptions=False)


def test_a_webhook_is_made_read_and_removed(client: TestClient, opened: Site) -> None:
    answer = client.post("/v1/webhooks", json=WANTED)

    assert answer.status_code == 201
    made = answer.json()
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert made["events"] == ["job.dead", "transcript.ready"]
    assert client.get("/v1/webhooks").json() == [made]
    assert client.get(f"/v1/webhooks/{made['id']}").json() == made
    assert client.delete(f"/v1/webhooks/{made['id']}").status_code == 204
    assert client.get("/v1/webhooks").json() == []
    assert opened.actions() == ["webhook.create", "webhook.delete"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://127.0.0.1/hook"},
        {"url": "http://localhost/hook"},
        {"url": "http://10.1.2.3/hook"},
        {"url": "ftp://example.org"},
        {"url": ""},
        {"url": "http://\0/"},
        {"url": "http://" + "a" * 300 + ".example.org/"},
        {"url": "https://example.org/" + "a" * 3000},
        {"events": []},
        {"events": ["job.born"]},
        {"secret": "mine"},
    ],
)
def test_what_cannot_be_a_webhook_is_refused(
    client: TestClient, outbox: Outbox, wrong: dict[str, object]
) -> None:
    answer = client.post("/v1/webhooks", json=WANTED | wrong)

    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert outbox.webhooks() == ()


def tell(site: Site, transcript: str) -> None:
    site.store.database.write(lambda it: transcript_ready(it, transcript, "r-1"))


def test_what_was_told_is_listed_and_can_be_told_again(
    client: TestClient, opened: Site, outbox: Outbox
) -> None:
    hook = client.post("/v1/webhooks", json=WANTED).json()["id"]
    for number in range(3):
        tell(opened, f"t-{number}")
    (taken,) = outbox.take(1, 60.0)
    outbox.failed(taken, "It answered 500.", None)

    first = client.get(f"/v1/webhooks/{hook}/deliveries", params={"limit": 2}).json()
    rest = client.get(
        f"/v1/webhooks/{hook}/deliveries", params={"cursor": first["next_cursor"]}
    ).json()

    assert [each["data"]["transcript_id"] for each in first["items"]] == ["t-2", "t-1"]
    (given_up,) = rest["items"]
    assert (given_up["state"], given_up["attempts"]) == ("given_up", 1)
    assert given_up["last_error"] == "It answered 500."
    again = client.post(f"/v1/webhooks/{hook}/deliveries/{given_up['id']}/retry").json()
    assert (again["id"], again["state"], again["attempts"]) == (given_up["id"], "pending", 0)


def test_what_is_not_there_is_not_found(client: TestClient) -> None:
    hook = client.post("/v1/webhooks", json=WANTED).json()["id"]

    for method, path in (
        ("GET", f"/v1/webhooks/{NO_ID}"),
        ("DELETE", f"/v1/webhooks/{NO_ID}"),
        ("GET", f"/v1/webhooks/{NO_ID}/deliveries"),
        ("POST", f"/v1/webhooks/{hook}/deliveries/{NO_ID}/retry"),
        ("GET", "/v1/webhooks/%27%20OR%201=1"),
    ):
        assert client.request(method, path).status_code == 404, path
    assert client.get(f"/v1/webhooks/{hook}/deliveries?cursor=x").status_code == 400


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER])
def test_webhooks_are_for_administrators(opened: Site, outbox: Outbox, role: Role) -> None:
    made, _ = outbox.add("https://example.org", [Event.JOB_DONE])
    client = TestClient(app(opened, outbox, True), LOCAL, headers=opened.key(role)[1])

    for method, path in (
        ("GET", "/v1/webhooks"),
        ("POST", "/v1/webhooks"),
        ("GET", f"/v1/webhooks/{made.id}"),
        ("DELETE", f"/v1/webhooks/{made.id}"),
        ("GET", f"/v1/webhooks/{made.id}/deliveries"),
        ("POST", f"/v1/webhooks/{made.id}/deliveries/{NO_ID}/retry"),
    ):
        body = WANTED if path == "/v1/webhooks" and method == "POST" else None
        assert client.request(method, path, json=body).status_code == 403, (method, path)
    assert outbox.webhooks() == (made,)

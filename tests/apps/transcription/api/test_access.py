from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from apps.transcription.api.site import LIMITS, NO_ID, Site, site, uploaded
from starlette.testclient import TestClient

from malgwi.apps.transcription.api import lock_of
from malgwi.errors import BadOption
from malgwi.gateway import Keys, new_key
from malgwi.store import Role

NO_SUM = "0" * 64
OPEN = [
    ("GET", "/v1/session"),
    ("POST", "/v1/session"),
    ("DELETE", "/v1/session"),
]
READ = [
    ("GET", "/v1/recordings"),
    ("GET", f"/v1/recordings/{NO_ID}"),
    ("GET", f"/v1/recordings/{NO_ID}/media/0"),
    ("HEAD", f"/v1/recordings/{NO_ID}/media/0"),
    ("GET", f"/v1/media/{NO_SUM}"),
    ("GET", f"/v1/recordings/{NO_ID}/sound?seconds=5"),
    ("GET", f"/v1/recordings/{NO_ID}/transcripts"),
    ("GET", f"/v1/recordings/{NO_ID}/notes"),
    ("GET", "/v1/jobs"),
    ("GET", "/v1/jobs/events?follow=false"),
    ("GET", f"/v1/jobs/{NO_ID}"),
    ("GET", f"/v1/jobs/{NO_ID}/events"),
    ("GET", f"/v1/transcripts/{NO_ID}"),
    ("GET", f"/v1/transcripts/{NO_ID}/outline"),
    ("GET", f"/v1/transcripts/{NO_ID}/utterances"),
    ("GET", f"/v1/transcripts/{NO_ID}/revisions"),
    ("GET", f"/v1/transcripts/{NO_ID}/diff?before=1&after=2"),
    ("GET", f"/v1/exports/txt?transcript={NO_ID}"),
    ("GET", "/v1/search?q=x"),
    ("GET", "/v1/system"),
    ("GET", "/v1/glossaries"),
    ("GET", "/v1/glossaries/radio"),
    ("GET", "/v1/glossaries/radio/revisions"),
    ("POST", "/v1/glossaries/check"),
    ("POST", "/v1/glossaries/radio/dry-run"),
    ("POST", "/v1/session/password"),
    ("POST", "/v1/users/first"),
]
EDIT = [
    ("POST", "/v1/recordings"),
    ("PATCH", f"/v1/recordings/{NO_ID}"),
    ("DELETE", f"/v1/recordings/{NO_ID}"),
    ("POST", f"/v1/recordings/{NO_ID}/transcribe"),
    ("POST", f"/v1/recordings/{NO_ID}/notes"),
    ("PATCH", f"/v1/notes/{NO_ID}"),
    ("DELETE", f"/v1/notes/{NO_ID}"),
    ("POST", "/v1/uploads"),
    ("HEAD", f"/v1/uploads/{NO_ID}"),
    ("GET", f"/v1/uploads/{NO_ID}"),
    ("PATCH", f"/v1/uploads/{NO_ID}"),
    ("POST", f"/v1/uploads/{NO_ID}"),
    ("DELETE", f"/v1/uploads/{NO_ID}"),
    ("POST", f"/v1/jobs/{NO_ID}/cancel"),
    ("POST", f"/v1/jobs/{NO_ID}/retry"),
    ("POST", f"/v1/transcripts/{NO_ID}/corrections"),
    ("POST", f"/v1/transcripts/{NO_ID}/speakers"),
    ("POST", f"/v1/transcripts/{NO_ID}/undo"),
    ("PUT", "/v1/glossaries/radio"),
    ("DELETE", "/v1/glossaries/radio"),
    ("POST", "/v1/glossaries/radio/apply"),
]
ADMINISTER = [
    ("DELETE", f"/v1/recordings/{NO_ID}?purge=true"),
    ("GET", "/v1/keys"),
    ("POST", "/v1/keys"),
    ("DELETE", f"/v1/keys/{NO_ID}"),
    ("GET", "/v1/audit"),
    ("GET", "/v1/system/checks"),
    ("GET", "/v1/users"),
    ("POST", "/v1/users"),
    ("PATCH", f"/v1/users/{NO_ID}"),
    ("DELETE", f"/v1/users/{NO_ID}"),
    ("GET", "/v1/webhooks"),
    ("POST", "/v1/webhooks"),
    ("GET", f"/v1/webhooks/{NO_ID}"),
    ("DELETE", f"/v1/webhooks/{NO_ID}"),
    ("GET", f"/v1/webhooks/{NO_ID}/deliveries"),
    ("POST", f"/v1/webhooks/{NO_ID}/deliveries/{NO_ID}/retry"),
]
MAY = {
    Role.VIEWER: READ,
    Role.EDITOR: [*READ, *EDIT],
    Role.ADMIN: [*READ, *EDIT, *ADMINISTER],
}


def test_every_route_is_in_the_lists_of_these_tests(locked: Site) -> None:
    paths = locked.app.openapi()["paths"]
    routes = {
        (method.upper(), path)
        for path, methods in paths.items()
        if path.startswith("/v1/")
        for method in methods
    }
    listed = {
        (method, template(path))
        for method, path in (*OPEN, *READ, *EDIT, *ADMINISTER)
        if not path.endswith(("purge=true",)) and (method, path) != ("POST", f"/v1/uploads/{NO_ID}")
    }

    assert listed == {(method, template(path)) for method, path in routes} - {
        ("OPTIONS", "/v1/uploads")
    }


def template(path: str) -> str:
    """Without what is in the places of ids and names."""
    path = path.partition("?")[0].replace(NO_SUM, "*")
    path = path.replace("/media/0", "/media/*").replace("/exports/txt", "/exports/*")
    path = path.replace("/glossaries/radio", "/glossaries/*").replace(NO_ID, "*")
    parts = ("*" if part.startswith("{") else part for part in path.split("/"))
    return "/".join(parts)


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_do_what_it_may_and_nothing_else(locked: Site, role: Role) -> None:
    client = locked.client(role)

    for method, path in (*READ, *EDIT, *ADMINISTER):
        answer = client.request(method, path)

        forbidden = (method, path) not in MAY[role]
        assert (answer.status_code == 403) is forbidden, (method, path, answer.text)
        if forbidden and method != "HEAD":
            assert answer.json()["type"] == "urn:malgwi:problem:forbidden"
    assert all(action.startswith("key.") for action in locked.actions())


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": f"Bearer {new_key()}"},
        {"x-api-key": "guess"},
        {"authorization": "Basic YWRtaW46YWRtaW4="},
        {"authorization": "Bearer"},
        {"x-api-key": "' OR 1=1 --"},
    ],
)
def test_without_a_key_or_with_a_wrong_one_nothing_is_told(
    locked: Site, headers: dict[str, str]
) -> None:
    client = locked.client()

    for method, path in (*READ, *EDIT, *ADMINISTER):
        answer = client.request(method, path, headers=headers)

        assert answer.status_code == 401, (method, path)
        assert answer.headers["www-authenticate"] == "Bearer"
        if method != "HEAD":
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["instance"] == answer.headers["x-request-id"]


def test_a_key_is_shown_in_either_header(locked: Site) -> None:
    _, secret = locked.store.new_key("console", Role.VIEWER)

    for headers in ({"authorization": f"Bearer {secret}"}, {"x-api-key": secret}):
        assert locked.client().get("/v1/recordings", headers=headers).status_code == 200


def test_an_expired_key_opens_nothing(locked: Site) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    _, secret = locked.store.new_key("old", Role.ADMIN, past)

    answer = locked.client().get("/v1/recordings", headers={"x-api-key": secret})

    assert answer.status_code == 401


def test_a_revoked_key_opens_nothing_from_the_next_request_on(locked: Site) -> None:
    key, headers = locked.key(Role.EDITOR)
    admin, client = locked.client(Role.ADMIN), locked.client()
    assert client.get("/v1/recordings", headers=headers).status_code == 200

    assert admin.delete(f"/v1/keys/{key}").json()["revoked"]

    assert client.get("/v1/recordings", headers=headers).status_code == 401
    assert locked.actions() == ["key.revoke"]


def test_a_key_is_made_shown_once_and_opens(locked: Site) -> None:
    admin = locked.client(Role.ADMIN)

    made = admin.post("/v1/keys", json={"name": "콘솔 <b>", "role": "viewer"})

    secret = made.json()["secret"]
    assert made.status_code == 201
    assert made.json()["name"] == "콘솔 <b>"
    listed = admin.get("/v1/keys")
    assert secret not in listed.text
    assert made.json()["id"] in [each["id"] for each in listed.json()]
    assert secret not in admin.get("/v1/audit").text
    viewer = TestClient(locked.app, "http://127.0.0.1", headers={"x-api-key": secret})
    assert viewer.get("/v1/recordings").status_code == 200
    assert viewer.get("/v1/keys").status_code == 403


@pytest.mark.parametrize(
    "key",
    [
        {"name": "x"},
        {"name": "x", "role": "root"},
        {"name": "", "role": "viewer"},
        {"name": "x", "role": "viewer", "expires": "tomorrow"},
        {"name": "x", "role": "viewer", "id": "mine"},
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(locked: Site, key: dict[str, str]) -> None:
    admin = locked.client(Role.ADMIN)

    assert admin.post("/v1/keys", json=key).status_code == 400
    assert len(admin.get("/v1/keys").json()) == 1


def test_a_key_of_the_settings_is_an_administrators(tmp_path: Path) -> None:
    key = new_key()
    with site(tmp_path, needed=True, settings=Keys.of([key])) as opened:
        client = opened.client()

        made = client.post(
            "/v1/keys", json={"name": "x", "role": "viewer"}, headers={"x-api-key": key}
        )

        assert made.status_code == 201
        assert opened.store.trail().items[0].actor == "settings"
        assert client.get("/v1/keys", headers={"x-api-key": new_key()}).status_code == 401


def test_who_changed_what_is_written_down(locked: Site) -> None:
    key, headers = locked.key(Role.EDITOR)
    editor = TestClient(locked.app, "http://127.0.0.1", headers=headers)
    recording = uploaded(editor, name="mayday mayday")["recording"]["id"]
    editor.patch(f"/v1/recordings/{recording}", json={"name": "what was said"})
    admin = locked.client(Role.ADMIN)

    trail = admin.get("/v1/audit", params={"target": recording}).json()["items"]

    assert [each["action"] for each in trail] == ["recording.update", "recording.create"]
    assert {each["actor"] for each in trail} == {key}
    assert "mayday" not in str(trail)
    assert "what was said" not in str(trail)
    assert admin.get("/v1/audit", params={"cursor": "x"}).status_code == 400


def test_without_keys_a_page_of_another_machine_reads_nothing(opened: Site) -> None:
    client = opened.client()

    by_origin = client.get("/v1/recordings", headers={"origin": "https://evil.example"})
    by_name = client.get("/v1/recordings", headers={"host": "evil.example"})

    assert (by_origin.status_code, by_name.status_code) == (403, 403)
    assert by_name.json()["type"] == "urn:malgwi:problem:foreign_page"
    for host in ("localhost:8080", "[::1]:8080", "127.0.0.1"):
        assert client.get("/v1/recordings", headers={"host": host}).status_code == 200


def test_on_loopback_a_key_is_needed_once_an_administrator_has_one(opened: Site) -> None:
    store, people = opened.store, opened.doors.people
    before = lock_of(store, people, Keys(), "127.0.0.1")
    store.new_key("x", Role.EDITOR)
    with_editor = lock_of(store, people, Keys(), "127.0.0.1")
    key, _ = store.new_key("x", Role.ADMIN)
    with_admin = lock_of(store, people, Keys(), "127.0.0.1")
    store.revoke_key(key.id)
    without = lock_of(store, people, Keys(), "127.0.0.1")

    assert list(map(bool, (before, with_editor, with_admin, without))) == [
        False, False, True, False,
    ]  # fmt: skip
    assert lock_of(store, people, Keys.of([new_key()]), "127.0.0.1")


def test_where_others_can_reach_it_there_is_a_key_or_no_service(opened: Site) -> None:
    with pytest.raises(BadOption):
        lock_of(opened.store, opened.doors.people, Keys(), "0.0.0.0")

    opened.store.new_key("x", Role.ADMIN)

    assert lock_of(opened.store, opened.doors.people, Keys(), "0.0.0.0")


def test_a_process_lives_also_where_no_key_can_be_looked_up(tmp_path: Path) -> None:
    with site(tmp_path, LIMITS, needed=True) as made:
        client = made.client(Role.VIEWER)
        made.store.close()
        database = made.folder / "data" / "malgwi.db"
        database.rename(tmp_path / "away")
        database.mkdir()

        assert client.get("/v1/jobs").is_server_error
        assert client.get("/health/live").status_code == 200


def test_a_body_without_an_end_is_refused(opened: Site) -> None:
    body = b'{"name": "' + bytes(9_000_000)

    answer = opened.client().patch(
        f"/v1/recordings/{NO_ID}", content=body, headers={"content-type": "application/json"}
    )

    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("body", [b"{", b"[" * 50_000, b'{"name": NaN}', b"1" * 5000])
def test_a_body_that_is_no_json_is_refused(opened: Site, body: bytes) -> None:
    headers = {"content-type": "application/json"}

    answer = opened.client().patch(f"/v1/recordings/{NO_ID}", content=body, headers=headers)

    assert answer.status_code == 400

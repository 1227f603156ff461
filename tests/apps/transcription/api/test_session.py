"""Signing in and out with a browser, as a browser does it."""

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from apps.transcription.api.site import LOCAL, NO_ID, Site, process, site, uploaded
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from malgwi.apps.transcription.api import StoreLock
from malgwi.apps.transcription.api.attempts import FREE_OF_NAME, Attempts
from malgwi.gateway import Keys, new_key
from malgwi.gateway.app import plain
from malgwi.gateway.middleware import KeyCheck, responder
from malgwi.store import Role, User
from malgwi.store.schema import session

PASSWORD = "correct 말귀 battery"
COOKIE = "malgwi_session"
_numbers = count()


def browser(at: Site, base: str = LOCAL) -> TestClient:
    """At an address of its own, on a page of ours."""
    number = next(_numbers)
    return TestClient(
        at.app,
        base,
        headers={"origin": base},
        client=(f"10.0.{number // 250}.{number % 250 + 1}", 5000),
        raise_server_exceptions=False,
    )


def somebody(at: Site, role: Role = Role.EDITOR) -> User:
    return at.doors.people.add(f"anna {next(_numbers)}", role, PASSWORD)


def signed_in(at: Site, user: User) -> TestClient:
    client = browser(at)
    answer = client.post("/v1/session", json={"name": user.name, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return client


def with_key(at: Site, role: Role = Role.EDITOR) -> TestClient:
    """Signed in by a key: that is quicker than a password."""
    _, secret = at.store.new_key("x", role)
    client = browser(at)
    assert client.post("/v1/session", json={"key": secret}).status_code == 200
    return client


def showing(at: Site, token: str) -> TestClient:
    client = browser(at)
    client.cookies.set(COOKIE, token)
    return client


def problem(answer: Any) -> dict[str, Any]:
    """But for what is another in each answer."""
    return {**answer.json(), "instance": None}


def test_who_signs_in_is_known_until_they_sign_out(locked: Site) -> None:
    anna = somebody(locked)
    client = browser(locked)
    assert client.get("/v1/session").status_code == 401

    begun = client.post("/v1/session", json={"name": anna.name.upper(), "password": PASSWORD})

    known = client.get("/v1/session").json()
    assert begun.json() == known
    assert (known["name"], known["role"], known["user"]) == (anna.name, "editor", anna.id)
    assert datetime.fromisoformat(known["expires"]) > datetime.now(UTC) + timedelta(hours=11)
    assert (known["open"], known["first"]) == (False, False)
    assert client.get("/v1/recordings").status_code == 200
    token = client.cookies[COOKIE]
    assert client.delete("/v1/session").status_code == 204
    assert COOKIE not in client.cookies
    shown = browser(locked).get("/v1/recordings", headers={"cookie": f"{COOKIE}={token}"})
    assert shown.status_code == 401
    assert client.delete("/v1/session").status_code == 204, "whoever is not signed in may sign out"


@pytest.mark.parametrize(("base", "secure"), [(LOCAL, False), ("https://127.0.0.1", True)])
def test_the_cookie_is_for_no_script_for_no_other_site_and_where_it_can_be_encrypted(
    locked: Site, base: str, secure: bool
) -> None:
    anna = somebody(locked)

    answer = browser(locked, base).post(
        "/v1/session", json={"name": anna.name, "password": PASSWORD}
    )

    cookie = SimpleCookie(answer.headers["set-cookie"])[COOKIE]
    assert len(cookie.value) == 43
    assert cookie["httponly"]
    assert cookie["samesite"].lower() == "strict"
    assert cookie["path"] == "/"
    assert not cookie["domain"]
    assert bool(cookie["secure"]) is secure
    assert "GMT" in cookie["expires"]


def test_a_wrong_password_an_unknown_name_and_a_disabled_user_hear_the_same(locked: Site) -> None:
    anna, bert = somebody(locked), somebody(locked)
    locked.doors.people.change(bert.id, disabled=True)
    client, failures = browser(locked), locked.doors.attempts.failures

    wrong, unknown, disabled, key = (
        client.post("/v1/session", json=shown)
        for shown in (
            {"name": anna.name, "password": "correct horse"},
            {"name": "hanna", "password": PASSWORD},
            {"name": bert.name, "password": PASSWORD},
            {"key": new_key()},
        )
    )

    assert wrong.status_code == 401
    assert problem(wrong) == problem(unknown) == problem(disabled) == problem(key)
    assert locked.doors.attempts.failures == failures + 4
    assert "set-cookie" not in wrong.headers


@pytest.mark.parametrize(
    "shown",
    [
        {},
        {"name": "anna"},
        {"name": "anna", "password": "p" * 1025},
        {"name": "anna", "password": "p" * 40_000},
        {"name": "anna\0", "password": PASSWORD},
        {"name": "anna", "password": PASSWORD + "\0"},
        {"name": "anna", "password": 12345678},
        {"key": ""},
        {"name": "anna", "password": PASSWORD, "key": "mg_x"},
    ],
)
def test_what_cannot_be_a_name_or_a_password_is_refused(
    locked: Site, shown: dict[str, Any]
) -> None:
    answer = browser(locked).post("/v1/session", json=shown)

    assert answer.status_code in (400, 413)
    assert PASSWORD not in answer.text


@pytest.mark.parametrize("column", [{"last_seen": 12}, {"expires": 0}])
def test_a_session_that_was_not_used_or_is_too_old_has_ended(
    locked: Site, column: dict[str, int]
) -> None:
    client = with_key(locked)
    hours = {name: datetime.now(UTC) - timedelta(hours=ago) for name, ago in column.items()}
    locked.store.database.write(lambda it: it.execute(session.update().values(hours)))

    assert client.get("/v1/session").status_code == 401
    assert client.get("/v1/recordings").status_code == 401


def test_a_session_of_a_key_may_what_the_key_may_and_ends_with_it(locked: Site) -> None:
    key, secret = locked.store.new_key("console", Role.VIEWER)
    client = browser(locked)

    begun = client.post("/v1/session", json={"key": secret}).json()

    assert (begun["name"], begun["role"], begun["user"]) == ("console", "viewer", None)
    assert client.get("/v1/recordings").status_code == 200
    assert client.delete(f"/v1/recordings/{NO_ID}").status_code == 403
    assert client.post("/v1/session/password", json=passwords()).status_code == 409
    locked.store.revoke_key(key.id)
    assert client.get("/v1/recordings").status_code == 401


def test_a_session_by_a_key_of_the_settings_ends_when_they_have_it_no_more(tmp_path: Path) -> None:
    key = new_key()
    with site(tmp_path, needed=True, settings=Keys.of([new_key(), key])) as before:
        client = browser(before)
        begun = client.post("/v1/session", json={"key": key}).json()
        assert (begun["name"], begun["role"]) == ("settings", "admin")
        assert client.get("/v1/keys").status_code == 200
        with site(tmp_path, needed=True, settings=Keys.of([key])) as same:
            assert showing(same, client.cookies[COOKIE]).get("/v1/keys").status_code == 200
        with site(tmp_path, needed=True, settings=Keys.of([new_key()])) as other:
            assert showing(other, client.cookies[COOKIE]).get("/v1/keys").status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://["}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "http://127.0.0.1.evil.example"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": LOCAL}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"origin": LOCAL}, 404),
        ({"sec-fetch-site": "same-origin"}, 404),
        ({"sec-fetch-site": "same-origin", "origin": "https://our.proxy"}, 404),
    ],
)
def test_who_is_signed_in_changes_something_from_our_own_pages_only(
    locked: Site, headers: dict[str, str], status: int
) -> None:
    token = with_key(locked).cookies[COOKIE]
    client = TestClient(locked.app, LOCAL, cookies={COOKIE: token})

    for method in ("POST", "PATCH", "DELETE"):
        path = f"/v1/recordings/{NO_ID}" + ("/transcribe" if method == "POST" else "")
        answer = client.request(
            method, path, headers=headers, json={} if method != "DELETE" else None
        )
        assert answer.status_code == status, (method, answer.text)
    assert client.get("/v1/recordings", headers=headers).status_code == 200


def test_another_site_signs_nobody_in_or_out(locked: Site) -> None:
    _, secret = locked.store.new_key("x", Role.EDITOR)
    client = with_key(locked)
    foreign = {"origin": "https://evil.example"}

    body = {"key": secret}
    stranger = browser(locked).post("/v1/session", json=body, headers=foreign)
    out = client.delete("/v1/session", headers=foreign)

    assert (stranger.status_code, out.status_code) == (403, 403)
    assert "set-cookie" not in stranger.headers
    assert client.get("/v1/session").status_code == 200


def test_a_program_that_is_no_browser_may_sign_in(locked: Site) -> None:
    _, secret = locked.store.new_key("x", Role.EDITOR)
    client = TestClient(locked.app, LOCAL, client=("10.9.9.9", 1))

    answer = client.post("/v1/session", json={"key": secret})

    assert answer.status_code == 200
    assert client.get("/v1/recordings").status_code == 200


@pytest.mark.parametrize(
    ("origin", "opens"), [(LOCAL, True), ("https://evil.example", False), (None, False)]
)
def test_a_websocket_opens_for_who_is_signed_in_on_a_page_of_ours(
    locked: Site, origin: str | None, opens: bool
) -> None:
    token = with_key(locked).cookies[COOKIE]
    lock = StoreLock(locked.store, locked.doors.people, Keys(), needed=True)
    app = KeyCheck(
        Starlette(routes=[WebSocketRoute("/live", hello)]), lock, responder({"": plain}), []
    )
    headers = {"cookie": f"{COOKIE}={token}", **({"origin": origin} if origin else {})}

    try:
        with TestClient(app, LOCAL).websocket_connect(
            f"ws{LOCAL[4:]}/live", headers=headers
        ) as line:
            heard = line.receive_text()
    except WebSocketDisconnect as refused:
        heard = str(refused.code)

    assert heard == ("hello" if opens else "1008")


async def hello(line: WebSocket) -> None:
    await line.accept()
    await line.send_text("hello")
    await line.close()


def test_a_key_that_is_shown_counts_before_the_cookie(locked: Site) -> None:
    client = with_key(locked, Role.ADMIN)
    _, secret = locked.store.new_key("x", Role.VIEWER)

    assert client.get("/v1/keys", headers={"x-api-key": secret}).status_code == 403
    assert client.get("/v1/keys", headers={"x-api-key": new_key()}).status_code == 401
    no_page = {"x-api-key": secret, "origin": "https://evil.example"}
    assert client.get("/v1/recordings", headers=no_page).status_code == 200


@pytest.mark.parametrize("role", list(Role))
def test_who_is_signed_in_may_what_the_role_may(locked: Site, role: Role) -> None:
    client = signed_in(locked, somebody(locked, role))

    reads, edits, administers = (
        client.get("/v1/recordings"),
        client.delete(f"/v1/recordings/{NO_ID}"),
        client.get("/v1/users"),
    )

    assert reads.status_code == 200
    assert edits.status_code == (403 if role is Role.VIEWER else 404)
    assert administers.status_code == (200 if role is Role.ADMIN else 403)


def test_who_signs_in_again_has_one_session(locked: Site) -> None:
    _, secret = locked.store.new_key("x", Role.EDITOR)
    client = with_key(locked)
    before = client.cookies[COOKIE]

    client.post("/v1/session", json={"key": secret})

    assert client.cookies[COOKIE] != before
    assert showing(locked, before).get("/v1/session").status_code == 401


@pytest.mark.slow
def test_after_too_many_guesses_even_the_right_password_waits(tmp_path: Path) -> None:
    now = [1000.0]
    with site(tmp_path, needed=True, attempts=Attempts(lambda: now[0])) as opened:
        anna, bert = somebody(opened), somebody(opened)
        right = {"name": anna.name, "password": PASSWORD}
        for _ in range(FREE_OF_NAME):
            wrong = browser(opened).post("/v1/session", json={**right, "password": "guess"})
            assert wrong.status_code == 401

        refused = browser(opened).post("/v1/session", json=right)

        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["type"] == "urn:malgwi:problem:too_many_attempts"
        signed_in(opened, bert)
        now[0] += 1
        signed_in(opened, anna)


def test_ones_own_password_is_changed_and_other_sessions_end(locked: Site) -> None:
    anna = somebody(locked)
    here, there = signed_in(locked, anna), signed_in(locked, anna)

    wrong = here.post("/v1/session/password", json=passwords(current="guess"))
    short = here.post("/v1/session/password", json=passwords(new="short"))
    changed = here.post("/v1/session/password", json=passwords())

    assert (wrong.status_code, wrong.json()["param"]) == (403, "current")
    assert short.status_code == 400
    assert changed.json()["user"] == anna.id
    assert here.get("/v1/recordings").status_code == 200
    assert there.get("/v1/recordings").status_code == 401
    old, new = (
        browser(locked).post("/v1/session", json={"name": anna.name, "password": each})
        for each in (PASSWORD, passwords()["new"])
    )
    assert (old.status_code, new.status_code) == (401, 200)


def passwords(**other: str) -> dict[str, str]:
    return {"current": PASSWORD, "new": "another password", **other}


def test_who_signed_in_and_who_did_not_is_written_down_without_any_secret(
    locked: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    anna = somebody(locked)
    client = signed_in(locked, anna)
    token = client.cookies[COOKIE]
    recording = uploaded(client)["recording"]["id"]
    client.post("/v1/session", json={"name": anna.name, "password": "guessed-wrong"})
    client.post("/v1/session", json={"name": "typed-in-the-wrong-field", "password": "x"})
    client.post("/v1/session/password", json=passwords())
    client.delete("/v1/session")

    trail = locked.client(Role.ADMIN).get("/v1/audit").json()["items"]

    assert [(each["action"], each["target"], each["actor"]) for each in reversed(trail)] == [
        ("session.create", anna.id, anna.id),
        ("recording.create", recording, anna.id),
        ("session.refuse", anna.id, None),
        ("session.refuse", None, None),
        ("user.password", anna.id, anna.id),
        ("session.end", anna.id, anna.id),
    ]
    assert {each["actor_name"] for each in trail} == {anna.name, None}
    assert trail[-1]["details"]["by"] == "password"
    assert trail[-1]["details"]["address"].startswith("10.0.")
    for secret in (
        PASSWORD,
        "guessed-wrong",
        "typed-in-the-wrong-field",
        token,
        *passwords().values(),
    ):
        assert secret not in json.dumps(trail, ensure_ascii=False)
        assert secret not in caplog.text


# -- where nobody is


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Site]:
    """Where nobody needs a key, until there is an administrator."""
    with site(tmp_path) as made:
        yield made


FIRST = {"name": "관리자", "password": PASSWORD}


def here(at: Site) -> TestClient:
    return TestClient(at.app, LOCAL, headers={"origin": LOCAL}, client=("127.0.0.1", 5000))


def test_the_first_administrator_closes_the_door_at_once(empty: Site) -> None:
    client = here(empty)
    assert client.get("/v1/session").json() == {
        **{"name": None, "role": "admin", "user": None, "expires": None},
        **{"open": True, "first": True},
    }

    made = client.post("/v1/users/first", json=FIRST)

    assert made.status_code == 201
    assert (made.json()["name"], made.json()["role"]) == ("관리자", "admin")
    assert client.get("/v1/keys").status_code == 200
    assert here(empty).get("/v1/recordings").status_code == 401
    assert client.post("/v1/users/first", json={**FIRST, "name": "x"}).status_code == 409
    assert here(empty).post("/v1/users/first", json=FIRST).status_code == 401
    assert empty.actions() == ["user.create"]


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("192.168.1.7", {}),
        ("127.0.0.1", {"x-forwarded-for": "192.168.1.7"}),
        ("127.0.0.1", {"origin": "http://localhost:9999"}),
        ("127.0.0.1", {"host": "evil.example"}),
    ],
)
def test_the_first_administrator_is_made_on_this_machine_only(
    empty: Site, address: str, headers: dict[str, str]
) -> None:
    client = TestClient(
        empty.app, LOCAL, headers={"origin": LOCAL, **headers}, client=(address, 5000)
    )

    assert client.post("/v1/users/first", json=FIRST).status_code == 403
    assert empty.doors.people.users() == ()


def test_there_is_no_first_administrator_where_one_has_a_key(empty: Site) -> None:
    empty.store.new_key("x", Role.ADMIN)

    assert here(empty).get("/v1/session").json()["first"] is False
    assert here(empty).post("/v1/users/first", json=FIRST).status_code == 409


def test_an_administrator_made_elsewhere_closes_the_door_at_once(empty: Site) -> None:
    client = here(empty)
    assert client.get("/v1/recordings").status_code == 200
    empty.doors.people.add("viewer", Role.VIEWER, PASSWORD)
    assert client.get("/v1/recordings").status_code == 200, "nobody is locked out"

    empty.doors.people.add("admin", Role.ADMIN, PASSWORD)

    assert client.get("/v1/recordings").status_code == 401


@pytest.mark.slow
def test_of_several_first_administrators_at_once_one_is_made(tmp_path: Path) -> None:
    with process(tmp_path) as (_, url), ThreadPoolExecutor() as threads:
        headers = {"origin": url}

        answers = list(
            threads.map(
                lambda name: httpx.post(
                    f"{url}/v1/users/first", json={**FIRST, "name": name}, headers=headers
                ),
                ("a", "b", "c", "d"),
            )
        )

        made = [each for each in answers if each.status_code == 201]
        assert len(made) == 1
        assert {each.status_code for each in answers} <= {201, 401, 409}
        cookie = {"cookie": f"{COOKIE}={made[0].cookies[COOKIE]}"}
        assert len(httpx.get(f"{url}/v1/users", headers=cookie).json()) == 1

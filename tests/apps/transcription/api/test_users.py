from typing import Any

import pytest
from apps.transcription.api.site import NO_ID, Site

from malgwi.store import Role

PASSWORD = "correct 말귀 battery"
ANNA = {"name": "안나", "role": "editor", "password": PASSWORD}


def test_users_are_made_listed_changed_and_removed(locked: Site) -> None:
    admin = locked.client(Role.ADMIN)

    made = admin.post("/v1/users", json=ANNA)
    user = made.json()["id"]
    changed = admin.patch(f"/v1/users/{user}", json={"role": "viewer", "disabled": True})

    assert made.status_code == 201
    assert made.json()["disabled"] is None
    assert changed.json()["role"] == "viewer"
    assert changed.json()["disabled"]
    assert admin.get("/v1/users").json() == [changed.json()]
    assert "argon2" not in made.text + changed.text
    assert admin.patch(f"/v1/users/{user}", json={"disabled": False}).json()["disabled"] is None
    assert admin.delete(f"/v1/users/{user}").status_code == 204
    assert admin.delete(f"/v1/users/{user}").status_code == 404
    assert admin.get("/v1/users").json() == []


def test_a_name_that_is_taken_is_a_conflict(locked: Site) -> None:
    admin = locked.client(Role.ADMIN)
    admin.post("/v1/users", json={**ANNA, "name": "Anna"})

    answer = admin.post("/v1/users", json={**ANNA, "name": "ANNA"})

    assert answer.status_code == 409
    assert "of that name" in answer.json()["detail"]


@pytest.mark.parametrize(
    "other",
    [
        {"name": ""},
        {"name": "a" * 65},
        {"name": "a\tb"},
        {"name": "a\0b"},
        {"name": " anna"},
        {"password": "1234567"},
        {"password": "p" * 1025},
        {"password": "password\0"},
        {"password": None},
        {"role": "root"},
        {"id": "mine"},
    ],
)
def test_a_user_who_makes_no_sense_is_not_made(locked: Site, other: dict[str, Any]) -> None:
    admin = locked.client(Role.ADMIN)

    answer = admin.post("/v1/users", json=ANNA | other)

    assert answer.status_code == 400
    assert PASSWORD not in answer.text
    assert admin.get("/v1/users").json() == []


def test_the_last_administrator_stays(locked: Site) -> None:
    admin = locked.client(Role.ADMIN)
    user = admin.post("/v1/users", json={**ANNA, "role": "admin"}).json()["id"]

    removed = admin.delete(f"/v1/users/{user}")
    demoted = admin.patch(f"/v1/users/{user}", json={"role": "viewer"})
    disabled = admin.patch(f"/v1/users/{user}", json={"disabled": True})

    assert [each.status_code for each in (removed, demoted, disabled)] == [409, 409, 409]
    assert "last administrator" in removed.json()["detail"]
    assert admin.get("/v1/users").json()[0]["role"] == "admin"


@pytest.mark.parametrize("changes", [{"disabled": 1}, {"name": "x"}, {"password": "short"}])
def test_a_change_that_makes_no_sense_is_refused(locked: Site, changes: dict[str, Any]) -> None:
    answer = locked.client(Role.ADMIN).patch(f"/v1/users/{NO_ID}", json=changes)

    assert answer.status_code == 400


def test_what_was_done_to_users_is_written_down_without_passwords(locked: Site) -> None:
    key, headers = locked.key(Role.ADMIN)
    admin = locked.client()
    user = admin.post("/v1/users", json=ANNA, headers=headers).json()["id"]
    other = {"password": "another password", "disabled": True}
    admin.patch(f"/v1/users/{user}", json=other, headers=headers)
    admin.delete(f"/v1/users/{user}", headers=headers)

    trail = admin.get("/v1/audit", headers=headers).json()["items"]

    assert [(each["action"], each["details"]) for each in reversed(trail)] == [
        ("user.create", {"role": "editor"}),
        ("user.update", {"password": True, "disabled": True}),
        ("user.delete", {}),
    ]
    assert {(each["target"], each["actor"], each["actor_name"]) for each in trail} == {
        (user, key, "admin")
    }

"""People write beside a recording; what others wrote is theirs."""

from typing import Any

import pytest
from apps.transcription.api.site import NO_ID, Site, uploaded
from starlette.testclient import TestClient

from malgwi.store import Role

NASTY = "<script>alert('북문')</script>'; DROP TABLE note; --"


@pytest.fixture
def client(opened: Site) -> TestClient:
    return opened.client()


@pytest.fixture
def recording(client: TestClient) -> str:
    return str(uploaded(client)["recording"]["id"])


def noted(client: TestClient, recording: str, **fields: Any) -> Any:
    answer = client.post(f"/v1/recordings/{recording}/notes", json={"at": 1.0, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_note_is_made_changed_and_removed(
    opened: Site, client: TestClient, recording: str
) -> None:
    made = noted(client, recording, until=2.5, channel=0, text=NASTY)

    assert (made["at"], made["until"], made["channel"], made["text"]) == (1.0, 2.5, 0, NASTY)
    assert (made["recording"], made["author"], made["changed"]) == (recording, None, None)
    changed = client.patch(f"/v1/notes/{made['id']}", json={"text": "확인함", "until": None}).json()
    assert (changed["at"], changed["until"], changed["channel"]) == (1.0, None, 0)
    assert changed["text"] == "확인함"
    assert changed["changed"]
    assert client.get(f"/v1/recordings/{recording}/notes").json()["items"] == [changed]
    assert client.delete(f"/v1/notes/{made['id']}").status_code == 204
    assert client.get(f"/v1/recordings/{recording}/notes").json()["items"] == []
    assert opened.actions()[-3:] == ["note.create", "note.update", "note.delete"]
    assert "확인함" not in str(opened.store.trail().items)


def test_a_note_without_text_marks_a_place_and_all_come_in_order(
    client: TestClient, recording: str
) -> None:
    for at in (7, 1.25, 3):
        assert noted(client, recording, at=at)["text"] == ""
    path = f"/v1/recordings/{recording}/notes"

    first = client.get(path, params={"limit": 2}).json()
    rest = client.get(path, params={"cursor": first["next_cursor"]}).json()

    assert [each["at"] for each in first["items"] + rest["items"]] == [1.25, 3, 7]


def test_a_note_bears_the_name_of_who_made_it(locked: Site) -> None:
    key, headers = locked.key(Role.EDITOR)
    editor = TestClient(locked.app, "http://127.0.0.1", headers=headers)
    recording = uploaded(editor)["recording"]["id"]

    made = noted(editor, recording, text="x")

    assert (made["author"], made["author_name"]) == (key, "editor")


def test_what_somebody_else_wrote_only_an_administrator_changes(locked: Site) -> None:
    author, other = locked.client(Role.EDITOR), locked.client(Role.EDITOR)
    admin, viewer = locked.client(Role.ADMIN), locked.client(Role.VIEWER)
    recording = uploaded(author)["recording"]["id"]
    note = f"/v1/notes/{noted(author, recording, text='mine')['id']}"

    assert other.patch(note, json={"text": "x"}).status_code == 403
    refused = other.delete(note)
    assert refused.status_code == 403
    assert "mine" not in refused.text
    assert author.patch(note, json={"text": "better"}).status_code == 200
    assert admin.patch(note, json={"text": "best"}).json()["text"] == "best"
    read = viewer.get(f"/v1/recordings/{recording}/notes").json()
    assert [each["text"] for each in read["items"]] == ["best"]
    assert admin.delete(note).status_code == 204


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"at": -1},
        {"at": "NaN"},
        {"at": 2, "until": 1},
        {"at": 1, "channel": -1},
        {"at": 1, "channel": False},
        {"at": True},
        {"at": 1, "text": "x" * 4001},
        {"at": 1, "text": "a\0b"},
        {"at": 1, "author": "me"},
    ],
)
def test_a_note_that_makes_no_sense_is_refused(
    client: TestClient, recording: str, body: Any
) -> None:
    answer = client.post(f"/v1/recordings/{recording}/notes", json=body)

    assert answer.status_code == 400
    assert client.get(f"/v1/recordings/{recording}/notes").json()["items"] == []


def test_a_change_that_makes_no_sense_changes_nothing(client: TestClient, recording: str) -> None:
    made = noted(client, recording, at=3, until=4)

    for body in ({"at": None}, {"text": None}, {"at": 5}, {"id": "x"}):
        assert client.patch(f"/v1/notes/{made['id']}", json=body).status_code == 400

    assert client.get(f"/v1/recordings/{recording}/notes").json()["items"] == [made]


def test_notes_of_what_is_not_here_are_not_found(client: TestClient, recording: str) -> None:
    made = noted(client, recording)
    client.delete(f"/v1/recordings/{recording}")

    for name in (NO_ID, recording):
        path = f"/v1/recordings/{name}/notes"
        assert client.get(path).status_code == 404
        assert client.post(path, json={"at": 1}).status_code == 404
    for name in (NO_ID, made["id"]):
        assert client.patch(f"/v1/notes/{name}", json={}).status_code == 404
        assert client.delete(f"/v1/notes/{name}").status_code == 404

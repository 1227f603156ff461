from typing import Any

import pytest
from apps.transcription.api.site import Site, uploaded
from apps.transcription.conftest import RADIO
from starlette.testclient import TestClient

NASTY = "'; DROP TABLE utterance; -- \" OR NEAR(*) <script>"


@pytest.fixture
def client(opened: Site) -> TestClient:
    return opened.client()


def hits(client: TestClient, query: str, **which: Any) -> list[Any]:
    answer = client.get("/v1/search", params={"q": query, **which})
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()["items"]
    return found


def test_a_hit_says_where_to_listen_and_what_is_to_be_marked(
    opened: Site, client: TestClient
) -> None:
    record = opened.transcribed(RADIO)

    [hit] = hits(client, "절차")

    assert (hit["recording"], hit["recording_name"]) == (record.recording_id, "관제 무전.wav")
    assert (hit["transcript"], hit["revision"]) == (record.id, 1)
    assert (hit["utterance"], hit["channel"], hit["start"]) == ("03-0001", 3, 9.0)
    assert hit["end"] > hit["start"]
    [(start, end)] = hit["parts"]
    assert hit["text"][start:end] == "절차"
    assert hit["before"]["utterance"] == "01-0001"
    assert 0 < hit["score"] <= 1


def test_what_was_corrected_is_found_as_it_is_now(opened: Site, client: TestClient) -> None:
    transcript = opened.transcribed(RADIO).id
    corrections = [{"utterance": "00-0003", "text": "북문에서 만나자"}]
    body = {"base_revision": 1, "corrections": corrections}

    client.post(f"/v1/transcripts/{transcript}/corrections", json=body)

    [hit] = hits(client, "북문")
    assert (hit["utterance"], hit["revision"]) == ("00-0003", 2)
    assert hits(client, "종료") == []


def test_hits_are_narrowed_and_come_in_pages(opened: Site, client: TestClient) -> None:
    transcript = opened.transcribed(RADIO).id

    first = client.get("/v1/search", params={"q": "ko", "order": "time", "limit": 1}).json()
    assert [each["channel"] for each in hits(client, "hold")] == [2]
    assert hits(client, "hold", channel=0) == []
    assert hits(client, "hold", transcript=transcript, after=90, before=96)
    assert hits(client, "hold", until="2020-01-01T00:00:00Z") == []
    assert hits(client, "cleared", hidden="false") != hits(client, "cleared", hidden="true")
    assert "next_cursor" in first


def test_every_hit_is_on_one_page(opened: Site, client: TestClient) -> None:
    for _ in range(3):
        opened.transcribed(RADIO)
    query: dict[str, Any] = {"q": "관제", "limit": 2}
    found: list[str] = []
    for _ in range(20):
        page = client.get("/v1/search", params=query).json()
        found += [each["transcript"] + each["utterance"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]

    assert len(found) == len(set(found)) == 6


def test_what_was_deleted_is_not_found(opened: Site, client: TestClient) -> None:
    record = opened.transcribed(RADIO)

    client.delete(f"/v1/recordings/{record.recording_id}")

    assert hits(client, "절차") == []


def test_sql_and_html_are_words_like_any_other(opened: Site, client: TestClient) -> None:
    transcript = opened.transcribed(RADIO).id
    corrections = [{"utterance": "00-0003", "text": NASTY, "speaker": NASTY}]
    body = {"base_revision": 1, "corrections": corrections}
    client.post(f"/v1/transcripts/{transcript}/corrections", json=body)

    assert [each["text"] for each in hits(client, "drop table")] == [NASTY]
    assert hits(client, NASTY, speaker="x") == []
    assert len(hits(client, "script", speaker=NASTY)) == 1
    assert uploaded(client)["recording"]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"q": ""},
        {"q": "..."},
        {"q": "x" * 501},
        {"q": "x", "cursor": "nonsense"},
        {"q": "x", "order": "fate"},
        {"q": "x", "limit": "0"},
        {"q": "x", "channel": "99999999999999999999"},
        {"q": "x", "after": "inf"},
        {"q": "x", "since": "now"},
        {"q": "x", "speakr": "typo"},
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    client: TestClient, query: dict[str, str]
) -> None:
    answer = client.get("/v1/search", params=query)

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"

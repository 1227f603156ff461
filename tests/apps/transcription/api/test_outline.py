"""A page draws a transcript before it reads a word of it."""

from dataclasses import replace
from typing import Any

import pytest
from apps.transcription.api.site import Site
from apps.transcription.conftest import RADIO
from starlette.testclient import TestClient

from malgwi.store import LOW_CONFIDENCE, RecordingChanges

LOW, DUPLICATE, SUPPRESSED, CORRECTED, RULED = 1, 2, 4, 8, 16


@pytest.fixture
def client(opened: Site) -> TestClient:
    return opened.client()


@pytest.fixture
def transcript(opened: Site) -> str:
    return opened.transcribed(RADIO).id


def outline(client: TestClient, transcript: str, **query: Any) -> Any:
    answer = client.get(f"/v1/transcripts/{transcript}/outline", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def flags(client: TestClient, transcript: str, **query: Any) -> dict[str, int]:
    found = outline(client, transcript, **query)["utterances"]
    return dict(zip(found["id"], found["flags"], strict=True))


def correct(client: TestClient, transcript: str, base: int, **wanted: Any) -> None:
    body = {"base_revision": base, "corrections": [wanted]}
    answer = client.post(f"/v1/transcripts/{transcript}/corrections", json=body)
    assert answer.status_code == 200, answer.text


def test_the_columns_are_the_utterances_in_their_order(client: TestClient, transcript: str) -> None:
    whole = client.get(f"/v1/transcripts/{transcript}").json()

    found = outline(client, transcript)

    columns = found["utterances"]
    for name in ("id", "channel", "start", "end"):
        assert columns[name] == [each[name] for each in whole["utterances"]]
    called = [*found["speakers"], None]
    assert [called[each] for each in columns["speaker"]] == [
        each["speaker"] for each in whole["utterances"]
    ]
    assert found["channels"][1] == {"index": 1, "label": "지상 관제"}
    assert (found["transcript_id"], found["revision"]) == (transcript, 1)
    assert (found["recording_name"], found["duration"]) == ("관제 무전.wav", 3700)
    assert (found["speakers"], found["languages"]) == (["김 기장"], ["ko", "en"])
    assert found["started"] is None
    assert found["low_confidence"] == LOW_CONFIDENCE
    assert found["notices"] == whole["notices"]
    assert (found["model"], found["device"]) == (whole["engine"]["model"], "cpu")
    assert found["fallback_reason"] == whole["engine"]["fallback_reason"]


def test_flags_tell_what_is_to_be_looked_at(client: TestClient, transcript: str) -> None:
    assert flags(client, transcript) == {
        "00-0001": RULED,
        "01-0001": 0,
        "02-0001": LOW + DUPLICATE,
        "03-0001": 0,
        "01-0002": LOW,
        "00-0002": SUPPRESSED,
        "02-0002": 0,
        "00-0003": 0,
    }


def test_what_somebody_corrected_is_flagged_until_it_is_undone(
    client: TestClient, transcript: str
) -> None:
    correct(client, transcript, 1, utterance="00-0001", text="대한항공 칠이공")
    correct(client, transcript, 2, utterance="00-0003", speaker="김 기장")
    client.post(f"/v1/transcripts/{transcript}/undo", json={"base_revision": 3, "to": 1})

    then = flags(client, transcript, revision=3)
    assert (then["00-0001"], then["00-0003"]) == (CORRECTED + RULED, CORRECTED)
    between = flags(client, transcript, revision=2)
    assert (between["00-0001"], between["00-0003"]) == (CORRECTED + RULED, 0)
    assert flags(client, transcript) == flags(client, transcript, revision=1)


def test_who_is_renamed_everywhere_was_not_corrected_everywhere(
    client: TestClient, transcript: str
) -> None:
    body = {"base_revision": 1, "names": {"김 기장": "이 기장"}}
    client.post(f"/v1/transcripts/{transcript}/speakers", json=body)

    assert outline(client, transcript)["speakers"] == ["이 기장"]
    assert flags(client, transcript) == flags(client, transcript, revision=1)


def test_a_page_that_has_it_hears_so_until_something_is_other(
    opened: Site, client: TestClient
) -> None:
    record = opened.transcribed(RADIO)
    path = f"/v1/transcripts/{record.id}/outline"

    def again(tag: str) -> Any:
        return client.get(path, headers={"if-none-match": f'"other", {tag}'})

    first = client.get(path)
    unchanged = again(first.headers["etag"])
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["etag"] == first.headers["etag"]
    assert "no-store" not in first.headers["cache-control"]
    for change in (
        RecordingChanges(channel_labels=("north",)),
        RecordingChanges(name="야간 무전"),
    ):
        before = again("x").headers["etag"]
        opened.store.update_recording(record.recording_id, change)
        assert again(before).status_code == 200
    before = again("x").headers["etag"]
    correct(client, record.id, 1, utterance="00-0003", text="끝")
    assert again(before).status_code == 200
    old = client.get(path, params={"revision": 1})
    assert old.headers["etag"] == before


def test_a_transcript_of_nothing_has_an_outline(opened: Site, client: TestClient) -> None:
    empty = opened.transcribed(replace(RADIO, utterances=())).id

    found = outline(client, empty)

    assert set(map(len, found["utterances"].values())) == {0}


@pytest.mark.parametrize("revision", ["0", "x", "-1"])
def test_an_outline_of_no_revision_is_refused(
    client: TestClient, transcript: str, revision: str
) -> None:
    answer = client.get(f"/v1/transcripts/{transcript}/outline", params={"revision": revision})

    assert answer.status_code == 400


def test_an_outline_of_a_revision_to_come_is_not_found(client: TestClient, transcript: str) -> None:
    assert client.get(f"/v1/transcripts/{transcript}/outline?revision=2").status_code == 404

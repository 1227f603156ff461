import io
import json
import re
import zipfile
from typing import Any
from urllib.parse import quote

import pytest
from apps.transcription.api.site import NO_ID, Site
from apps.transcription.conftest import RADIO
from starlette.testclient import TestClient

from malgwi.apps.transcription import FORMATS
from malgwi.apps.transcription.api.exports import TYPES

NASTY = "'; DELETE FROM utterance; -- <script>alert('북문')</script>"


@pytest.fixture
def client(opened: Site) -> TestClient:
    return opened.client()


@pytest.fixture
def transcript(opened: Site) -> str:
    return opened.transcribed(RADIO).id


def correct(
    client: TestClient, transcript: str, base: int, *corrections: dict[str, Any], **more: Any
) -> Any:
    body = {"base_revision": base, "corrections": list(corrections), **more}
    return client.post(f"/v1/transcripts/{transcript}/corrections", json=body)


def rename(
    client: TestClient, transcript: str, base: int, names: dict[str, str], **more: Any
) -> Any:
    body = {"base_revision": base, "names": names, **more}
    return client.post(f"/v1/transcripts/{transcript}/speakers", json=body)


def speakers(client: TestClient, transcript: str) -> list[str | None]:
    found = client.get(f"/v1/transcripts/{transcript}").json()["utterances"]
    return [each["speaker"] for each in found]


def test_a_transcript_is_what_the_file_would_be(client: TestClient, transcript: str) -> None:
    answer = client.get(f"/v1/transcripts/{transcript}")
    written = io.StringIO()
    FORMATS["json"].write(RADIO, written)

    assert answer.text == written.getvalue()
    assert answer.json()["schema"] == "malgwi.transcript/1"
    assert answer.headers["x-malgwi-revision"] == "1"


def test_a_channel_is_read_alone(client: TestClient, transcript: str) -> None:
    found = client.get(f"/v1/transcripts/{transcript}", params={"channel": 1}).json()

    assert [each["id"] for each in found["utterances"]] == ["01-0001", "01-0002"]
    assert [each["label"] for each in found["channels"]] == ["지상 관제"]
    beyond = client.get(f"/v1/transcripts/{transcript}", params={"channel": 9})
    assert beyond.status_code == 404


def test_the_transcripts_of_a_recording_are_listed(opened: Site, client: TestClient) -> None:
    record = opened.transcribed(RADIO)

    (found,) = client.get(f"/v1/recordings/{record.recording_id}/transcripts").json()

    assert (found["id"], found["revision"], found["duration"]) == (record.id, 1, 3700)
    assert found["engine"]["fallback_reason"] == "No CUDA device was found."


def test_utterances_are_read_in_pages(client: TestClient, transcript: str) -> None:
    path, whole = f"/v1/transcripts/{transcript}/utterances", client.get(
        f"/v1/transcripts/{transcript}"
    ).json()["utterances"]  # fmt: skip

    first = client.get(path, params={"limit": 5}).json()
    rest = client.get(path, params={"limit": 5, "cursor": first["next_cursor"]}).json()
    some = client.get(path, params={"channel": 0, "after": 30}).json()

    found = first["items"] + rest["items"]
    assert [each.pop("position") for each in found] == list(range(len(whole)))
    assert found == whole
    assert rest["next_cursor"] is None
    assert [each["id"] for each in some["items"]] == ["00-0002", "00-0003"]


def test_a_page_of_utterances_begins_where_a_reader_is(client: TestClient, transcript: str) -> None:
    path = f"/v1/transcripts/{transcript}/utterances"

    page = client.get(path, params={"position": 3, "limit": 2}).json()
    after = client.get(path, params={"position": 3, "cursor": page["next_cursor"]}).json()
    of_two = client.get(path, params={"position": 3, "channel": 2}).json()
    beyond = client.get(path, params={"position": 1000}).json()

    found = page["items"] + after["items"]
    assert [each["position"] for each in found] == list(range(3, len(RADIO.utterances)))
    assert [each["id"] for each in found] == [each.id for each in RADIO.utterances[3:]]
    assert [(each["position"], each["id"]) for each in of_two["items"]] == [(6, "02-0002")]
    assert beyond == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "x"},
        {"cursor": "dXR0ZXJhbmNlczotMQ"},
        {"revision": "0"},
        {"revision": "99999999999999999999"},
        {"channel": "-1"},
        {"after": "nan"},
        {"after": "-1"},
        {"position": "-1"},
        {"limit": "0"},
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    client: TestClient, transcript: str, query: dict[str, str]
) -> None:
    answer = client.get(f"/v1/transcripts/{transcript}/utterances", params=query)

    assert answer.status_code == 400


def test_a_correction_makes_a_revision_and_the_old_one_stays(
    opened: Site, client: TestClient, transcript: str
) -> None:
    before = client.get(f"/v1/transcripts/{transcript}").text

    answer = correct(
        client, transcript, 1, {"utterance": "00-0003", "text": "관제 종료함", "speaker": "김"},
        note="listened again",
    )  # fmt: skip

    assert answer.status_code == 200
    assert (answer.json()["number"], answer.json()["kind"]) == (2, "correction")
    assert answer.json()["note"] == "listened again"
    now = client.get(f"/v1/transcripts/{transcript}")
    assert now.headers["x-malgwi-revision"] == "2"
    assert now.json()["utterances"][-1]["text"] == "관제 종료함"
    assert now.json()["utterances"][-1]["raw_text"] == "관제 종료"
    first = client.get(f"/v1/transcripts/{transcript}", params={"revision": 1})
    assert first.text == before
    numbers = client.get(f"/v1/transcripts/{transcript}/revisions").json()
    assert [each["kind"] for each in numbers] == ["recognised", "correction"]
    (difference,) = client.get(
        f"/v1/transcripts/{transcript}/diff", params={"before": 1, "after": 2}
    ).json()
    assert difference["before"]["text"] == "관제 종료"
    assert difference["after"]["speaker"] == "김"
    assert opened.actions()[-1] == "transcript.correct"
    assert "관제" not in str(opened.store.trail().items)


def test_a_stale_correction_hears_which_revision_to_read(
    client: TestClient, transcript: str
) -> None:
    correct(client, transcript, 1, {"utterance": "00-0003", "text": "one"})

    answer = correct(client, transcript, 1, {"utterance": "00-0003", "text": "other"})

    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:malgwi:problem:stale"
    assert answer.json()["revision"] == 2
    assert answer.headers["content-type"] == "application/problem+json"
    again = correct(client, transcript, 2, {"utterance": "00-0003", "text": "other"})
    assert again.json()["number"] == 3


def test_all_corrections_are_made_or_none(client: TestClient, transcript: str) -> None:
    answer = correct(
        client, transcript, 1, {"utterance": "00-0003", "text": "x"}, {"utterance": "99-9999"}
    )

    assert answer.status_code == 404
    assert client.get(f"/v1/transcripts/{transcript}").headers["x-malgwi-revision"] == "1"


def test_a_correction_is_undone_by_a_revision_of_its_own(
    opened: Site, client: TestClient, transcript: str
) -> None:
    before = client.get(f"/v1/transcripts/{transcript}").text
    correct(client, transcript, 1, {"utterance": "00-0003", "text": "wrong"})

    answer = client.post(f"/v1/transcripts/{transcript}/undo", json={"base_revision": 2})

    assert (answer.json()["number"], answer.json()["kind"]) == (3, "undo")
    assert client.get(f"/v1/transcripts/{transcript}").text == before
    stale = client.post(f"/v1/transcripts/{transcript}/undo", json={"base_revision": 2})
    assert (stale.status_code, stale.json()["revision"]) == (409, 3)
    beyond = {"base_revision": 3, "to": 9}
    assert client.post(f"/v1/transcripts/{transcript}/undo", json=beyond).status_code == 404


def test_undo_goes_back_over_two_corrections_and_redo_goes_forward_over_both(
    client: TestClient, transcript: str
) -> None:
    states = [client.get(f"/v1/transcripts/{transcript}").text]
    for base, text in ((1, "one"), (2, "two")):
        correct(client, transcript, base, {"utterance": "00-0003", "text": text})
        states.append(client.get(f"/v1/transcripts/{transcript}").text)
    seen = []

    base = 3
    for to in (2, 1, 2, 3):
        body = {"base_revision": base, "to": to}
        base = client.post(f"/v1/transcripts/{transcript}/undo", json=body).json()["number"]
        seen.append(client.get(f"/v1/transcripts/{transcript}").text)

    assert seen == [states[1], states[0], states[1], states[2]]
    assert base == 7


def test_without_a_number_undo_takes_back_the_last_revision_also_where_that_was_an_undo(
    client: TestClient, transcript: str
) -> None:
    correct(client, transcript, 1, {"utterance": "00-0003", "text": "one"})
    after = client.get(f"/v1/transcripts/{transcript}").text

    for base in (2, 3):
        client.post(f"/v1/transcripts/{transcript}/undo", json={"base_revision": base})

    assert client.get(f"/v1/transcripts/{transcript}").text == after


def test_a_speaker_is_renamed_everywhere_at_once_and_back(
    opened: Site, client: TestClient, transcript: str
) -> None:
    correct(client, transcript, 1, {"utterance": "00-0001", "speaker": "김 기장"})
    before = client.get(f"/v1/transcripts/{transcript}").text

    answer = rename(client, transcript, 2, {" 김 기장": "이 기장 "}, note="she said so")

    assert (answer.json()["number"], answer.json()["kind"]) == (3, "speakers")
    assert answer.json()["note"] == "she said so"
    assert speakers(client, transcript).count("이 기장") == 2
    assert "김 기장" not in speakers(client, transcript)
    assert opened.actions()[-1] == "transcript.speakers"
    assert "기장" not in str(opened.store.trail().items)
    found = client.get(f"/v1/transcripts/{transcript}/diff?before=2&after=3").json()
    assert [each["utterance"] for each in found] == ["00-0001", "01-0002"]
    assert all(each["before"]["text"] == each["after"]["text"] for each in found)
    client.post(f"/v1/transcripts/{transcript}/undo", json={"base_revision": 3})
    assert client.get(f"/v1/transcripts/{transcript}").text == before


def test_who_is_renamed_is_found_under_the_new_name_alone(
    client: TestClient, transcript: str
) -> None:
    rename(client, transcript, 1, {"김 기장": "이 기장"})

    def hits(speaker: str) -> list[Any]:
        query = {"q": "확인", "speaker": speaker}
        return list(client.get("/v1/search", params=query).json()["items"])

    assert [each["utterance"] for each in hits("이 기장")] == ["01-0002"]
    assert hits("김 기장") == []


def test_speakers_exchange_their_names(client: TestClient, transcript: str) -> None:
    correct(client, transcript, 1, {"utterance": "00-0001", "speaker": "A"})
    correct(client, transcript, 2, {"utterance": "00-0003", "speaker": "B"})

    rename(client, transcript, 3, {"A": "B", "B": "A"})

    assert (speakers(client, transcript)[0], speakers(client, transcript)[-1]) == ("B", "A")


def test_those_without_a_name_get_one_on_one_channel(client: TestClient, transcript: str) -> None:
    answer = rename(client, transcript, 1, {"": "박"}, channel=1)

    assert answer.json()["number"] == 2
    found = client.get(f"/v1/transcripts/{transcript}").json()["utterances"]
    assert [each["id"] for each in found if each["speaker"] == "박"] == ["01-0001"]
    nowhere = rename(client, transcript, 2, {"": "박"})
    assert nowhere.status_code == 400
    assert "channel" in nowhere.json()["detail"]


def test_a_speaker_is_renamed_on_one_channel_alone_and_may_be_nobody(
    client: TestClient, transcript: str
) -> None:
    correct(client, transcript, 1, {"utterance": "00-0001", "speaker": "김 기장"})

    rename(client, transcript, 2, {"김 기장": ""}, channel=1)

    assert speakers(client, transcript)[0] == "김 기장"
    assert speakers(client, transcript).count(None) == len(RADIO.utterances) - 1


def test_a_rename_of_a_stale_revision_is_refused_and_of_nobody_changes_nothing(
    client: TestClient, transcript: str
) -> None:
    correct(client, transcript, 1, {"utterance": "00-0003", "text": "one"})

    stale = rename(client, transcript, 1, {"김 기장": "이"})
    nobody = rename(client, transcript, 2, {"nobody of this name": "이"})

    assert (stale.status_code, stale.json()["revision"]) == (409, 2)
    assert nobody.json()["number"] == 2


@pytest.mark.parametrize(
    "body",
    [
        {"base_revision": 1, "names": {}},
        {"base_revision": 1, "names": {"a": None}},
        {"base_revision": 1, "names": {"a": "x" * 301}},
        {"base_revision": 1, "names": {"김 기장": "b\0"}},
        {"base_revision": 1, "names": {"a": "b"}, "channel": -1},
        {"base_revision": 1, "names": {str(n): "b" for n in range(1001)}},
        {"names": {"a": "b"}},
    ],
)
def test_a_rename_that_makes_no_sense_is_refused(
    client: TestClient, transcript: str, body: Any
) -> None:
    answer = client.post(f"/v1/transcripts/{transcript}/speakers", json=body)

    assert answer.status_code == 400


def test_sql_and_html_are_words_like_any_other(client: TestClient, transcript: str) -> None:
    wanted = {"utterance": "00-0003", "text": NASTY, "speaker": NASTY}

    assert correct(client, transcript, 1, wanted, note=NASTY).status_code == 200

    found = client.get(f"/v1/transcripts/{transcript}").json()["utterances"]
    assert len(found) == len(RADIO.utterances)
    assert (found[-1]["text"], found[-1]["speaker"]) == (NASTY, NASTY)
    page = client.get(f"/v1/exports/vtt?transcript={transcript}")
    assert "<script>" not in page.text


@pytest.mark.parametrize(
    "body",
    [
        {"base_revision": 1, "corrections": []},
        {"base_revision": 0, "corrections": [{"utterance": "00-0003"}]},
        {"base_revision": 1, "corrections": [{"utterance": "00-0003", "text": "x" * 20_001}]},
        {"base_revision": 1, "corrections": [{"utterance": "00-0003", "text": "a\0b"}]},
        {"base_revision": 1, "corrections": [{"utterance": "00-0003", "txt": "typo"}]},
        {"base_revision": 1, "corrections": [{"utterance": "00-0003"}] * 2},
        {"corrections": [{"utterance": "00-0003"}]},
        [],
    ],
)
def test_a_correction_that_makes_no_sense_is_refused(
    client: TestClient, transcript: str, body: Any
) -> None:
    answer = client.post(f"/v1/transcripts/{transcript}/corrections", json=body)

    assert answer.status_code == 400


@pytest.mark.parametrize("name", [NO_ID, "x", "' OR '1'='1"])
def test_a_transcript_that_is_not_here_is_not_found(client: TestClient, name: str) -> None:
    path = f"/v1/transcripts/{quote(name)}"

    answers = [
        client.get(path),
        client.get(f"{path}/outline"),
        client.get(f"{path}/utterances"),
        client.get(f"{path}/revisions"),
        client.get(f"{path}/diff?before=1&after=1"),
        correct(client, name, 1, {"utterance": "00-0001"}),
        rename(client, name, 1, {"a": "b"}),
        client.post(f"{path}/undo", json={"base_revision": 1}),
        client.get("/v1/exports/txt", params={"transcript": name}),
    ]

    assert {each.status_code for each in answers} == {404}


def test_a_transcript_of_a_deleted_recording_is_not_found(opened: Site, client: TestClient) -> None:
    record = opened.transcribed(RADIO)

    client.delete(f"/v1/recordings/{record.recording_id}")

    assert client.get(f"/v1/transcripts/{record.id}").status_code == 404


@pytest.mark.parametrize("format", list(FORMATS))
def test_every_format_is_exported_as_the_file_it_is(
    opened: Site, client: TestClient, transcript: str, format: str
) -> None:
    answer = client.get(f"/v1/exports/{format}", params={"transcript": transcript})

    written: Any = io.BytesIO() if FORMATS[format].encoding is None else io.StringIO()
    FORMATS[format].write(RADIO, written)
    encoding = FORMATS[format].encoding
    expected = written.getvalue() if encoding is None else written.getvalue().encode(encoding)
    assert answer.content == expected
    assert answer.headers["content-type"] == TYPES[format]
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="__ __.')
    assert disposition.endswith(f"filename*=UTF-8''{quote('관제 무전')}.{format}")
    assert opened.files() == []


@pytest.mark.parametrize("format", sorted({*FORMATS} - {"ctm"}))  # which numbers them
def test_a_channel_is_called_in_every_export_as_the_recording_calls_it_now(
    opened: Site, client: TestClient, format: str
) -> None:
    record = opened.transcribed(RADIO)
    labels = {"channel_labels": ["북문", "남문", "서문"]}

    client.patch(f"/v1/recordings/{record.recording_id}", json=labels)

    query = {"transcript": record.id}
    found = text_of(client.get(f"/v1/exports/{format}", params=query).content)
    assert "서문" in found
    assert not re.search("tower|지상 관제|지상_관제|ch 03|ch_03", found)
    one = client.get(f"/v1/exports/{format}", params={**query, "channel": "2"})
    assert quote("서문") in one.headers["content-disposition"]


def test_a_channel_is_called_everywhere_as_the_recording_calls_it_now(
    opened: Site, client: TestClient
) -> None:
    record = opened.transcribed(RADIO)
    path = f"/v1/transcripts/{record.id}"
    correct(client, record.id, 1, {"utterance": "00-0003", "text": "끝"})

    client.patch(f"/v1/recordings/{record.recording_id}", json={"channel_labels": ["북문"]})

    now = ["북문", "지상 관제", "ch 03", "briefing"]  # one without a name keeps its own
    for found in (
        client.get(path).json(),
        client.get(path, params={"revision": 1}).json(),
        client.get(f"{path}/outline").json(),
        client.get(f"/v1/recordings/{record.recording_id}/transcripts").json()[0],
    ):
        assert [each["label"] for each in found["channels"]] == now
    said = [
        *client.get(path).json()["utterances"],
        *client.get(f"{path}/utterances").json()["items"],
        *client.get(f"{path}/diff?before=1&after=2").json()[0].values(),
        *client.get("/v1/search", params={"q": "절차"}).json()["items"],
        client.get("/v1/search", params={"q": "대한항공"}).json()["items"][0]["after"],
    ]
    lines = [each for each in said if isinstance(each, dict)]
    assert [each["channel_label"] for each in lines] == [now[each["channel"]] for each in lines]
    client.patch(f"/v1/recordings/{record.recording_id}", json={"channel_labels": []})
    assert client.get(path).json()["channels"][0]["label"] == "tower"


def text_of(exported: bytes) -> str:
    if not zipfile.is_zipfile(io.BytesIO(exported)):
        return exported.decode()
    with zipfile.ZipFile(io.BytesIO(exported)) as document:
        return document.read("word/document.xml").decode()


def test_a_document_is_one(client: TestClient, transcript: str) -> None:
    answer = client.get("/v1/exports/docx", params={"transcript": transcript})

    assert "word/document.xml" in zipfile.ZipFile(io.BytesIO(answer.content)).namelist()


def test_one_channel_of_one_revision_is_exported(client: TestClient, transcript: str) -> None:
    correct(client, transcript, 1, {"utterance": "01-0002", "text": "corrected"})
    query = {"transcript": transcript, "channel": "1", "revision": "1"}

    answer = client.get("/v1/exports/json", params=query)

    assert [each["id"] for each in json.loads(answer.text)["utterances"]] == ["01-0001", "01-0002"]
    assert "corrected" not in answer.text
    assert quote("관제 무전 지상 관제.json") in answer.headers["content-disposition"]


def test_a_part_of_an_export_that_there_is_not_is_a_problem(
    opened: Site, client: TestClient
) -> None:
    transcript = opened.transcribed(RADIO).id

    answer = client.get(
        "/v1/exports/txt", params={"transcript": transcript}, headers={"range": "bytes=9999999-"}
    )

    assert answer.status_code == 416
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", 'a";x="y', "a\r\nset-cookie: x=y", "\u202etxt.exe", "...", "x" * 300],
)
def test_the_name_of_an_export_is_only_a_name(opened: Site, client: TestClient, name: str) -> None:
    transcript = opened.transcribed(RADIO, name).id

    answer = client.get("/v1/exports/txt", params={"transcript": transcript})

    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    disposition = answer.headers["content-disposition"]
    plain = disposition.split('"')[1]
    assert disposition.count('"') == 2
    assert plain.endswith(".txt")
    assert len(plain) <= 154
    assert not {"/", "\\", ";", "\u202e"} & set(plain)


@pytest.mark.parametrize("path", ["/v1/exports/pdf?transcript=x", "/v1/exports/txt"])
def test_an_export_that_makes_no_sense_is_refused(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 400

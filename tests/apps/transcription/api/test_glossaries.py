from typing import Any
from urllib.parse import quote

import pytest
from apps.transcription.api.site import NO_ID, Site
from apps.transcription.conftest import RADIO, said
from starlette.testclient import TestClient

from malgwi.apps.transcription.api import glossary_of
from malgwi.store import Authorship, Correction
from malgwi.text import Entry
from malgwi.types import Transcript

ENTRIES = [
    {"written": "북문", "spoken": ["붕문", "북 문"]},
    {"written": "KAL 027", "spoken": ["Korean Air 027"], "channels": ["지상 관제"]},
]
NASTY = "'; DROP TABLE glossary; -- <script>"


@pytest.fixture
def client(opened: Site) -> TestClient:
    return opened.client()


def put(client: TestClient, entries: list[dict[str, Any]], name: str = "무전") -> Any:
    return client.put(f"/v1/glossaries/{quote(name)}", json={"entries": entries})


def radio_with(*lines: str) -> Transcript:
    """That somebody said these on channel 0, after the rest."""
    more = (
        said(f"00-1{number:03}", 0, 3670 + number, 3670.5 + number, line)
        for number, line in enumerate(lines)
    )
    return Transcript(
        RADIO.sources, RADIO.duration, RADIO.channels, (*RADIO.utterances, *more), RADIO.engine,
        RADIO.timings,
    )  # fmt: skip


def test_a_glossary_is_kept_with_every_state_that_it_was_in(
    opened: Site, client: TestClient
) -> None:
    first = put(client, ENTRIES)
    second = put(client, ENTRIES[:1])
    same = put(client, ENTRIES[:1])

    assert [each.json()["revision"] for each in (first, second, same)] == [1, 2, 2]
    path = f"/v1/glossaries/{quote('무전')}"
    assert client.get(path).json() == second.json()
    assert client.get(path, params={"revision": 1}).json() == first.json()
    (entry,) = second.json()["entries"]
    assert (entry["id"], entry["written"], entry["spoken"]) == ("북문", "북문", ["붕문", "북 문"])
    assert [each["revision"] for each in client.get(f"{path}/revisions").json()] == [1, 2]
    (listed,) = client.get("/v1/glossaries").json()
    assert (listed["name"], listed["revision"], listed["size"]) == ("무전", 2, 1)
    assert opened.actions() == ["glossary.put"] * 3


def test_a_deleted_glossary_is_not_found(client: TestClient) -> None:
    put(client, ENTRIES)
    path = f"/v1/glossaries/{quote('무전')}"

    assert client.delete(path).status_code == 204

    assert client.get(path).status_code == 404
    assert client.delete(path).status_code == 404
    assert client.get("/v1/glossaries").json() == []
    assert client.get(path, params={"revision": 1}).status_code == 200


@pytest.mark.parametrize(
    ("content_type", "text"),
    [
        ("application/yaml", "- written: 북문\n  spoken: [붕문, 북 문]\n"),
        ("text/yaml; charset=utf-8", "- {written: 북문, spoken: [붕문, 북 문]}\n"),
        ("text/csv", "written,spoken\n북문,붕문|북 문\n"),
    ],
)
def test_a_glossary_is_taken_as_the_file_that_it_is(
    opened: Site, client: TestClient, content_type: str, text: str
) -> None:
    answer = client.put(
        "/v1/glossaries/radio", content=text.encode(), headers={"content-type": content_type}
    )

    assert answer.status_code == 200, answer.text
    kept = glossary_of(opened.doors.glossaries.find("radio").content)
    assert kept.entries == (Entry("북문", "북문", ("붕문", "북 문")),)


def test_all_that_an_entry_can_say_is_kept(opened: Site, client: TestClient) -> None:
    entry = {
        "id": "gate",
        "written": "북문 😀",
        "spoken": ["붕문"],
        "match": "word",
        "channels": ["0", "지상 관제"],
        "languages": ["ko"],
        "case_sensitive": True,
    }

    assert put(client, [entry]).json()["entries"] == [entry]

    (kept,) = glossary_of(opened.doors.glossaries.find("무전").content).entries
    assert kept == Entry(
        "gate", "북문 😀", ("붕문",), "word", frozenset({"0", "지상 관제"}), frozenset({"ko"}), True
    )


def test_sql_and_html_are_terms_like_any_other(client: TestClient) -> None:
    answer = put(client, [{"written": NASTY, "spoken": ["x"]}], name="'; --<b>")

    assert answer.json()["entries"][0]["written"] == NASTY
    assert client.get(f"/v1/glossaries/{quote(chr(39) + '; --<b>')}").json() == answer.json()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{"),
        ("application/json", b'{"entries": []}'),
        ("application/json", b'{"entries": [{"written": "a"}]}'),
        ("application/json", b'{"entries": [{"written": "a", "spoken": ["b"], "x": 1}]}'),
        ("application/json", b'{"entries": [{"written": "\\ud800", "spoken": ["b"]}]}'),
        (
            "application/json",
            b'{"entries": [{"written": "a", "spoken": ["x"]}, {"written": "b", "spoken": ["x"]}]}',
        ),
        ("application/yaml", b"- written: a"),
        ("application/yaml", b"[" * 10_000),
        ("application/yaml", b"!!python/object/apply:os.system [echo]"),
        ("application/yaml", b"\xff\xfe"),
        ("text/csv", b"written\na\n"),
    ],
)
def test_a_glossary_that_cannot_be_used_is_refused(
    client: TestClient, content_type: str, body: bytes
) -> None:
    answer = client.put(
        "/v1/glossaries/radio", content=body, headers={"content-type": content_type}
    )

    assert answer.status_code == 400, answer.text
    assert "/tmp" not in answer.text
    assert client.get("/v1/glossaries").json() == []


def test_what_is_wrong_with_a_file_is_told_with_its_line(client: TestClient) -> None:
    file = "- written: a\n  spoken: x\n- written: b\n  spoken: x\n"

    for method, path in (("PUT", "radio"), ("POST", "check")):
        answer = client.request(
            method,
            f"/v1/glossaries/{path}",
            content=file.encode(),
            headers={"content-type": "application/yaml"},
        )

        assert (answer.status_code, answer.json()["line"]) == (400, 4)


def test_a_file_can_be_looked_at_without_being_kept(client: TestClient) -> None:
    answer = client.post(
        "/v1/glossaries/check",
        content="written,spoken\n북문,붕문|북 문\n".encode(),
        headers={"content-type": "text/csv"},
    )

    [entry] = answer.json()["entries"]
    assert (entry["written"], entry["spoken"]) == ("북문", ["붕문", "북 문"])
    assert client.get("/v1/glossaries").json() == []


def test_of_two_who_write_the_same_state_one_hears_that_it_is_stale(client: TestClient) -> None:
    def write(entries: list[dict[str, Any]], base: int) -> Any:
        query = {"base_revision": base}
        return client.put("/v1/glossaries/radio", json={"entries": entries}, params=query)

    assert write(ENTRIES, 0).json()["revision"] == 1
    assert write(ENTRIES[:1], 1).json()["revision"] == 2

    late = write(ENTRIES[1:], 1)

    assert late.status_code == 409
    assert late.json()["type"] == "urn:malgwi:problem:stale"
    assert late.json()["revision"] == 2
    assert client.get("/v1/glossaries/radio").json()["entries"][0]["written"] == "북문"


def test_a_glossary_of_another_kind_or_size_is_refused(client: TestClient) -> None:
    def status(body: bytes, content_type: str) -> int:
        headers = {"content-type": content_type}
        return client.put("/v1/glossaries/x", content=body, headers=headers).status_code

    assert status(b"<xml/>", "application/xml") == 415
    assert status(bytes(1024 * 1024 + 1), "text/csv") == 413


@pytest.mark.parametrize("name", ["a%2fb", "%20x", "a%0ab", "a%5Cb", "x" * 101])
def test_a_name_that_cannot_stand_in_a_list_is_refused(client: TestClient, name: str) -> None:
    answer = client.put(f"/v1/glossaries/{name}", json={"entries": ENTRIES})

    assert answer.status_code in (400, 404, 405)
    assert client.get("/v1/glossaries").json() == []


def test_a_dry_run_says_what_would_change_and_changes_nothing(
    opened: Site, client: TestClient
) -> None:
    record = opened.transcribed(radio_with("붕문에서 만나자", "북 문이 열렸다", "서문"))
    put(client, ENTRIES)

    answer = client.post(
        f"/v1/glossaries/{quote('무전')}/dry-run", json={"transcripts": [record.id]}
    )

    (found,) = answer.json()["transcripts"]
    shown = {each["utterance"]: (each["before"], each["after"]) for each in found["examples"]}
    assert shown["00-1000"] == ("붕문에서 만나자", "북문에서 만나자")
    assert shown["00-1001"] == ("북 문이 열렸다", "북문이 열렸다")
    assert "KAL 027" in shown["01-0001"][1]
    assert "00-1002" not in shown
    assert found["changed"] == answer.json()["changed"] == len(shown)
    assert found["utterances"] == len(RADIO.utterances) + 3
    assert opened.store.transcript_record(record.id).revision == 1


def test_what_nobody_keeps_can_be_tried(opened: Site, client: TestClient) -> None:
    record = opened.transcribed(radio_with("붕문에서 만나자"))

    tried = client.post(
        "/v1/glossaries/new/dry-run", json={"transcripts": [record.id], "entries": ENTRIES[:1]}
    ).json()

    shown = {each["utterance"]: each["after"] for each in tried["transcripts"][0]["examples"]}
    assert shown["00-1000"] == "북문에서 만나자"
    assert tried["revision"] is None
    assert client.get("/v1/glossaries").json() == []


def test_what_an_older_glossary_did_is_taken_back_and_what_people_did_is_not(
    opened: Site, client: TestClient
) -> None:
    record = opened.transcribed(radio_with("붕문에서 만나자"))
    opened.store.correct(record.id, 1, [Correction("00-1000", "남문에서 만나자")], Authorship())
    put(client, ENTRIES[:1])

    answer = client.post(
        f"/v1/glossaries/{quote('무전')}/dry-run", json={"recordings": [record.recording_id]}
    )

    (found,) = answer.json()["transcripts"]
    shown = {each["utterance"]: each["after"] for each in found["examples"]}
    assert shown == {
        "00-0001": "대한 항공 027 이륙을 허가합니다.",
        "02-0002": "=1+1 ground, vacate left, then hold short",  # a line break, as anywhere
    }
    assert (found["revision"], found["corrected"]) == (2, 1)


def test_as_many_changes_are_shown_as_are_wanted(opened: Site, client: TestClient) -> None:
    record = opened.transcribed(radio_with("붕문", "붕문", "붕문"))
    put(client, ENTRIES[:1])

    answer = client.post(
        f"/v1/glossaries/{quote('무전')}/dry-run",
        json={"transcripts": [record.id, record.id], "examples": 1},
    )

    (found,) = answer.json()["transcripts"]
    assert len(found["examples"]) == 1
    assert found["changed"] == 5


def test_changes_that_are_shown_have_an_end(opened: Site, client: TestClient) -> None:
    long = radio_with(*["붕문"] * 1000)
    records = [opened.transcribed(long, f"{number}.wav").id for number in range(3)]
    put(client, ENTRIES[:1])

    answer = client.post(
        f"/v1/glossaries/{quote('무전')}/dry-run", json={"transcripts": records, "examples": 1000}
    ).json()

    assert [len(each["examples"]) for each in answer["transcripts"]] == [1000, 1000, 0]
    assert answer["changed"] == 3 * 1002


def test_to_apply_a_glossary_is_a_job(opened: Site, client: TestClient) -> None:
    record = opened.transcribed(RADIO)
    put(client, ENTRIES)

    answer = client.post(
        f"/v1/glossaries/{quote('무전')}/apply", json={"recordings": [record.recording_id]}
    )

    assert answer.status_code == 202
    assert (answer.json()["kind"], answer.json()["queue"]) == ("glossary", "analysis")
    assert answer.json()["payload"] == {
        "glossary": "무전",
        "revision": 1,
        "transcripts": [record.id],
        "author": None,
    }
    assert [each.id for each in opened.sent] == [answer.json()["id"]]
    assert opened.actions()[-1] == "glossary.apply"


@pytest.mark.parametrize(
    ("where", "status"),
    [
        ({}, 400),
        ({"transcripts": ["x"] * 1001}, 400),
        ({"transcripts": [NO_ID]}, 404),
        ({"recordings": [NO_ID]}, 404),
        ({"recordings": [NO_ID], "revision": 7}, 404),
        ({"transcript": [NO_ID]}, 400),
    ],
)
def test_where_to_look_must_make_sense(
    opened: Site, client: TestClient, where: dict[str, Any], status: int
) -> None:
    put(client, ENTRIES)

    for step in ("dry-run", "apply"):
        answer = client.post(f"/v1/glossaries/{quote('무전')}/{step}", json=where)
        assert answer.status_code == status
    assert opened.sent == []


def test_a_recording_is_transcribed_with_a_glossary_that_is_kept(
    opened: Site, client: TestClient
) -> None:
    put(client, ENTRIES)
    record = opened.transcribed(RADIO)

    answer = client.post(
        f"/v1/recordings/{record.recording_id}/transcribe", json={"glossary": "무전"}
    )

    assert answer.json()["payload"]["glossary"] == "무전"

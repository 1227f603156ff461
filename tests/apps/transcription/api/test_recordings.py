import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from apps.transcription.api.site import NO_ID, Site, site, uploaded, wav
from apps.transcription.conftest import RADIO

from malgwi.gateway import Limits
from malgwi.store import Role
from malgwi.types import JobState, Lane

NASTY = "'; DROP TABLE recording; -- <script>alert(1)</script> ../../etc/passwd \u202egnp"


def test_a_recording_comes_with_all_that_is_said_of_it(opened: Site) -> None:
    sound = wav()
    answer = opened.client().post(
        "/v1/recordings",
        files={"file": ("관제 무전.wav", sound, "audio/wav")},
        data={
            "name": "야간 무전",
            "labels": ["night", "radio"],
            "channel_labels": ["tower"],
            "offsets": ["1.5"],
            "started": "2026-03-01T09:30:00+09:00",
            "metadata": '{"site": "북문"}',
            "languages": ["ko"],
            "prompt": "관제",
            "lane": "interactive",
        },
    )

    assert answer.status_code == 201
    recording, job = answer.json()["recording"], answer.json()["job"]
    assert answer.headers["location"] == f"/v1/recordings/{recording['id']}"
    assert not answer.json()["duplicate"]
    assert recording["name"] == "야간 무전"
    assert recording["labels"] == ["night", "radio"]
    assert recording["channel_labels"] == ["tower"]
    assert recording["started"] == "2026-03-01T00:30:00Z"
    assert recording["metadata"] == {"site": "북문"}
    assert recording["source"] == "upload"
    assert recording["media"] == [
        {
            "position": 0,
            "name": "관제 무전.wav",
            "sha256": hashlib.sha256(sound).hexdigest(),
            "offset": 1.5,
        }
    ]
    assert (job["kind"], job["lane"], job["state"]) == ("transcribe", "interactive", "queued")
    assert job["payload"]["languages"] == ["ko"]
    assert opened.sent[0].id == job["id"]
    assert opened.actions() == ["recording.create"]


@pytest.mark.parametrize(
    "fields", [("file1", "file2", "file3"), ("file", "file", "file"), ("file", "file2", "file")]
)
def test_the_files_of_a_recording_keep_their_order(opened: Site, fields: tuple[str, ...]) -> None:
    sounds = [wav(pitch=100.0 * number) for number in (3, 1, 2)]
    files = [
        (field, (f"ch{number}.wav", sound, "audio/wav"))
        for number, (field, sound) in enumerate(zip(fields, sounds, strict=True), 1)
    ]

    answer = opened.client().post("/v1/recordings", files=files, data={"offsets": [0, 2.5, 5]})

    media = answer.json()["recording"]["media"]
    assert [each["sha256"] for each in media] == [hashlib.sha256(it).hexdigest() for it in sounds]
    assert [each["offset"] for each in media] == [0, 2.5, 5]
    assert [each["name"] for each in media] == ["ch1.wav", "ch2.wav", "ch3.wav"]


def test_as_many_files_as_there_may_be_channels_come_with_all_that_is_said(opened: Site) -> None:
    files = [("file", (f"ch{place}.wav", wav(0.01, 100.0 + place))) for place in range(64)]
    said = {
        "offsets": [str(place / 4) for place in range(64)],
        "channel_labels": [f"channel {place}" for place in range(64)],
        "languages": ["ko"] * 64,
    }

    answer = opened.client().post("/v1/recordings", files=files, data=said)

    assert answer.status_code == 201, answer.text
    assert len(answer.json()["recording"]["media"]) == 64


def test_without_a_name_it_has_that_of_its_file_and_it_is_transcribed(opened: Site) -> None:
    taken = uploaded(opened.client())

    assert taken["recording"]["name"] == "radio.wav"
    assert taken["job"]["lane"] == "batch"


def test_who_wants_no_transcript_gets_no_job(opened: Site) -> None:
    taken = uploaded(opened.client(), transcribe="false")

    assert taken["job"] is None
    assert opened.sent == []


def test_the_same_content_again_is_not_kept_twice_and_says_so(opened: Site) -> None:
    client = opened.client()
    first = uploaded(client)

    answer = client.post("/v1/recordings", files={"file": ("other.wav", wav(), "audio/wav")})

    assert answer.status_code == 200
    assert answer.json()["duplicate"]
    assert answer.json()["recording"] == first["recording"]
    assert answer.json()["job"]["id"] == first["job"]["id"]
    assert len(opened.files()) == 1
    assert len(client.get("/v1/recordings").json()["items"]) == 1


def test_the_same_content_is_new_where_the_first_was_deleted(opened: Site) -> None:
    client = opened.client()
    first = uploaded(client)
    client.delete(f"/v1/recordings/{first['recording']['id']}")

    again = uploaded(client)

    assert not again["duplicate"]
    assert again["job"]["id"] != first["job"]["id"]


def test_an_idempotency_key_makes_it_once_and_another_one_again(opened: Site) -> None:
    client = opened.client()

    def post(key: str, sound: bytes) -> Any:
        files = {"file": ("radio.wav", sound, "audio/wav")}
        return client.post("/v1/recordings", files=files, headers={"idempotency-key": key})

    first, again, other = post("a", wav()), post("a", wav()), post("b", wav())
    of_others = post("a", wav(pitch=880))

    assert again.json()["recording"]["id"] == first.json()["recording"]["id"]
    assert again.json()["duplicate"]
    assert other.json()["recording"]["id"] != first.json()["recording"]["id"]
    assert len(opened.files()) == 2
    assert of_others.status_code == 409
    assert of_others.json()["type"] == "urn:malgwi:problem:conflict"


@pytest.mark.parametrize("key", ["", " "])
def test_an_empty_idempotency_key_is_none(opened: Site, key: str) -> None:
    client, headers = opened.client(), {"idempotency-key": key}
    answers = [
        client.post("/v1/recordings", files={"file": ("a.wav", sound)}, headers=headers)
        for sound in (wav(), wav(0.2), wav())
    ]

    assert [each.status_code for each in answers] == [201, 201, 200]


@pytest.mark.parametrize("metadata", ["[" * 60_000, '{"a":' * 10_000])
def test_metadata_without_a_bottom_are_refused(opened: Site, metadata: str) -> None:
    files = {"file": ("radio.wav", wav(), "audio/wav")}

    form = opened.client().post("/v1/recordings", files=files, data={"metadata": metadata})
    named = opened.client().post("/v1/recordings", json={"path": "/x", "metadata": metadata})

    for answer in (form, named):
        assert answer.status_code == 400
        assert answer.json()["param"] == "metadata"


def test_an_idempotency_key_is_that_of_whoever_gave_it(locked: Site) -> None:
    one, other = locked.client(Role.EDITOR), locked.client(Role.EDITOR)
    files = {"file": ("radio.wav", wav(), "audio/wav")}
    headers = {"idempotency-key": "1"}

    first = one.post("/v1/recordings", files=files, headers=headers).json()
    second = other.post("/v1/recordings", files=files, headers=headers).json()

    assert first["recording"]["id"] != second["recording"]["id"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"started": "2026-03-01T09:30:00"}, "started"),
        ({"started": "9999-12-31T23:59:59-12:00"}, "started"),
        ({"metadata": "{"}, "metadata"),
        ({"metadata": '["no mapping"]'}, "metadata"),
        ({"metadata": '{"a": 1}'}, "metadata"),
        ({"offsets": ["0", "1"]}, "offsets"),
        ({"offsets": "nan"}, "offsets"),
        ({"offsets": "-1"}, "offsets"),
        ({"lane": "live"}, "lane"),
        ({"languages": "korean"}, "languages"),
        ({"labels": "x" * 201}, "labels"),
        ({"glossary": "none such"}, "glossary"),
        ({"transcribe": "perhaps"}, "transcribe"),
    ],
)
def test_a_field_that_makes_no_sense_is_named_and_nothing_is_kept(
    opened: Site, fields: dict[str, Any], param: str
) -> None:
    files = {"file": ("radio.wav", wav(), "audio/wav")}

    answer = opened.client().post("/v1/recordings", files=files, data=fields)

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["param"] == param
    assert opened.files() == []


def test_a_field_that_is_none_of_ours_is_refused(opened: Site) -> None:
    files = {"file": ("radio.wav", wav(), "audio/wav")}

    answer = opened.client().post("/v1/recordings", files=files, data={"label": "night"})

    assert answer.status_code == 400
    assert "label" in answer.json()["detail"]


@pytest.mark.parametrize(
    "files", [{}, {"file": ("radio.wav", b"", "audio/wav")}, {"labels": ("a.wav", b"x", "a/b")}]
)
def test_a_form_without_a_recording_is_refused(opened: Site, files: dict[str, Any]) -> None:
    answer = opened.client().post("/v1/recordings", files=files, data={"name": "x"})

    assert answer.status_code == 400
    assert opened.files() == []


def test_an_upload_that_is_too_large_is_refused_and_leaves_nothing(opened: Site) -> None:
    files = {"file": ("radio.wav", bytes(4_100_000), "audio/wav")}

    answer = opened.client().post("/v1/recordings", files=files)

    assert answer.status_code == 413
    assert answer.json()["status"] == 413
    assert opened.files() == []


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\win.ini", "win.ini"),
        ("/abs/radio.wav", "radio.wav"),
        ("a\u202ewav.exe", "awav.exe"),
    ],
)
def test_a_path_in_the_name_of_a_file_leads_nowhere(opened: Site, name: str, kept: str) -> None:
    files = {"file": (name, wav(), "audio/wav")}

    media = opened.client().post("/v1/recordings", files=files).json()["recording"]["media"][0]

    assert media["name"] == kept
    assert [each.name for each in opened.files()] == [media["sha256"]]
    assert all(each.is_relative_to(opened.folder / "data" / "media") for each in opened.files())


def test_sql_and_html_are_text_like_any_other(opened: Site) -> None:
    client = opened.client()
    taken = uploaded(
        client,
        name=NASTY,
        labels=[NASTY],
        channel_labels=[NASTY],
        metadata=f'{{"{NASTY}": "{NASTY}"}}',
        prompt=NASTY,
        hotwords=NASTY,
    )

    recording = taken["recording"]
    found = client.get("/v1/recordings", params={"label": NASTY, "name": "DROP TABLE"}).json()

    assert found["items"] == [recording]
    assert recording["name"] == NASTY
    assert recording["labels"] == recording["channel_labels"] == [NASTY]
    assert recording["metadata"] == {NASTY: NASTY}
    assert taken["job"]["payload"]["prompt"] == NASTY
    assert client.get("/v1/recordings", params={"name": "%"}).json()["items"] == []


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_what_no_database_can_keep_is_refused(opened: Site, name: str) -> None:
    recording = uploaded(opened.client())["recording"]["id"]
    body = b'{"name": "%s"}' % name.encode("unicode_escape").replace(b"\\x", b"\\u00")

    answer = opened.client().patch(
        f"/v1/recordings/{recording}", content=body, headers={"content-type": "application/json"}
    )

    assert answer.status_code == 400


def test_the_list_is_given_in_pages_newest_first(opened: Site) -> None:
    client = opened.client()
    names = [uploaded(client, wav(pitch=each), name=str(each))["recording"] for each in (1, 2, 3)]

    first = client.get("/v1/recordings", params={"limit": 2}).json()
    rest = client.get("/v1/recordings", params={"limit": 2, "cursor": first["next_cursor"]}).json()

    assert first["items"] + rest["items"] == names[::-1]
    assert rest["next_cursor"] is None


def test_the_list_is_given_in_the_order_that_is_asked_for(opened: Site) -> None:
    client = opened.client()
    for pitch, name in ((1, "b"), (2, "c"), (3, "A")):
        uploaded(client, wav(pitch=pitch), name=name, started=f"2026-03-0{4 - pitch}T09:00:00Z")

    def names(**query: Any) -> list[str]:
        found = client.get("/v1/recordings", params=query)
        return [each["name"] for each in found.json()["items"]]

    assert names() == names(order="newest") == ["A", "c", "b"]
    assert names(order="oldest") == ["b", "c", "A"]
    assert names(order="name") == ["A", "b", "c"]
    assert names(order="started") == ["b", "c", "A"]
    assert names(order="duration") == ["A", "c", "b"], "nobody knows it: the newest first"
    first = client.get("/v1/recordings", params={"order": "name", "limit": 1}).json()
    assert names(order="name", cursor=first["next_cursor"]) == ["b", "c"]
    other = {"order": "oldest", "cursor": first["next_cursor"]}
    assert client.get("/v1/recordings", params=other).status_code == 400


def test_a_recording_leads_to_its_newest_transcript_and_its_last_job(opened: Site) -> None:
    client = opened.client()
    taken = uploaded(client)
    path = f"/v1/recordings/{taken['recording']['id']}"

    before = client.get(path).json()
    saved = opened.store.save_transcript(before["id"], RADIO)
    after = client.get(path).json()

    assert before["transcript"] is None
    assert before["job"] == {"id": taken["job"]["id"], "state": "queued"}
    assert taken["recording"] == before
    assert after["transcript"] == {"id": saved.id, "revision": 1}
    assert client.get("/v1/recordings").json()["items"] == [after]


def test_the_list_is_narrowed(opened: Site) -> None:
    client = opened.client()
    uploaded(client, wav(pitch=1), name="day", labels=["radio"], started="2026-03-01T09:00:00Z")
    uploaded(client, wav(pitch=2), name="night", started="2026-03-02T09:00:00Z")

    def names(**which: str) -> list[str]:
        return [each["name"] for each in client.get("/v1/recordings", params=which).json()["items"]]

    assert names(label="radio") == ["day"]
    assert names(name="NIGHT") == ["night"]
    assert names(since="2026-03-02T00:00:00Z") == ["night"]
    assert names(until="2026-03-02T00:00:00Z") == ["day"]
    assert names(state="queued") == ["night", "day"]
    assert names(state="done") == []
    assert names(owner="nobody") == []


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "nonsense"},
        {"cursor": "cmVjb3JkaW5nczoxMjM"},
        {"cursor": "한글"},
        {"cursor": "x" * 600},
        {"limit": "0"},
        {"limit": "1001"},
        {"limit": "many"},
        {"state": "tired"},
        {"order": "random"},
        {"since": "yesterday"},
        {"since": "0001-01-01T00:00:00+23:00"},
        {"lable": "typo"},
    ],
)
def test_a_question_that_makes_no_sense_is_refused(opened: Site, query: dict[str, str]) -> None:
    answer = opened.client().get("/v1/recordings", params=query)

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_what_people_call_a_recording_can_be_changed(opened: Site) -> None:
    client = opened.client()
    before = uploaded(client, name="old", labels=["a"], metadata='{"k": "v"}')["recording"]

    patch = {"name": "새 이름", "labels": ["b"], "started": "2026-03-01T09:30:00+09:00"}
    answer = client.patch(f"/v1/recordings/{before['id']}", json=patch)

    changed = {**before, "name": "새 이름", "labels": ["b"], "started": "2026-03-01T00:30:00Z"}
    assert answer.json() == changed
    assert client.get(f"/v1/recordings/{before['id']}").json() == changed
    assert opened.actions()[-1] == "recording.update"


@pytest.mark.parametrize("patch", [{"id": "x"}, {"name": ""}, {"name": None}, {"labels": "a"}, []])
def test_a_change_that_makes_no_sense_is_refused(opened: Site, patch: Any) -> None:
    recording = uploaded(opened.client())["recording"]["id"]

    assert opened.client().patch(f"/v1/recordings/{recording}", json=patch).status_code == 400


def test_a_deleted_recording_is_not_found_and_its_job_is_called_off(opened: Site) -> None:
    client = opened.client()
    taken = uploaded(client)
    path = f"/v1/recordings/{taken['recording']['id']}"

    assert client.delete(path).status_code == 204

    assert client.get(path).status_code == 404
    assert client.delete(path).status_code == 404
    assert client.get(f"{path}/media/0").status_code == 404
    assert opened.ledger.get(taken["job"]["id"]).state is JobState.CANCELLED


def test_all_jobs_of_a_deleted_recording_are_called_off(opened: Site) -> None:
    recording = uploaded(opened.client(), transcribe="false")["recording"]["id"]
    for _ in range(101):
        opened.ledger.add("transcribe", {}, lane=Lane.BATCH, queue="batch", recording_id=recording)

    opened.client().delete(f"/v1/recordings/{recording}")

    assert not opened.ledger.list(state=JobState.QUEUED)


def test_a_purged_recording_is_gone_also_where_it_was_deleted_before(opened: Site) -> None:
    client = opened.client()
    path = f"/v1/recordings/{uploaded(client)['recording']['id']}"
    client.delete(path)

    assert client.delete(path, params={"purge": "true"}).status_code == 204
    assert client.delete(path, params={"purge": "true"}).status_code == 404
    assert opened.actions()[-2:] == ["recording.delete", "recording.purge"]


def test_a_recording_is_transcribed_again_as_often_as_it_is_asked_for(opened: Site) -> None:
    client = opened.client()
    taken = uploaded(client)
    path = f"/v1/recordings/{taken['recording']['id']}/transcribe"

    again = client.post(path, json={"model": "large", "lane": "interactive"})
    once = [client.post(path, json={}, headers={"idempotency-key": "1"}) for _ in range(2)]

    assert again.status_code == 202
    assert again.json()["id"] != taken["job"]["id"]
    assert again.json()["payload"]["model"] == "large"
    assert opened.ledger.get(again.json()["id"]).lane is Lane.INTERACTIVE
    assert once[0].json()["id"] == once[1].json()["id"]
    assert client.post(path, json={"modle": "large"}).status_code == 400
    assert client.post(path, json={"glossary": "none"}).json()["param"] == "glossary"


@pytest.mark.parametrize("name", [NO_ID, "1", "..%2f..%2fetc%2fpasswd", "' OR 1=1 --"])
def test_what_is_not_here_is_not_found(opened: Site, name: str) -> None:
    client = opened.client()
    uploaded(client)
    path = f"/v1/recordings/{name}"

    answers = [
        client.get(path),
        client.patch(path, json={"name": "x"}),
        client.delete(path),
        client.delete(path, params={"purge": "true"}),
        client.post(f"{path}/transcribe", json={}),
        client.get(f"{path}/transcripts"),
        client.get(f"{path}/media/0"),
    ]

    assert {each.status_code for each in answers} == {404}
    assert {each.headers["content-type"] for each in answers} == {"application/problem+json"}


def test_a_recording_of_this_machine_is_taken_by_its_name(tmp_path: Path) -> None:
    radio = tmp_path / "radio"
    (radio / "march").mkdir(parents=True)
    (radio / "march" / "관제.wav").write_bytes(wav())
    with site(tmp_path, reference_folders=(radio,)) as opened:
        answer = opened.client().post(
            "/v1/recordings", json={"path": f"{radio}/march/관제.wav", "labels": ["radio"]}
        )

        assert answer.status_code == 201
        assert answer.json()["recording"]["source"] == "reference"
        assert answer.json()["recording"]["media"][0]["name"] == "관제.wav"
        assert answer.json()["recording"]["labels"] == ["radio"]
        assert (radio / "march" / "관제.wav").read_bytes() == wav()
        assert len(opened.files()) == 1


def test_nothing_outside_the_named_folders_is_read(tmp_path: Path) -> None:
    radio, secret = tmp_path / "radio", tmp_path / "secret"
    for folder in (radio, secret, tmp_path / "radio-two"):
        folder.mkdir()
        (folder / "a.wav").write_bytes(wav())
    (radio / "link.wav").symlink_to(secret / "a.wav")
    (radio / "folder").symlink_to(secret)
    (radio / "empty.wav").touch()
    (radio / "inner").mkdir()
    os.mkfifo(radio / "pipe.wav")
    paths = [
        f"{radio}/inner",
        f"{radio}/pipe.wav",
        f"{secret}/a.wav",
        f"{radio}/../secret/a.wav",
        f"{radio}/link.wav",
        f"{radio}/folder/a.wav",
        f"{tmp_path}/radio-two/a.wav",
        f"{radio}/missing.wav",
        f"{radio}",
        f"{radio}/folder",
        f"{radio}/empty.wav",
        "a.wav",
        "/etc/passwd",
        "/proc/self/environ",
        f"{radio}/a.wav\0",
        f"{radio}/a.wav/x",
    ]
    with site(tmp_path, reference_folders=(radio,)) as opened:
        for path in paths:
            answer = opened.client().post("/v1/recordings", json={"path": path})

            assert (answer.status_code, answer.json().get("param")) == (400, "path"), path
        assert opened.files() == []


def test_a_file_of_this_machine_that_is_too_large_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "large.wav").write_bytes(bytes(3_000_000))
    limits = Limits(upload_bytes=2_000_000)
    with site(tmp_path, limits, reference_folders=(tmp_path,)) as opened:
        path = str(tmp_path / "large.wav")

        assert opened.client().post("/v1/recordings", json={"path": path}).status_code == 413
        assert opened.files() == []


def test_where_no_folder_is_named_no_file_is_read(opened: Site) -> None:
    answer = opened.client().post("/v1/recordings", json={"path": "/etc/hostname"})

    assert answer.json()["param"] == "path"


@pytest.mark.parametrize("body", [b"{", b"[]", b"1", b'{"paths": []}', b"[" * 100_000])
def test_a_reference_that_is_none_is_refused(opened: Site, body: bytes) -> None:
    headers = {"content-type": "application/json"}

    answer = opened.client().post("/v1/recordings", content=body, headers=headers)

    assert answer.status_code == 400

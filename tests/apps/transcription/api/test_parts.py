"""Several uploads that become one recording, a file a channel."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from apps.transcription.api.site import LIMITS, NO_ID, Site, process, site, wav
from apps.transcription.api.test_uploads import TUS, begun, offset_of, send
from deadline import until
from starlette.testclient import TestClient

from malgwi.apps.transcription.api import sweep
from malgwi.store import Role
from malgwi.store.schema import media, upload

SOUNDS = [wav(0.2, 300.0), wav(0.3, 500.0), wav(0.1, 700.0)]


@pytest.fixture
def client(opened: Site) -> TestClient:
    return opened.client()


def part(client: TestClient | httpx.Client, sound: bytes, name: str = "ch.wav") -> str:
    """The id of an upload that is whole."""
    path = begun(client, len(sound), part="true", filename=name)
    assert send(client, path, 0, sound).status_code == 204
    return path.rpartition("/")[2]


def parts(client: TestClient) -> list[str]:
    return [part(client, sound, f"ch{place}.wav") for place, sound in enumerate(SOUNDS)]


def joined(client: TestClient | httpx.Client, uploads: list[str], **more: Any) -> dict[str, Any]:
    answer = client.post("/v1/recordings", json={"uploads": uploads, **more})
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


def kept(client: TestClient | httpx.Client) -> int:
    return len(client.get("/v1/recordings").json()["items"])


def test_parts_become_one_recording_in_the_order_that_is_asked_for(
    opened: Site, client: TestClient
) -> None:
    uploads = parts(client)
    assert kept(client) == 0

    made = joined(
        client, uploads[::-1], name="야간", offsets=[0, 1.5, 2], channel_labels=["Tower", "Gate"]
    )

    recording = made["recording"]
    assert made["duplicate"] is False
    assert (recording["name"], recording["channel_labels"]) == ("야간", ["Tower", "Gate"])
    assert [each["name"] for each in recording["media"]] == ["ch2.wav", "ch1.wav", "ch0.wav"]
    assert [each["offset"] for each in recording["media"]] == [0, 1.5, 2]
    sums = [hashlib.sha256(each).hexdigest() for each in SOUNDS[::-1]]
    assert [each["sha256"] for each in recording["media"]] == sums
    assert [each.id for each in opened.sent] == [made["job"]["id"]]
    assert {client.get(f"/v1/uploads/{each}").json()["recording"] for each in uploads} == {
        recording["id"]
    }
    assert opened.actions() == ["recording.create"]
    assert len(opened.files()) == 3


def test_a_part_is_no_recording_of_its_own_whoever_looks_or_sweeps(
    opened: Site, client: TestClient
) -> None:
    upload_id = part(client, SOUNDS[0])

    assert offset_of(client, f"/v1/uploads/{upload_id}") == len(SOUNDS[0])
    assert client.get(f"/v1/uploads/{upload_id}").json()["recording"] is None
    assert sweep(opened.doors) == 0
    assert kept(client) == 0
    assert opened.sent == []


def test_the_same_again_is_the_recording_that_is_here(opened: Site, client: TestClient) -> None:
    uploads = parts(client)
    first = joined(client, uploads)

    again = joined(client, uploads)
    sent_again = joined(client, parts(client))

    for each in (again, sent_again):
        assert each["duplicate"] is True
        assert each["recording"] == first["recording"]
        assert each["job"]["id"] == first["job"]["id"]
    assert kept(client) == 1
    assert opened.actions() == ["recording.create"]
    assert len(opened.files()) == 3


def test_two_who_ask_at_once_make_one(opened: Site, client: TestClient) -> None:
    uploads = parts(client)

    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: joined(opened.client(), uploads), range(4)))

    assert len({each["recording"]["id"] for each in made}) == 1
    assert sorted(each["duplicate"] for each in made) == [False, True, True, True]
    assert opened.actions() == ["recording.create"]
    assert len(opened.files()) == 3


def test_a_kill_in_between_costs_nothing(opened: Site, client: TestClient) -> None:
    uploads = parts(client)
    files = [("file", (f"ch{place}.wav", sound)) for place, sound in enumerate(SOUNDS)]
    before = client.post("/v1/recordings", files=files).json()["recording"]["id"]
    first = opened.doors.uploads.finish(
        uploads[0], hashlib.sha256(SOUNDS[0]).hexdigest(), before
    )  # the recording is kept, and of the three uploads one knows it

    made = joined(client, uploads)

    assert made["recording"]["id"] == before == first.recording_id
    assert kept(client) == 1
    assert len(opened.files()) == 3


@pytest.mark.slow
@pytest.mark.timeout(60)
def test_a_real_kill_while_they_are_joined_loses_and_doubles_nothing(tmp_path: Path) -> None:
    sounds = [os.urandom(2**20) * 24 for _ in range(3)]
    media_folder = tmp_path / "data" / "media"
    with process(tmp_path) as (running, address), httpx.Client(base_url=address) as client:
        uploads = [part(client, sound) for sound in sounds]
        with ThreadPoolExecutor(1) as threads:
            asked = threads.submit(client.post, "/v1/recordings", json={"uploads": uploads})
            until(lambda: any(each.is_file() for each in media_folder.glob("??/??/*")))
            running.kill()
            with suppress(httpx.HTTPError):
                asked.result()
    with process(tmp_path) as (_, address), httpx.Client(base_url=address) as client:
        made = joined(client, uploads)

        sums = [hashlib.sha256(each).hexdigest() for each in sounds]
        assert [each["sha256"] for each in made["recording"]["media"]] == sums
        assert kept(client) == 1
        assert len(client.get("/v1/jobs").json()["items"]) == 1
        assert not any((tmp_path / "data" / "uploads").glob("*[0-9a-f]"))
        for place, sound in enumerate(sounds):
            path = f"/v1/recordings/{made['recording']['id']}/media/{place}"
            assert client.get(path).content == sound


def test_parts_outlive_a_restart(tmp_path: Path) -> None:
    with site(tmp_path, LIMITS) as before:
        uploads = parts(before.client())
    with site(tmp_path, LIMITS) as after:
        sweep(after.doors)

        made = joined(after.client(), uploads)

        assert len(made["recording"]["media"]) == 3


def test_a_part_can_be_used_in_two_recordings(opened: Site, client: TestClient) -> None:
    one, two, three = parts(client)

    first, second = joined(client, [one, two]), joined(client, [three, one])

    assert first["recording"]["id"] != second["recording"]["id"]
    assert first["recording"]["media"][0]["sha256"] == second["recording"]["media"][1]["sha256"]
    assert len(opened.files()) == 3


def test_a_part_whose_recording_is_removed_has_to_be_sent_again(
    opened: Site, client: TestClient
) -> None:
    uploads = parts(client)
    recording = joined(client, uploads)["recording"]["id"]
    long_ago = datetime.now(UTC) - timedelta(days=1)
    opened.store.database.write(lambda it: it.execute(media.update().values(stored=long_ago)))
    client.delete(f"/v1/recordings/{recording}?purge=true")

    answer = client.post("/v1/recordings", json={"uploads": uploads})

    assert answer.status_code == 409
    assert "Send the file again" in answer.json()["detail"]


def test_an_idempotency_key_decides(client: TestClient) -> None:
    one, two, three = parts(client)
    headers = {"idempotency-key": "tonight"}

    def ask(*uploads: str) -> Any:
        return client.post("/v1/recordings", json={"uploads": uploads}, headers=headers)

    first, again, other = ask(one, two), ask(one, two), ask(one, three)

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert first.json()["recording"] == again.json()["recording"]


def test_a_part_that_is_not_whole_is_said_with_what_is_missing(client: TestClient) -> None:
    path = begun(client, len(SOUNDS[0]), part="true")
    send(client, path, 0, SOUNDS[0][:1000])

    answer = client.post(
        "/v1/recordings", json={"uploads": [part(client, SOUNDS[1]), path.rpartition("/")[2]]}
    )

    assert answer.status_code == 409
    assert f"1,000 of {len(SOUNDS[0]):,} bytes" in answer.json()["detail"]
    assert kept(client) == 0


def test_a_part_is_that_of_who_sent_it(locked: Site) -> None:
    mine, other = locked.client(Role.EDITOR), locked.client(Role.EDITOR)
    uploads = parts(mine)

    refused = other.post("/v1/recordings", json={"uploads": uploads})

    assert refused.status_code == 404
    assert refused.json()["detail"] == f"There is no upload {uploads[0]}."
    assert joined(mine, uploads)["duplicate"] is False
    assert locked.client(Role.VIEWER).post("/v1/recordings", json={}).status_code == 403


@pytest.mark.parametrize(
    ("uploads", "more", "status"),
    [
        ([], {}, 400),
        ([NO_ID], {}, 404),
        (["../../malgwi.db"], {}, 404),
        (["x" * 101], {}, 400),
        ([NO_ID] * 2, {}, 400),
        ([f"{each:032x}" for each in range(65)], {}, 400),
        ("x", {}, 400),
        ([NO_ID], {"path": "/etc/passwd"}, 400),
        ([NO_ID], {"offsets": [1, 2]}, 400),
        ([NO_ID], {"glossary": "none"}, 400),
        ([NO_ID], {"surprise": 1}, 400),
    ],
)
def test_what_names_no_parts_is_refused(
    client: TestClient, uploads: Any, more: dict[str, Any], status: int
) -> None:
    answer = client.post("/v1/recordings", json={"uploads": uploads, **more})

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_upload_that_was_not_sent_as_a_part_is_a_recording_already(client: TestClient) -> None:
    path = begun(client, len(SOUNDS[0]))
    send(client, path, 0, SOUNDS[0])

    answer = client.post("/v1/recordings", json={"uploads": [path.rpartition("/")[2]]})

    assert answer.status_code == 400
    assert "part" in answer.json()["detail"]


def test_part_is_true_or_false(client: TestClient) -> None:
    said = "part eWVz"  # yes

    answer = client.post(
        "/v1/uploads", headers={**TUS, "upload-length": "10", "upload-metadata": said}
    )

    assert answer.status_code == 400


def test_a_part_that_nobody_uses_is_swept(opened: Site, client: TestClient) -> None:
    upload_id = part(client, SOUNDS[0])
    past = datetime.now(UTC) - timedelta(seconds=1)
    opened.store.database.write(lambda it: it.execute(upload.update().values(expires=past)))

    assert sweep(opened.doors) == 1

    assert client.post("/v1/recordings", json={"uploads": [upload_id]}).status_code == 404
    assert opened.files() == []


def test_to_a_part_that_is_used_nothing_is_added(opened: Site, client: TestClient) -> None:
    upload_id = part(client, SOUNDS[0])
    joined(client, [upload_id])

    answer = send(client, f"/v1/uploads/{upload_id}", len(SOUNDS[0]), b"")

    assert answer.status_code == 409
    assert len(opened.files()) == 1

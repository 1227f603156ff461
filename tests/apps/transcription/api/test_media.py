from urllib.parse import unquote

import pytest
from apps.transcription.api.site import Site, uploaded, wav
from starlette.testclient import TestClient


@pytest.fixture
def client(opened: Site) -> TestClient:
    return opened.client()


def path_of(client: TestClient) -> str:
    return f"/v1/recordings/{uploaded(client)['recording']['id']}/media/0"


def test_the_sound_comes_back_as_it_was(client: TestClient) -> None:
    answer = client.get(path_of(client))

    assert answer.status_code == 200
    assert answer.content == wav()
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["accept-ranges"] == "bytes"
    assert 'filename="radio.wav"' in answer.headers["content-disposition"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("asked", "first", "behind"),
    [("bytes=0-3", 0, 4), ("bytes=100-", 100, None), ("bytes=-10", -10, None)],
)
def test_a_part_of_the_sound_is_sent_alone(
    client: TestClient, asked: str, first: int, behind: int | None
) -> None:
    answer = client.get(path_of(client), headers={"range": asked})

    assert answer.status_code == 206
    assert answer.content == wav()[first:behind]
    assert answer.headers["content-range"].endswith(f"/{len(wav())}")


def test_a_part_that_there_is_not_cannot_be_had(client: TestClient) -> None:
    answer = client.get(path_of(client), headers={"range": "bytes=9999999-"})

    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(wav())}"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:malgwi:problem:no_such_range"


@pytest.mark.parametrize("asked", ["seconds=0-3", "bytes", "bytes=", "bytes=x-y", "bytes=5-3"])
def test_what_asks_for_no_part_gets_all_of_it(client: TestClient, asked: str) -> None:
    answer = client.get(path_of(client), headers={"range": asked})

    assert answer.status_code == 200
    assert answer.content == wav()


def test_a_part_of_what_has_changed_meanwhile_is_not_sent_alone(client: TestClient) -> None:
    path = path_of(client)
    part = {"range": "bytes=0-3"}

    same = client.get(path, headers={**part, "if-range": client.head(path).headers["etag"]})
    other = client.get(path, headers={**part, "if-range": '"another"'})

    assert (same.status_code, len(same.content)) == (206, 4)
    assert (other.status_code, len(other.content)) == (200, len(wav()))


def test_a_look_tells_the_size_and_sends_nothing(client: TestClient) -> None:
    answer = client.head(path_of(client))

    assert answer.headers["content-length"] == str(len(wav()))
    assert answer.content == b""


def test_a_file_that_says_it_is_a_page_is_not_served_as_one(client: TestClient) -> None:
    page = b"<script>alert(1)</script>"
    files = {"file": ("x.html", page, "text/html")}
    recording = client.post("/v1/recordings", files=files).json()["recording"]["id"]

    answer = client.get(f"/v1/recordings/{recording}/media/0")

    assert answer.headers["content-type"] == "application/octet-stream"


def test_a_korean_name_can_be_read_and_a_trick_in_it_cannot(client: TestClient) -> None:
    files = {"file": ('관제"\r\nx: y/무전.wav', wav(), "audio/wav")}
    recording = client.post("/v1/recordings", files=files).json()["recording"]["id"]

    answer = client.get(f"/v1/recordings/{recording}/media/0")

    assert "x" not in answer.headers
    assert "%EB%AC%B4%EC%A0%84.wav" in answer.headers["content-disposition"]


def test_a_long_korean_name_can_be_saved_on_a_disk(client: TestClient) -> None:
    files = {"file": ("관" * 150 + ".wav", wav(), "audio/wav")}
    recording = client.post("/v1/recordings", files=files).json()["recording"]["id"]

    said = client.get(f"/v1/recordings/{recording}/media/0").headers["content-disposition"]

    name = unquote(said.rpartition("''")[2])
    assert name.endswith("관.wav")
    assert len(name.encode()) <= 255


@pytest.mark.parametrize("position", ["1", "32767"])
def test_a_file_that_the_recording_has_not_is_not_found(client: TestClient, position: str) -> None:
    path = path_of(client).removesuffix("0") + position

    assert client.get(path).status_code == 404


@pytest.mark.parametrize("position", ["-1", "x", "99999999999999999999"])
def test_a_position_that_is_none_is_refused(client: TestClient, position: str) -> None:
    path = path_of(client).removesuffix("0") + position

    assert client.get(path).status_code == 400

from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from apps.transcription.api.site import LIMITS, Site, site, uploaded, wav
from starlette.testclient import TestClient

from malgwi.gateway import Keys
from malgwi.store import Role


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


# -- by their sum


KEY = "a-key-for-media-that-nobody-guesses"
BEARER = {"authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def keeping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service that workers on other nodes may ask for media."""
    folder = tmp_path_factory.mktemp("keeping")
    with site(folder, LIMITS, needed=True, media=Keys.of([KEY])) as made:
        yield made


@pytest.fixture(scope="module")
def by_sum(keeping: Site) -> str:
    return f"/v1/media/{keeping.store.keep_media([wav()], 'audio/wav').sha256}"


def test_a_worker_with_the_key_for_media_fetches_them_by_their_sum(
    keeping: Site, by_sum: str
) -> None:
    client = keeping.client()

    whole = client.get(by_sum, headers=BEARER)
    part = client.get(by_sum, headers={**BEARER, "range": "bytes=100-"})

    assert (whole.status_code, whole.content) == (200, wav())
    assert whole.headers["content-type"] == "application/octet-stream"
    assert (part.status_code, part.content) == (206, wav()[100:])
    assert part.headers["content-range"] == f"bytes 100-{len(wav()) - 1}/{len(wav())}"


def test_the_key_for_media_opens_nothing_else(keeping: Site, by_sum: str) -> None:
    client = keeping.client()
    paths = [
        "/v1/recordings",
        "/v1/media",
        "/v1/media/",
        f"{by_sum}/",
        f"{by_sum}/../../keys",
        f"{by_sum}x",
        by_sum.upper().replace("/V1/MEDIA", "/v1/media"),
        "/v1/keys",
        "/v1/system",
        "/v1/session/password",
        "/metrics",
        "/openapi.json",
        "//v1/media/" + by_sum.rpartition("/")[2],
    ]

    answers = {path: client.get(path, headers=BEARER).status_code for path in paths}

    assert answers == dict.fromkeys(paths, 401)
    assert not client.post(by_sum, headers=BEARER).is_success
    assert not client.delete(by_sum, headers=BEARER).is_success
    known, nobody = client.get("/v1/session", headers=BEARER), client.get("/v1/session")
    assert known.json() | {"instance": ""} == nobody.json() | {"instance": ""}


@pytest.mark.parametrize("key", ["", KEY[:-1], KEY + "x", "another-key-altogether"])
def test_without_the_right_key_no_media_are_fetched(keeping: Site, by_sum: str, key: str) -> None:
    headers = {"authorization": f"Bearer {key}"} if key else {}

    assert keeping.client().get(by_sum, headers=headers).status_code == 401


def test_who_may_hear_recordings_may_fetch_them_by_their_sum(keeping: Site, by_sum: str) -> None:
    assert keeping.client(Role.VIEWER).get(by_sum).content == wav()


def test_where_no_key_is_set_none_opens(locked: Site) -> None:
    kept = locked.store.keep_media([wav()]).sha256

    for headers in (BEARER, {"authorization": "Bearer "}, {}):
        assert locked.client().get(f"/v1/media/{kept}", headers=headers).status_code == 401


def test_a_sum_that_nobody_knows_is_not_found(keeping: Site, by_sum: str) -> None:
    client = keeping.client(Role.VIEWER)

    unknown = client.get(f"/v1/media/{'0' * 64}", headers=BEARER)

    assert unknown.status_code == 404
    assert unknown.json()["type"] == "urn:malgwi:problem:not_found"
    assert client.get("/v1/media/..%2f..%2finstance-id").status_code in {400, 404}

"""Uploads in pieces, as the tus protocol has them: https://tus.io/protocols/resumable-upload."""

import hashlib
import os
import socket
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from apps.transcription.api.site import LIMITS, NO_ID, Site, process, site, wav
from gateway.serving import serving, status_in, until
from starlette.testclient import TestClient

from malgwi.apps.transcription.api import sweep
from malgwi.apps.transcription.api.whole import complete
from malgwi.gateway import Limits
from malgwi.store import Role
from malgwi.store.schema import upload

TUS = {"tus-resumable": "1.0.0"}
PIECE = {**TUS, "content-type": "application/offset+octet-stream"}
SOUND = wav(0.5)
LONG = wav(125)  # 2 MB


def coded(**fields: str) -> str:
    """Upload-Metadata."""
    return ",".join(
        f"{name} {b64encode(value.encode()).decode()}" for name, value in fields.items()
    )


def begun(client: TestClient | httpx.Client, size: int = len(SOUND), **fields: str) -> str:
    """The path of a new upload."""
    said = coded(**{"filename": "radio.wav", "filetype": "audio/wav", **fields})
    headers = {**TUS, "upload-length": str(size), "upload-metadata": said}
    answer = client.post("/v1/uploads", headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


def send(
    client: TestClient | httpx.Client, path: str, offset: int, data: bytes, **headers: str
) -> Any:
    return client.patch(
        path, content=data, headers={**PIECE, "upload-offset": str(offset), **headers}
    )


def offset_of(client: TestClient | httpx.Client, path: str) -> int:
    answer = client.head(path, headers=TUS)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    return int(answer.headers["upload-offset"])


@pytest.fixture
def client(opened: Site) -> TestClient:
    return opened.client()


def test_the_service_says_what_it_speaks(client: TestClient) -> None:
    answer = client.options("/v1/uploads")

    assert answer.status_code == 204
    assert answer.headers["tus-version"] == answer.headers["tus-resumable"] == "1.0.0"
    assert answer.headers["tus-extension"] == "creation,termination,expiration,checksum"
    assert answer.headers["tus-max-size"] == "4000000"
    assert answer.headers["tus-checksum-algorithm"] == "sha1,sha256"


def test_pieces_become_a_recording_with_a_job(opened: Site, client: TestClient) -> None:
    path = begun(client, name="야간 무전", labels='["night", "radio"]', metadata='{"a": "b"}')

    first = send(client, path, 0, SOUND[:1000])
    assert offset_of(client, path) == 1000
    last = send(client, path, 1000, SOUND[1000:])

    assert (first.status_code, first.headers["upload-offset"]) == (204, "1000")
    assert (last.status_code, last.headers["upload-offset"]) == (204, str(len(SOUND)))
    recording = client.get(f"/v1/recordings/{last.headers['x-malgwi-recording']}").json()
    assert recording["name"] == "야간 무전"
    assert recording["labels"] == ["night", "radio"]
    assert recording["metadata"] == {"a": "b"}
    assert recording["media"][0]["name"] == "radio.wav"
    assert client.get(f"/v1/recordings/{recording['id']}/media/0").content == SOUND
    assert [each.payload["recording"] for each in opened.sent] == [recording["id"]]
    assert client.get(path).json()["recording"] == recording["id"]
    assert len(opened.files()) == 1
    assert opened.actions() == ["recording.create"]


def test_an_upload_says_until_when_it_waits(client: TestClient) -> None:
    answer = client.post("/v1/uploads", headers={**TUS, "upload-length": "10"})

    expires = parsedate_to_datetime(answer.headers["upload-expires"])
    assert timedelta(hours=23) < expires - datetime.now(UTC) <= timedelta(days=1)


def test_a_look_gives_back_what_was_said(client: TestClient) -> None:
    answer = client.head(begun(client, name="무전"), headers=TUS)

    assert answer.headers["upload-length"] == str(len(SOUND))
    assert answer.headers["upload-metadata"] == coded(
        filename="radio.wav", filetype="audio/wav", name="무전"
    )


def test_a_piece_for_another_place_is_a_conflict(client: TestClient) -> None:
    path = begun(client)
    send(client, path, 0, SOUND[:10])

    for wrong in (0, 9, 11, 10**17):
        assert send(client, path, wrong, b"x").status_code == 409
    assert offset_of(client, path) == 10


@pytest.mark.parametrize("offset", ["", "-1", "1e3", "\uff19", "x", "1" * 30])
def test_a_place_that_is_no_number_is_refused(client: TestClient, offset: str) -> None:
    path = begun(client)

    headers = [(name.encode(), value.encode()) for name, value in PIECE.items()]
    answer = client.patch(
        path, content=b"x", headers=[*headers, (b"upload-offset", offset.encode())]
    )

    assert answer.status_code == 400


def test_more_than_was_announced_is_refused(client: TestClient) -> None:
    path = begun(client, 10)

    declared = send(client, path, 0, b"x" * 11)
    streamed = client.patch(
        path, content=(b"x" * 6 for _ in range(2)), headers={**PIECE, "upload-offset": "0"}
    )

    assert (declared.status_code, streamed.status_code) == (413, 413)
    assert client.get(path).json()["recording"] is None


@pytest.mark.parametrize("length", ["0", "-1", "4000001", "x", "", "9" * 40])
def test_a_size_that_cannot_be_is_refused_before_a_byte(client: TestClient, length: str) -> None:
    answer = client.post("/v1/uploads", headers={**TUS, "upload-length": length})

    assert answer.status_code == (413 if length == "4000001" else 400)
    assert answer.headers["tus-resumable"] == "1.0.0"
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("headers", [{}, {"tus-resumable": "0.2.2"}])
def test_another_protocol_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    path = begun(client)
    answers = [
        client.post("/v1/uploads", headers={"upload-length": "10", **headers}),
        client.head(path, headers=headers),
        client.delete(path, headers=headers),
        client.patch(path, content=b"x", headers=headers),
    ]

    assert {each.status_code for each in answers} == {412}
    assert answers[0].headers["tus-version"] == "1.0.0"


def test_a_piece_of_another_type_is_refused(client: TestClient) -> None:
    path = begun(client)

    answer = send(client, path, 0, b"x", **{"content-type": "application/octet-stream"})

    assert answer.status_code == 415


@pytest.mark.parametrize(
    "said", ["filename !!!", "filename /w==", "a YQ==,a YQ==", "started MjAyNg==", "labels Ww=="]
)
def test_metadata_that_cannot_be_used_are_refused_before_a_byte(
    client: TestClient, said: str
) -> None:
    headers = {**TUS, "upload-length": "10", "upload-metadata": said}

    assert client.post("/v1/uploads", headers=headers).status_code == 400


def test_what_other_clients_say_of_a_file_does_no_harm(client: TestClient) -> None:
    path = begun(client, relativePath="null", type="audio/wav")

    assert offset_of(client, path) == 0


def test_a_path_in_the_name_of_a_file_leads_nowhere(opened: Site, client: TestClient) -> None:
    path = begun(client, filename="../../../etc/passwd")
    send(client, path, 0, SOUND)

    assert client.get(path).json()["name"] == "passwd"
    recording = client.get(path).json()["recording"]
    media = client.get(f"/v1/recordings/{recording}").json()["media"]
    assert media[0]["name"] == "passwd"
    assert [each.parent.parent.parent.name for each in opened.files()] == ["media"]


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_piece_is_kept_if_it_is_what_its_checksum_says(
    client: TestClient, algorithm: str
) -> None:
    path, piece = begun(client), SOUND[:100]
    right = b64encode(hashlib.new(algorithm, piece).digest()).decode()

    wrong = send(client, path, 0, b"x" * 100, **{"upload-checksum": f"{algorithm} {right}"})
    assert (wrong.status_code, offset_of(client, path)) == (460, 0)
    assert wrong.json()["type"] == "urn:malgwi:problem:checksum_mismatch"
    good = send(client, path, 0, piece, **{"upload-checksum": f"{algorithm} {right}"})

    assert (good.status_code, offset_of(client, path)) == (204, 100)


@pytest.mark.parametrize("checksum", ["md5 x", "sha1", "sha1 !", "crc32 AAAA"])
def test_a_checksum_that_is_none_is_refused(client: TestClient, checksum: str) -> None:
    path = begun(client)

    answer = send(client, path, 0, SOUND[:10], **{"upload-checksum": checksum})

    assert answer.status_code in (400, 460)
    assert offset_of(client, path) == 0


def test_an_upload_that_is_not_wanted_any_more_is_gone(opened: Site, client: TestClient) -> None:
    path = begun(client)
    send(client, path, 0, SOUND[:10])

    assert client.delete(path, headers=TUS).status_code == 204

    assert client.head(path, headers=TUS).status_code == 404
    assert client.delete(path, headers=TUS).status_code == 404
    assert send(client, path, 10, SOUND[10:]).status_code == 404
    assert opened.files() == []


def test_who_knows_no_patch_says_what_is_meant(client: TestClient) -> None:
    path = begun(client)
    headers = {**PIECE, "upload-offset": "0", "x-http-method-override": "PATCH"}

    sent = client.post(path, content=SOUND[:10], headers=headers)
    dropped = client.post(path, headers={**TUS, "x-http-method-override": "DELETE"})

    assert (sent.status_code, sent.headers["upload-offset"]) == (204, "10")
    assert dropped.status_code == 204
    assert client.post(path, headers=TUS).status_code == 405


def test_the_same_content_again_is_the_recording_that_is_here(
    opened: Site, client: TestClient
) -> None:
    files = {"file": ("radio.wav", SOUND, "audio/wav")}
    first = client.post("/v1/recordings", files=files).json()
    path = begun(client)

    send(client, path, 0, SOUND)

    assert client.get(path).json()["recording"] == first["recording"]["id"]
    assert len(opened.files()) == 1


def test_an_upload_is_that_of_who_began_it(locked: Site) -> None:
    mine, other, admin = (
        locked.client(Role.EDITOR), locked.client(Role.EDITOR), locked.client(Role.ADMIN),
    )  # fmt: skip
    path = begun(mine)

    answers = [
        other.head(path, headers=TUS),
        other.get(path),
        send(other, path, 0, b"x"),
        other.delete(path, headers=TUS),
    ]

    assert {each.status_code for each in answers} == {404}
    assert offset_of(mine, path) == offset_of(admin, path) == 0


@pytest.mark.parametrize("name", [NO_ID, "x", "..%2f..%2fmalgwi.db"])
def test_an_upload_that_is_not_here_is_not_found(client: TestClient, name: str) -> None:
    path = f"/v1/uploads/{name}"

    assert client.head(path, headers=TUS).status_code == 404
    assert send(client, path, 0, b"x").status_code == 404
    assert client.delete(path, headers=TUS).status_code == 404


def test_an_expired_upload_is_gone_and_swept(opened: Site, client: TestClient) -> None:
    path = begun(client)
    send(client, path, 0, SOUND[:10])
    past = datetime.now(UTC) - timedelta(seconds=1)
    opened.store.database.write(lambda it: it.execute(upload.update().values(expires=past)))

    assert client.head(path, headers=TUS).status_code == 404
    assert sweep(opened.doors) == 1
    assert opened.files() == []


def test_what_a_kill_kept_from_being_finished_is_finished(opened: Site, client: TestClient) -> None:
    paths = [begun(client, name=str(each)) for each in (1, 2)]
    for path in paths:  # the last piece is here, and then comes a kill
        with opened.doors.uploads.writing(path.rpartition("/")[2]) as writing:
            assert writing
            writing.write(SOUND if path == paths[0] else SOUND[::-1])
            writing.keep()

    assert offset_of(client, paths[0]) == len(SOUND)
    swept = sweep(opened.doors)

    assert swept == 1
    recordings = [client.get(path).json()["recording"] for path in paths]
    assert all(recordings)
    assert recordings[0] != recordings[1]
    assert len(opened.sent) == 2


def test_two_who_finish_an_upload_at_once_do_it_once(opened: Site, client: TestClient) -> None:
    path = begun(client)
    with opened.doors.uploads.writing(path.rpartition("/")[2]) as writing:
        assert writing
        writing.write(SOUND)
        seen = writing.keep()  # by both of them

    first, second = complete(opened.doors, seen), complete(opened.doors, seen)

    assert first.recording_id
    assert first.recording_id == second.recording_id
    assert len(opened.files()) == 1
    assert opened.actions() == ["recording.create"]


def test_to_an_upload_that_is_a_recording_nothing_is_added(
    opened: Site, client: TestClient
) -> None:
    path = begun(client)
    send(client, path, 0, SOUND)

    assert send(client, path, len(SOUND), b"").status_code == 409
    assert send(client, path, len(SOUND), b"more").status_code == 409
    assert len(opened.files()) == 1


def test_it_goes_on_where_it_was_after_a_restart(tmp_path: Path) -> None:
    with site(tmp_path, LIMITS) as before:
        path = begun(before.client())
        send(before.client(), path, 0, SOUND[:2000])
    with site(tmp_path, LIMITS) as after:
        client = after.client()
        assert offset_of(client, path) == 2000

        send(client, path, 2000, SOUND[2000:])

        recording = client.get(path).json()["recording"]
        assert client.get(f"/v1/recordings/{recording}/media/0").content == SOUND


@pytest.mark.slow
@pytest.mark.timeout(60)
def test_a_kill_in_mid_piece_costs_a_stretch_at_most(tmp_path: Path) -> None:
    content, stretch = os.urandom(1024 * 1024) * 20, 16 * 1024 * 1024
    with (
        process(tmp_path) as (running, address),
        httpx.Client(base_url=address) as client,
        httpx.Client(base_url=address) as other,
    ):
        path = begun(client, len(content))

        def until_killed() -> Iterator[bytes]:
            yield content[:19_000_000]
            until(lambda: offset_of(other, path) >= stretch)
            running.kill()
            yield content[19_000_000:]

        with pytest.raises(httpx.TransportError):
            headers = {**PIECE, "upload-offset": "0"}
            client.patch(path, content=until_killed(), headers=headers)

    with process(tmp_path) as (_, address), httpx.Client(base_url=address, timeout=20) as client:
        offset = offset_of(client, path)
        assert stretch <= offset < len(content)
        send(client, path, offset, content[offset:])

        recording = client.get(path).json()["recording"]
        assert client.get(f"/v1/recordings/{recording}/media/0").content == content
        assert len(client.get("/v1/jobs").json()["items"]) == 1


def test_a_form_that_breaks_off_leaves_nothing(opened: Site, address: str) -> None:
    port = int(address.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(
            b"POST /v1/recordings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
            + SOUND[:3000]
        )
        until(lambda: opened.doors.spool.active)
    until(lambda: not opened.doors.spool.active)

    until(lambda: opened.files() == [])
    assert opened.client().get("/v1/recordings").json()["items"] == []


@pytest.fixture
def address(opened: Site) -> Iterator[str]:
    with serving(opened.app) as port:
        yield f"http://127.0.0.1:{port}"


def head_of(path: str, offset: int, length: int) -> bytes:
    lines = [
        f"PATCH {path} HTTP/1.1",
        "Host: localhost",
        f"Content-Length: {length}",
        f"Upload-Offset: {offset}",
        *(f"{name}: {value}" for name, value in PIECE.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def broken_off(opened: Site, address: str, path: str, head: bytes) -> None:
    """A connection that breaks when more than a megabyte of the piece has come."""
    with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as line:
        line.sendall(head + LONG[:1_500_000])
        file = opened.folder / "data" / "uploads" / path.rpartition("/")[2]
        until(lambda: file.exists() and file.stat().st_size > 1_000_000)


def test_what_came_of_a_piece_that_broke_off_is_kept(opened: Site, address: str) -> None:
    with httpx.Client(base_url=address) as client:
        path = begun(client, len(LONG))

        broken_off(opened, address, path, head_of(path, 0, len(LONG)))
        until(lambda: offset_of(client, path) > 1_000_000)

        offset = offset_of(client, path)
        answer = send(client, path, offset, LONG[offset:])
        recording = answer.headers["x-malgwi-recording"]
        assert client.get(f"/v1/recordings/{recording}/media/0").content == LONG


def test_of_a_piece_with_a_checksum_that_broke_off_nothing_is_kept(
    opened: Site, address: str
) -> None:
    with httpx.Client(base_url=address) as client:
        path = begun(client, len(LONG))
        checksum = b64encode(hashlib.sha1(LONG).digest())
        head = head_of(path, 0, len(LONG)).replace(
            b"\r\n\r\n", b"\r\nUpload-Checksum: sha1 %s\r\n\r\n" % checksum
        )

        broken_off(opened, address, path, head)
        until(lambda: send(client, path, 0, b"").status_code == 204)

        assert offset_of(client, path) == 0


def test_a_client_that_falls_silent_is_let_go_and_what_came_is_kept(address: str) -> None:
    with httpx.Client(base_url=address) as client:
        path = begun(client)
        with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as line:
            line.sendall(head_of(path, 0, len(SOUND)) + SOUND[:100])
            answer = line.recv(4096)

        assert status_in(answer) == 408
        assert offset_of(client, path) == 100


def test_two_do_not_send_to_one_upload_at_once(opened: Site, address: str) -> None:
    with httpx.Client(base_url=address) as client:
        path = begun(client)
        with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as line:
            line.sendall(head_of(path, 0, len(SOUND)) + SOUND[:100])
            until(opened.files)  # the first to send has the file

            answer = send(client, path, 0, b"x")

        assert answer.status_code == 423
        assert answer.headers["retry-after"]


def test_memory_does_not_grow_with_an_upload(tmp_path: Path) -> None:
    size, chunk = 200 * 1024 * 1024, os.urandom(1024 * 1024)
    most = 0

    def content() -> Iterator[bytes]:
        nonlocal most
        for _ in range(200):
            most = max(most, psutil.Process().memory_info().rss)
            yield chunk

    with (
        site(tmp_path, Limits()) as opened,
        serving(opened.app) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        send(client, begun(client, 100), 0, chunk[:100])
        path, before = begun(client, size), psutil.Process().memory_info().rss

        answer = client.patch(path, content=content(), headers={**PIECE, "upload-offset": "0"})

        assert answer.status_code == 204
        assert most - before < 60 * 1024 * 1024

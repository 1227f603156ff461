"""Forms and bodies as clients send them, with starlette's client."""

import hashlib
import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from gateway.doors import Doors
from starlette.testclient import TestClient

SOUND = bytes(range(256)) * 10_000  # 2.5 MB: several writes
BOUNDARY = "multipart/form-data; boundary=B"


def form(*parts: str, end: str = "--B--\r\n") -> bytes:
    """Parts as they stand on the wire: head, empty line, content."""
    return ("".join(f"--B\r\n{part}\r\n" for part in parts) + end).encode(
        "utf-8", "surrogateescape"
    )


def field(name: str, value: str) -> str:
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Meanwhile no file may grow larger: the disk is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_arrives_as_it_was_sent(client: TestClient) -> None:
    answer = client.post("/form", files={"file": ("radio.wav", SOUND, "audio/wav")}).json()

    sha256 = hashlib.sha256(SOUND).hexdigest()
    expected = {"name": "radio.wav", "size": len(SOUND), "content_type": "audio/wav"}
    assert answer["files"] == {"file": {**expected, "sha256": sha256}}


def test_a_raw_body_arrives_as_it_was_sent(client: TestClient) -> None:
    answer = client.post("/body", content=SOUND, headers={"content-type": "audio/flac"}).json()

    sha256 = hashlib.sha256(SOUND).hexdigest()
    assert answer == {
        "name": "",
        "size": len(SOUND),
        "content_type": "audio/flac",
        "sha256": sha256,
    }


def test_an_empty_body_is_a_file_of_no_bytes(client: TestClient) -> None:
    assert client.post("/body").json()["size"] == 0


def test_fields_may_stand_before_and_behind_the_file_and_repeat(client: TestClient) -> None:
    file = 'Content-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nsound'
    body = form(field("a", "1"), file, field("b[]", "2"), field("b[]", ""), field("a", "말귀"))

    answer = client.post("/form", content=body, headers={"content-type": BOUNDARY}).json()

    assert answer["fields"] == {"a": ["1", "말귀"], "b[]": ["2", ""]}
    assert answer["files"]["file"]["size"] == 5


def test_a_form_without_a_file_may_be_urlencoded(client: TestClient) -> None:
    answer = client.post("/form", data={"a": ["1", "말귀"], "empty": ""}).json()

    assert answer == {"fields": {"a": ["1", "말귀"], "empty": [""]}, "files": {}}


def test_sound_without_a_filename_is_a_file_by_its_type(client: TestClient) -> None:
    part = 'Content-Disposition: form-data; name="file"\r\nContent-Type: audio/wav\r\n\r\nsound'

    answer = client.post("/form", content=form(part), headers={"content-type": BOUNDARY}).json()

    assert answer["files"]["file"]["size"] == 5


def test_text_with_a_type_stays_a_field(client: TestClient) -> None:
    part = 'Content-Disposition: form-data; name="a"\r\nContent-Type: text/plain\r\n\r\none'

    answer = client.post("/form", content=form(part), headers={"content-type": BOUNDARY}).json()

    assert answer["fields"] == {"a": ["one"]}


def test_a_file_input_that_nobody_filled_in_is_no_file(client: TestClient) -> None:
    part = 'Content-Disposition: form-data; name="file"; filename=""\r\n\r\n'

    answer = client.post("/form", content=form(part), headers={"content-type": BOUNDARY}).json()

    assert answer["files"] == {}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\\\calls\\\\monday.wav", "monday.wav"),
        ("a\x07b\u202e.wav", "ab.wav"),
        ("녹음.wav", "녹음.wav"),
        ("x" * 500, "x" * 200),
        ("..", ".."),
    ],
)
def test_a_name_from_outside_is_a_label_and_no_path(
    opened: Doors, client: TestClient, given: str, kept: str
) -> None:
    part = f'Content-Disposition: form-data; name="file"; filename="{given}"\r\n\r\nsound'

    answer = client.post("/form", content=form(part), headers={"content-type": BOUNDARY}).json()

    assert answer["files"]["file"]["name"] == kept
    assert not [each for each in opened.folder.parent.iterdir() if each != opened.folder]


@pytest.mark.parametrize(
    "said",
    [
        "filename*=utf-8''%EB%85%B9%EC%9D%8C.wav",
        "filename=\"__.wav\"; filename*=UTF-8'ko'%EB%85%B9%EC%9D%8C.wav",
        "filename*=utf-8''..%2F..%2F%EB%85%B9%EC%9D%8C.wav",
    ],
)
def test_a_name_in_the_way_of_other_headers_is_read(client: TestClient, said: str) -> None:
    part = f'Content-Disposition: form-data; name="file"; {said}\r\n\r\nsound'

    answer = client.post("/form", content=form(part), headers={"content-type": BOUNDARY}).json()

    assert answer["files"]["file"]["name"] == "녹음.wav"


BAD_FORMS = {
    "breaks-off": (form(field("a", "1"), end=""), BOUNDARY),
    "breaks-off-in-a-file": (
        form('Content-Disposition: form-data; name="f"; filename="f"\r\n\r\nsou')[:-10],
        BOUNDARY,
    ),
    "no-parts": (b"", BOUNDARY),
    "other-boundary": (form(field("a", "1")), "multipart/form-data; boundary=C"),
    "no-boundary": (form(field("a", "1")), "multipart/form-data"),
    "long-boundary": (b"", f"multipart/form-data; boundary={'B' * 300}"),
    "no-name": (form("Content-Disposition: form-data\r\n\r\n1"), BOUNDARY),
    "no-disposition": (form("Content-Type: text/plain\r\n\r\n1"), BOUNDARY),
    "not-utf-8": (form(field("a", "\udcff")), BOUNDARY),
    "not-utf-8-urlencoded": (b"a=%ff", "application/x-www-form-urlencoded"),
    "not-ascii-urlencoded": ("a=말".encode(), "application/x-www-form-urlencoded"),
    "json": (b"{}", "application/json"),
    "no-type": (b"sound", ""),
}


@pytest.mark.parametrize("name", BAD_FORMS)
def test_a_bad_form_is_the_clients_fault_and_leaves_no_file(
    opened: Doors, client: TestClient, name: str
) -> None:
    body, content_type = BAD_FORMS[name]

    answer = client.post("/form", content=body, headers={"content-type": content_type})

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_request"
    assert opened.files() == []


TOO_LARGE = {
    "field": (form(field("a", "x" * 1001)), BOUNDARY),
    "fields": (form(*[field("a", "")] * 6), BOUNDARY),
    "texts": (form(*[field("a", "x" * 900)] * 4), BOUNDARY),
    "field-urlencoded": (b"a=" + b"x" * 1001, "application/x-www-form-urlencoded"),
    "urlencoded": (b"a=" + b"x" * 6000, "application/x-www-form-urlencoded"),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_form_has_bounds_of_its_own(opened: Doors, client: TestClient, name: str) -> None:
    body, content_type = TOO_LARGE[name]

    answer = client.post("/form", content=body, headers={"content-type": content_type})

    assert answer.status_code == 413
    assert opened.files() == []


def test_what_is_declared_too_large_is_not_even_read(opened: Doors, client: TestClient) -> None:
    answer = client.post("/body", content=bytes(8_000_001))

    assert answer.status_code == 413
    assert "8,000,000" in answer.json()["error"]["message"]
    assert opened.spool.received == 0


@pytest.mark.parametrize("path", ["/body", "/form"])
def test_what_declares_no_size_is_counted_while_it_comes(
    opened: Doors, client: TestClient, path: str
) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'--B\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
        for _ in range(9):
            yield bytes(1_000_000)

    answer = client.post(path, content=chunks(), headers={"content-type": BOUNDARY})

    assert answer.status_code == 413
    assert opened.files() == []


def test_a_full_disk_is_said_and_leaves_no_file(opened: Doors, client: TestClient) -> None:
    with room_for(1_500_000):
        answer = client.post("/form", files={"file": ("radio.wav", SOUND)})

    assert answer.status_code == 507
    assert "no room" in answer.json()["error"]["message"]
    assert opened.files() == []


def test_a_stream_may_read_the_upload_until_its_end(opened: Doors, client: TestClient) -> None:
    lines = b"".join(b"line %d\n" % number for number in range(1000))

    answer = client.post("/read", files={"file": ("lines", lines)})

    assert answer.content == lines
    assert opened.files() == []


def test_uploads_can_be_read_by_this_user_only(opened: Doors) -> None:
    (folder,) = opened.folder.iterdir()

    assert opened.folder.stat().st_mode & 0o777 == 0o700
    assert folder.stat().st_mode & 0o777 == 0o700

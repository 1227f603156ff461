"""What happens to every request: keys, ids, log lines, shapes of errors."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import httpx
import pytest
from gateway.doors import Doors, doors
from gateway.serving import serving
from log_lines import log_lines, parsed
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from malgwi.errors import Overloaded
from malgwi.gateway import Keys, hash_of, new_key

KEY = new_key()


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[TestClient]:
    """An application that needs KEY."""
    with doors(tmp_path / "spool", keys=Keys.of(hashes=[hash_of(KEY)])) as opened:
        yield TestClient(opened.app)


@pytest.fixture
def lines() -> Iterator[StringIO]:
    with log_lines() as stream:
        yield stream


def logged(lines: StringIO, message: str) -> dict[str, object]:
    (line,) = (each for each in parsed(lines) if each["message"] == message)
    return line


@pytest.mark.parametrize("path", ["/items/1", "/metrics", "/openapi.json", "/nowhere", "/health/x"])
def test_without_a_key_nothing_is_told(locked: TestClient, path: str) -> None:
    answer = locked.get(path)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "invalid_api_key"


def test_a_wrong_key_is_told_apart_from_none(locked: TestClient) -> None:
    wrong = locked.get("/items/1", headers={"x-api-key": new_key()})

    assert wrong.status_code == 401
    assert "not one of those" in wrong.json()["error"]["message"]


@pytest.mark.parametrize(
    "headers",
    [{"authorization": f"Bearer {KEY}"}, {"authorization": f"Token {KEY}"}, {"x-api-key": KEY}],
)
def test_with_the_key_all_is_open(locked: TestClient, headers: dict[str, str]) -> None:
    for path in ("/items/1", "/metrics", "/openapi.json"):
        assert locked.get(path, headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/v1/health"])
def test_health_is_open_and_says_little_without_a_key(locked: TestClient, path: str) -> None:
    assert locked.get(path).json() == {"status": "ok"}


def test_a_socket_without_a_key_is_closed(locked: TestClient) -> None:
    with (
        pytest.raises(WebSocketDisconnect) as closed,
        locked.websocket_connect("/v1/listen"),
    ):
        pytest.fail("It should have been refused.")

    assert closed.value.code == 1008


def test_where_there_are_no_keys_any_will_do(client: TestClient) -> None:
    answer = client.get("/items/1", headers={"authorization": "Bearer sk-none"})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["https://example.org", "http://localhost.example.org", "null", "http://[", "http://[::1"],
)
def test_a_page_of_another_machine_may_not_use_an_engine_without_keys(
    client: TestClient, origin: str
) -> None:
    answer = client.post("/body", content=b"sound", headers={"origin": origin})

    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "foreign_page"


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "http://127.0.0.1", "http://[::1]:80", "app-extension://id"]
)
def test_a_page_of_this_machine_may(client: TestClient, origin: str) -> None:
    assert client.post("/body", content=b"sound", headers={"origin": origin}).status_code == 200


def test_with_a_key_a_page_from_anywhere_may(locked: TestClient) -> None:
    headers = {"origin": "https://example.org", "x-api-key": KEY}

    assert locked.get("/items/1", headers=headers).status_code == 200


def test_an_id_that_a_client_gives_is_kept(client: TestClient, lines: StringIO) -> None:
    answer = client.get("/items/1", headers={"x-request-id": "call-17.a"})

    assert answer.headers["x-request-id"] == "call-17.a"
    assert logged(lines, "answered")["request_id"] == "call-17.a"
    assert logged(lines, "looked up")["request_id"] == "call-17.a"


@pytest.mark.parametrize("given", ["", "two words", "x" * 65, 'a"b', "a\tb"])
def test_an_id_that_is_none_is_replaced(client: TestClient, given: str) -> None:
    answer = client.get("/items/1", headers={"x-request-id": given})

    assert answer.headers["x-request-id"] != given
    assert len(answer.headers["x-request-id"]) == 16


def test_a_line_a_request_with_the_template_of_its_path_and_no_query(
    client: TestClient, lines: StringIO
) -> None:
    client.get("/items/secret?count=2&word=secret")

    line = logged(lines, "answered")
    assert "secret" not in lines.getvalue()
    assert (line["method"], line["route"], line["status"]) == ("GET", "/items/{name}", 200)
    assert line["bytes_out"] == len('{"name":"secret"}')


def test_what_came_in_is_counted_in_the_line(client: TestClient, lines: StringIO) -> None:
    client.post("/body", content=bytes(1234))

    assert logged(lines, "answered")["bytes_in"] == 1234


def test_every_answer_forbids_browsers_what_none_needs(client: TestClient) -> None:
    headers = client.get("/nowhere").headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/body", 405, "method_not_allowed"),
        ("GET", "/items/1?count=many", 400, "invalid_request"),
        ("GET", "/items/1/", 404, "not_found"),
    ],
)
def test_what_the_router_refuses_is_json_too(
    client: TestClient, method: str, path: str, status: int, code: str
) -> None:
    answer = client.request(method, path)

    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code


def test_a_method_that_is_not_taken_says_which_are(client: TestClient) -> None:
    assert client.get("/body").headers["allow"] == "POST"


def test_each_dialect_has_errors_in_its_own_shape(opened: Doors, client: TestClient) -> None:
    opened.fault = Overloaded("Too much is waiting.", 7)

    ours, theirs = client.get("/fault"), client.get("/brief/fault")

    assert ours.json()["error"]["code"] == "overloaded"
    assert theirs.json() == {"error": "Too much is waiting."}
    assert ours.headers["retry-after"] == theirs.headers["retry-after"] == "7"


def test_what_nobody_expected_is_500_with_the_id_and_nothing_of_what_broke(
    opened: Doors, client: TestClient, lines: StringIO
) -> None:
    opened.fault = ValueError("mayday mayday")

    answer = client.get("/fault", headers={"x-request-id": "r1"})

    assert answer.status_code == 500
    assert "r1" in answer.json()["error"]["message"]
    assert "mayday" not in answer.text + lines.getvalue()
    error = logged(lines, "request failed")["error"]
    assert isinstance(error, dict)
    assert error["type"] == "ValueError"
    assert error["where"][-1].endswith("in fault")


def test_an_answer_that_breaks_in_the_middle_is_broken_off_and_logged_once(
    opened: Doors, lines: StringIO
) -> None:
    opened.fault = ValueError("mayday mayday")

    with serving(opened.app) as port, pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"http://127.0.0.1:{port}/half")

    (error,) = (each for each in parsed(lines) if each["level"] == "ERROR")
    assert "ValueError" in str(error["error"])
    assert "mayday" not in lines.getvalue()


def test_the_document_describes_errors_as_they_are(client: TestClient) -> None:
    document = client.get("/openapi.json").json()

    said = document["paths"]["/items/{name}"]["get"]["responses"]
    assert set(said) == {"200", "4XX", "5XX"}


def test_no_page_loads_scripts_from_elsewhere(client: TestClient) -> None:
    assert client.get("/docs").status_code == client.get("/redoc").status_code == 404

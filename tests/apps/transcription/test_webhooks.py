"""What is told, to whom, how often: to a server on loopback, which tests list as allowed."""

import hmac
import json
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event as Signal
from threading import Thread
from typing import Any

import pytest
from deadline import until

from malgwi.apps.transcription.webhooks import PAUSES, Reach, Sender, signature
from malgwi.errors import BadOption, NetworkRefused
from malgwi.store import connect, upgrade
from malgwi.store.webhooks import (
    Delivery,
    DeliveryState,
    Event,
    Outbox,
    Webhook,
    transcript_ready,
)

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "webhooks.md"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.append((self.path, dict(self.headers), body))  # type: ignore[attr-defined]
        with suppress(OSError):  # the other side has had enough
            getattr(self, f"_{self.path.strip('/')}")()

    def _fine(self) -> None:
        self.send_response(204)
        self.end_headers()

    def _long(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"x" * 10_000_000)

    def _broken(self) -> None:
        self.send_error(500)

    def _away(self) -> None:
        self.send_response(307)
        self.send_header("Location", "/fine")
        self.end_headers()

    def _silent(self) -> None:
        self.server.over.wait(30)  # type: ignore[attr-defined]

    def _dripping(self) -> None:
        """A byte comes before each patience for a byte has run out."""
        self.wfile.write(b"HTTP/1.1 200 fine\r\nX: ")
        while not self.server.over.wait(0.02):  # type: ignore[attr-defined]
            self.wfile.write(b"x")

    def _gone(self) -> None:
        self.connection.close()

    def _nonsense(self) -> None:
        self.wfile.write(b"\0\1\2\3" * 100)

    def log_message(self, *args: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.told, server.over = [], Signal()  # type: ignore[attr-defined]
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.over.set()  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


@pytest.fixture
def told(server: ThreadingHTTPServer) -> list[tuple[str, dict[str, str], bytes]]:
    return server.told  # type: ignore[attr-defined,no-any-return]


@pytest.fixture
def address(server: ThreadingHTTPServer) -> str:
    return f"127.0.0.1:{server.server_port}"


class Office:
    """An outbox, and something to tell."""

    def __init__(self, path: Path) -> None:
        self.database = connect(f"sqlite:///{path}")
        self.outbox = Outbox(self.database)

    def hook(self, url: str) -> tuple[Webhook, str]:
        return self.outbox.add(url, [Event.TRANSCRIPT_READY])

    def tell(self, recording: str = "r-1") -> None:
        self.database.write(lambda it: transcript_ready(it, "t-1", recording))

    def deliveries(self, hook: Webhook) -> tuple[Delivery, ...]:
        return self.outbox.deliveries(hook.id).items


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all tables and nothing in them."""
    path = tmp_path_factory.mktemp("template") / "malgwi.db"
    database = connect(f"sqlite:///{path}")
    upgrade(database)
    database.close()
    return path


@pytest.fixture
def office(template: Path, tmp_path: Path) -> Iterator[Office]:
    office = Office(Path(shutil.copy(template, tmp_path / "malgwi.db")))
    yield office
    office.database.close()


def sender(office: Office, address: str, **options: Any) -> Sender:
    return Sender(office.outbox, Reach([address]), **options)


def test_what_happened_arrives_once_with_its_ids(
    office: Office, address: str, told: list[tuple[str, dict[str, str], bytes]]
) -> None:
    hook, _ = office.hook(f"http://{address}/fine")
    office.tell()

    assert sender(office, address).send_due() == 1
    assert sender(office, address).send_due() == 0

    ((_, headers, body),) = told
    (delivery,) = office.deliveries(hook)
    assert delivery.state is DeliveryState.DELIVERED
    said = json.loads(body)
    assert said == {
        "id": delivery.id,
        "event": "transcript.ready",
        "created": delivery.payload["created"],
        "data": {"transcript_id": "t-1", "recording_id": "r-1", "revision": 1},
    }
    assert headers["Malgwi-Delivery"] == delivery.id
    assert headers["Malgwi-Event"] == "transcript.ready"
    assert headers["Content-Type"] == "application/json"
    assert headers["Host"] == address


def test_the_signature_is_over_the_moment_and_the_body(
    office: Office, address: str, told: list[tuple[str, dict[str, str], bytes]]
) -> None:
    _, secret = office.hook(f"http://{address}/fine")
    office.tell()

    sender(office, address).send_due()

    ((_, headers, body),) = told
    match = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", headers["Malgwi-Signature"])
    assert match
    assert abs(int(match[1]) - time.time()) < 60
    expected = hmac.new(secret.encode(), f"{match[1]}.".encode() + body, sha256).hexdigest()
    assert match[2] == expected


@pytest.fixture
def is_genuine() -> Callable[..., bool]:
    """The receiver of the page on webhooks."""
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code[0], names)
    return names["is_genuine"]  # type: ignore[no-any-return]


def test_the_receiver_of_the_documents_takes_ours_and_no_other(
    is_genuine: Callable[..., bool],
) -> None:
    now, body = int(time.time()), b'{"id":"1"}'
    ours = signature("secret", now, body)

    assert is_genuine("secret", ours, body)
    assert not is_genuine("other", ours, body)
    assert not is_genuine("secret", ours, body + b" ")
    assert not is_genuine("secret", signature("secret", now - 3600, body), body)
    assert not is_genuine("secret", ours.replace(f"t={now}", f"t={now + 1}"), body)
    assert not is_genuine("secret", "nonsense", body)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("broken", "It answered 500."),
        ("away", "redirects are not followed"),
        ("silent", "It did not answer within 0.3 s."),
        ("dripping", "It did not answer within 0.3 s."),
        ("gone", "cannot be reached"),
        ("nonsense", "cannot be reached"),
    ],
)
def test_what_did_not_arrive_is_tried_again_and_given_up_in_the_end(
    office: Office,
    address: str,
    told: list[tuple[str, dict[str, str], bytes]],
    path: str,
    said: str,
) -> None:
    hook, _ = office.hook(f"http://{address}/{path}")
    office.tell()

    attempts = sender(office, address, pauses=(0.0, 0.0), within=0.3).send_due()

    (delivery,) = office.deliveries(hook)
    assert (attempts, delivery.attempts) == (3, 3)
    assert delivery.state is DeliveryState.GIVEN_UP
    assert said in (delivery.last_error or "")
    assert {each[0] for each in told} == {f"/{path}"}
    assert {each[1]["Malgwi-Delivery"] for each in told} == {delivery.id}
    assert {each[2] for each in told} == {told[0][2]}


def test_a_long_answer_is_not_read(office: Office, address: str) -> None:
    hook, _ = office.hook(f"http://{address}/long")
    office.tell()

    sender(office, address, within=5.0).send_due()

    assert office.deliveries(hook)[0].state is DeliveryState.DELIVERED


def test_addresses_that_do_not_answer_hold_up_nobody_else(
    office: Office, address: str, told: list[tuple[str, dict[str, str], bytes]]
) -> None:
    for _ in range(8):
        office.hook(f"http://{address}/silent")
    office.hook(f"http://{address}/fine")
    for _ in range(25):
        office.tell()

    assert sender(office, address, within=0.05).send_due() == 9 * 25

    paths = [each[0] for each in told]
    assert "/fine" in paths[:100]


def test_where_nobody_listens_it_is_tried_again_later(office: Office) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    hook, _ = office.hook(f"http://{address}/fine")
    office.tell()

    assert sender(office, address).send_due() == 1

    (delivery,) = office.deliveries(hook)
    assert (delivery.state, delivery.attempts) == (DeliveryState.PENDING, 1)
    assert "refused" in (delivery.last_error or "")


def test_there_are_ten_attempts_over_about_a_day(office: Office) -> None:
    assert len(PAUSES) == 9
    assert PAUSES[0] <= 10
    assert 20 < sum(PAUSES) / 3600 < 30
    assert list(PAUSES) == sorted(PAUSES)


def test_an_address_that_hangs_holds_up_no_other(
    office: Office,
    server: ThreadingHTTPServer,
    address: str,
    told: list[tuple[str, dict[str, str], bytes]],
) -> None:
    hanging, _ = office.hook(f"http://{address}/silent")
    fine, _ = office.hook(f"http://{address}/fine")
    for number in range(20):
        office.tell(f"r-{number}")
    stop = Signal()
    running = Thread(target=sender(office, address, within=20.0).send_due, args=(stop,))

    running.start()
    until(lambda: {each.state for each in office.deliveries(fine)} == {DeliveryState.DELIVERED})
    stop.set()
    asked = [each for each in told if each[0] == "/silent"]
    server.over.set()  # type: ignore[attr-defined]
    running.join(30)

    assert not running.is_alive()
    assert len(asked) == 1
    assert {each.state for each in office.deliveries(hanging)} == {DeliveryState.PENDING}


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "http://localhost/x",
        "http://[::1]/x",
        "http://10.1.2.3/x",
        "http://169.254.169.254/latest",
        "http://0.0.0.0/x",
        "http://[::ffff:127.0.0.1]/x",
        "http://2130706433/x",
        "http://127.1/x",
        "ftp://example.org/x",
        "https://user:pass@example.org/x",
        "file:///etc/passwd",
        "no url",
        "",
    ],
)
def test_an_address_of_this_network_is_refused_unless_it_is_listed(url: str) -> None:
    with pytest.raises(BadOption):
        Reach().check(url)


def test_what_is_listed_may_be_of_this_network() -> None:
    Reach(["localhost", "10.1.2.3:8080"]).check("http://localhost/x")
    Reach(["10.1.2.3:8080"]).check("http://10.1.2.3:8080/x")
    with pytest.raises(BadOption, match="MALGWI_SERVE__WEBHOOK_HOSTS"):
        Reach(["10.1.2.3:8080"]).check("http://10.1.2.3/x")


def test_a_name_that_leads_nowhere_yet_may_be_told_later() -> None:
    Reach().check("https://no-such-host.invalid/x")


def test_offline_only_those_are_told_that_the_operator_has_listed() -> None:
    Reach(["10.1.2.3"], offline=True).check("http://10.1.2.3/x")
    with pytest.raises(NetworkRefused, match="webhook"):
        Reach(offline=True).check("https://example.org/x")


def test_an_address_is_looked_at_again_when_it_is_told(
    office: Office, address: str, told: list[tuple[str, dict[str, str], bytes]]
) -> None:
    """The operator may have taken it from the list, or the name may lead elsewhere by now."""
    hook, _ = office.hook(f"http://{address}/fine")
    office.tell()

    Sender(office.outbox, Reach(), pauses=()).send_due()

    (delivery,) = office.deliveries(hook)
    assert delivery.state is DeliveryState.GIVEN_UP
    assert "not public" in (delivery.last_error or "")
    assert told == []


def test_it_runs_until_it_is_stopped_and_outlives_a_database_that_goes(
    office: Office, address: str
) -> None:
    hook, _ = office.hook(f"http://{address}/fine")
    stop = Signal()
    running = Thread(target=sender(office, address).run, args=(stop,))
    running.start()
    office.tell()
    until(lambda: office.deliveries(hook)[0].state is DeliveryState.DELIVERED)

    stop.set()
    running.join(30)

    assert not running.is_alive()

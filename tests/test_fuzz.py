"""Whatever is sent to it, the service answers in words, keeps nothing, and hears the next one."""

import json
import re
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import psutil
import pytest
from audio.soundfiles import tone, write
from mutations import LISTEN, Wild, Wilderness, sounds
from test_serving import Engine, engine, until

SEED = 20_260_301
WARM = 100  # requests after which what there is of memory and files is there to stay
CLIENTS = 8
FEW = 4  # connections and pipes that come and go
ROOM = 96 * 2**20  # bytes that memory may grow by; a leak of 10 kB a request would take more
SETTINGS = {
    "MALGWI_ENGINE__SECONDS": "120",  # who says that he has hours to tell must not have them
    "MALGWI_ENGINE__URL_HOSTS": '["127.0.0.1:9"]',
}
"""Of the service that is fuzzed; nobody listens on port 9."""
JSON = "application/json"
LEAKS = re.compile(rb"/spool/|root:x:|Traceback|Error at 0x")
"""Where uploads are, files of this machine, and the insides of the program."""


class Client:
    """One connection, as long as it lasts."""

    def __init__(self, url: str) -> None:
        self._address = url.removeprefix("http://")
        self._connection: HTTPConnection | None = None

    def send(self, wild: Wild) -> tuple[int, str, bytes]:
        """Status, Content-Type and body of the answer. Raises HTTPException, OSError."""
        for _ in range(20):
            status, kind, body, wait = self._once(wild)
            if status != 429:
                break
            time.sleep(min(wait, 1.0))
        return status, kind, body

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    def _once(self, wild: Wild) -> tuple[int, str, bytes, float]:
        try:
            return self._asked(wild)
        except (HTTPException, OSError):
            if not self._used:
                raise
            self.close()  # the service may have closed it while nothing was asked
            return self._asked(wild)

    def _asked(self, wild: Wild) -> tuple[int, str, bytes, float]:
        self._used = self._connection is not None and self._connection.sock is not None
        if not self._connection:
            self._connection = HTTPConnection(self._address, timeout=60)
        connection = self._connection
        connection.putrequest(wild.method, wild.path, skip_accept_encoding=True)
        for name, value in wild.headers:
            connection.putheader(name, value.encode("latin-1"))
        if wild.chunk:
            connection.putheader("Transfer-Encoding", "chunked")
            steps = range(0, len(wild.body), wild.chunk)
            pieces = (wild.body[place : place + wild.chunk] for place in steps)
            connection.endheaders(pieces, encode_chunked=True)
        else:
            connection.putheader("Content-Length", str(len(wild.body)))
            connection.endheaders(wild.body)
        answer = connection.getresponse()
        body, kind = answer.read(), answer.headers.get("Content-Type", "")
        return answer.status, kind, body, float(answer.headers.get("Retry-After", "0"))


def fault_in(wild: Wild, status: int, kind: str, body: bytes) -> str | None:
    """What is wrong with an answer."""
    if LEAKS.search(body):
        return f"what it must not tell: {body[:200]!r}"
    if status == 200:
        return _fault_in_result(kind, body)
    if status >= 500 and not _is_reason(status, body):
        return f"status {status}"
    try:
        said = json.loads(body)
    except ValueError:
        return f"an error that is no JSON: {body[:200]!r}"
    return None if _in_shape(wild.path, said) else f"an error in another's shape: {said!r:.200}"


def _is_reason(status: int, body: bytes) -> bool:
    return status == 502 and b"could not be fetched" in body


def _fault_in_result(kind: str, body: bytes) -> str | None:
    if kind.startswith(JSON):
        json.loads(body, parse_constant=_no_number)
    if kind.startswith("text/event-stream"):
        *_, last = [each for each in body.split(b"\n\n") if each]
        said = json.loads(last.removeprefix(b"data: "))
        if said["type"] == "error" and said["error"]["type"] == "server_error":
            return f"an error in a stream: {said!r:.200}"
        if said["type"] not in ("transcript.text.done", "error"):
            return f"a stream without an end: {said!r:.200}"
    return None


def _no_number(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _in_shape(path: str, said: Any) -> bool:
    if path.startswith(LISTEN):
        texts = [said.get(name) for name in ("err_code", "err_msg", "request_id")]
    elif path.startswith(("/inference", "/load")):
        texts = [said.get("error")]
    elif path.startswith(("/asr", "/detect-language")):
        texts = [said.get("detail")]
    else:
        texts = [said["error"].get("message"), said["error"].get("type")]
    return all(isinstance(text, str) and text for text in texts)


def assault(running: Engine, wild: Wilderness, numbers: range, keep: Path) -> Counter[int]:
    """Send these requests, some at a time. How often there was which status.

    Fails where some are answered as none should be; those are kept in the folder `keep`.
    """
    statuses: Counter[int] = Counter()
    faults: dict[int, str] = {}

    def send_every(first: int) -> None:
        with closing(Client(running.url)) as client:
            for number in numbers[first::CLIENTS]:
                request = wild(number)
                try:
                    status, kind, body = client.send(request)
                    fault = fault_in(request, status, kind, body)
                    statuses[status] += 1
                except (HTTPException, OSError, ValueError, LookupError, TypeError) as error:
                    fault = f"no answer, or none that can be read: {error!r}"
                    client.close()
                if fault:
                    faults[number] = f"{request.method} {request.path:.80}: {fault}"
                    (keep / f"request-{number}").write_bytes(request.saved)

    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(send_every, range(CLIENTS)))
    told = "\n".join(f"{number} {fault}" for number, fault in sorted(faults.items()))
    assert not faults, f"{len(faults)} requests of seed {SEED}, kept in {keep}:\n{told:.6000}"
    return statuses


def complaints(folder: Path) -> list[str]:
    """Lines of the log that speak of what nobody expected; that a job cannot be done is expected
    where what came is no sound."""
    bad = []
    for line in (folder / "log").read_text("utf-8", "replace").splitlines():
        said: dict[str, Any] = json.loads(line) if line[:1] == "{" else {"level": "ERROR"}
        kind = said.get("error", {}).get("type", "")
        refused = said.get("message") == "job failed" and kind.startswith("malgwi.errors.")
        if said["level"] in ("ERROR", "CRITICAL") or ("error" in said and not refused):
            bad.append(line)
    return bad


def hears(running: Engine, speech: Path) -> bool:
    answer = running.transcribe(speech)
    return answer.status_code == 200 and answer.json()["text"] == "hello there"


def withstood(folder: Path, count: int) -> Counter[int]:
    """The assault, and all that must hold before and after it."""
    speech = write(folder / "speech.wav", tone(440.0, 2.0, 16_000), 16_000)
    wild = Wilderness(sounds(folder), SEED)
    with engine(folder, **SETTINGS) as running:
        until(running.ready)
        parent = psutil.Process(running.process.pid)
        statuses = assault(running, wild, range(WARM), folder)
        assert hears(running, speech)
        files, memory = parent.num_fds(), parent.memory_info().rss
        processes = len(parent.children(recursive=True))

        statuses += assault(running, wild, range(WARM, count), folder)

        assert hears(running, speech)
        assert running.ready()
        until(lambda: not running.spooled)
        until(lambda: parent.num_fds() <= files + FEW)
        until(lambda: len(parent.children(recursive=True)) <= processes)
        assert parent.memory_info().rss - memory < ROOM
        metrics = running.http.get("/metrics").text
        assert 'malgwi_queue_pieces{lane="interactive"} 0.0' in metrics
        assert "malgwi_uploads_active 0.0" in metrics
    assert not complaints(folder)
    return statuses


@pytest.mark.slow
def test_three_hundred_wild_requests_are_answered_in_words(tmp_path: Path) -> None:
    statuses = withstood(tmp_path, 300)
    assert statuses[200] and statuses[400] and statuses[413]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_ten_thousand_wild_requests_are_answered_in_words(tmp_path: Path) -> None:
    statuses = withstood(tmp_path, 10_000)
    assert statuses[200] and statuses[400] and statuses[413]


NO_HTTP = {
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    "a header with NUL": b"POST /inference HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
    "a header without end": b"POST /asr HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 200_000,
    "a negative length": b"POST /v1/listen HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "a chunk of no length": (
        b"POST /v1/listen HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\nzz\r\n"
    ),
    "a path that is not ASCII": "GET /v1/models/é HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
}


@pytest.mark.slow
def test_what_is_no_http_is_refused_and_the_line_closed(tmp_path: Path) -> None:
    speech = write(tmp_path / "speech.wav", tone(440.0, 2.0, 16_000), 16_000)
    with engine(tmp_path) as running:
        host, _, port = running.url.removeprefix("http://").partition(":")
        for what, said in NO_HTTP.items():
            with socket.create_connection((host, int(port)), timeout=30) as connection:
                connection.sendall(said)
                heard = b""
                with suppress(ConnectionResetError):  # it need not read all that comes
                    while more := connection.recv(4096):
                        heard += more
            assert heard.startswith(b"HTTP/1.1 400 "), what

        assert hears(running, speech)
        until(lambda: not running.spooled)
    assert not complaints(tmp_path)

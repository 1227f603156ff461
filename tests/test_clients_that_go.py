"""Clients that go in the middle: of their upload, of a stream, of an answer. Nothing stays."""

import json
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
from audio.soundfiles import tone, wav_bytes
from mutations import FORMS, LISTEN
from test_fuzz import FEW, complaints
from test_serving import TRANSCRIPTIONS, Engine, engine, slow, until

pytestmark = pytest.mark.slow

RATE = 8_000
SPEECH = wav_bytes(tone(440.0, 2.0, RATE), RATE)
TURNS = 40
QUIET = np.zeros((1, 3 * RATE), np.float32)
LONG = wav_bytes(np.concatenate([tone(440.0, 1.0, RATE), QUIET] * TURNS, axis=1), RATE)
"""More than the engine is given at once, so that some of it waits."""
PLACES = 24  # of each body at which a client goes
ABORT = struct.pack("ii", 1, 0)  # of SO_LINGER: no farewell, the connection is reset


def form(field: str, sound: bytes = SPEECH, **fields: str) -> bytes:
    texts = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    head = f'--x\r\nContent-Disposition: form-data; name="{field}"; filename="a.wav"\r\n\r\n'
    return f"{texts}{head}".encode() + sound + b"\r\n--x--\r\n"


BODIES = {**{path: form(field) for path, field in FORMS.items()}, LISTEN: SPEECH}


@contextmanager
def connected(running: Engine) -> Iterator[socket.socket]:
    host, _, port = running.url.removeprefix("http://").partition(":")
    with socket.socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.settimeout(30)
        made.connect((host, int(port)))
        yield made


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
    connection.close()


def head(path: str, framing: str, *more: str) -> bytes:
    kind = "audio/wav" if path == LISTEN else "multipart/form-data; boundary=x"
    lines = (f"POST {path} HTTP/1.1", "Host: here", f"Content-Type: {kind}", framing, *more)
    return "\r\n".join([*lines, "", ""]).encode()


def measured(running: Engine, name: str, label: str = "") -> float:
    """All series of a metric that have the label, added up."""
    page = running.http.get("/metrics").text
    found = re.findall(rf"^{name}((?:{{.*}})?) (\S+)$", page, re.MULTILINE)
    return sum(float(value) for labels, value in found if label in labels)


def left_over(running: Engine) -> list[object]:
    waiting = [measured(running, f"malgwi_{name}") for name in ("queue_pieces", "uploads_active")]
    return [*running.spooled, *(each for each in waiting if each)]


def hears(running: Engine) -> bool:
    answer = running.http.post(TRANSCRIPTIONS, files={"file": ("a.wav", SPEECH)})
    return answer.status_code == 200 and answer.json()["text"] == "hello there"


@pytest.mark.parametrize("framing", ["whole", "chunks"])
def test_an_upload_that_breaks_off_anywhere_leaves_nothing(tmp_path: Path, framing: str) -> None:
    with engine(tmp_path) as running:
        until(running.ready)
        assert hears(running)
        files = psutil.Process(running.process.pid).num_fds()

        for path, body in BODIES.items():
            for number, place in enumerate(places(body)):
                with connected(running) as connection:
                    send_until(connection, path, body, place, framing)
                    if number % 2:
                        reset(connection)

        until(lambda: not left_over(running))
        assert hears(running)
        until(lambda: psutil.Process(running.process.pid).num_fds() <= files + FEW)
        until(lambda: broken_off(running) == sum(len(places(each)) for each in BODIES.values()))
    assert not complaints(tmp_path)


def places(body: bytes) -> list[int]:
    """Before its beginning, just before its end, and many between."""
    return [0, len(body) // 2, *range(9, len(body), len(body) // PLACES), len(body) - 1]


def send_until(connection: socket.socket, path: str, body: bytes, place: int, framing: str) -> None:
    """The head, and when the service has begun to read the body, this much of that."""
    said = f"Content-Length: {len(body)}" if framing == "whole" else "Transfer-Encoding: chunked"
    connection.sendall(head(path, said, "Expect: 100-continue"))
    assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
    halves = [body[: place // 2], body[place // 2 : place]]
    if framing == "chunks":
        halves = [b"%x\r\n%b\r\n" % (len(each), each) for each in halves if each]
    connection.sendall(b"".join(halves))


def broken_off(running: Engine) -> float:
    """Requests whose client went before its answer."""
    return measured(running, "malgwi_request_duration_seconds_count", 'status="499"')


@pytest.mark.parametrize("stream", ["true", "false"])
def test_who_goes_while_it_is_recognised_takes_along_what_waits(
    tmp_path: Path, stream: str
) -> None:
    with engine(tmp_path, MALGWI_STT__OPTIONS=slow(0.5)) as running, ExitStack() as three:
        until(running.ready)
        before = measured(running, "malgwi_audio_seconds_total")
        connections = [three.enter_context(connected(running)) for _ in range(3)]
        body = form("file", LONG, stream=stream, language="en")
        for each in connections:
            each.sendall(head(TRANSCRIPTIONS, f"Content-Length: {len(body)}") + body)
        if stream == "true":
            heard_until(connections[0], b"transcript.text.delta")
        until(lambda: measured(running, "malgwi_queue_pieces"))

        reset(connections.pop())
        three.close()

        until(lambda: not left_over(running))
        assert hears(running)
        until(lambda: broken_off(running) == 3)
        heard = measured(running, "malgwi_audio_seconds_total") - before
        assert heard < 3 * TURNS, "more than half of what was sent"
    assert not complaints(tmp_path)


def test_who_goes_in_the_middle_of_a_long_answer_leaves_nothing(tmp_path: Path) -> None:
    words = json.dumps({"text": " ".join(f"word{number}" for number in range(1_000))})
    with engine(tmp_path, MALGWI_STT__OPTIONS=words) as running:
        until(running.ready)
        files = psutil.Process(running.process.pid).num_fds()
        body = form("file", LONG, response_format="verbose_json")
        for abruptly in (False, True):
            with connected(running) as connection:
                connection.sendall(head(TRANSCRIPTIONS, f"Content-Length: {len(body)}") + body)
                heard_until(connection, b"word1 ")
                if abruptly:
                    reset(connection)

        until(lambda: not left_over(running))
        until(lambda: psutil.Process(running.process.pid).num_fds() <= files + FEW)
        assert running.ready()
    assert not complaints(tmp_path)


def heard_until(connection: socket.socket, sign: bytes) -> None:
    heard = b""
    while sign not in heard:
        more = connection.recv(1024)
        assert more, heard
        heard += more

"""Real HTTP servers on the loopback, to see what clients do with what servers do to them."""

import io
import json
import socket
import ssl
import threading
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from malgwi.stt import Piece, Recognition, Transcriber
from malgwi.stt.languages import NAMES
from malgwi.types import Samples, written


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    fields: dict[str, list[str]] = field(default_factory=dict)
    sound: Samples | None = None

    def value(self, name: str) -> str:
        return self.fields.get(name, [""])[0]


@dataclass(frozen=True)
class Answer:
    body: Any = ""
    """Sent as it is where it is a text, else as JSON."""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Cut(Exception):
    """Raised by an answerer to hang up without a word."""


Answerer = Callable[[Asked], Answer]


@dataclass
class Web:
    address: str
    asked: list[Asked] = field(default_factory=list)
    at_once: int = 0
    """Requests being answered now."""
    most_at_once: int = 0

    def paths(self) -> list[str]:
        return [each.path for each in self.asked]


@contextmanager
def serving(answerer: Answerer, tls: ssl.SSLContext | None = None) -> Iterator[Web]:
    """A server that answers as `answerer` does, a thread a request; over HTTPS with `tls`."""
    lock = threading.Lock()
    connections: list[socket.socket] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            connections.append(self.connection)

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            asked = _read(self)
            with lock:
                web.asked.append(asked)
                web.at_once += 1
                web.most_at_once = max(web.most_at_once, web.at_once)
            try:
                self._send(answerer(asked))
            except Cut:
                self.close_connection = True
            except OSError:  # the client has gone
                self.close_connection = True
            finally:
                with lock:
                    web.at_once -= 1

        def _send(self, answer: Answer) -> None:
            text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    web = Web(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        for each in connections:
            with suppress(OSError):  # closed already
                each.shutdown(socket.SHUT_RDWR)


def _read(handler: BaseHTTPRequestHandler) -> Asked:
    body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
    kind = handler.headers.get("Content-Type", "")
    fields: dict[str, list[str]] = {}
    sound = None
    if kind.startswith("multipart/"):
        message = BytesParser().parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
        for part in message.walk():
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            if isinstance(name, str) and isinstance(content, bytes):
                if part.get_filename():
                    sound = unpacked(content)
                else:
                    fields.setdefault(name, []).append(content.decode())
    headers = {name.lower(): value for name, value in handler.headers.items()}
    return Asked(handler.command, handler.path, headers, fields, sound)


def unpacked(data: bytes) -> Samples:
    """What a WAV file of one channel has in it."""
    with wave.open(io.BytesIO(data)) as file:
        form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
        assert form == (1, 2, 16_000)
        packed = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    samples: Samples = packed.astype(np.float32) / np.float32(32768)
    return samples


def openai(stt: Transcriber, model: str = "whisper-1") -> Answerer:
    """OpenAI's API over an engine of ours: words bare of spaces and marks, as theirs are."""
    lock = threading.Lock()

    def answer(asked: Asked) -> Answer:
        if asked.path == "/v1/models":
            return Answer({"object": "list", "data": [{"id": model, "owned_by": "test"}]})
        assert asked.sound is not None
        language = asked.value("language") or None
        if language is None:
            with lock:
                language = stt.detect_language([Piece(asked.sound)])[0].language
        with lock:
            [heard] = stt.transcribe([Piece(asked.sound, language)])
        return Answer(verbose(heard, len(asked.sound) / 16_000))

    return answer


def verbose(heard: Recognition, duration: float) -> dict[str, Any]:
    """A verbose_json."""
    text = written(heard.words)
    segment = {
        "id": 0,
        "start": 0.0,
        "end": duration,
        "text": " " + text,
        "avg_logprob": -0.25,
        "no_speech_prob": heard.no_speech or 0.0,
        "tokens": [0] * len(heard.words),
    }
    return {
        "task": "transcribe",
        "language": NAMES[heard.language],
        "duration": duration,
        "text": text,
        "segments": [segment] if text else [],
        "words": [
            {"word": each.text.strip(" ,.;!?"), "start": each.span.start, "end": each.span.end}
            for each in heard.words
        ],
    }

"""The API of another node, which serves files by their sum and does it as badly as it is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

from malgwi.store import MediaSource

KEY = "a-key-for-media-that-nobody-guesses"


@dataclass
class Keeper:
    """What it does, and what it was asked."""

    media: Path
    """The folder of the media of a store."""
    url: str = ""
    status: int = 200
    """Which it answers to everything, unless it is 200."""
    hang_up_after: int | None = None
    """Bytes of an answer, once."""
    lie: bytes | None = None
    """What it sends instead, if it is as long."""
    go_on: Event = field(default_factory=Event)
    """Until it is set no answer goes on behind its first half."""
    begun: Event = field(default_factory=Event)
    """Set with the first answer that has begun."""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """The path and the header Range of each request with the right key."""

    def source(self, key: str = KEY) -> MediaSource:
        return MediaSource(self.url, key)


class _Handler(BaseHTTPRequestHandler):
    keeper: Keeper
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        keeper = self.keeper
        if self.headers["Authorization"] != f"Bearer {KEY}":
            self._status(401)
            return
        range_ = self.headers["Range"]
        keeper.asked.append((self.path, range_))
        if keeper.status != 200:
            self._status(keeper.status)
            return
        digest = self.path.rpartition("/")[2]
        path = keeper.media / digest[:2] / digest[2:4] / digest
        if not path.is_file():
            self._status(404)
            return
        self._send(keeper.lie or path.read_bytes(), range_)

    def log_message(self, format: str, *args: Any) -> None:
        """Nowhere."""

    def _status(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Location", "/v1/media/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, content: bytes, range_: str | None) -> None:
        start = int(range_.removeprefix("bytes=").rstrip("-")) if range_ else 0
        self.send_response(206 if range_ else 200)
        if range_:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        part = content[start:]
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        if self.keeper.hang_up_after is not None:
            part, self.keeper.hang_up_after = part[: self.keeper.hang_up_after], None
            self.close_connection = True
            self.wfile.write(part)
            return
        half = len(part) // 2
        self.wfile.write(part[:half])
        self.wfile.flush()
        self.keeper.begun.set()
        self.keeper.go_on.wait(60)
        self.wfile.write(part[half:])


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hangs up is no error."""


@contextmanager
def keeper(media: Path) -> Iterator[Keeper]:
    made = Keeper(media)
    made.go_on.set()
    handler = type("Handler", (_Handler,), {"keeper": made})
    with _Server(("127.0.0.1", 0), handler) as server:
        made.url = f"http://127.0.0.1:{server.server_address[1]}"
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield made
        finally:
            made.go_on.set()
            server.shutdown()

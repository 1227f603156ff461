"""A worker on another node: it has a folder of its own, and fetches what it is to transcribe from
the API, over a line that breaks in the middle of the file."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Event, Thread

import deadline
import numpy as np
import pytest
from audio.soundfiles import tone, write
from jobs.servers import RedisServer
from store.postgresql import PostgreSQL
from test_library import library
from test_production import Process
from test_serving import environment

from malgwi.store.ids import new_id

KEY = "a-key-for-media-that-nobody-guesses"
PASSED = 1_000_000  # bytes, of which a line lets no more through

until = partial(deadline.until, seconds=90.0)


class Relay:
    """A line to a port. The first connection that carries much back breaks in the middle."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        self.broke = Event()
        self.after = 0
        """Connections that were made since."""
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._door.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                asking, _ = self._door.accept()
                self.after += self.broke.is_set()
                keeping = socket.create_connection(("127.0.0.1", self._port))
                Thread(target=self._back, args=(keeping, asking), daemon=True).start()
                Thread(target=_pump, args=(asking, keeping), daemon=True).start()

    def _back(self, source: socket.socket, sink: socket.socket) -> None:
        passed = 0
        with suppress(OSError):
            while piece := source.recv(65536):
                if not self.broke.is_set() and passed + len(piece) > PASSED:
                    self.broke.set()
                    break
                passed += len(piece)
                sink.sendall(piece)
        _end(source, sink)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    _end(source, sink)


def _end(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()


@contextmanager
def relay(port: int) -> Iterator[Relay]:
    made = Relay(port)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def worker(folder: Path, settings: dict[str, str]) -> Iterator[Process]:
    process = Process("worker", folder, environment(folder, settings))
    try:
        yield process
    finally:
        process.end()


@pytest.fixture
def settings(tmp_path: Path, server: PostgreSQL, redis: RedisServer) -> Iterator[dict[str, str]]:
    redis.forget_all()
    name = f"elsewhere_{new_id()}"
    yield {
        "MALGWI_STORE__URL": server.create(name),
        "MALGWI_JOBS__QUEUE": "celery",
        "MALGWI_JOBS__BROKER": redis.url,
        "MALGWI_JOBS__WORKERS": "1",
    }
    server.drop(name)


@pytest.fixture
def key(tmp_path: Path) -> str:
    file = tmp_path / "media_key"
    file.write_text(KEY + "\n")
    return str(file)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_worker_with_an_empty_folder_transcribes_what_another_node_keeps(
    tmp_path: Path, settings: dict[str, str], key: str
) -> None:
    sound = np.concatenate([np.pad(tone(300.0, 1.5, 16_000), ((0, 0), (0, 40_000)))] * 15, axis=1)
    long = write(tmp_path / "long.wav", sound, 16_000)
    assert long.stat().st_size > 1.5 * PASSED
    node = tmp_path / "node"
    node.mkdir()
    serving = {
        "MALGWI_ENGINE__KEYS": "the-key-of-an-administrator",
        "MALGWI_SERVE__MEDIA_KEY_FILE": key,
    }
    with (
        library(tmp_path, **settings, **serving) as gateway,
        relay(gateway.http.base_url.port or 0) as line,
    ):
        gateway.http.headers["authorization"] = "Bearer the-key-of-an-administrator"
        made = gateway.submit(long, languages="en")
        elsewhere = {"MALGWI_STORE__MEDIA_URL": line.url, "MALGWI_STORE__MEDIA_KEY_FILE": key}

        with worker(node, settings | elsewhere):
            until(lambda: gateway.job(made["job"]["id"])["state"] in {"done", "failed"})

        job = gateway.job(made["job"]["id"])
        assert (job["state"], job["attempt"]) == ("done", 1), job
        assert len(gateway.said(made["recording"]["id"])) == 15
        assert line.broke.is_set()
        assert line.after == 1
    [kept] = [each for each in (node / "data" / "fetched").iterdir() if len(each.name) == 64]
    assert kept.read_bytes() == long.read_bytes()
    log = (tmp_path / "log").read_text()
    assert KEY not in log + (node / "worker.log").read_text()
    parts = [line for line in log.splitlines() if "/v1/media/{sha256}" in line]
    assert any('"status": 206' in each for each in parts), parts

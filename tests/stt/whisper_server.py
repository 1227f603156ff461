"""A real whisper.cpp server, where tools/whisper_cpp.sh has built one."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "malgwi" / "whisper.cpp"
SERVER, MODEL = FOLDER / "whisper-server", FOLDER / "ggml-model.bin"


@contextmanager
def whisper_server() -> Iterator[str]:
    """Its address. Skips where it has not been built: it takes a compiler, and two minutes."""
    if not (SERVER.is_file() and MODEL.is_file()):
        pytest.skip(f"There is no whisper.cpp in {FOLDER}. Run: tools/whisper_cpp.sh")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # One thread: two would spin, waiting for each other, where other tests have the processor.
    command = [str(SERVER), "-m", str(MODEL), "--port", str(port), "-t", "1"]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=FOLDER
    ) as process:
        address = f"http://127.0.0.1:{port}"
        try:
            _wait(address, process)
            yield address
        finally:
            process.kill()


def _wait(address: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, "whisper-server ended by itself"
        try:
            if httpx.get(address + "/health", trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("whisper-server is not ready after a minute")

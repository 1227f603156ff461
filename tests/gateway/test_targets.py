"""The line to an address that somebody else gave: nothing that is there holds it for long."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

import pytest

from malgwi.errors import Cancelled
from malgwi.gateway.targets import connected, read_target

HELLO = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"
"""How an answer to a TLS client begins that is 16 KiB long."""


@contextmanager
def dripping(first: bytes, asked: Callable[[], None] = lambda: None) -> Iterator[str]:
    """The address of somebody who says that, and then a byte now and then for ever."""
    over = Event()

    def serve(listening: socket.socket) -> None:
        with suppress(OSError):
            caller, _ = listening.accept()
            with caller:
                caller.recv(65536)
                asked()
                caller.sendall(first)
                while not over.wait(0.02):
                    caller.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        over.set()
        thread.join()


def asked(url: str, within: float, stop: Event | None = None) -> bytes:
    target = read_target(url)
    with connected(target, ["127.0.0.1"], patience=5.0, within=within, stop=stop) as line:
        line.request("GET", "/")
        return line.getresponse().read()


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 fine\r\nX: ", b"HTTP/1.1 200 fine\r\n\r\n"])
def test_whoever_drips_is_cut_off_in_the_end(first: bytes) -> None:
    with dripping(first) as address:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            asked(f"http://{address}/", within=0.3)

    assert time.monotonic() - began < 3


def test_whoever_drips_before_there_is_a_secure_line_is_cut_off() -> None:
    with dripping(HELLO) as address:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            asked(f"https://{address}/", within=0.3)

    assert time.monotonic() - began < 3


def test_the_line_is_cut_when_nobody_waits_any_more() -> None:
    stop = Event()
    with (
        dripping(b"HTTP/1.1 200 fine\r\nX: ", asked=stop.set) as address,
        pytest.raises(Cancelled),
    ):
        asked(f"http://{address}/", within=60.0, stop=stop)


def test_a_hundred_addresses_that_do_not_answer_take_no_longer_than_one() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:  # there is no room for more, and nobody takes them
            each.setblocking(False)
            with suppress(BlockingIOError):
                each.connect(("127.0.0.1", port))
        target, began = read_target(f"http://127.0.0.1:{port}/"), time.monotonic()
        with (
            pytest.raises(TimeoutError),
            connected(target, ["127.0.0.1"] * 100, patience=0.2, within=0.5),
        ):
            pass
        for each in waiting:
            each.close()

    assert time.monotonic() - began < 3

"""What a large recording costs on its way in: `python -m benchmarks.upload`.

Two gigabytes that no two uploads share, made as they are sent, go to a real `malgwi serve` over
loopback, in a form and by tus: how fast, and how much memory the service needs for it above what
it has at rest. Needs no model and no measuring material, and as much disk as one upload.
"""

import argparse
import os
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

from benchmarks import load_servers, work
from benchmarks.load_servers import Server

SIZE = 2_000_000_000
SMALL = 10  # times less, to see that memory does not grow with the size
GROWTH = 8 * 2**20
"""Bytes by which the peak of the large upload may be above that of the small one."""
BLOCK = 256 * 1024
SETTLE = 2.0
"""Seconds for the service to come to rest."""
LOOK = 0.02

Send = Callable[[HTTPConnection, int], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes", type=int, default=SIZE)
    given = parser.parse_args()
    rows = [
        {"way": way, **_measured(send, size)}
        for way, send in WAYS.items()
        for size in (given.bytes // SMALL, given.bytes)
    ]
    path = work.save("upload", {"kind": "upload", "load": os.getloadavg()[0], "rows": rows})
    print("\n".join(lines({"rows": rows})))
    print(f"\n{path}")


def lines(result: Mapping[str, Any]) -> list[str]:
    """A table of it, in Markdown."""
    table = [
        "| way | size MB | MB/s | at rest MiB | peak MiB | above rest MiB |",
        "|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        above = row["peak"] - row["rest"]
        rate = row["bytes"] / row["seconds"] / 1e6
        table.append(
            f"| {row['way']} | {row['bytes'] / 1e6:.0f} | {rate:.0f} | {_mib(row['rest']):.0f} "
            f"| {_mib(row['peak']):.0f} | {_mib(above):.1f} |"
        )
    return [
        *table,
        "",
        f"Target: ten times the size, at most {_mib(GROWTH):.0f} MiB more. "
        + ", ".join(f"{way} {_mib(_growth(result, way)):+.1f} MiB" for way in WAYS)
        + ".",
    ]


def _growth(result: Mapping[str, Any], way: str) -> int:
    small, large = (each["peak"] - each["rest"] for each in result["rows"] if each["way"] == way)
    return int(large - small)


def _measured(send: Send, size: int) -> dict[str, Any]:
    """Of a service of its own, which has had one small upload before."""
    with load_servers.keeping() as server, closing(_connected(server)) as connection:
        send(connection, BLOCK)
        time.sleep(SETTLE)
        rest = _resident(server)
        with _watched(server) as looks:
            began = time.perf_counter()
            send(connection, size)
            seconds = time.perf_counter() - began
    return {"bytes": size, "seconds": seconds, "rest": rest, "peak": max(looks)}


def _by_form(connection: HTTPConnection, size: int) -> None:
    head = (
        b'--x\r\nContent-Disposition: form-data; name="transcribe"\r\n\r\nfalse\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    )
    tail = b"\r\n--x--\r\n"

    def body() -> Iterator[bytes]:
        yield head
        yield from _sound(size)
        yield tail

    headers = {
        "Content-Type": "multipart/form-data; boundary=x",
        "Content-Length": str(len(head) + size + len(tail)),
    }
    connection.request("POST", "/v1/recordings", body(), headers)
    _answer(connection, 201)


def _by_tus(connection: HTTPConnection, size: int) -> None:
    version = {"Tus-Resumable": "1.0.0"}
    told = {"filename": "a.wav", "transcribe": "false"}
    metadata = ",".join(
        f"{name} {b64encode(each.encode()).decode()}" for name, each in told.items()
    )
    begun = {**version, "Upload-Length": str(size), "Upload-Metadata": metadata}
    connection.request("POST", "/v1/uploads", headers=begun)
    place = urlsplit(_answer(connection, 201).headers["Location"]).path
    headers = {
        **version,
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(size),
    }
    connection.request("PATCH", place, _sound(size), headers)
    _answer(connection, 204)


WAYS: dict[str, Send] = {"form": _by_form, "tus": _by_tus}


def _sound(size: int) -> Iterator[bytes]:
    """Bytes that were never sent before and cannot be packed, at no cost to speak of."""
    noise = os.urandom(BLOCK - 8)
    for number in range(-(-size // BLOCK)):
        yield (number.to_bytes(8, "big") + noise)[: size - number * BLOCK]


def _connected(server: Server) -> HTTPConnection:
    address = urlsplit(server.address)
    return HTTPConnection(address.hostname or "", address.port, timeout=300)


def _answer(connection: HTTPConnection, status: int) -> HTTPResponse:
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != status:
        raise SystemExit(f"It was answered {answer.status}: {said.decode(errors='replace')}")
    return answer


@contextmanager
def _watched(server: Server) -> Iterator[list[int]]:
    """What it has while the block runs, look after look."""
    looks, done = [_resident(server)], Event()

    def look() -> None:
        while not done.wait(LOOK):
            looks.append(_resident(server))

    watching = Thread(target=look)
    watching.start()
    try:
        yield looks
    finally:
        done.set()
        watching.join()


def _resident(server: Server) -> int:
    """Bytes, of all its processes."""
    return sum(server.resident().values())


def _mib(size: int) -> float:
    return size / 2**20


if __name__ == "__main__":
    main()

"""A name server that knows nothing and writes down who asked for what: given to Python in a
container of the rehearsal. What the engine's own name server knows never gets here."""

import json
import socket

HERE = "127.0.0.11"
"""The engine's name server, by which an address is a container."""


def name_asked(packet: bytes) -> str:
    """Of the first question; empty for what is no question."""
    words, at = [], 12
    while at < len(packet) and (size := packet[at]):
        words.append(packet[at + 1 : at + 1 + size].decode("ascii", "replace"))
        at += size + 1
    return ".".join(words).lower()


def answer(packet: bytes) -> bytes:
    """There is no such name."""
    return packet[:2] + b"\x81\x83" + packet[4:6] + bytes(6) + packet[12:]


def container(address: str) -> str:
    """By its name, or by the address where nobody knows it."""
    try:
        return socket.gethostbyaddr(address)[0].partition(".")[0]
    except OSError:
        return address


def main() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("0.0.0.0", 53))
        while True:
            packet, who = server.recvfrom(4096)
            server.sendto(answer(packet), who)
            said = {"who": container(who[0]), "where": name_asked(packet)}
            print(json.dumps(said), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()

"""A line between a browser and a service that is slow, and that breaks: a TCP relay."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

_PIECE = 64 * 1024


class Line:
    """What goes to the service takes its time; what comes back does not."""

    def __init__(self, port: int, speed: float) -> None:
        self.speed = speed
        """Bytes a second to the service."""
        self.is_cut = False
        self._port = port
        self._closed = Event()
        self._open: list[socket.socket] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Every connection breaks, and none is made until `join`."""
        self.is_cut = True
        _end(*self._open)
        self._open.clear()

    def join(self, speed: float) -> None:
        self.speed = speed
        self.is_cut = False

    def close(self) -> None:
        self._closed.set()
        self._door.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                asking, _ = self._door.accept()
                if self.is_cut:
                    asking.close()
                    continue
                service = socket.create_connection(("127.0.0.1", self._port))
                self._open += [asking, service]
                Thread(target=self._pump, args=(asking, service, True), daemon=True).start()
                Thread(target=self._pump, args=(service, asking, False), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, is_slow: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(_PIECE):
                sink.sendall(piece)
                if is_slow:
                    self._closed.wait(len(piece) / self.speed)
        _end(source, sink)


def _end(*sockets: socket.socket) -> None:
    """Also for a thread that waits for one of them."""
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()


@contextmanager
def slow_line(port: int, speed: float) -> Iterator[Line]:
    line = Line(port, speed)
    try:
        yield line
    finally:
        line.close()

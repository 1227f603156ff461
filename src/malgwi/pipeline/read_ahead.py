"""One stage runs ahead of the next, by a bounded queue and a thread of its own."""

import time
from collections.abc import Callable, Iterable, Iterator
from queue import Full, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

T = TypeVar("T")
POLL = 0.1  # seconds; how soon the thread sees that nobody reads on


class ReadAhead(Generic[T]):
    """Iterates over `source` in another thread, at most `depth` items ahead of the reader.

    What the source raises is raised where it is read. A context manager: leaving it ends the
    thread, whether or not everything was read.
    """

    def __init__(self, source: Callable[[], Iterable[T]], depth: int) -> None:
        self._queue: Queue[T | BaseException | None] = Queue(depth)
        self._source = source
        self._left = Event()
        self._thread = Thread(target=self._run, name="read-ahead", daemon=True)
        self.busy = 0.0
        """Processor seconds that the source has taken."""

    def __enter__(self) -> "ReadAhead[T]":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join()

    def __iter__(self) -> Iterator[T]:
        while (item := self._queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    def _run(self) -> None:
        began = time.thread_time()
        try:
            for item in self._source():
                self.busy = time.thread_time() - began
                if not self._put(item):
                    return
            self._put(None)
        except BaseException as error:  # noqa: BLE001  # it is raised where the items are read
            self._put(error)

    def _put(self, item: T | BaseException | None) -> bool:
        while not self._left.is_set():
            try:
                self._queue.put(item, timeout=POLL)
                return True
            except Full:
                continue
        return False

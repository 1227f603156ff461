"""The one place where the gateway crosses into threads. Engines and files are plain functions."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from threading import Condition, Event
from typing import Generic, TypeVar

from anyio import CancelScope
from fastapi import Request

from malgwi.errors import Cancelled, Overloaded

T = TypeVar("T")

_WRITERS = 4  # threads for short work on files
_RETRY_AFTER = 5  # seconds
_AHEAD = 16  # items of a stream that may wait for a slow client


class Crossing:
    """Threads for requests, `capacity` of them; one request more hears when to come again.

    What waits for an engine holds a thread while it waits, so that short work on files has
    threads of its own.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._in_hand = 0
        self._requests = ThreadPoolExecutor(capacity, thread_name_prefix="request")
        self._short = ThreadPoolExecutor(_WRITERS, thread_name_prefix="file")

    def close(self) -> None:
        """Take no more. What runs is waited for."""
        self._requests.shutdown()
        self._short.shutdown()

    async def run(self, request: Request, function: Callable[[Event], T]) -> T:
        """The result of `function`, called in a thread with an event that says: stop.

        The event is set when the client has gone or the task is cancelled. In any case the
        function has ended when this returns. Raises what the function raises, Cancelled where
        the client has gone, and Overloaded. Call it when the request's body has been read.
        """
        with self._one_more():
            stop = Event()
            work = _Work(self._requests, function, stop)
            gone = asyncio.create_task(_gone(request))
            try:
                await asyncio.wait({gone, work.ended}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopped = not work.ended.done()
                gone.cancel()
                await work.stop(stop.set)
            if stopped:
                raise Cancelled("The client has gone.")
            return work.result()

    async def briefly(self, function: Callable[[], T]) -> T:
        """Short work on files. It has ended when this returns, even if the task is cancelled."""
        work = _Work(self._short, function)
        await work.wait()
        return work.result()

    async def stream(
        self, request: Request, function: Callable[[Event, Callable[[T], None]], None]
    ) -> AsyncIterator[T]:
        """What `function` hands to its callback, as it comes.

        The callback waits while the client is slow to take, and raises Cancelled once it has
        gone or the event is set. In any case the function has ended when the stream has. Raises
        what `run` raises, Overloaded before the first item.
        """
        with self._one_more():
            items: _Items[T] = _Items(asyncio.get_running_loop())
            work = _Work(self._requests, function, items.stop, items.put)
            work.ended.add_done_callback(items.close)
            gone = asyncio.create_task(_gone(request))
            gone.add_done_callback(items.leave)
            try:
                async for item in items:
                    yield item
            finally:
                stopped = not work.ended.done()
                gone.remove_done_callback(items.leave)
                gone.cancel()
                await work.stop(items.leave)
            if stopped:
                raise Cancelled("The client has gone.")
            work.result()

    @contextmanager
    def _one_more(self) -> Iterator[None]:
        if self._in_hand >= self._capacity:
            raise Overloaded(
                f"{self._capacity} requests are being worked on, the most at a time. "
                "Send this one again.",
                _RETRY_AFTER,
            )
        self._in_hand += 1
        try:
            yield
        finally:
            self._in_hand -= 1


class _Work(Generic[T]):
    """A function in a thread, with the request's context, and its end as the loop sees it."""

    def __init__(self, pool: Executor, function: Callable[..., T], *args: object) -> None:
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = loop.create_future()
        self._thread: Future[T] = pool.submit(copy_context().run, function, *args)
        self._thread.add_done_callback(lambda _: _tell(loop, self._end))

    def result(self) -> T:
        """Once it has ended."""
        return self._thread.result()

    async def stop(self, ask: Callable[[], None]) -> None:
        """Ask it to end, and wait for that."""
        if not self.ended.done():
            ask()
        await self.wait()

    async def wait(self) -> None:
        """Until it has ended, whatever happens: what it uses, files above all, must not be taken
        from under it. Being cancelled is put off until then."""
        cancelled: asyncio.CancelledError | None = None
        with CancelScope(shield=True):
            while not self.ended.done():
                try:
                    await asyncio.wait({self.ended})
                except asyncio.CancelledError as error:
                    cancelled = error
        if cancelled:
            raise cancelled

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


class _Items(Generic[T]):
    """A short queue from a thread to the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.stop = Event()
        self._loop = loop
        self._room = Condition()
        self._waiting: deque[T] = deque()
        self._closed = False
        self._news = asyncio.Event()

    def put(self, item: T) -> None:
        """In the thread."""
        with self._room:
            self._room.wait_for(lambda: len(self._waiting) < _AHEAD or self.stop.is_set())
            if self.stop.is_set():
                raise Cancelled("The client has gone.")
            self._waiting.append(item)
        _tell(self._loop, self._news.set)

    def close(self, _: object = None) -> None:
        """No more come."""
        self._closed = True
        self._news.set()

    def leave(self, _: object = None) -> None:
        """Nobody takes any more: let the thread go."""
        with self._room:
            self.stop.set()
            self._room.notify_all()
        self.close()

    async def __aiter__(self) -> AsyncIterator[T]:
        while True:
            with self._room:
                item = [self._waiting.popleft()] if self._waiting else []
                self._room.notify_all()
            if item and not self.stop.is_set():
                yield item[0]
            elif self._closed:
                return
            else:
                self._news.clear()
                await self._news.wait()


def _tell(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    """From a thread. A loop that is closed has nobody to tell."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(callback)


async def _gone(request: Request) -> None:
    """Returns when the client has gone. The body has been read: only that can still come."""
    while (await request.receive())["type"] != "http.disconnect":
        pass

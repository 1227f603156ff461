"""Crossing into threads and back, with requests whose client a test lets go."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from threading import Event, current_thread

import pytest
from fastapi import Request
from starlette.types import Message

from malgwi import logs
from malgwi.errors import BadAudio, Cancelled, Overloaded
from malgwi.gateway import Crossing

Put = Callable[[int], None]


class Caller:
    """A client that has sent its request and waits, until it goes."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.request = Request({"type": "http"}, self._receive)

    async def _receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}


@pytest.fixture
def crossing() -> Iterator[Crossing]:
    crossing = Crossing(1)
    yield crossing
    crossing.close()


async def happened(event: Event) -> None:
    """Wait without holding the loop up."""
    async with asyncio.timeout(10):
        while not event.is_set():
            await asyncio.sleep(0.005)


def test_the_result_of_the_thread_comes_back(crossing: Crossing) -> None:
    async def main() -> str:
        return await crossing.run(Caller().request, lambda stop: current_thread().name)

    assert asyncio.run(main()).startswith("request")


def test_an_error_of_the_thread_comes_back(crossing: Crossing) -> None:
    def fails(stop: Event) -> None:
        raise BadAudio("no sound")

    async def main() -> None:
        await crossing.run(Caller().request, fails)

    with pytest.raises(BadAudio, match="no sound"):
        asyncio.run(main())


def test_the_id_of_the_request_goes_along(crossing: Crossing) -> None:
    async def main() -> str | None:
        with logs.bind("abc"):
            return await crossing.run(Caller().request, lambda stop: logs.request_id.get())

    assert asyncio.run(main()) == "abc"


def test_when_the_client_goes_the_function_is_told_and_waited_for(crossing: Crossing) -> None:
    began, ended = Event(), Event()

    def work(stop: Event) -> None:
        began.set()
        assert stop.wait(10)
        ended.set()

    async def main() -> None:
        caller = Caller()
        running = asyncio.create_task(crossing.run(caller.request, work))
        await happened(began)
        caller.gone.set()
        with pytest.raises(Cancelled):
            await running
        assert ended.is_set()

    asyncio.run(main())


def test_when_the_task_is_cancelled_the_function_is_told_and_waited_for(crossing: Crossing) -> None:
    began, ended = Event(), Event()

    def work(stop: Event) -> None:
        began.set()
        assert stop.wait(10)
        ended.set()

    async def main() -> None:
        running = asyncio.create_task(crossing.run(Caller().request, work))
        await happened(began)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert ended.is_set()

    asyncio.run(main())


def test_a_request_too_many_hears_when_to_come_again(crossing: Crossing) -> None:
    began, leave = Event(), Event()

    def first(stop: Event) -> None:
        began.set()
        assert leave.wait(10)

    async def main() -> str:
        busy = asyncio.create_task(crossing.run(Caller().request, first))
        await happened(began)
        with pytest.raises(Overloaded) as refused:
            await crossing.run(Caller().request, lambda stop: None)
        assert refused.value.retry_after > 0
        leave.set()
        await busy
        return await crossing.run(Caller().request, lambda stop: "room again")

    assert asyncio.run(main()) == "room again"


def test_short_work_does_not_wait_behind_requests(crossing: Crossing) -> None:
    began, leave = Event(), Event()

    def first(stop: Event) -> None:
        began.set()
        assert leave.wait(10)

    async def main() -> int:
        busy = asyncio.create_task(crossing.run(Caller().request, first))
        await happened(began)
        result = await crossing.briefly(lambda: 42)
        leave.set()
        await busy
        return result

    assert asyncio.run(main()) == 42


def test_short_work_has_ended_even_where_the_task_is_cancelled(crossing: Crossing) -> None:
    began, leave, ended = Event(), Event(), Event()

    def work() -> None:
        began.set()
        assert leave.wait(10)
        ended.set()

    async def main() -> None:
        running = asyncio.create_task(crossing.briefly(work))
        await happened(began)
        running.cancel()
        await asyncio.sleep(0)
        leave.set()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert ended.is_set()

    asyncio.run(main())


def test_a_stream_gives_everything_in_order(crossing: Crossing) -> None:
    def count(stop: Event, put: Put) -> None:
        for number in range(1000):
            put(number)

    async def main() -> list[int]:
        return [each async for each in crossing.stream(Caller().request, count)]

    assert asyncio.run(main()) == list(range(1000))


def test_an_error_comes_after_what_was_put_before_it(crossing: Crossing) -> None:
    got: list[int] = []

    def fails(stop: Event, put: Put) -> None:
        put(1)
        raise BadAudio("no more")

    async def main() -> None:
        async for each in crossing.stream(Caller().request, fails):
            got.append(each)

    with pytest.raises(BadAudio, match="no more"):
        asyncio.run(main())
    assert got == [1]


def test_a_slow_client_slows_the_thread_down(crossing: Crossing) -> None:
    put_so_far = 0

    def count(stop: Event, put: Put) -> None:
        nonlocal put_so_far
        for number in range(1000):
            put(number)
            put_so_far += 1

    async def main() -> None:
        stream = crossing.stream(Caller().request, count)
        taken = 0
        async for _ in stream:
            taken += 1
            await asyncio.sleep(0.001)  # the client takes its time
            assert put_so_far <= taken + 17

    asyncio.run(main())
    assert put_so_far == 1000


@pytest.mark.parametrize("leaving", ["goes", "closes"])
def test_a_stream_that_nobody_takes_ends_its_thread(crossing: Crossing, leaving: str) -> None:
    ended = Event()

    def count(stop: Event, put: Put) -> None:
        try:
            while True:
                put(1)
        finally:
            ended.set()

    async def take(caller: Caller, stream: AsyncIterator[int]) -> None:
        async for _ in stream:
            if leaving == "goes":
                caller.gone.set()
            else:
                return

    async def main() -> None:
        caller = Caller()
        async with aclosing(crossing.stream(caller.request, count)) as stream:  # type: ignore[type-var]
            if leaving == "goes":
                with pytest.raises(Cancelled):
                    await take(caller, stream)
            else:
                await take(caller, stream)
        assert ended.is_set()

    asyncio.run(main())


def test_a_function_that_says_nothing_is_told_that_the_client_has_gone(crossing: Crossing) -> None:
    began = Event()

    def silent(stop: Event, put: Put) -> None:
        began.set()
        assert stop.wait(10)

    async def main() -> None:
        caller = Caller()
        taking = asyncio.ensure_future(anext(crossing.stream(caller.request, silent)))
        await happened(began)
        caller.gone.set()
        with pytest.raises(Cancelled):
            await taking

    asyncio.run(main())


def test_nothing_is_complained_about_when_clients_go(
    crossing: Crossing, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(stop: Event) -> None:
        stop.wait(10)
        raise BadAudio("broken off")

    async def main() -> None:
        caller = Caller()
        caller.gone.set()
        with pytest.raises(Cancelled):
            await crossing.run(caller.request, fails)

    with caplog.at_level(logging.DEBUG, "asyncio"):
        asyncio.run(main())

    assert "never retrieved" not in caplog.text
    assert "destroyed" not in caplog.text

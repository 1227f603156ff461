"""Clients that ask again as soon as they are answered, and what they see.

They share one event loop and cost a few milliseconds a request, which is in the result.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

PATH = "/v1/audio/transcriptions"
PATIENCE = 600.0
"""Seconds without a byte after which an answer is lost."""
TURNED_AWAY = 429


@dataclass(frozen=True, slots=True)
class Utterance:
    """A recording, ready to be sent."""

    name: str
    said: str
    seconds: float
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request."""

    utterance: Utterance
    latency: float
    """Seconds from the first attempt to the last byte; being turned away is part of it."""
    text: str | None
    """None where the request is lost."""
    turned_away: int
    """Times that it heard 429, and came again when it was told to."""


@dataclass(frozen=True, slots=True)
class Window:
    """The answers from when every client had had one until so many more were there.

    The clients go on until its end, so that the last answers come under full load too.
    """

    answers: Sequence[Answer]
    seconds: float
    processor_seconds: float
    """That the clients themselves took."""
    lost: int
    """In all, before and after the window too; so is the next."""
    turned_away: int


def utterance(name: str, path: Path, said: str, seconds: float) -> Utterance:
    """The form that a client would send, made beforehand."""
    files = {"file": (path.name, path.read_bytes(), "audio/flac")}
    request = httpx.Request("POST", "http://it", files=files, data={"language": "en"})
    return Utterance(name, said, seconds, request.headers["content-type"], request.read())


def closed_loop(
    address: str,
    utterances: Sequence[Utterance],
    clients: int,
    requests: int,
    at_edge: Callable[[], None] = lambda: None,
) -> Window:
    """`requests` measured answers to so many clients; `at_edge` is called where the window begins
    and where it ends. The utterances go round."""
    loop = _Loop(itertools.cycle(utterances), clients, requests, at_edge)
    asyncio.run(loop.run(address))
    return loop.window()


class _Loop:
    """All clients together."""

    def __init__(
        self,
        work: Iterator[Utterance],
        clients: int,
        requests: int,
        at_edge: Callable[[], None],
    ) -> None:
        self._work, self._clients, self._requests = work, clients, requests
        self._at_edge = at_edge
        self._answers: list[Answer] = []
        self._edges: list[tuple[float, float]] = []

    async def run(self, address: str) -> None:
        limits = httpx.Limits(max_connections=self._clients)
        timeout = httpx.Timeout(PATIENCE)
        async with (
            httpx.AsyncClient(
                base_url=address, limits=limits, timeout=timeout, trust_env=False
            ) as http,
            asyncio.TaskGroup() as clients,
        ):
            for _ in range(self._clients):
                clients.create_task(self._client(http))

    def window(self) -> Window:
        (began, busy_before), (ended, busy_after) = self._edges
        return Window(
            self._answers[self._clients : self._last],
            ended - began,
            busy_after - busy_before,
            sum(each.text is None for each in self._answers),
            sum(each.turned_away for each in self._answers),
        )

    @property
    def _last(self) -> int:
        """Answers until the window's end."""
        return self._clients + self._requests

    async def _client(self, http: httpx.AsyncClient) -> None:
        while len(self._answers) < self._last:
            self._answers.append(await _answer(http, next(self._work)))
            if len(self._answers) in (self._clients, self._last):
                self._edges.append((time.perf_counter(), time.process_time()))
                self._at_edge()


async def _answer(http: httpx.AsyncClient, utterance: Utterance) -> Answer:
    began = time.perf_counter()
    turned_away = 0
    while (answer := await _sent(http, utterance)) and answer.status_code == TURNED_AWAY:
        turned_away += 1
        await asyncio.sleep(float(answer.headers["retry-after"]))
    text = answer.json()["text"] if answer and answer.status_code == httpx.codes.OK else None
    return Answer(utterance, time.perf_counter() - began, text, turned_away)


async def _sent(http: httpx.AsyncClient, utterance: Utterance) -> httpx.Response | None:
    """None where no answer comes."""
    headers = {"content-type": utterance.content_type}
    try:
        return await http.post(PATH, content=utterance.body, headers=headers)
    except httpx.HTTPError:
        return None

"""A transcript as it is made: server-sent events, with a sign of life where nothing is said.

The deltas put together are the text of `transcript.text.done`, to the letter: an utterance goes
out only when nothing can change it any more.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Literal

from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from malgwi.apps.transcription.dialects.extras import Extras, extras
from malgwi.apps.transcription.dialects.measures import seconds
from malgwi.apps.transcription.dialects.openai.answers import (
    Fault,
    Language,
    Logprob,
    Usage,
    fault_of,
    languages_of,
    logprobs_of,
    usage,
)
from malgwi.apps.transcription.dialects.openai.form import Shown
from malgwi.apps.transcription.dialects.spoken import spoken, text_of
from malgwi.errors import MalgwiError
from malgwi.gateway import status_of
from malgwi.types import Transcript, Utterance

KEEP_ALIVE = 15.0
"""Seconds without an event after which a comment is sent: proxies cut what is silent."""


class DeltaExtras(BaseModel):
    """Where in the recording a delta was said."""

    id: str
    channel: int
    start: float
    end: float


class Delta(BaseModel):
    """What was said since the last event."""

    type: Literal["transcript.text.delta"] = "transcript.text.delta"
    delta: str
    logprobs: list[Logprob] = []
    x_malgwi: DeltaExtras


class Done(BaseModel):
    """The end: everything that was said."""

    type: Literal["transcript.text.done"] = "transcript.text.done"
    text: str
    languages: list[Language]
    logprobs: list[Logprob] = []
    usage: Usage
    x_malgwi: Extras


class Broken(BaseModel):
    """The end, where it comes before its time."""

    type: Literal["error"] = "error"
    error: Fault


class Deltas:
    """Utterances to events; each begins with the space that parts it from the one before."""

    def __init__(self, put: Callable[[BaseModel], None], shown: Shown) -> None:
        self._put = put
        self._shown = shown
        self._gap = ""

    def push(self, utterances: Sequence[Utterance]) -> None:
        for each in spoken(utterances):
            self._put(self._delta(each))
            self._gap = " "

    def _delta(self, each: Utterance) -> Delta:
        start, end = seconds(each.span.start), seconds(each.span.end)
        delta = Delta(
            type="transcript.text.delta",
            delta=self._gap + each.text,
            x_malgwi=DeltaExtras(id=each.id, channel=each.channel, start=start, end=end),
        )
        if self._shown.logprobs:
            delta.logprobs = logprobs_of([each])
        return delta


def done(transcript: Transcript, shown: Shown, ignored: Sequence[str]) -> Done:
    event = Done(
        type="transcript.text.done",
        text=text_of(transcript),
        languages=languages_of(transcript),
        usage=usage(transcript),
        x_malgwi=extras(transcript, ignored),
    )
    if shown.logprobs:
        event.logprobs = logprobs_of(spoken(transcript.utterances))
    return event


async def event_stream(
    events: AsyncGenerator[BaseModel], every: float = KEEP_ALIVE
) -> StreamingResponse:
    """The events as they come. Raises what goes wrong before the first of them, unless that
    takes longer than a client may be left without a sign: then, as later, it is an event."""
    coming = _kept_alive(events, every)
    first = await anext(coming, None)
    unbuffered = {"X-Accel-Buffering": "no"}  # nginx would keep what is short
    return StreamingResponse(_lines(first, coming), 200, unbuffered, "text/event-stream")


async def _kept_alive(
    events: AsyncGenerator[BaseModel], every: float
) -> AsyncGenerator[BaseModel | None]:
    """The events, and None after each stretch without one."""
    coming = asyncio.ensure_future(anext(events, _END))
    try:
        while True:
            await asyncio.wait({coming}, timeout=every)
            if not coming.done():
                yield None
                continue
            event = coming.result()
            if event is _END:
                return
            yield event
            coming = asyncio.ensure_future(anext(events, _END))
    finally:
        coming.cancel()
        with suppress(asyncio.CancelledError, MalgwiError):
            await coming
        await events.aclose()


async def _lines(
    first: BaseModel | None, rest: AsyncGenerator[BaseModel | None]
) -> AsyncIterator[str]:
    try:
        yield _line(first)
        async for event in rest:
            yield _line(event)
    except MalgwiError as error:
        yield _line(Broken(type="error", error=fault_of(status_of(error))))
    finally:
        await rest.aclose()


def _line(event: BaseModel | None) -> str:
    if event is None:
        return ": still at work\n\n"
    return f"data: {event.model_dump_json(exclude_unset=True)}\n\n"


class _End(BaseModel):
    """After the last event."""


_END = _End()

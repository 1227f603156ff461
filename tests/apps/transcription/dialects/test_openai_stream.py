"""Events while a recording is transcribed: as they come, kept alive, and ended in words."""

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from apps.transcription.dialects.desk import (
    Desk,
    Rehearsed,
    channel,
    desk,
    recording,
    wave_of,
)
from gateway.serving import until
from openai import OpenAI
from pydantic import BaseModel

from malgwi.apps.transcription.dialects.openai.answers import Usage
from malgwi.apps.transcription.dialects.openai.events import Deltas, event_stream
from malgwi.apps.transcription.dialects.openai.form import Shown
from malgwi.errors import BadAudio, EngineGone
from malgwi.testing import OneEngine
from malgwi.types import Span, Utterance

# The longest piece of a short recording is heard first, so that must be the one that is first.
CALL = ("call.wav", wave_of(np.concatenate([channel([0], 3.0), channel([3, 1])], axis=1)))


class Stopped(Rehearsed):
    """Waits before its second piece until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = Event()
        self.fault: Exception | None = None
        self.before = self._wait

    def _wait(self, count: int) -> None:
        if count:
            assert self.go.wait(10)
            if self.fault:
                raise self.fault


def events_in(body: str) -> list[Any]:
    lines = [line for line in body.split("\n\n") if line.startswith("data: ")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def test_an_utterance_goes_out_before_the_next_is_recognised(tmp_path: Path) -> None:
    engine = Stopped()
    with (
        desk(OneEngine(engine), tmp_path) as at,
        OpenAI(base_url=f"{at.url}/v1", api_key="any") as client,
        client.audio.transcriptions.create(model="whisper-1", file=CALL, stream=True) as stream,
    ):
        first = next(iter(stream))
        heard = len(engine.heard)
        engine.go.set()
        rest = list(stream)

    assert first.type == "transcript.text.delta"
    assert (first.delta, heard) == ("Good morning, tower.", 1)
    assert rest[-1].type == "transcript.text.done"
    assert rest[-1].text == "Good morning, tower. Roger. Ready for take-off."


def test_an_engine_that_dies_on_the_way_is_an_error_and_no_done(tmp_path: Path) -> None:
    engine = Stopped()
    engine.fault = EngineGone("The engine has died. Try again.")
    seen = []
    with (
        desk(OneEngine(engine), tmp_path) as at,
        OpenAI(base_url=f"{at.url}/v1", api_key="any") as client,
        client.audio.transcriptions.create(model="whisper-1", file=CALL, stream=True) as stream,
        pytest.raises(openai.APIError, match="has died") as caught,
    ):
        for event in stream:
            seen.append(event.type)
            engine.go.set()

    assert seen == ["transcript.text.delta"]
    assert caught.value.code == "engine_gone"


def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(tmp_path: Path) -> None:
    engine = Stopped()
    with desk(OneEngine(engine), tmp_path) as at:
        with httpx.stream(
            "POST",
            f"{at.url}/v1/audio/transcriptions",
            files={"file": CALL},
            data={"stream": "true"},
        ) as response:
            first = next(response.iter_lines())
        engine.go.set()
        until(lambda: not at.files())

    assert first.startswith("data: ")


def test_an_event_says_where_in_the_recording_it_was_said(at: Desk) -> None:
    body = at.post(
        "/v1/audio/transcriptions",
        files={"file": ("radio.wav", recording([0, None], [None, 1]))},
        data={"stream": "true"},
    )

    *deltas, done = events_in(body.text)
    assert [(each["delta"], each["x_malgwi"]["channel"]) for each in deltas] == [
        ("Good morning, tower.", 0),
        (" Ready for take-off.", 1),
    ]
    assert "logprobs" not in done
    assert [each["label"] for each in done["x_malgwi"]["channels"]] == ["ch01", "ch02"]


def test_what_does_not_count_is_in_no_delta() -> None:
    put: list[Any] = []
    deltas = Deltas(put.append, Shown("json", "transcribe"))

    deltas.push([said("Roger."), said("Thank you.", suppressed="stock-phrase:en-1"), said(" ")])
    deltas.push([said("Out.")])

    assert [each.delta for each in put] == ["Roger.", " Out."]


def test_where_nothing_happens_a_comment_keeps_the_connection() -> None:
    async def events() -> AsyncGenerator[BaseModel]:
        yield Usage(type="duration", seconds=1.0)
        await asyncio.sleep(0.05)
        yield Usage(type="duration", seconds=2.0)

    lines = asyncio.run(streamed(events()))

    assert lines[0] == 'data: {"type":"duration","seconds":1.0}\n\n'
    assert lines[-1] == 'data: {"type":"duration","seconds":2.0}\n\n'
    assert set(lines[1:-1]) == {": still at work\n\n"}


def test_what_goes_wrong_after_the_first_sign_of_life_is_an_event() -> None:
    async def events() -> AsyncGenerator[BaseModel]:
        await asyncio.sleep(0.05)
        raise BadAudio("There is no sound in it.")
        yield Usage(type="duration", seconds=1.0)

    lines = asyncio.run(streamed(events()))

    [last] = events_in(lines[-1])
    assert lines[0] == ": still at work\n\n"
    assert last["type"] == "error"
    assert last["error"]["code"] == "invalid_audio"


async def streamed(events: AsyncGenerator[BaseModel]) -> list[str]:
    response = await event_stream(events, every=0.01)
    return [str(line) async for line in response.body_iterator]


def said(text: str, suppressed: str | None = None) -> Utterance:
    return Utterance("", 0, Span(0, 1), text, text, (), "en", suppressed=suppressed)

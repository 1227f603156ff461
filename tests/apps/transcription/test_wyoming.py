"""The dialect of Home Assistant, spoken with the client that Home Assistant uses.

A real server on a port of this machine and the client of the package `wyoming`; the engine says
what it was told to, but in the last test.
"""

import asyncio
import json
import logging
import random
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from difflib import SequenceMatcher
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from numpy.typing import NDArray
from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.event import Event as WyomingEvent
from wyoming.info import Describe, Info
from wyoming.ping import Ping

from malgwi.apps.transcription.service import Service
from malgwi.apps.transcription.wyoming import (
    ModelCard,
    WyomingDoor,
    WyomingLimits,
    check_wyoming_exposure,
    may_connect,
)
from malgwi.audio import Recording, open_recording
from malgwi.errors import BadOption, Cancelled, Overloaded
from malgwi.scheduling import Lane
from malgwi.stt import Piece, Recognition, Transcriber
from malgwi.testing import OneEngine, ScriptedTranscriber
from malgwi.types import SAMPLE_RATE, Samples
from malgwi.vad import VoiceDetector
from malgwi.vad.energy import EnergyDetector

pytestmark = pytest.mark.anyio

RATE, WIDTH = SAMPLE_RATE, 2
VOICE = np.full(RATE, 8_000, np.int16)
PAUSE = np.zeros(3 * RATE, np.int16)
CARD = ModelCard(("ko", "en"), "OpenAI", "https://example.org/whisper")
PATIENCE = 10.0  # seconds, for what takes a moment
Sound = NDArray[np.int16]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@contextmanager
def opened(path: Path, name: str, stop: Event) -> Iterator[Recording]:
    yield open_recording([path])


class Asked(OneEngine):
    """Remembers what was asked for."""

    def __init__(self, transcriber: Transcriber, full: bool = False) -> None:
        super().__init__(transcriber)
        self.asked: list[tuple[str, Lane]] = []
        self._full = full

    def admit(self, lane: Lane) -> None:
        if self._full:
            raise Overloaded("Too much is waiting. Try again in 7 seconds.", 7)

    def transcriber(self, model: str, lane: Lane, stop: Event) -> Transcriber:
        self.asked.append((model, lane))
        return super().transcriber(model, lane, stop)


class Patient(ScriptedTranscriber):
    """Works until it is called off."""

    def __init__(self) -> None:
        super().__init__()
        self.working = Event()
        self.stop = Event()
        self.called_off = Event()

    def transcribe(self, pieces: Sequence[Piece]) -> list[Recognition]:
        self.working.set()
        if not self.stop.wait(PATIENCE):
            return super().transcribe(pieces)
        self.called_off.set()
        raise Cancelled("It was called off.")


class PatientFleet(OneEngine):
    def __init__(self, engine: Patient) -> None:
        super().__init__(engine)
        self._engine = engine

    def transcriber(self, model: str, lane: Lane, stop: Event) -> Transcriber:
        self._engine.stop = stop
        return self._engine


def service(fleet: OneEngine, new_vad: Callable[[], VoiceDetector] = EnergyDetector) -> Service:
    return Service(fleet, opened, new_vad, lambda labels: ())


@asynccontextmanager
async def listening(
    folder: Path,
    fleet: OneEngine | None = None,
    limits: WyomingLimits | None = None,
    new_vad: Callable[[], VoiceDetector] = EnergyDetector,
) -> AsyncIterator[WyomingDoor]:
    fleet = fleet or OneEngine(ScriptedTranscriber())
    door = WyomingDoor(
        service(fleet, new_vad), folder, lambda name: CARD, version="1.2.3", limits=limits
    )
    await door.start("127.0.0.1", 0)
    try:
        yield door
    finally:
        await door.stop()


def client_of(door: WyomingDoor) -> AsyncTcpClient:
    return AsyncTcpClient("127.0.0.1", door.port, connect_timeout=PATIENCE, read_timeout=PATIENCE)


def chunk(sound: bytes, rate: int = RATE, width: int = WIDTH, channels: int = 1) -> WyomingEvent:
    return AudioChunk(rate=rate, width=width, channels=channels, audio=sound).event()


async def send(
    client: AsyncTcpClient,
    sound: Sound,
    asked: Transcribe | None = None,
    *,
    rate: int = RATE,
    channels: int = 1,
) -> None:
    """As Home Assistant sends an utterance; channels are interleaved."""
    if asked:
        await client.write_event(asked.event())
    await client.write_event(AudioStart(rate=rate, width=WIDTH, channels=channels).event())
    data, step = sound.tobytes(), 2048
    for first in range(0, len(data), step):
        await client.write_event(chunk(data[first : first + step], rate, WIDTH, channels))
    await client.write_event(AudioStop().event())


async def events_until(client: AsyncTcpClient, last: str) -> list[WyomingEvent]:
    events: list[WyomingEvent] = []
    while not events or events[-1].type != last:
        event = await client.read_event()
        assert event is not None, f"closed after {[each.type for each in events]}"
        events.append(event)
    return events


async def said(client: AsyncTcpClient) -> str:
    answer = await events_until(client, "transcript-stop")
    [transcript] = [each for each in answer if each.type == "transcript"]
    text: str = transcript.data["text"]
    return text


async def refusal(client: AsyncTcpClient) -> str:
    """The code of the error, behind which there is nothing more."""
    [error] = await events_until(client, "error")
    assert error.data["text"]
    assert await client.read_event() is None
    code: str = error.data["code"]
    return code


async def before_long(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, f"never: {what}"
        await asyncio.sleep(0.01)


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_an_utterance_is_answered_in_the_order_that_clients_expect(tmp_path: Path) -> None:
    async with listening(tmp_path) as door, client_of(door) as client:
        await send(client, np.concatenate([VOICE, PAUSE, VOICE]), Transcribe(language="en"))

        answer = await events_until(client, "transcript-stop")

    start, *chunks, transcript, stop = answer
    assert (start.type, start.data) == ("transcript-start", {"language": "en"})
    assert {each.type for each in chunks} == {"transcript-chunk"}
    assert len(chunks) == 2
    assert transcript.type == "transcript"
    assert transcript.data["text"] == "hello there hello there"
    assert transcript.data["language"] == "en"
    assert "".join(each.data["text"] for each in chunks) == transcript.data["text"]
    assert (stop.type, stop.data) == ("transcript-stop", {})
    assert files(tmp_path) == []


async def test_the_answer_says_what_recognised_it_and_what_changed_nothing(tmp_path: Path) -> None:
    async with listening(tmp_path) as door, client_of(door) as client:
        await send(client, VOICE, Transcribe(transcript_names=["kitchen"], context={"turn": 2}))

        answer = await events_until(client, "transcript")

    ours = answer[-1].data["x_malgwi"]
    assert (ours["model"], ours["device"], ours["fallback_reason"]) == ("scripted", "cpu", None)
    assert ours["ignored"] == ["context", "transcript_names"]


async def test_the_client_can_ask_what_there_is_before_a_model_is_loaded(tmp_path: Path) -> None:
    fleet = Asked(ScriptedTranscriber())
    async with listening(tmp_path, fleet) as door, client_of(door) as client:
        await client.write_event(Describe().event())
        [event] = await events_until(client, "info")

    [program] = Info.from_event(event).asr
    [model] = program.models
    assert (program.name, program.version, program.installed) == ("malgwi", "1.2.3", True)
    assert program.supports_transcript_streaming
    assert (model.name, model.installed, model.languages) == ("scripted", True, ["en", "ko"])
    assert (model.attribution.name, model.attribution.url) == (CARD.maker, CARD.url)
    assert model.description == "scripted on cpu"
    assert fleet.asked == []


async def test_a_ping_is_answered_even_between_two_chunks(tmp_path: Path) -> None:
    async with listening(tmp_path) as door, client_of(door) as client:
        await client.write_event(AudioStart(rate=RATE, width=WIDTH, channels=1).event())
        await client.write_event(chunk(VOICE.tobytes()))
        await client.write_event(Ping(text="still there?").event())
        [pong] = await events_until(client, "pong")
        await client.write_event(AudioStop().event())

        assert pong.data == {"text": "still there?"}
        assert await said(client) == "hello there"


async def test_a_connection_carries_several_utterances_and_each_asks_anew(tmp_path: Path) -> None:
    fleet = Asked(ScriptedTranscriber())
    async with listening(tmp_path, fleet) as door, client_of(door) as client:
        await send(client, VOICE, Transcribe(name="whisper-1", language="ko"))
        first = (await events_until(client, "transcript-stop"))[-2]
        await send(client, VOICE)
        second = (await events_until(client, "transcript-stop"))[-2]

    assert (first.data["language"], second.data["language"]) == ("ko", "en")
    assert fleet.asked == [("whisper-1", Lane.INTERACTIVE), ("", Lane.INTERACTIVE)]
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("given", "language"), [("ko-KR", "ko"), ("ko_KR", "ko"), ("EN", "en"), ("", "en")]
)
async def test_a_language_may_name_its_country(given: str, language: str, tmp_path: Path) -> None:
    async with listening(tmp_path) as door, client_of(door) as client:
        await send(client, VOICE, Transcribe(language=given))

        transcript = (await events_until(client, "transcript"))[-1]

    assert transcript.data["language"] == language


async def test_channels_are_recognised_one_by_one_and_told_in_order(tmp_path: Path) -> None:
    engine = ScriptedTranscriber(text="go ahead")
    tower = np.concatenate([VOICE, PAUSE, PAUSE])
    pilot = np.concatenate([PAUSE, VOICE, PAUSE])
    async with listening(tmp_path, OneEngine(engine)) as door, client_of(door) as client:
        await send(client, np.stack([tower, pilot], axis=1), channels=2)

        assert await said(client) == "go ahead go ahead"

    peaks = [np.abs(piece.samples).max() for piece in engine.heard]
    assert peaks == pytest.approx([8_000 / 2**15] * 2, rel=0.05)  # a mix would be half as loud


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
async def test_sound_of_any_rate_and_width_is_heard(rate: int, width: int, tmp_path: Path) -> None:
    engine = ScriptedTranscriber()
    tone = np.sin(np.arange(rate) * 2 * np.pi * 440 / rate) / 4
    full = np.round(tone * 2 ** (8 * width - 1)).astype("<i4")
    packed = full.view(np.uint8).reshape(-1, 4)[:, :width].tobytes()
    if width == 1:
        packed = (full + 128).astype(np.uint8).tobytes()

    async with listening(tmp_path, OneEngine(engine)) as door, client_of(door) as client:
        await client.write_event(AudioStart(rate=rate, width=width, channels=1).event())
        await client.write_event(chunk(packed, rate, width))
        await client.write_event(AudioStop().event())
        assert await said(client) == "hello there"

    [piece] = engine.heard
    assert piece.duration == pytest.approx(1.0, abs=0.2)
    assert np.abs(piece.samples).max() == pytest.approx(0.25, rel=0.1)


async def test_a_client_may_leave_audio_start_out(tmp_path: Path) -> None:
    async with listening(tmp_path) as door, client_of(door) as client:
        await client.write_event(chunk(VOICE.tobytes()))
        await client.write_event(AudioStop().event())

        assert await said(client) == "hello there"


@pytest.mark.parametrize("sound", [b"", b"x"], ids=["none", "half a sample"])
async def test_of_no_sound_nothing_was_said(sound: bytes, tmp_path: Path) -> None:
    async with listening(tmp_path) as door, client_of(door) as client:
        await client.write_event(AudioStart(rate=RATE, width=WIDTH, channels=1).event())
        await client.write_event(chunk(sound))
        await client.write_event(AudioStop().event())

        answer = await events_until(client, "transcript-stop")

    assert [each.type for each in answer] == ["transcript-start", "transcript", "transcript-stop"]
    assert answer[1].data == {"text": ""}


async def test_of_silence_nothing_was_said(tmp_path: Path) -> None:
    async with listening(tmp_path) as door, client_of(door) as client:
        await send(client, PAUSE, Transcribe(language="ko"))

        assert await said(client) == ""


async def test_sound_that_is_begun_again_is_let_go(tmp_path: Path) -> None:
    engine = ScriptedTranscriber()
    async with listening(tmp_path, OneEngine(engine)) as door, client_of(door) as client:
        await client.write_event(AudioStart(rate=RATE, width=WIDTH, channels=1).event())
        await client.write_event(chunk(VOICE.tobytes()))
        await send(client, np.concatenate([PAUSE, VOICE]))

        assert await said(client) == "hello there"

    assert len(engine.heard) == 1
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    "format",
    [
        {"rate": 0, "width": 2, "channels": 1},
        {"rate": 10**9, "width": 2, "channels": 1},
        {"rate": 16_000, "width": 5, "channels": 1},
        {"rate": 16_000, "width": 2, "channels": 0},
        {"rate": 16_000, "width": 2, "channels": 65},
        {"rate": "16000", "width": 2, "channels": 1},
        {"rate": 16_000, "width": 2},
        {},
    ],
)
async def test_sound_that_cannot_be_is_refused(format: dict[str, object], tmp_path: Path) -> None:
    async with listening(tmp_path) as door, client_of(door) as client:
        await client.write_event(WyomingEvent("audio-start", format))

        assert await refusal(client) == "invalid_request"


async def test_sound_that_changes_its_format_is_refused(tmp_path: Path) -> None:
    async with listening(tmp_path) as door, client_of(door) as client:
        await client.write_event(AudioStart(rate=RATE, width=WIDTH, channels=1).event())
        await client.write_event(chunk(VOICE.tobytes(), rate=8_000))

        assert await refusal(client) == "invalid_request"

    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (Transcribe(name="no-such-model"), "model_not_found"),
        (Transcribe(language="xx"), "invalid_request"),
    ],
)
async def test_what_cannot_be_had_is_refused(asked: Transcribe, code: str, tmp_path: Path) -> None:
    async with listening(tmp_path) as door, client_of(door) as client:
        await send(client, VOICE, asked)

        assert await refusal(client) == code

    assert files(tmp_path) == []


async def test_whoever_comes_when_too_much_waits_hears_it_before_sending(tmp_path: Path) -> None:
    fleet = Asked(ScriptedTranscriber(), full=True)
    async with listening(tmp_path, fleet) as door, client_of(door) as client:
        await client.write_event(AudioStart(rate=RATE, width=WIDTH, channels=1).event())

        assert await refusal(client) == "overloaded"


@pytest.mark.parametrize(
    "limits", [WyomingLimits(bytes=4_000), WyomingLimits(seconds=0.5)], ids=["bytes", "seconds"]
)
async def test_an_utterance_that_is_too_long_is_refused_while_it_comes(
    limits: WyomingLimits, tmp_path: Path
) -> None:
    async with listening(tmp_path, limits=limits) as door, client_of(door) as client:
        await send(client, VOICE)

        assert await refusal(client) == "too_large"

    assert files(tmp_path) == []


async def test_a_client_that_sends_on_still_hears_why_it_was_refused(tmp_path: Path) -> None:
    limits = WyomingLimits(seconds=0.5)
    async with listening(tmp_path, limits=limits) as door, client_of(door) as client:
        await client.write_event(AudioStart(rate=RATE, width=WIDTH, channels=1).event())
        await before_long(lambda: bool(files(tmp_path)), "a file")
        await client.write_event(chunk(VOICE.tobytes()))
        await before_long(lambda: not files(tmp_path), "no file")

        for _ in range(50):
            await client.write_event(chunk(VOICE.tobytes()))
            await asyncio.sleep(0)  # as a microphone, it lets others run

        assert await refusal(client) == "too_large"


async def test_sound_is_on_disk_as_it_comes_and_goes_with_its_client(tmp_path: Path) -> None:
    async with listening(tmp_path) as door:
        async with client_of(door) as client:
            await client.write_event(AudioStart(rate=RATE, width=WIDTH, channels=1).event())
            for _ in range(20):
                await client.write_event(chunk(VOICE.tobytes()))
            await before_long(
                lambda: any(each.stat().st_size > 500_000 for each in files(tmp_path)),
                "sound on disk",
            )
            [file] = files(tmp_path)
            assert file.stat().st_mode & 0o077 == 0

        await before_long(lambda: not files(tmp_path), "no file")


async def test_work_for_a_client_that_has_gone_is_called_off(tmp_path: Path) -> None:
    engine = Patient()
    async with listening(tmp_path, PatientFleet(engine)) as door:
        async with client_of(door) as client:
            await send(client, VOICE, Transcribe(language="en"))
            await client.write_event(Ping().event())  # not read yet, and no reason to miss it
            await before_long(engine.working.is_set, "work")

        await before_long(engine.called_off.is_set, "called off")
        await before_long(lambda: not files(tmp_path), "no file")


async def test_a_door_that_is_closed_calls_off_its_work(tmp_path: Path) -> None:
    engine = Patient()
    async with (
        listening(tmp_path, PatientFleet(engine)) as door,
        client_of(door) as client,
        client_of(door) as idle,
    ):
        await send(client, VOICE, Transcribe(language="en"))
        await before_long(engine.working.is_set, "work")

        await door.stop()

        assert engine.called_off.is_set()
        assert files(tmp_path) == []
        assert await idle.read_event() is None
        assert await client.read_event() is None


async def test_a_client_that_says_nothing_is_not_waited_for(tmp_path: Path) -> None:
    limits = WyomingLimits(silence=0.1)
    async with listening(tmp_path, limits=limits) as door, client_of(door) as client:
        await client.write_event(AudioStart(rate=RATE, width=WIDTH, channels=1).event())

        assert await refusal(client) == "silence"

    assert files(tmp_path) == []


async def test_one_connection_too_many_is_refused_and_the_others_stay(tmp_path: Path) -> None:
    limits = WyomingLimits(connections=1)
    async with listening(tmp_path, limits=limits) as door, client_of(door) as first:
        await first.write_event(Ping().event())
        await events_until(first, "pong")
        async with client_of(door) as second:
            assert await refusal(second) == "overloaded"

        await send(first, VOICE)
        assert await said(first) == "hello there"


async def test_eight_clients_at_once_each_get_their_own_words(tmp_path: Path) -> None:
    async with listening(tmp_path) as door:

        async def speak(times: int) -> str:
            async with client_of(door) as client:
                await send(client, np.concatenate([VOICE, PAUSE] * times))
                return await said(client)

        answers = await asyncio.gather(*(speak(times) for times in range(1, 9)))

    assert answers == [" ".join(["hello there"] * times) for times in range(1, 9)]
    assert files(tmp_path) == []


HOSTILE = {
    "no json": b"hello\n",
    "http": b"POST / HTTP/1.1\r\nHost: 127.0.0.1:10300\r\n\r\n",
    "no object": b"[1, 2]\n",
    "no type": b"{}\n",
    "type is no text": b'{"type": 7}\n',
    "data is no object": b'{"type": "ping", "data": [1]}\n',
    "not utf-8": b'{"type": "\xff\xfe"}\n',
    "half a pair": b'{"type": "\\ud800"}\n',
    "deep": b'{"type": "ping", "data": ' + b"[" * 60_000 + b"\n",
    "huge number": b'{"type": "ping", "data_length": ' + b"9" * 10_000 + b"}\n",
    "negative length": b'{"type": "ping", "data_length": -1}\n',
    "true as length": b'{"type": "ping", "payload_length": true}\n',
    "a line without end": b"x" * 300_000,
    "endless data": b'{"type": "ping", "data_length": 1000000000000}\n',
    "endless payload": b'{"type": "ping", "payload_length": 1000000000000}\n',
    "endless sound": b'{"type": "audio-chunk", "data": {"rate": 16000, "width": 2, "channels": 1},'
    b' "payload_length": 1000000000000}\n',
    "extra data is no json": b'{"type": "ping", "data_length": 3}\nabc',
    "extra data is no object": b'{"type": "ping", "data_length": 2}\n[]',
    "name is no text": b'{"type": "transcribe", "data": {"name": ["x"]}}\n',
    "name is a book": b'{"type": "transcribe", "data": {"name": "' + b"x" * 5_000 + b'"}}\n',
}


@pytest.mark.parametrize("frame", HOSTILE.values(), ids=HOSTILE)
async def test_what_is_no_event_is_refused_at_once(frame: bytes, tmp_path: Path) -> None:
    async with listening(tmp_path) as door, client_of(door) as client:
        assert client._writer
        client._writer.write(frame)

        assert await refusal(client) in {"invalid_request", "too_large"}

    assert files(tmp_path) == []


async def test_events_that_are_not_for_us_are_passed_over(tmp_path: Path) -> None:
    async with listening(tmp_path) as door, client_of(door) as client:
        await client.write_event(WyomingEvent("select-program", {"name": "malgwi"}))
        await client.write_event(WyomingEvent("synthesize", {"text": "x"}, payload=b"\n{}\n" * 99))
        await client.write_event(Ping(text="now").event())

        [pong] = await events_until(client, "pong")

    assert pong.data == {"text": "now"}


def whole_conversation() -> bytes:
    def frame(event: WyomingEvent) -> bytes:
        data = json.dumps(event.data).encode()
        payload = event.payload or b""
        head = {"type": event.type, "data_length": len(data), "payload_length": len(payload)}
        return json.dumps(head).encode() + b"\n" + data + payload

    events = [
        Describe().event(),
        Ping(text="x").event(),
        Transcribe(name="scripted", language="en").event(),
        AudioStart(rate=RATE, width=WIDTH, channels=1).event(),
        chunk(VOICE[:3_000].tobytes()),
        AudioStop().event(),
    ]
    return b"".join(map(frame, events))


def mutated(conversation: bytes, chance: random.Random) -> bytes:
    data = bytearray(conversation)
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(data))
        match chance.randrange(5):
            case 0:
                data[place] = chance.randrange(256)
            case 1:
                del data[place : place + chance.randint(1, 40)]
            case 2:
                data[place:place] = chance.randbytes(chance.randint(1, 40))
            case 3:  # a digit of a length or a format
                digits = [at for at, byte in enumerate(data) if 48 <= byte <= 57] or [place]
                data[chance.choice(digits)] = chance.choice(b"0123456789-")
            case _:
                del data[place:]
                break
        data = data or bytearray(b"\n")
    return bytes(data)


async def test_random_and_mutated_bytes_end_their_own_connection_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chance, conversation = random.Random(20), whole_conversation()
    attacks = [chance.randbytes(chance.randint(1, 3_000)) for _ in range(100)]
    attacks += [mutated(conversation, chance) for _ in range(300)]
    kinds: set[str] = set()

    async def attack(door: WyomingDoor, attack: bytes) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(attack)
        writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            answer = await reader.read()
        kinds.update(
            part for part in ("info", "pong", "transcript", "error") if part.encode() in answer
        )
        writer.close()
        await writer.wait_closed()

    with caplog.at_level(logging.DEBUG):
        async with listening(tmp_path) as door:
            for first in range(0, len(attacks), 16):
                await asyncio.gather(*(attack(door, each) for each in attacks[first : first + 16]))
            async with client_of(door) as client:
                await send(client, VOICE)
                assert await said(client) == "hello there"
            await before_long(lambda: not files(tmp_path), "no file")

    assert {"info", "pong", "error"} <= kinds  # the bytes did come in, some of them as events
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]


async def test_what_was_said_is_not_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fleet = OneEngine(ScriptedTranscriber(text="vermilion"))
    with caplog.at_level(logging.DEBUG):
        async with listening(tmp_path, fleet) as door, client_of(door) as client:
            await send(client, VOICE)
            assert await said(client) == "vermilion"

    facts = [
        vars(each) for each in caplog.records if each.name == "malgwi.apps.transcription.wyoming"
    ]
    assert any(each["msg"] == "an utterance was recognised" for each in facts)
    assert "vermilion" not in str(facts)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_without_clients_it_may_listen_on_this_machine(host: str) -> None:
    check_wyoming_exposure(host, [])


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "192.168.1.5", "speech.example.org"])
def test_beyond_this_machine_clients_have_to_be_named(host: str) -> None:
    with pytest.raises(BadOption, match="no keys"):
        check_wyoming_exposure(host, [])

    check_wyoming_exposure(host, ["192.168.1.20"])


@pytest.mark.parametrize("client", ["homeassistant", "192.168.1.20/24", "300.1.1.1", ""])
def test_a_client_has_to_be_an_address_or_a_network(client: str, tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="no address and no network"):
        check_wyoming_exposure("127.0.0.1", [client])
    with pytest.raises(BadOption, match="no address and no network"):
        WyomingDoor(
            service(OneEngine(ScriptedTranscriber())),
            tmp_path,
            lambda name: CARD,
            version="1",
            clients=[client],
        )


async def test_a_door_does_not_open_where_it_must_not_or_cannot(tmp_path: Path) -> None:
    door = WyomingDoor(
        service(OneEngine(ScriptedTranscriber())), tmp_path, lambda name: CARD, version="1"
    )
    with pytest.raises(BadOption, match="no keys"):
        await door.start("0.0.0.0", 0)
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(BadOption, match="cannot listen"),
    ):
        await door.start("127.0.0.1", taken.getsockname()[1])
    await door.stop()


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.168.1.20", True),
        ("::ffff:192.168.1.20", True),
        ("10.1.2.3", True),
        ("fd00::5", True),
        ("192.168.1.21", False),
        ("::ffff:192.168.1.21", False),
        ("11.1.2.3", False),
        ("fe80::1%eth0", False),
    ],
)
def test_only_those_that_were_named_may_connect(address: str, may: bool) -> None:
    assert may_connect(address, ["192.168.1.20", "10.0.0.0/8", "fd00::/8"]) is may


def own_address() -> str:
    """An address of this machine that is not its loopback. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("This machine has no address but its loopback.")
        address: str = probe.getsockname()[0]
        return address


async def test_a_client_that_was_not_named_is_not_listened_to(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    address = own_address()
    fleet = OneEngine(ScriptedTranscriber())
    for clients, answered in ((["192.0.2.1"], False), ([address], True)):
        door = WyomingDoor(
            service(fleet), tmp_path, lambda name: CARD, version="1", clients=clients
        )
        await door.start("0.0.0.0", 0)
        reader, writer = await asyncio.open_connection(address, door.port)
        writer.write(b'{"type": "ping"}\n')
        try:
            answer = await reader.read(10)
        except ConnectionResetError:
            answer = b""
        assert bool(answer) is answered
        writer.close()
        await door.stop()

    [refused] = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert vars(refused)["peer"] == address


@pytest.mark.model
async def test_whisper_hears_through_it_what_was_read(
    tmp_path: Path,
    whisper: Transcriber,
    silero: Callable[[], VoiceDetector],
    channels: list[Samples],
) -> None:
    spoken = channels[0][round(0.2 * RATE) : round(4.4 * RATE)]
    sound = np.round(spoken * 32_767).astype(np.int16)
    async with (
        listening(tmp_path, OneEngine(whisper), new_vad=silero) as door,
        client_of(door) as client,
    ):
        await send(client, sound, Transcribe(language="en"))
        heard = await said(client)

    expected = "it was the best of times it was the worst of times"
    letters = "".join(each for each in heard.lower() if each.isalpha() or each == " ")
    assert SequenceMatcher(None, letters.split(), expected.split()).ratio() > 0.9


def korean() -> tuple[Path, str]:
    folder = Path(__file__).parents[4] / "shared" / "data" / "ko"
    if not folder.is_dir():
        pytest.skip("There is no measuring material beside the checkout.")
    return folder / "wyoming-ko.flac", (folder / "wyoming-ko.txt").read_text("utf-8")


@pytest.mark.model
@pytest.mark.shared
async def test_korean_is_heard_and_told_as_korean(
    tmp_path: Path, whisper: Transcriber, silero: Callable[[], VoiceDetector]
) -> None:
    path, expected = korean()
    [block] = list(open_recording([path], block_seconds=60).blocks())
    sound = np.round(block.samples[0] * 32_767).astype(np.int16)
    async with (
        listening(tmp_path, OneEngine(whisper), new_vad=silero) as door,
        client_of(door) as client,
    ):
        await send(client, sound, Transcribe(language="ko-KR"))
        answer = await events_until(client, "transcript")

    heard = answer[-1].data
    assert heard["language"] == "ko"
    letters = ["".join(filter(str.isalnum, each)) for each in (heard["text"], expected)]
    assert SequenceMatcher(None, letters[0], letters[1]).ratio() > 0.7

"""The dialect of Home Assistant: events over TCP, each a line of JSON, data and sound behind it.

    describe                                        -> info
    transcribe, audio-start, audio-chunk.., audio-stop
             -> transcript-start, transcript-chunk.., transcript, transcript-stop
    ping                                            -> pong
    what cannot be answered                         -> error, and the end of the connection

The end, because Home Assistant does not know `error`: it reads on until there is a transcript or
no connection. The package `wyoming` knows the events; reading them is done here, for its reader
believes every length that a stranger claims. Sound goes to disk as it comes, never into memory.
The protocol has no keys, so that addresses take their place.
"""

import asyncio
import logging
import tempfile
import threading
import time
import wave
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from wyoming.asr import Transcript as Answer
from wyoming.asr import TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.error import Error
from wyoming.event import Event, Eventable, async_write_event
from wyoming.info import AsrModel, AsrProgram, Attribution, Info
from wyoming.ping import Pong

from malgwi.apps.transcription.dialects.extras import extras, printable
from malgwi.apps.transcription.dialects.spoken import main_language, spoken
from malgwi.apps.transcription.service import Service, Wanted
from malgwi.audio import MOST_CHANNELS
from malgwi.errors import (
    BadInput,
    BadOption,
    Cancelled,
    MalgwiError,
    OutputError,
    Overloaded,
    TooLarge,
)
from malgwi.gateway import is_loopback, status_of
from malgwi.scheduling import Lane, ModelState
from malgwi.types import Transcript, Utterance

PORT = 10300
LANE = Lane.INTERACTIVE
"""Somebody waits for the answer, but nobody speaks any more when the work begins: there is no
stream that could fall behind. And sound may come as fast as a disk can read it, so that in the
live lane a recording of ten minutes would overtake everybody who does speak."""

_T = TypeVar("_T")
_LONGEST_LINE = 64 * 1024  # bytes of an event's line, and of the data behind it
_BLOCK = 64 * 1024  # bytes of sound in memory at a time
_LARGEST_WAV = 2**32 - 1024  # bytes; its header has no room for more
_LINGER = 2.0  # seconds in which the last word may reach a client that is still sending
_FILE_THREADS = 4
_RETRY_AFTER = 5  # seconds, where there are too many connections

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WyomingLimits:
    """What those who connect may ask of this machine, at most."""

    bytes: int = 128 * 1024**2
    """Of one utterance's sound."""
    seconds: float = 600.0
    """Of one utterance."""
    connections: int = 32
    silence: float = 60.0
    """Seconds that a client may send nothing, or not take what it is sent."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a client is told of a model, loaded or not."""

    languages: Collection[str]
    """ISO 639-1. Home Assistant offers a language only where it stands here."""
    maker: str = ""
    url: str = ""
    """Where it is from."""


def check_wyoming_exposure(host: str, clients: Collection[str]) -> None:
    """Raises BadOption where others could reach `host` and nobody said who may, or for addresses
    that are none."""
    _networks(clients)
    if clients or is_loopback(host):
        return
    raise BadOption(
        f"Wyoming has no keys: whoever reaches {host or 'all addresses'} could use this engine. "
        "Name the addresses that may connect, as that of Home Assistant, or listen on 127.0.0.1."
    )


def may_connect(address: str, clients: Collection[str]) -> bool:
    """Whether `clients`, addresses and networks, have this one. Those on this machine may."""
    peer = ip_address(address)
    if isinstance(peer, IPv6Address) and peer.ipv4_mapped:
        peer = peer.ipv4_mapped  # as a socket for both families shows it
    return peer.is_loopback or any(peer in network for network in _networks(clients))


def _networks(clients: Collection[str]) -> list[IPv4Network | IPv6Network]:
    return [_network(each) for each in clients]


def _network(client: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(client.strip())
    except ValueError as error:
        raise BadOption(
            f"{client!r} is no address and no network. Write it as 192.168.1.20 or 192.168.1.0/24."
        ) from error


class WyomingDoor:
    """Listens for clients of the Wyoming protocol, in the event loop in which it is started."""

    def __init__(  # noqa: PLR0913 (what it needs, and what bounds it)
        self,
        service: Service,
        folder: Path,
        card: Callable[[str], ModelCard],
        *,
        version: str,
        limits: WyomingLimits | None = None,
        clients: Collection[str] = (),
    ) -> None:
        """`folder` is for sound under way, and for nothing else. `card` is of a model's name; it
        must not wait, for Home Assistant gives a description one second. `clients` are those
        beside this machine. Raises BadOption."""
        _networks(clients)
        self.limits = limits or WyomingLimits()
        self.service = service
        self.folder = folder
        self._card = card
        self._version = version
        self._clients = tuple(clients)
        self._files = CapacityLimiter(_FILE_THREADS)
        self._recognitions = CapacityLimiter(self.limits.connections)
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._server: asyncio.Server | None = None
        self._stopped = False

    async def start(self, host: str = "127.0.0.1", port: int = PORT) -> None:
        """Raises BadOption where it must not or cannot listen there."""
        check_wyoming_exposure(host, self._clients)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._stopped = False
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._protocol, host or None, port)
        except (OSError, OverflowError) as error:
            raise BadOption(
                f"Wyoming cannot listen on {host} port {port}: {error}. Give another address or "
                "another port."
            ) from error
        logger.info("wyoming listens", extra={"host": host, "port": self.port})

    @property
    def port(self) -> int:
        """Where it listens, once it was started."""
        if self._server is None or not self._server.sockets:
            raise RuntimeError("The door is closed.")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Close all connections and wait until the work for them has ended."""
        if self._server is None:
            return
        self._stopped = True  # for connections that were accepted and are not in the list yet
        self._server.close()
        for writer in self._connections.values():
            writer.transport.abort()
        if self._connections:
            await asyncio.wait(list(self._connections))
        await self._server.wait_closed()
        self._server = None

    async def info(self) -> Info:
        """What can be asked for. No model is loaded for that."""
        states = await self.briefly(self.service.fleet.models)
        program = AsrProgram(
            name="malgwi",
            attribution=Attribution("Malgwi", ""),
            installed=True,
            description="Malgwi, speech to text on this machine",
            version=self._version,
            models=[self._model(state) for state in states],
            supports_transcript_streaming=True,
        )
        return Info(asr=[program])

    async def briefly(self, function: Callable[[], _T]) -> _T:
        """Short work that may wait for a disk or a lock."""
        return await run_sync(function, limiter=self._files)

    async def recognise(self, function: Callable[[], _T]) -> _T:
        return await run_sync(function, limiter=self._recognitions)

    def _model(self, state: ModelState) -> AsrModel:
        card, engine = self._card(state.name), state.engine
        where = f"{engine.name} on {engine.device}" if engine else "not loaded yet"
        fallback = engine and engine.fallback_reason
        return AsrModel(
            name=state.name,
            attribution=Attribution(card.maker, card.url),
            installed=True,
            description=f"{where}. {fallback}" if fallback else where,
            version=None,
            languages=sorted(card.languages),
        )

    def _protocol(self) -> asyncio.StreamReaderProtocol:
        loop = asyncio.get_running_loop()
        return asyncio.StreamReaderProtocol(_Reader(loop), self._connected, loop)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        peer = writer.get_extra_info("peername")
        if self._stopped or task is None or not isinstance(reader, _Reader) or not peer:
            writer.transport.abort()  # without a peer it has gone before it was here
            return
        if not may_connect(peer[0], self._clients):
            logger.warning("a client that may not connect", extra={"peer": peer[0]})
            writer.transport.abort()
            return
        full = len(self._connections) >= self.limits.connections
        if len(self._connections) >= 2 * self.limits.connections:
            writer.transport.abort()  # to say why would cost too much
            return
        self._connections[task] = writer
        try:
            await _Connection(self, reader, writer, peer[0]).serve(full=full)
        finally:
            del self._connections[task]


class _Reader(asyncio.StreamReader):
    """Tells when the client goes, even while nobody reads."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(_LONGEST_LINE, loop)
        self.gone = asyncio.Event()

    def feed_eof(self) -> None:
        self.gone.set()
        super().feed_eof()

    def set_exception(self, exc: Exception) -> None:
        self.gone.set()
        super().set_exception(exc)


class _Gone(Exception):
    """The client has gone; nobody is left to be told."""


class _Head(BaseModel):
    """An event but for its payload."""

    model_config = ConfigDict(strict=True)

    type: str
    data: dict[str, Any] | None = None
    data_length: Annotated[int, Field(ge=0)] | None = None
    payload_length: Annotated[int, Field(ge=0)] | None = None


class _Asked(BaseModel):
    """What a `transcribe` event asks for. The rest of it changes nothing."""

    model_config = ConfigDict(strict=True, extra="allow")

    name: Annotated[str, Field(max_length=200)] | None = None
    language: Annotated[str, Field(max_length=200)] | None = None

    @property
    def ignored(self) -> list[str]:
        return printable([name for name, value in (self.model_extra or {}).items() if value])

    def wanted(self) -> Wanted:
        # Clients say ko-KR where they mean ko; what follows the language is no concern of ours.
        language = (self.language or "").strip().replace("_", "-").partition("-")[0].lower()
        detect = language in ("", "auto")
        return Wanted(model=self.name or "", languages=() if detect else [language], lane=LANE)


class _Pcm(BaseModel):
    """The format of sound, in which samples of 8 bits are unsigned and others signed."""

    model_config = ConfigDict(strict=True, frozen=True)

    rate: int = Field(ge=1_000, le=384_000)
    width: int = Field(ge=1, le=4)
    channels: int = Field(ge=1, le=MOST_CHANNELS)

    @property
    def frame(self) -> int:
        """Bytes of one moment on all channels."""
        return self.width * self.channels


_OBJECT = TypeAdapter(dict[str, Any])


class _Sound:
    """The sound of one utterance as a file. It may have a part of a frame at its end."""

    def __init__(self, folder: Path, pcm: _Pcm, limits: WyomingLimits) -> None:
        self.pcm = pcm
        self.bytes = 0
        self._most = min(limits.bytes, int(limits.seconds * pcm.rate) * pcm.frame, _LARGEST_WAV)
        with _kept():
            self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115 (closed in finish or discard)
                prefix="wyoming-", suffix=".wav", dir=folder, delete=False
            )
        self.path = Path(self._file.name)
        self._wav = wave.open(self._file, "wb")  # noqa: SIM115
        self._wav.setnchannels(pcm.channels)
        self._wav.setsampwidth(pcm.width)
        self._wav.setframerate(pcm.rate)

    @property
    def seconds(self) -> float:
        return self.bytes // self.pcm.frame / self.pcm.rate

    def check_room(self, count: int) -> None:
        """Raises TooLarge where `count` more bytes are too many."""
        if self.bytes + count > self._most:
            raise TooLarge(
                f"One utterance may have {self._most / self.pcm.frame / self.pcm.rate:g} seconds "
                "in this format. Send audio-stop earlier."
            )

    def write(self, part: bytes) -> None:
        """Raises OutputError."""
        with _kept():
            self._wav.writeframesraw(part)
        self.bytes += len(part)

    def finish(self) -> None:
        """The file is whole. Raises OutputError."""
        with _kept():
            self._wav.close()
            self._file.close()

    def discard(self) -> None:
        """Whatever became of it, nothing of it stays."""
        with suppress(OSError, ValueError):  # what could not be written cannot be flushed either
            self._wav.close()
        with suppress(OSError):
            self._file.close()
        self.path.unlink(missing_ok=True)


@contextmanager
def _kept() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or "unknown error"
        raise OutputError(
            f"The sound could not be kept on disk: {why}. Try again later."
        ) from error


class _Connection:
    """One client: what it asked for, and the sound that came so far."""

    def __init__(
        self, door: WyomingDoor, reader: _Reader, writer: asyncio.StreamWriter, peer: str
    ) -> None:
        self._door = door
        self._limits = door.limits
        self._reader = reader
        self._writer = writer
        self._peer = peer
        self._asked = _Asked()
        self._sound: _Sound | None = None

    async def serve(self, *, full: bool) -> None:
        """Answer until the client goes, or something is wrong."""
        try:
            if full:
                raise Overloaded(
                    f"There are {self._limits.connections} connections already. Try again in "
                    f"{_RETRY_AFTER} seconds.",
                    _RETRY_AFTER,
                )
            while True:
                await self._take(await self._head())
        except TimeoutError:
            await self._refuse(
                "silence", f"Nothing moved for {self._limits.silence:g} seconds. Connect again."
            )
        except (_Gone, Cancelled, asyncio.IncompleteReadError, OSError):
            logger.debug("a client has gone", extra={"peer": self._peer})
        except MalgwiError as error:
            answer = status_of(error)
            await self._refuse(answer.code, answer.message)
        except Exception:
            logger.exception("a connection failed")
            answer = status_of(Exception())
            await self._refuse(answer.code, answer.message)
        finally:
            if self._sound:
                self._sound.discard()
            await self._leave()

    async def _refuse(self, code: str, text: str) -> None:
        logger.info("a client was refused", extra={"peer": self._peer, "code": code})
        with suppress(OSError):  # it may have gone, or take nothing
            await self._say(Error(text, code))

    async def _leave(self) -> None:
        """Close, with time for the last word: what is unread when a socket is closed makes the
        system take back what was sent."""
        with suppress(OSError):
            self._writer.write_eof()
            async with asyncio.timeout(_LINGER):
                while await self._reader.read(_BLOCK):
                    pass
        self._writer.transport.abort()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _head(self) -> _Head:
        """The next event. Raises _Gone, TimeoutError, BadInput."""
        try:
            line = await self._soon(self._reader.readline())
        except ValueError as error:
            raise _too_long("line") from error
        if not line.endswith(b"\n"):
            raise _Gone
        try:
            head = _Head.model_validate_json(line)
        except ValidationError:  # no cause: it quotes what came
            raise _no_event() from None
        if (length := head.data_length or 0) > _LONGEST_LINE:
            raise _too_long("data")
        if length:
            data = await self._soon(self._reader.readexactly(length))
            head.data = {**(head.data or {}), **_object(data)}
        return head

    async def _take(self, head: _Head) -> None:
        data = head.data or {}
        if head.type == "audio-chunk":
            await self._hear(data, head.payload_length or 0)
            return
        await self._skip(head.payload_length or 0)
        match head.type:
            case "describe":
                await self._say(await self._door.info())
            case "ping":
                text = data.get("text")
                await self._say(Pong(text if isinstance(text, str) else None))
            case "transcribe":
                self._asked = _asked(data)
            case "audio-start":
                await self._begin(_pcm(data))
            case "audio-stop":
                await self._answer()

    async def _begin(self, pcm: _Pcm) -> _Sound:
        """Sound that was not brought to its end is let go. Raises Overloaded."""
        if self._sound:
            self._sound.discard()
        self._sound = None
        await self._door.briefly(lambda: self._door.service.fleet.admit(LANE))
        self._sound = _Sound(self._door.folder, pcm, self._limits)
        return self._sound

    async def _hear(self, data: dict[str, Any], length: int) -> None:
        """Sound goes to disk. Some clients leave audio-start out: every chunk has the format."""
        sound = self._sound
        pcm = _pcm({**(sound.pcm.model_dump() if sound else {}), **data})
        if sound is None:
            sound = await self._begin(pcm)
        if pcm != sound.pcm:
            raise BadOption("The sound changed its format. Send audio-stop and begin again.")
        sound.check_room(length)
        while length:
            part = await self._block(length)
            await self._door.briefly(lambda part=part: sound.write(part))  # type: ignore[misc]
            length -= len(part)

    async def _skip(self, length: int) -> None:
        """The payload of an event that needs none."""
        if length > _LONGEST_LINE:
            raise _too_long("payload")
        while length:
            length -= len(await self._block(length))

    async def _block(self, most: int) -> bytes:
        part = await self._soon(self._reader.read(min(most, _BLOCK)))
        if not part:
            raise _Gone
        return part

    async def _soon(self, coming: Awaitable[_T]) -> _T:
        async with asyncio.timeout(self._limits.silence):
            return await coming

    async def _say(self, what: Event | Eventable) -> None:
        event = what if isinstance(what, Event) else what.event()
        await self._soon(async_write_event(event, self._writer))

    async def _answer(self) -> None:
        """The sound is complete: say what was said in it."""
        sound, asked = self._sound, self._asked
        self._asked = _Asked()
        told = _Telling(self._say, asked.ignored)
        transcript = None
        if sound and sound.seconds:
            began = time.monotonic()
            await self._door.briefly(sound.finish)
            transcript = await self._recognise(sound.path, asked.wanted(), told)
            logger.info(
                "an utterance was recognised",
                extra={
                    "peer": self._peer,
                    "seconds": round(sound.seconds, 3),
                    "wall": round(time.monotonic() - began, 3),
                },
            )
        if sound:
            sound.discard()
        self._sound = None
        await told.finish(transcript)

    async def _recognise(self, path: Path, wanted: Wanted, told: "_Telling") -> Transcript:
        """Tell what is settled while the rest is recognised. The file is not in use any more when
        this returns; where the client goes before, the work is called off."""
        stop, loop = threading.Event(), asyncio.get_running_loop()
        settled: asyncio.Queue[Sequence[Utterance] | None] = asyncio.Queue()

        def settle(utterances: Sequence[Utterance]) -> None:
            loop.call_soon_threadsafe(settled.put_nowait, utterances)

        transcribe = self._door.service.transcribe
        work = asyncio.create_task(
            self._door.recognise(lambda: transcribe(path, "the utterance", wanted, stop, settle))
        )
        work.add_done_callback(lambda _: settled.put_nowait(None))
        leaving = asyncio.create_task(self._reader.gone.wait())
        leaving.add_done_callback(lambda _: stop.set())
        try:
            while (utterances := await settled.get()) is not None:
                await told.utterances(utterances)
        finally:
            stop.set()
            leaving.cancel()
            ended, _ = await asyncio.wait({work})
            failed = ended.pop().exception()  # looked at, so that nobody complains that it was not
        if failed:
            raise failed
        return work.result()


class _Telling:
    """An answer bit by bit. What the bits make up is the transcript."""

    def __init__(
        self, say: Callable[[Event | Eventable], Awaitable[None]], ignored: Sequence[str]
    ) -> None:
        self._say = say
        self._ignored = ignored
        self._begun = False
        self._text = ""

    async def utterances(self, utterances: Sequence[Utterance]) -> None:
        """Of all channels, in the order of the transcript."""
        for each in spoken(utterances):
            await self._begin(each.language)
            part = f" {each.text}" if self._text else each.text
            self._text += part
            await self._say(TranscriptChunk(part))

    async def finish(self, transcript: Transcript | None) -> None:
        """There is no transcript of no sound."""
        language = main_language(transcript) if transcript else None
        await self._begin(language)
        answer = Answer(self._text, language=language).event()
        if transcript:
            answer.data["x_malgwi"] = extras(transcript, self._ignored).model_dump()
        await self._say(answer)
        await self._say(TranscriptStop())

    async def _begin(self, language: str | None) -> None:
        if not self._begun:
            self._begun = True
            await self._say(TranscriptStart(language=language))


def _object(data: bytes) -> dict[str, Any]:
    try:
        return _OBJECT.validate_json(data)
    except ValidationError:
        raise _no_event() from None


def _asked(data: dict[str, Any]) -> _Asked:
    try:
        return _Asked.model_validate(data)
    except ValidationError:
        raise BadOption("The name and the language of transcribe must be short texts.") from None


def _pcm(data: dict[str, Any]) -> _Pcm:
    try:
        return _Pcm.model_validate(data)
    except ValidationError:
        raise BadOption(
            "Sound must say its rate (1000 to 384000 Hz), its width (1 to 4 bytes a sample) and "
            f"its channels (1 to {MOST_CHANNELS}), as whole numbers."
        ) from None


def _no_event() -> BadInput:
    return BadInput("This is no Wyoming event: a line of JSON that names its type was expected.")


def _too_long(part: str) -> TooLarge:
    return TooLarge(f"The {part} of an event may have {_LONGEST_LINE} bytes here. Send less.")

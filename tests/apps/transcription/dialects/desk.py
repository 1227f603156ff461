"""An engine behind all dialects, on loopback, and sound that it knows what to say to."""

import io
import wave
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event

import httpx
import numpy as np
from audio.soundfiles import Sound, pitch, pitches, tone
from gateway.serving import serving

from malgwi import plugins
from malgwi.apps.transcription.dialects import SHAPES, Doors, routers
from malgwi.apps.transcription.service import Service
from malgwi.audio import Recording, open_recording
from malgwi.errors import BadAudio
from malgwi.gateway import Crossing, Keys, Limits, Metrics, Readiness, Spool, fetched, new_app
from malgwi.scheduling import Fleet
from malgwi.stt import LanguageGuess, Piece, Recognition, spread_evenly
from malgwi.testing import ScriptedTranscriber
from malgwi.text import suppression
from malgwi.types import SAMPLE_RATE, Samples
from malgwi.vad import VoiceDetector

LINES = ("Good morning, tower.", "Ready for take-off.", "관제탑, 잘 들립니다.", "Roger.")
"""What the pitches of the first channels stand for."""


class Rehearsed(ScriptedTranscriber):
    """Says the line that the pitch of a piece stands for, as sure of it as it is told."""

    capabilities = replace(ScriptedTranscriber.capabilities, prompts=True, translates=True, batch=1)

    def __init__(self, lines: Sequence[str] = LINES, confidence: float | None = 0.9) -> None:
        super().__init__()
        self._lines = lines
        self._confidence = confidence
        self.before: Callable[[int], None] = lambda count: None
        """Called with the number of pieces heard so far, before the next is answered."""

    def transcribe(self, pieces: Sequence[Piece]) -> list[Recognition]:
        self.before(len(self.heard))
        self.heard.extend(pieces)
        return [self._said_in(piece) for piece in pieces]

    def detect_language(
        self, pieces: Sequence[Piece], among: Collection[str] = ()
    ) -> list[LanguageGuess]:
        return [self._guess(piece, among) for piece in pieces]

    def _guess(self, piece: Piece, among: Collection[str]) -> LanguageGuess:
        language = language_of(self._lines[line_of(piece.samples)])
        sure = {"en": 0.8, "ko": 0.9}[language]
        return LanguageGuess(language if language in (among or {language}) else min(among), sure)

    def _said_in(self, piece: Piece) -> Recognition:
        line = self._lines[line_of(piece.samples)]
        words = spread_evenly(line, piece.duration)
        sure = tuple(replace(word, confidence=self._confidence) for word in words)
        return Recognition(sure, piece.language or language_of(line), no_speech=0.05)


def line_of(samples: Samples) -> int:
    [heard] = pitches(samples[np.newaxis])
    return min(range(len(LINES)), key=lambda line: abs(pitch(line) - heard))


def language_of(line: str) -> str:
    return "en" if line.isascii() else "ko"


def recording(*channels: Sequence[int | None], pause: float = 3.0) -> bytes:
    """A WAV file. Each channel says its lines, a second each, with silence between and for None."""
    return wave_of(np.concatenate([channel(lines, pause=pause) for lines in channels]))


def channel(lines: Sequence[int | None], seconds: float = 1.0, pause: float = 3.0) -> Sound:
    quiet = np.zeros((1, round(pause * SAMPLE_RATE)), np.float32)
    nothing = np.zeros((1, round(seconds * SAMPLE_RATE)), np.float32)
    said = (nothing if line is None else tone(pitch(line), seconds) for line in lines)
    return np.concatenate([part for each in said for part in (each, quiet)], axis=1)


def samples_of(recording: bytes) -> bytes:
    with wave.open(io.BytesIO(recording), "rb") as file:
        return file.readframes(file.getnframes())


def wave_of(sound: Sound) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(len(sound))
        written.setsampwidth(2)
        written.setframerate(SAMPLE_RATE)
        written.writeframes((sound.T * 32767).astype("<i2").tobytes())
    return file.getvalue()


@dataclass(frozen=True)
class Desk:
    """Where it is."""

    url: str
    folder: Path

    def post(self, path: str, **how: object) -> httpx.Response:
        return httpx.post(f"{self.url}{path}", timeout=30, **how)  # type: ignore[arg-type]

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", timeout=30)

    def files(self) -> list[Path]:
        """Uploads that are on disk now."""
        return [each for each in self.folder.glob("*/*") if each.name != "lock"]


class Fit:
    """A Health that finds nothing."""

    def live(self) -> bool:
        return True

    def ready(self) -> Readiness:
        return Readiness(True)


@contextmanager
def opened(path: Path, name: str, stop: Event) -> Iterator[Recording]:
    try:
        recording = open_recording([path])
    except BadAudio as error:
        raise BadAudio(str(error).replace(str(path), name)) from error
    yield recording


@contextmanager
def desk(
    fleet: Fleet,
    folder: Path,
    *,
    new_vad: Callable[[], VoiceDetector] | None = None,
    keys: Sequence[str] = (),
    hosts: Sequence[str] = (),
) -> Iterator[Desk]:
    """Serves the engines meanwhile."""
    service = Service(
        fleet,
        opened,
        new_vad or plugins.load("vad", "energy"),
        lambda labels: [suppression()],
    )
    crossing = Crossing(4)
    spool = Spool(folder, Limits(), crossing)
    fetch = partial(
        fetched, spool=spool, crossing=crossing, hosts=hosts, limit=10_000_000, offline=False
    )
    app = new_app(
        title="test",
        version="1",
        keys=Keys.of(keys),
        metrics=Metrics("1"),
        health=Fit(),
        routers=routers(Doors(service, spool, crossing, fetch)),
        shapes=SHAPES,
    )
    try:
        with serving(app) as port:
            yield Desk(f"http://127.0.0.1:{port}", folder)
    finally:
        crossing.close()
        spool.close()

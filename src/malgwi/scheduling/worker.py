"""The process that has a model in it: loads it, answers batches, and can be ended at any time.

A process of its own, because only the end of a process gives all memory back, and because a
driver, a poisoned CUDA context or the system's killer ends a process and not only a call. It
talks over a pipe, and ends when the pipe does.
"""

import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any, Protocol

from malgwi import logs, memory
from malgwi.errors import EngineFailed, MalgwiError, OutOfMemory
from malgwi.stt import Capabilities, LanguageGuess, Piece, Recognition, Transcriber
from malgwi.types import Engine

log = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1  # of <sys/prctl.h>
POISONED = 70
"""Exit code after an engine failed on a GPU: its context cannot be trusted any more."""


class Build(Protocol):
    """Makes the engine, in the worker. It travels there, so it is a function of a module, or a
    partial of one."""

    def __call__(self, died: Mapping[str, str], on_try: Callable[[str], None]) -> Transcriber:
        """`died` has the names of the attempts that earlier processes died of, and how; `on_try`
        is told the name of each before it is made. Raises MalgwiError."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Work, with the number under which its answer comes back."""

    number: int
    kind: str
    pieces: Sequence[Piece]
    among: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Trying:
    """It is about to make the engine in this way, which may be the end of the process."""

    what: str


@dataclass(frozen=True, slots=True)
class Ready:
    """The engine is loaded, and can do so much."""

    engine: Engine
    capabilities: Capabilities
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """An error of ours, by the name of its class; of a batch, or of the loading."""

    error: str
    message: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The answer to a batch, and how long it took."""

    number: int
    answers: Sequence[Recognition] | Sequence[LanguageGuess]
    seconds: float


def serve(pipe: Connection, build: Build, died: Mapping[str, str]) -> None:
    """The whole life of the process."""
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    logs.set_up()
    memory.share_arenas()
    say = _Speaker(pipe)
    began = time.monotonic()
    try:
        engine = build(died, lambda what: say(Trying(what)))
    except MalgwiError as error:
        log.warning("the engine cannot be loaded", exc_info=error)
        say(_failed(error))
        return
    say(Ready(engine.engine, engine.capabilities, time.monotonic() - began))
    _answer(pipe, engine, say)


def _answer(pipe: Connection, engine: Transcriber, say: "_Speaker") -> None:
    with ThreadPoolExecutor(engine.capabilities.parallel + 1) as threads:
        while True:
            try:
                batch: Batch | None = pipe.recv()
            except (EOFError, OSError):  # the parent has died
                os._exit(0)
            if batch is None:
                return
            threads.submit(_work, engine, batch, say)


def _work(engine: Transcriber, batch: Batch, say: "_Speaker") -> None:
    began = time.monotonic()
    try:
        if batch.kind == "detect":
            answers: Any = engine.detect_language(batch.pieces, batch.among)
        else:
            answers = engine.transcribe(batch.pieces)
        if len(answers) != len(batch.pieces):
            raise EngineFailed(f"{engine.engine.model} left pieces of a batch unanswered.")
        say(Done(batch.number, answers, time.monotonic() - began))
    except MalgwiError as error:
        log.warning("a batch failed", exc_info=error)
        if _poisons(error, engine):  # unsaid: another try would be given to this process
            os._exit(POISONED)
        say(_failed(error, batch.number))
    except MemoryError:
        say(Failed("OutOfMemory", f"{engine.engine.model} ran out of memory.", batch.number))
    except Exception as error:
        log.error("a batch failed", exc_info=error)
        message = f"{engine.engine.model} failed with {type(error).__name__}."
        say(Failed("EngineFailed", message, batch.number))


def _poisons(error: MalgwiError, engine: Transcriber) -> bool:
    """Whether the device may be of no use any more; where memory ran out, it is."""
    if isinstance(error, OutOfMemory) or not isinstance(error, EngineFailed):
        return False
    return engine.engine.device.startswith("cuda")


def _failed(error: MalgwiError, number: int | None = None) -> Failed:
    return Failed(type(error).__name__, str(error), number)


class _Speaker:
    """Sends from several threads, a message at a time."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._speaking = Lock()

    def __call__(self, message: object) -> None:
        with self._speaking:
            try:
                self._pipe.send(message)
            except OSError:  # the parent has died
                os._exit(0)


def end_with_parent() -> None:
    """Ask Linux to end this process when its parent dies; elsewhere the pipe's end does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

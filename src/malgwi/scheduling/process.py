"""The parent's end of a worker: starts it, hands it batches, sees it die, ends it."""

import logging
import multiprocessing
import signal
import time
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from threading import Event, Thread

import psutil

from malgwi import errors
from malgwi.errors import Cancelled, EngineFailed, EngineGone, MalgwiError
from malgwi.scheduling.worker import Batch, Build, Done, Failed, Ready, Trying, serve
from malgwi.stt import Capabilities
from malgwi.types import Engine

log = logging.getLogger(__name__)

GRACE = 5.0
"""Seconds to end by itself."""
LOADING = 900.0
"""Seconds for a model to load; a large one from a slow disk takes minutes."""
LOOK = 0.25
"""Seconds between looks at whether the model is still wanted while it loads."""
MOST_DEATHS = 6
"""While loading: more ways to run than any machine has."""


class EngineProcess:
    """A worker that runs. `on_done` and `on_death` are called by a thread of its own."""

    def __init__(
        self,
        build: Build,
        on_done: Callable[[Done | Failed], None],
        on_death: Callable[["EngineProcess", str], None],
        stop: Event,
    ) -> None:
        """Returns when the model is loaded. A process that dies over it is followed by one that
        knows of what it died. Raises what the loading raises, EngineGone, and Cancelled once
        `stop` is set.

        To be called by a thread that stays: Linux ends the process with the thread that began it.
        """
        self._on_done, self._on_death, self._stop = on_done, on_death, stop
        self._outbox: SimpleQueue[Batch | None] = SimpleQueue()
        self._ending = False
        died: dict[str, str] = {}
        for _ in range(MOST_DEATHS):
            ready = self._start(build, died)
            if ready:
                break
        else:
            raise EngineGone(f"The engine's process died while it loaded: {_told(died)}.")
        self.engine: Engine = ready.engine
        self.capabilities: Capabilities = ready.capabilities
        self.load_seconds = ready.seconds
        self._threads = [
            Thread(target=each, name="engine-pipe", daemon=True)
            for each in (self._listen, self._send)
        ]

    def begin(self) -> None:
        """From here on its answers are told, and its death: not before whoever is told of them
        knows it."""
        for each in self._threads:
            each.start()

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    @property
    def memory(self) -> int | None:
        """Bytes that are its own or shared, as the system counts them; None once it is gone."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.Error:
            return None

    def submit(self, batch: Batch) -> None:
        """Its answer comes to `on_done`; or `on_death` is called, for all that is under way.

        It never waits: a process that hangs does not read, and a pipe holds no whole batch.
        """
        self._outbox.put(batch)

    def end(self, at_once: bool = False) -> None:
        """End it, and return when it is gone, or the system cannot end it. `on_death` is not
        called. What it has under way is not waited for where it is to end `at_once`."""
        self._ending = True
        self._outbox.put(None)
        if not at_once:
            self._process.join(GRACE)
        self._process.kill()  # nothing happens where it is gone
        self._process.join(GRACE)
        for each in self._threads:
            each.join(GRACE)
        if any(each.is_alive() for each in self._threads):  # it waits for a driver
            log.error("a process cannot be ended", extra={"pid": self.pid})
        else:
            self._pipe.close()

    def _start(self, build: Build, died: dict[str, str]) -> Ready | None:
        """The first words of a new process; None where it died before, and `died` says of what."""
        self._spawn(build, died)
        trying = "loading"
        try:
            while self._speaks():
                message = self._pipe.recv()
                if isinstance(message, Trying):
                    trying = message.what
                elif isinstance(message, Ready):
                    return message
                else:
                    raise error_of(message)
        except (EOFError, OSError):
            self._process.join(GRACE)
        manner = _manner(self._process.exitcode)
        self._process.kill()
        if self._stop.is_set():
            self._process.join(GRACE)
            raise Cancelled("The engine is shutting down, and was not loaded.")
        log.warning("a process died while it loaded", extra={"trying": trying})
        died[trying] = manner
        return None

    def _spawn(self, build: Build, died: Mapping[str, str]) -> None:
        context = multiprocessing.get_context("spawn")
        try:
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(
                target=serve, args=(theirs, build, died), name="malgwi-worker", daemon=True
            )
            self._process.start()
        except OSError as error:  # no more files, processes or memory
            raise EngineGone(
                f"No process can be started for the engine: {error.strerror or error}. Ask again."
            ) from error
        theirs.close()

    def _speaks(self) -> bool:
        """Whether it says something before it takes too long, or nobody wants to hear it."""
        until = time.monotonic() + LOADING
        while not self._stop.is_set() and time.monotonic() < until:
            if self._pipe.poll(LOOK):
                return True
        return False

    def _listen(self) -> None:
        try:
            while True:
                self._on_done(self._pipe.recv())
        except (EOFError, OSError):
            pass
        except Exception as error:  # the others under way are to be answered
            log.error("an answer cannot be read", exc_info=error)
            self._process.kill()
        self._outbox.put(None)
        if not self._ending:
            self._process.join(GRACE)
            self._on_death(self, _manner(self._process.exitcode))

    def _send(self) -> None:
        try:
            while batch := self._outbox.get():
                self._pipe.send(batch)
            self._pipe.send(None)
        except OSError:
            pass  # it has died: the listener notices
        except Exception as error:
            log.error("a batch cannot be sent", exc_info=error)
            self._process.kill()


def error_of(failed: Failed) -> MalgwiError:
    """The error that was raised over there."""
    kind = getattr(errors, failed.error, EngineFailed)
    error: MalgwiError = kind.__new__(kind)
    Exception.__init__(error, failed.message)
    return error


def _told(died: Mapping[str, str]) -> str:
    return "; ".join(f"{trying}: {manner}" for trying, manner in died.items())


def _manner(exitcode: int | None) -> str:
    """How a process ended, in words."""
    if exitcode is None:
        return "it hung"
    if exitcode >= 0:
        return f"it ended with code {exitcode}"
    if -exitcode == signal.SIGKILL:
        return "it was killed, as by the system when memory runs out"
    return f"it died of {signal.Signals(-exitcode).name}"

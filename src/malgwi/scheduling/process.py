"""The parent's end of a worker: starts it, hands it batches, sees it die, ends it."""

import logging
import multiprocessing
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Lock, Thread

import psutil

from malgwi import errors
from malgwi.errors import EngineFailed, EngineGone, MalgwiError
from malgwi.scheduling.worker import Batch, Build, Done, Failed, Ready, Trying, serve
from malgwi.stt import Capabilities
from malgwi.types import Engine

log = logging.getLogger(__name__)

GRACE = 5.0
"""Seconds to end by itself."""
LOADING = 900.0
"""Seconds for a model to load; a large one from a slow disk takes minutes."""
MOST_DEATHS = 6
"""While loading: more ways to run than any machine has."""


class EngineProcess:
    """A worker that runs. `on_done` and `on_death` are called by a thread of its own."""

    def __init__(
        self,
        build: Build,
        on_done: Callable[[Done | Failed], None],
        on_death: Callable[[str], None],
    ) -> None:
        """Returns when the model is loaded. A process that dies over it is followed by one that
        knows of what it died. Raises what the loading raises, and EngineGone.

        To be called by a thread that stays: Linux ends the process with the thread that began it.
        """
        self._on_done, self._on_death = on_done, on_death
        self._sending = Lock()
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
        Thread(target=self._listen, name="engine-listener", daemon=True).start()

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
        """Its answer comes to `on_done`; or `on_death` is called, for all that is under way."""
        with self._sending, suppress(OSError):  # it has died: the listener will notice
            self._pipe.send(batch)

    def kill(self) -> None:
        """End it now, as if it had died."""
        self._process.kill()

    def end(self) -> None:
        """End it, and return when it is gone. `on_death` is not called."""
        self._ending = True
        with self._sending, suppress(OSError):
            self._pipe.send(None)
        self._process.join(GRACE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._pipe.close()

    def _start(self, build: Build, died: dict[str, str]) -> Ready | None:
        """The first words of a new process; None where it died before, and `died` says of what."""
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=serve, args=(theirs, build, died), name="malgwi-worker", daemon=True
        )
        self._process.start()
        theirs.close()
        trying = "loading"
        try:
            while self._pipe.poll(LOADING):
                message = self._pipe.recv()
                if isinstance(message, Trying):
                    trying = message.what
                elif isinstance(message, Ready):
                    return message
                else:
                    raise error_of(message)
        except (EOFError, OSError):
            self._process.join(GRACE)
        log.warning("a process died while it loaded", extra={"trying": trying})
        died[trying] = _manner(self._process.exitcode)
        self._process.kill()
        return None

    def _listen(self) -> None:
        while True:
            try:
                message = self._pipe.recv()
            except (EOFError, OSError):
                break
            self._on_done(message)
        if not self._ending:
            self._process.join(GRACE)
            self._on_death(_manner(self._process.exitcode))


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

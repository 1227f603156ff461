"""A decoder as its parent sees it: a process that may die, hang or lie. Every wait has an end."""

import contextlib
import fcntl
import os
import subprocess
import sys
import time
from select import POLLIN, POLLOUT, poll
from threading import Event

from malgwi.audio.decoder_messages import HEADER, READY, Order
from malgwi.errors import Cancelled

COMMAND = (sys.executable, "-P", "-m", "malgwi.audio.decoder_process")
ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PYTHONHOME")
"""What a decoder may know of ours: no key and no password."""
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
PIPE = 1 << 20  # bytes on their way; with the usual 64 KiB every block is handed over in crumbs
STOP_POLL = 0.05  # seconds until a call to stop is heard
LAST_BREATH = 5.0  # seconds that a process may take to be gone
NEVER = Event()


class Lost(Exception):
    """The decoder cannot be used any more; why, as a clause."""


class Decoder:
    """The process, and bytes to it and from it. One thread uses it at a time; any may kill it."""

    def __init__(self, memory: int) -> None:
        """Start it; it can be used once `ready` has returned. Raises OSError.

        It dies with the thread that starts it.
        """
        self.memory = memory
        self.orders = 0
        """That it was given so far."""
        self.last: Order | None = None
        self._process = subprocess.Popen(
            [*COMMAND, str(os.getpid()), str(memory)],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd="/",
            env=_environment(),
            start_new_session=True,  # Ctrl-C is for us, who end it
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        os.set_blocking(self._in.fileno(), False)
        _widen(self._out.fileno())
        self._writable, self._readable = poll(), poll()
        self._writable.register(self._in.fileno(), POLLOUT)
        self._readable.register(self._out.fileno(), POLLIN)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ready(self, patience: float) -> None:
        """Wait until it has loaded what it needs. Raises Lost."""
        if self.header(patience, NEVER) != (READY, 0):
            raise Lost("the decoder did not begin as it should")

    def send(self, content: bytes, patience: float) -> None:
        """Raises Lost."""
        left = memoryview(content)
        while left:
            _wait(self._writable, patience, NEVER)
            try:
                left = left[os.write(self._in.fileno(), left) :]
            except BrokenPipeError as error:
                raise self._death() from error

    def header(self, patience: float, stop: Event) -> tuple[bytes, int]:
        """Kind and length of the next frame. Raises Lost; Cancelled, having read nothing."""
        _wait(self._readable, patience, stop)
        header = bytearray(HEADER.size)
        self.fill(memoryview(header), patience)
        kind, length = HEADER.unpack(header)
        return kind, length

    def fill(self, room: memoryview, patience: float) -> None:
        """Read as many bytes as there is room for. Raises Lost."""
        while room:
            _wait(self._readable, patience, NEVER)
            read = os.readv(self._out.fileno(), [room])
            if not read:
                raise self._death()
            room = room[read:]

    def kill(self) -> None:
        """However stuck it is; who uses it gets Lost."""
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(LAST_BREATH)

    def end(self) -> None:
        """Kill it, and let go of the pipes, which nobody may use any more."""
        self.kill()
        self._in.close()
        self._out.close()

    def _death(self) -> Lost:
        try:
            status = self._process.wait(LAST_BREATH)
        except subprocess.TimeoutExpired:
            return Lost("the decoder broke off")
        cause = f"signal {-status}" if status < 0 else f"exit status {status}"
        return Lost(f"the decoder died ({cause})")


def _wait(pipe: poll, patience: float, stop: Event) -> None:
    """Until there is something to do. Raises Lost, Cancelled."""
    deadline = time.monotonic() + patience
    while not pipe.poll(1000 * (patience if stop is NEVER else min(patience, STOP_POLL))):
        if stop.is_set():
            raise Cancelled("It was called off while it was decoded.")
        if time.monotonic() >= deadline:
            raise Lost(f"the decoder got no further for {patience:g} seconds")


def _environment() -> dict[str, str]:
    ours = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    return ours | ONE_THREAD | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _widen(pipe: int) -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # the user may have no more room for pipes
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE)

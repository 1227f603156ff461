"""The machine as the checks see it: files, commands, sockets, and few facts besides.

All that a check wants to know of the machine goes through here, so that a test can show it another
one: a folder in the place of /, programs in the place of docker's, servers of its own.
"""

import http.client
import os
import platform
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from ctypes import CDLL
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.parse import urlsplit

from malgwi import devices

_MOST = 1 << 20  # bytes of a file or an answer
_WAIT = 1.0  # seconds for a connection


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    code: int
    """124 where it did not end in time."""
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What an HTTP server answered."""

    status: int
    headers: Mapping[str, str]
    """By their names in small letters."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Disk:
    """Room on a disk, in bytes and in files."""

    total: int
    free: int
    files: int
    files_free: int


def nearest(path: Path) -> Path:
    """The path, or what is there above it; what may not be looked into counts as not there."""
    while not os.path.lexists(path) and path != path.parent:
        path = path.parent
    return path


def disk(path: Path) -> Disk:
    """Of the disk that the path is on, or would be. Raises OSError."""
    seen = os.statvfs(nearest(path))
    return Disk(
        seen.f_blocks * seen.f_frsize, seen.f_bavail * seen.f_frsize, seen.f_files, seen.f_favail
    )


def installed(package: str) -> str | None:
    """The version of a Python package; None where it is not here."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def loads(library: str) -> bool:
    """Whether a library of the system can be loaded."""
    try:
        CDLL(library)
    except OSError:
        return False
    return True


def _looked_up(host: str) -> object:
    return socket.getaddrinfo(host, None)


def _libc() -> str:
    name, number = platform.libc_ver()
    return f"{name} {number}".strip()


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine; this one, unless something else is said."""

    root: Path = Path("/")
    """Under which /proc, /sys, /dev and /etc are."""
    folder: Path = field(default_factory=Path.cwd)
    """In which a compose file may lie."""
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    system: str = field(default_factory=platform.system)
    """`Linux`, `Darwin`."""
    processor: str = field(default_factory=platform.machine)
    """`x86_64`, `aarch64`, `arm64`."""
    libc: str = field(default_factory=_libc)
    """`glibc 2.36`; empty where it is another one."""
    inventory: Callable[[], devices.Inventory] = devices.inventory
    installed: Callable[[str], str | None] = installed
    loads: Callable[[str], bool] = loads
    disk: Callable[[Path], Disk] = disk
    now: Callable[[], float] = time.time
    lookup: Callable[[str], object] = _looked_up
    """Raises OSError for the name of a host that is not known."""

    def path(self, name: str) -> Path:
        """Of a file of the system."""
        return self.root / name.lstrip("/")

    def text(self, name: str) -> str | None:
        """What is in a file of the system; None where it cannot be read."""
        try:
            with self.path(name).open("rb") as file:
                return file.read(_MOST).decode("utf-8", "replace")
        except OSError:
            return None

    def has(self, program: str) -> bool:
        return shutil.which(program, path=self.environ.get("PATH", "")) is not None

    def run(self, *command: str, seconds: float = 2.0) -> Ran | None:
        """None where there is no such program."""
        program = shutil.which(command[0], path=self.environ.get("PATH", ""))
        if program is None:
            return None
        try:
            done = subprocess.run(
                [program, *command[1:]],
                env=dict(self.environ),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Ran(124, "", f"no answer within {seconds:g} s")
        except OSError as error:
            return Ran(126, "", error.strerror or str(error))
        return Ran(done.returncode, done.stdout.decode(errors="replace"), _tail(done.stderr))

    def connects(self, host: str, port: int, seconds: float = _WAIT) -> str | None:
        """Why nothing answers there; None where something does."""
        if not self.resolves(host):
            return f"the name {host} is not known"
        try:
            socket.create_connection((host.strip("[]"), port), seconds).close()
        except TimeoutError:
            return f"no answer within {seconds:g} s"
        except OSError as error:
            return (error.strerror or str(error)).lower()
        return None

    def resolves(self, host: str, seconds: float = _WAIT) -> bool:
        """False also where nobody answers in time: where the network is cut, a server for names
        often is named all the same, and waiting for it takes as long as nobody has."""
        found: SimpleQueue[bool] = SimpleQueue()

        def look() -> None:
            try:
                self.lookup(host.strip("[]"))
                found.put(True)
            except (OSError, UnicodeError):
                found.put(False)

        Thread(target=look, daemon=True).start()
        try:
            return found.get(timeout=seconds)
        except Empty:
            return False

    def get(self, url: str, seconds: float = _WAIT) -> Answer:
        """What a server answers, without a proxy and without a key. Raises OSError."""
        parts = urlsplit(url)
        if not self.resolves(parts.hostname or ""):
            raise OSError(f"the name {parts.hostname} is not known")
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        line = kind(parts.hostname or "", parts.port or (443 if secure else 80), timeout=seconds)
        try:
            line.request("GET", parts.path or "/", headers={"Accept": "application/json"})
            answer = line.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, headers, answer.read(_MOST))
        except http.client.HTTPException as error:
            raise OSError(f"what answers speaks no HTTP ({type(error).__name__})") from error
        finally:
            line.close()


def _tail(said: bytes) -> str:
    return said[-_MOST:].decode(errors="replace")


def first_line(said: Ran | None) -> str:
    """What a command said first, of complaints before the rest."""
    lines: Sequence[str] = [] if said is None else f"{said.err}\n{said.out}".split("\n")
    return next((line.strip() for line in lines if line.strip()), "")

"""The guard of a rehearsal: put on Python's path as sitecustomize.py, it sees every attempt of a
Python program to reach out, writes down who asked for what, and refuses it.

It is started before anything else in a process, so that it imports little, and nothing of ours.
"""

import errno
import json
import os
import sys
from pathlib import Path

LOG = "REHEARSAL_LOG"
_WATCHED = (
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.gethostbyaddr",
    "socket.sendto",
    "socket.sendmsg",
)
_HERE = ("", "localhost", "0.0.0.0", "::", "::1", "ip6-localhost")


def watch(event: str, arguments: tuple[object, ...]) -> None:
    if event not in _WATCHED:
        return
    where = _where(event, arguments)
    if where is None:
        return
    entry = {"who": _who(), "event": event, "where": where}
    with Path(os.environ[LOG]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
    raise OSError(errno.ENETUNREACH, "the rehearsal lets nobody reach out")


def _where(event: str, arguments: tuple[object, ...]) -> str | None:
    """None where it stays on this machine."""
    asked = arguments[-1] if event.startswith(("socket.connect", "socket.send")) else arguments
    if not isinstance(asked, tuple) or not asked:
        return None  # a socket of this machine's own kind
    host = asked[0].decode("latin-1") if isinstance(asked[0], bytes) else asked[0]
    if not isinstance(host, str) or host in _HERE or host.startswith("127."):
        return None
    return ":".join(str(each) for each in asked[:2] if each is not None)


def _who() -> str:
    program = " ".join(Path(each).name for each in sys.argv[:3])
    frame = sys._getframe(2)  # who called what was watched
    lines = []
    while frame is not None:
        name = frame.f_code.co_filename
        if "site-packages" in name or "malgwi" in name:
            lines.append(f"{name.rpartition('site-packages/')[2]}:{frame.f_lineno}")
        frame = frame.f_back  # type: ignore[assignment]
    return f"{program or 'python'} ({lines[0] if lines else 'the standard library'})"


if os.environ.get(LOG):
    sys.addaudithook(watch)

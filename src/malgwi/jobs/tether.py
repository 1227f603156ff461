"""What ties a worker's child processes to it: locks on a file without a name.

The kernel gives up a process's locks when it ends, however it ends. So children notice that their
parent wants to leave, or was killed, and the parent sees whether any of them is still at work.
"""

import fcntl
import tempfile
import threading

_STAY, _WORK = 0, 1  # the bytes that are locked


class Tether:
    """To be made by the parent, before it forks."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - for as long as the process lives
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, _STAY)

    # -- for the parent

    def let_go(self) -> None:
        """The children are to stop."""
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _STAY)

    def any_at_work(self) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _WORK)
        except OSError:
            return True
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _WORK)
        return False

    # -- for a child

    def watched(self) -> threading.Event:
        """Set once the parent has let go, or is no more."""
        gone = threading.Event()
        threading.Thread(target=self._watch, args=[gone], name="tether", daemon=True).start()
        return gone

    def begin(self) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_SH, 1, _WORK)

    def end(self) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _WORK)

    def _watch(self, gone: threading.Event) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_SH, 1, _STAY)  # returns when nobody holds it
        gone.set()

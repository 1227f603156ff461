"""What a ledger, a queue and a handler promise each other.

The ledger is the truth: which jobs there are, who has each, and how it ended. A queue only carries
ids, and may lose or double them. A handler does the work, and asks now and then whether it is
still wanted.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from malgwi.errors import MalgwiError
from malgwi.jobs.running import Running
from malgwi.types import Job

Answer = Literal["fine", "cancel", "fenced"]
"""Go on; stop, as nobody wants it any more; stop, as it is somebody else's now."""

Write = Callable[[Any], None]
"""Keeps what a job made, on the ledger's own connection: in the transaction that says the job is
done, so that there are both or neither. It may be called again where that is thrown back, so it
does nothing but write."""

Handler = Callable[[Running], Write | None]
"""Does a kind of job.

It calls `running.check()` between its steps, or watches `running.stop`: when it is to stop it has
a few seconds. It raises `Final`, or a BadInput, where another attempt would end the same way; after
any other error there is another. Whatever it raises once it was told to stop is its stopping.
No message of an error holds what somebody said: it is kept in the ledger.
"""


class Final(MalgwiError):
    """Another attempt would end the same way; the message says why."""


class Ledger(Protocol):
    """What those who do the work need of it. Any thread may call it; all of it raises StoreGone.

    `attempt` is the fencing token: where a newer one was given out, a call changes nothing and
    answers "fenced" or False.
    """

    def claim(self, job_id: str, worker: str, lease: float) -> Job | None: ...

    def claim_next(self, queues: Collection[str], worker: str, lease: float) -> Job | None: ...

    def heartbeat(self, job_id: str, attempt: int, lease: float) -> Answer: ...

    def progress(self, job_id: str, attempt: int, facts: Mapping[str, Any]) -> Answer: ...

    def checkpoint(self, job_id: str, attempt: int, name: str, data: Any) -> Answer: ...

    def checkpoints(self, job_id: str) -> Mapping[str, Any]: ...

    def finish(self, job_id: str, attempt: int, write: Write | None = None) -> bool: ...

    def fail(
        self, job_id: str, attempt: int, error: str, *, final: bool, again_in: float = 0
    ) -> bool: ...

    def release(self, job_id: str, attempt: int, again_in: float = 0) -> bool:
        """Give it back without blame: it costs no attempt."""
        ...

    def called_off(self, job_id: str, attempt: int) -> bool: ...

    def reclaim(self, worker: str) -> int:
        """Take what `worker` had when its process ended; nobody else may bear its name."""
        ...

    def unsent(self) -> Sequence[Job]:
        """Some that are to be sent now; they count as sent from here on."""
        ...

    def overdue(self, after: float) -> Mapping[str, int]:
        """The queues with jobs sent more than `after` seconds ago that nobody has, and how many
        ids each should carry."""
        ...

    def send_again(self, queue: str, after: float) -> int: ...

    def running(self) -> Sequence[Job]: ...

    def reap(self, silent: Sequence[Job]) -> Mapping[str, int]:
        """Take the `silent` ones from who has them, unless there was a heartbeat since."""
        ...


class Queue(Protocol):
    """Carries ids from whoever adds jobs to whoever does them, perhaps on another machine."""

    def send(self, job: Job) -> None:
        """Raises NetworkError where there is nobody to take it."""
        ...

    def has_lost(self, queue: str, sent: int) -> bool:
        """Whether it carries fewer ids than were `sent` and not claimed. Raises NetworkError."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What a worker needs, made anew in each process that does jobs."""

    ledger: Ledger
    handlers: Mapping[str, Handler]
    """By the kind of job."""
    lease: float = 15.0
    """Seconds without a heartbeat after which a worker is taken for dead; there are three in it.
    The reaper must know the same."""
    grace: float = 10.0
    """Seconds that a handler has to stop in when the process is to end; then its job is given
    back without it."""
    pause: float = 5.0
    """Seconds before the second attempt after an error; four times as long before the third, and
    as long again before any other."""
    time_limit: float = 12 * 3600.0
    """Seconds that an attempt may take, 0 for as long as it likes. Then it is told to stop, and
    has failed; one that does not stop within the grace has failed without it."""

"""Recorders: every piece is handed in when its sound has ended, and followed to its transcript."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from threading import Event

from malgwi.client import Client, Job
from malgwi.errors import EngineGone, MalgwiError, NetworkError, NotFound, Overloaded, StoreGone
from malgwi.ops.loadtest.plan import UNDER_WAY
from malgwi.ops.loadtest.sound import Sound
from malgwi.types import Span

LABEL = "loadtest"
PATIENCE = 120.0
"""Seconds for which a recorder tries again to hand in a piece."""
SENDERS = 4
ASKED = 16
"""Jobs that are asked for at a time, the oldest first."""
_AHEAD = 15.0  # seconds of the clock before it is due that a piece is made
_AGAIN = 2.0
_PASSING = (NetworkError, StoreGone, EngineGone, Overloaded)


class State(StrEnum):
    """Of a piece."""

    COMING = "coming"
    SENT = "sent"
    DONE = "done"
    FAILED = "failed"
    """Its job died, or was called off by somebody else."""
    UNDELIVERED = "undelivered"
    """The service did not take it."""


@dataclass(slots=True)
class Piece:
    """What becomes of a piece. Times are seconds of the test, unless said."""

    index: int
    state: State = State.COMING
    due: float | None = None
    """When its sound had ended; of a test at no pace, when it began to be sent."""
    answered: float | None = None
    """When the service had taken it."""
    recording: str = ""
    job: str = ""
    created: datetime | None = None
    """This and the next two by the clock of the service."""
    started: datetime | None = None
    ended: datetime | None = None
    attempts: int = 0
    reason: str = ""
    """Why it failed."""
    heard: list[tuple[int, Span]] = field(default_factory=list)
    """The channels and spans of its utterances, in seconds of the piece."""

    @property
    def over(self) -> bool:
        return self.state in (State.DONE, State.FAILED, State.UNDELIVERED)

    @property
    def lag(self) -> float | None:
        """Seconds from the end of its sound until its transcript was there. The clock of the
        service is only compared with itself."""
        if self.state is not State.DONE or self.due is None or self.answered is None:
            return None
        assert self.created and self.ended
        return self.answered - self.due + max(0.0, (self.ended - self.created).total_seconds())

    @property
    def processing(self) -> float | None:
        """Seconds for which a worker had it, the last time."""
        if self.state is not State.DONE or not (self.started and self.ended):
            return None
        return (self.ended - self.started).total_seconds()


class Delivery:
    """Hands in the pieces of a test, in threads of its own, and asks what became of them."""

    def __init__(self, sound: Sound, run: str, connect: Callable[[], Client], folder: Path) -> None:
        self.pieces = [Piece(index) for index in range(sound.plan.pieces)]
        self.began = time.monotonic()
        self.refused: MalgwiError | None = None
        """Why the very first was not taken, if it was not."""
        self._sound, self._plan, self._run = sound, sound.plan, run
        self._connect, self._folder = connect, folder
        self._stop = Event()
        self._next = 0
        self._senders = ThreadPoolExecutor(SENDERS, thread_name_prefix="recorder")
        self._sending: list[Future[None]] = []

    @property
    def now(self) -> float:
        return time.monotonic() - self.began

    @property
    def over(self) -> bool:
        return all(each.over for each in self.pieces)

    def close(self) -> None:
        """What is being sent is sent; nothing more is."""
        self._stop.set()
        self._senders.shutdown(cancel_futures=True)

    def hand_in(self) -> None:
        """Begin with the pieces whose time has come."""
        for sent in [each for each in self._sending if each.done()]:
            sent.result()
            self._sending.remove(sent)
        while self._next < len(self.pieces) and self._its_turn(self.pieces[self._next]):
            self._sending.append(self._senders.submit(self._send, self.pieces[self._next]))
            self._next += 1

    def ask(self, client: Client) -> None:
        """What has become of the oldest that are not over. Raises what keeps the service from
        answering."""
        under_way = [each for each in self.pieces[: self._next] if each.state is State.SENT]
        for piece in under_way[:ASKED]:
            self._ask(client, piece)

    def _its_turn(self, piece: Piece) -> bool:
        due = self._plan.due(piece.index)
        if due is not None:
            return self.now >= due - _AHEAD
        return sum(not each.over for each in self.pieces[: self._next]) < UNDER_WAY

    def _send(self, piece: Piece) -> None:
        path = self._folder / f"piece-{piece.index:05}.wav"
        try:
            self._sound.write(piece.index, path, self._run)
            due = self._plan.due(piece.index)
            if due is not None and self._stop.wait(max(0.0, due - self.now)):
                return
            piece.due = self.now if due is None else due
            with self._connect() as client:
                self._submit(client, piece, path)
        except (MalgwiError, OSError) as error:
            if self._stop.is_set():
                return
            piece.reason = str(error)
            piece.state = State.UNDELIVERED
            if isinstance(error, MalgwiError) and not any(each.job for each in self.pieces):
                self.refused = error
        finally:
            path.unlink(missing_ok=True)

    def _submit(self, client: Client, piece: Piece, path: Path) -> None:
        """Recorders keep what the service does not take, and try again."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                sent = client.submit(
                    path,
                    name=f"{LABEL} {self._run} {piece.index + 1}",
                    labels=[LABEL, f"{LABEL}-{self._run}"],
                    languages=self._plan.languages,
                )
                break
            except _PASSING as error:
                pause = error.retry_after if isinstance(error, Overloaded) else _AGAIN
                if time.monotonic() + pause > end or self._stop.wait(pause):
                    raise
        piece.recording, piece.job = sent["recording"]["id"], sent["job"]["id"]
        piece.created = datetime.fromisoformat(sent["job"]["created"])
        piece.answered = self.now
        piece.state = State.SENT

    def _ask(self, client: Client, piece: Piece) -> None:
        try:
            job = client.job(piece.job)
            if job["state"] == "done":
                transcript = client.transcript(job["progress"]["transcript"])
                piece.heard = list(_heard(transcript["utterances"]))
        except NotFound:
            piece.reason, piece.state = "Somebody has removed it.", State.FAILED
            return
        _tell(piece, job)


def _tell(piece: Piece, job: Job) -> None:
    piece.attempts = job["attempt"]
    if job["state"] in ("dead", "cancelled"):
        piece.reason = job["error"] or "Somebody called it off."
        piece.state = State.FAILED
    if job["state"] == "done" and job["started"] and job["ended"]:
        piece.started = datetime.fromisoformat(job["started"])
        piece.ended = datetime.fromisoformat(job["ended"])
        piece.state = State.DONE


def _heard(utterances: Iterable[dict[str, float]]) -> Iterable[tuple[int, Span]]:
    """Those that are marked, too: they were heard. What was said in them is not looked at."""
    for each in utterances:
        yield int(each["channel"]), Span(each["start"], each["end"])

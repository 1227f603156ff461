"""One engine: the pieces that wait for it, the process that has it, and what goes wrong there.

A thread of its own gives the process a batch whenever it is free for one. Nothing that was asked
goes unanswered: what a dying process had under way is given, piece by piece, to the next one; a
piece that two processes died of is answered with EngineGone.
"""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from contextlib import suppress
from threading import Condition, Event, Thread
from typing import Any

from malgwi import memory
from malgwi.errors import Cancelled, EngineFailed, EngineGone, MalgwiError, OutOfMemory
from malgwi.scheduling.observer import Observer
from malgwi.scheduling.process import EngineProcess, error_of
from malgwi.scheduling.speed import Speed
from malgwi.scheduling.waiting import Account, Ticket, Waiting
from malgwi.scheduling.worker import Batch, Build, Done, Failed
from malgwi.stt import Capabilities, Piece, Recognition
from malgwi.types import Engine, Lane

log = logging.getLogger(__name__)

ATTEMPTS = 2
"""Processes that may die of a piece, or fail at it, before it is given up."""
HOPELESS = 3
"""Processes in a row that died, or could not be loaded, without an answer between."""
REST = 30.0
"""Seconds before another process is tried after that."""
LOOK = 0.25
"""Seconds between looks at whether a request was called off."""
SLOW = 8.0
"""A batch that takes so many times as long as expected, and the patience, is wedged."""


class Dispatcher:
    """The engine of one model. Everything may be called from any thread."""

    def __init__(self, model: str, build: Build, observer: Observer, patience: float) -> None:
        """`patience`: seconds beyond the expected that a batch may take."""
        self.model = model
        self.engine: Engine | None = None
        self.hopeless: str | None = None
        """Why no process can be kept running; None while one can."""
        self.load_error: MalgwiError | None = None
        """Why it could not be loaded the last time."""
        self._build, self._observer, self._patience = build, observer, patience
        self._capabilities: Capabilities | None = None
        self._changed = Condition()
        self._waiting = Waiting(self._alike)
        self._running: dict[int, tuple[float, list[Ticket]]] = {}
        self._process: EngineProcess | None = None
        self._speed = Speed()
        self._largest = 0  # pieces a batch; 0 for what the engine says
        self._numbers = 0
        self._failures = 0  # processes in a row
        self._failed_at = 0.0
        self._wanted = False  # loaded, though nothing waits
        self._closed = Event()
        self._worked_at = time.monotonic()
        self._thread = Thread(target=self._run, name=f"dispatch {model}", daemon=True)
        self._thread.start()

    @property
    def loaded(self) -> bool:
        return self._process is not None

    @property
    def loading(self) -> bool:
        """Whether somebody waits for it to be loaded."""
        return self._process is None and (self._wanted or len(self._waiting) > 0)

    @property
    def worn_out(self) -> bool:
        """Whether process after process has died."""
        return self._failures >= HOPELESS

    @property
    def idle(self) -> float | None:
        """Seconds since there was work; None while there is, or while it is not loaded."""
        with self._changed:
            if self._process is None or self._running or len(self._waiting):
                return None
            return time.monotonic() - self._worked_at

    @property
    def memory(self) -> int | None:
        process = self._process
        return process.memory if process else None

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process else None

    def wait(self, lane: Lane) -> float:
        """Seconds until what waits in this lane, and those before it, is done."""
        with self._changed:
            return self._speed.wait(self._waiting.seconds(lane))

    def waiting(self, lane: Lane) -> tuple[int, float]:
        """How many pieces wait in this lane, and for how many seconds the oldest."""
        with self._changed:
            oldest = self._waiting.oldest(lane)
            return self._waiting.count(lane), time.monotonic() - oldest if oldest else 0.0

    def load(self, stop: Event) -> tuple[Engine, Capabilities]:
        """What the engine is and can. Raises what the loading raises, Cancelled, EngineGone."""
        with self._changed:
            while self._process is None:
                if stop.is_set():
                    raise Cancelled(f"Nobody waits for {self.model} any more.")
                self._raise_if_hopeless()
                if not self._wanted:  # also where it was loaded, and is gone already
                    self._wanted = True
                    self._changed.notify_all()
                self._changed.wait(LOOK)
            self._wanted = False
            assert self.engine is not None and self._capabilities is not None
            return self.engine, self._capabilities

    def preload(self) -> None:
        """Load it, and do not wait for it."""
        with self._changed:
            self._wanted = True
            self._changed.notify_all()

    def unload(self) -> bool:
        """End the process, unless it has work, or is waited for: then nothing happens, and it is
        False."""
        with self._changed:
            if self._running or len(self._waiting) or self.loading:
                return False
            process, self._process = self._process, None
            self._wanted = False
        if process:
            process.end()
            memory.give_back()
            self._observer.unloaded(process.engine)
        return True

    def close(self) -> None:
        """Answer all that wait with EngineGone, and end the process, whatever it does."""
        with self._changed:
            self._closed.set()
            process, self._process = self._process, None
            self._give_up(EngineGone("The engine is shutting down. Ask again in a minute."))
            self._changed.notify_all()
        if process:
            process.end(at_once=True)
        self._thread.join()

    def ask(
        self,
        kind: str,
        pieces: Sequence[Piece],
        account: Account,
        stop: Event,
        among: frozenset[str] = frozenset(),
    ) -> list[Any]:
        """The answers to the pieces, in their order; blocks until all are there.

        Raises EngineFailed, EngineGone, OutOfMemory, BadOption, and Cancelled once `stop` is set.
        """
        with self._changed:
            now = time.monotonic()
            tickets = [
                Ticket(each, kind, account, account.turn(now, each.duration), now, among)
                for each in pieces
            ]
            self._raise_if_hopeless()
            self._waiting.add(tickets)
            self._changed.notify_all()
        try:
            return _answers([each.answer for each in tickets], stop)
        finally:
            self._forget(tickets)

    @property
    def languages(self) -> frozenset[str] | None:
        """ISO 639-1 codes that the engine knows; None before it was loaded."""
        return self._capabilities.languages if self._capabilities else None

    def canary(self, piece: Piece, budget: float) -> Any:
        """The answer to one piece, before all others, within so many seconds of the engine's own
        time: what is under way is waited for. Raises EngineGone where it does not come."""
        stop, answer = Event(), list[Any]()

        def ask() -> None:
            with suppress(MalgwiError):
                answer.extend(self.ask("transcribe", [piece], Account(Lane.LIVE), stop))

        asking = Thread(target=ask, name="canary", daemon=True)
        asking.start()
        asking.join(budget + self._under_way())
        stop.set()
        asking.join()
        if not answer:
            raise EngineGone(f"{self.model} did not answer its canary within {budget:.0f} s.")
        return answer[0]

    def _under_way(self) -> float:
        """Seconds until what runs now should be done."""
        with self._changed:
            now = time.monotonic()
            return max(
                (
                    began + self._expected(tickets) - now
                    for began, tickets in self._running.values()
                ),
                default=0.0,
            )

    def _forget(self, tickets: Sequence[Ticket]) -> None:
        """Take out those that still wait; what is under way is answered to nobody."""
        with self._changed:
            self._waiting.drop(tickets)
            for each in tickets:
                each.answer.cancel()

    def _raise_if_hopeless(self) -> None:
        if self._closed.is_set():
            raise EngineGone("The engine is shutting down. Ask again in a minute.")
        if self.hopeless and time.monotonic() - self._failed_at < REST:
            if self.load_error:
                raise self.load_error.with_traceback(None)  # or it keeps all that raised it
            raise EngineGone(self.hopeless)

    # What follows runs in the dispatcher's own thread, or is called by its process's listener.

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._step()
            except Exception as error:  # noqa: BLE001 - without this thread everybody hangs
                gone = EngineGone(f"{self.model} cannot be run: {type(error).__name__}. Ask again.")
                gone.__cause__ = error
                self._not_loaded(gone)

    def _step(self) -> None:
        with self._changed:
            wedged = self._wedged()
            needed = len(self._waiting) or self._wanted
            if not wedged:
                if not needed or (self._process and not self._batch_ready()):
                    self._changed.wait(1.0)
                    return
                if self._process:
                    self._start_batch(self._process)
                    return
        if wedged:
            log.error("an engine's process hangs", extra={"model": self.model})
            wedged.end(at_once=True)
            self._died(wedged, "it hung and was ended")
        else:
            self._start_process()

    def _batch_ready(self) -> bool:
        assert self._capabilities is not None
        return len(self._waiting) > 0 and len(self._running) < self._capabilities.parallel

    def _start_batch(self, process: EngineProcess) -> None:
        assert self._capabilities is not None
        size = self._largest or self._capabilities.batch
        tickets = self._waiting.take(size, time.monotonic())
        tickets = [each for each in tickets if not each.answer.cancelled()]
        if not tickets:
            return
        self._numbers += 1
        self._running[self._numbers] = time.monotonic(), tickets
        pieces = [each.piece for each in tickets]
        process.submit(Batch(self._numbers, tickets[0].kind, pieces, tickets[0].among))

    def _start_process(self) -> None:
        """Load the engine; after too many failures in a row, only after a rest."""
        if self.hopeless and time.monotonic() - self._failed_at < REST:
            with self._changed:
                self._give_up(self.load_error or EngineGone(self.hopeless))
                self._wanted = False
            return
        try:
            process = EngineProcess(self._build, self._done, self._died, self._closed)
        except MalgwiError as error:
            if not self._closed.is_set():
                self._not_loaded(error)
            return
        with self._changed:
            wanted = not self._closed.is_set()
            if wanted:
                self._take(process)
            process.begin()
        if wanted:
            self._observer.loaded(process.engine, process.load_seconds)
        else:
            process.end(at_once=True)

    def _take(self, process: EngineProcess) -> None:
        self._process, self.engine = process, process.engine
        self._capabilities = process.capabilities
        self._largest = 0
        self._worked_at = time.monotonic()
        self.load_error = None
        if self._failures < HOPELESS:
            self.hopeless = None
        self._changed.notify_all()

    def _not_loaded(self, error: MalgwiError) -> None:
        log.error("an engine cannot be loaded", extra={"model": self.model}, exc_info=error)
        with self._changed:
            self.hopeless, self.load_error = str(error), error
            self._failed_at = time.monotonic()
            self._give_up(error)
            self._wanted = False
            self._changed.notify_all()

    def _give_up(self, error: MalgwiError) -> None:
        """Answer everything that waits or is under way with an error."""
        under_way = [each for _, tickets in self._running.values() for each in tickets]
        self._running.clear()
        for each in (*under_way, *self._waiting.drop()):
            _fail(each, error)

    def _done(self, message: Done | Failed) -> None:
        with self._changed:
            _began, tickets = self._running.pop(message.number or 0, (0.0, []))
            if tickets:
                at_once = len(self._running) + 1
                self._failures = 0
                self.hopeless = None
                self._worked_at = time.monotonic()
                if isinstance(message, Done):
                    self._answer(tickets, message, at_once)
                else:
                    self._failed(tickets, message)
            self._changed.notify_all()

    def _answer(self, tickets: Sequence[Ticket], message: Done, at_once: int) -> None:
        now = time.monotonic()
        audio = sum(each.piece.duration for each in tickets)
        self._speed.measured(audio, message.seconds / at_once)
        for each, answer in zip(tickets, message.answers, strict=True):
            if each.answer.set_running_or_notify_cancel():
                each.answer.set_result(answer)
        if self.engine:
            sizes = [(each.lane, each.piece.duration, now - each.arrived) for each in tickets]
            self._observer.batch_done(self.engine, sizes, message.seconds)
            heard = [each for each in message.answers if isinstance(each, Recognition)]
            self._observer.recognised(self.engine, heard)

    def _failed(self, tickets: Sequence[Ticket], message: Failed) -> None:
        """Less at a time where memory ran out; each alone where one of them may be the reason."""
        error = error_of(message)
        if isinstance(error, OutOfMemory) and len(tickets) > 1:
            half = max(1, len(tickets) // 2)
            self._largest = min(half, self._largest or half)
            log.warning("out of memory", extra={"model": self.model, "batch": self._largest})
            self._observer.halved(self.model, self._largest)
            self._waiting.add(tickets)
        elif isinstance(error, EngineFailed) and not isinstance(error, OutOfMemory):
            self._once_more(tickets, error)
        else:
            for each in tickets:
                _fail(each, error)

    def _once_more(self, tickets: Sequence[Ticket], error: MalgwiError) -> None:
        for each in tickets:
            each.attempts += 1
            each.alone = True
            if each.attempts >= ATTEMPTS:
                _fail(each, error)
        self._waiting.add(each for each in tickets if not each.answer.done())

    def _died(self, process: EngineProcess, manner: str) -> None:
        """The process is gone, and with it what it had under way."""
        error = EngineGone(f"The process of {self.model} is gone: {manner}. Ask again.")
        with self._changed:
            if process is not self._process:  # it was let go before
                return
            log.error("an engine's process is gone", extra={"model": self.model, "manner": manner})
            self._observer.restarted(process.engine)
            self._observer.unloaded(process.engine)
            self._process = None
            self._failures += 1
            self._failed_at = time.monotonic()
            under_way = [each for _, tickets in self._running.values() for each in tickets]
            self._running.clear()
            if self._failures >= HOPELESS:
                self.hopeless = f"{self.model}: {HOPELESS} processes in a row are gone: {manner}."
                self._give_up(error)
            self._once_more(under_way, error)
            self._changed.notify_all()

    def _wedged(self) -> EngineProcess | None:
        """The process, where a batch takes so long that it will not come."""
        now = time.monotonic()
        late = any(
            now - began > self._patience + SLOW * self._expected(tickets)
            for began, tickets in self._running.values()
        )
        return self._process if late else None

    def _expected(self, tickets: Sequence[Ticket]) -> float:
        return self._speed.wait(sum(each.piece.duration for each in tickets))

    def _alike(self, ticket: Ticket) -> object:
        piece = ticket.piece
        if self._capabilities is None:
            return None
        steps = int(piece.duration / self._capabilities.alike)
        return piece.language, piece.task, piece.prompt, piece.hotwords, ticket.among, steps


def _answers(answers: Sequence[Future[Any]], stop: Event) -> list[Any]:
    """What they hold once all are there; the first error as soon as it is there."""
    while wait(answers, LOOK, FIRST_EXCEPTION).not_done:
        if stop.is_set():
            raise Cancelled("The request was called off.")
        for each in answers:
            if each.done() and each.exception():
                each.result()
    return [each.result() for each in answers]


def _fail(ticket: Ticket, error: MalgwiError) -> None:
    if ticket.answer.set_running_or_notify_cancel():
        ticket.answer.set_exception(error)

"""Several models on one machine: loaded when they are asked for, unloaded when nobody does."""

import logging
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock, Thread

from malgwi.errors import EngineGone, ModelMissing, Overloaded
from malgwi.scheduling.base import ModelState
from malgwi.scheduling.dispatcher import Dispatcher
from malgwi.scheduling.observer import Observer, Unobserved
from malgwi.scheduling.shared import SharedTranscriber
from malgwi.scheduling.worker import Build
from malgwi.stt import Transcriber
from malgwi.types import Lane

log = logging.getLogger(__name__)

MOST_WAIT = {Lane.LIVE: 10.0, Lane.INTERACTIVE: 60.0, Lane.BATCH: 600.0}
"""Seconds of waiting up to which another request is let in."""
TURN_BACK = 10
"""Seconds after which to ask again for a model that there is no room for."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to run, and within what bounds."""

    default: str
    installed: Callable[[], Sequence[str]]
    """Names of the models that are here now."""
    build: Callable[[str], Build]
    """How the engine of a model is made, in its process."""
    size: Callable[[str], int]
    """Bytes that a model is guessed to need in memory, before it was measured."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    memory: int | None = None
    """Bytes for all models together; None for no bound."""
    idle: float | None = None
    """Seconds without work after which a model is unloaded; None for never."""
    patience: float = 60.0
    """Seconds beyond the expected after which a batch is taken for wedged."""
    preload: Collection[str] = ()


class ModelFleet:
    """A Fleet with a process a model."""

    def __init__(self, plan: Plan, observer: Observer | None = None) -> None:
        self._plan = plan
        self._observer = observer or Unobserved()
        self._dispatchers: dict[str, Dispatcher] = {}
        self._sizes: dict[str, int] = {}  # measured
        self._making_room = Lock()
        self._closed = Event()
        self._keeper = Thread(target=self._keep, name="unload idle models", daemon=True)
        self._keeper.start()
        for name in plan.preload:
            self._dispatcher(self._resolved(name)).preload()

    def admit(self, lane: Lane) -> None:
        wait = max((each.wait(lane) for each in self._all()), default=0.0)
        if wait > MOST_WAIT[lane]:
            raise Overloaded(
                f"About {wait:.0f} s of work are waiting, and {MOST_WAIT[lane]:.0f} s are let in. "
                "Ask again later.",
                retry_after=max(1, math.ceil(wait - MOST_WAIT[lane])),
            )

    def transcriber(self, model: str, lane: Lane, stop: Event) -> Transcriber:
        dispatcher = self._dispatcher(self._resolved(model))
        if not dispatcher.loaded:
            self._make_room(dispatcher)
        return SharedTranscriber(dispatcher, lane, stop)

    def models(self) -> list[ModelState]:
        names = [self._plan.default, *sorted({*self._plan.installed()} - {self._plan.default})]
        return [self._state(name) for name in names]

    def state(self, model: str) -> ModelState:
        return self._state(self._resolved(model))

    def load(self, model: str) -> ModelState:
        self.transcriber(model, Lane.BATCH, Event())
        return self._state(self._resolved(model))

    def unload(self, model: str) -> ModelState:
        name = self._resolved(model)
        dispatcher = self._dispatchers.get(name)
        if dispatcher and not dispatcher.unload():
            raise Overloaded(f"{name} is at work. Ask again when it is done.", TURN_BACK)
        return self._state(name)

    def dispatchers(self) -> list[Dispatcher]:
        """Those of models that were asked for, for health and metrics."""
        return self._all()

    def close(self) -> None:
        """End every process; requests that wait are answered with EngineGone."""
        with self._making_room:  # who makes one now has made it, or is told
            self._closed.set()
        for each in self._all():
            each.close()
        self._keeper.join()

    def _all(self) -> list[Dispatcher]:
        return list(self._dispatchers.values())

    def _resolved(self, asked: str) -> str:
        """The name of an installed model. Raises ModelMissing."""
        installed = self._plan.installed()
        for name in _spellings(self._plan.aliases.get(asked, asked) or self._plan.default):
            if name in installed or name == self._plan.default:
                return name
        raise ModelMissing.among(asked, [*installed, *self._plan.aliases])

    def _dispatcher(self, name: str) -> Dispatcher:
        with self._making_room:
            if self._closed.is_set():
                raise EngineGone("The engine is shutting down. Ask again in a minute.")
            if name not in self._dispatchers:
                self._dispatchers[name] = Dispatcher(
                    name, self._plan.build(name), self._observer, self._plan.patience
                )
            return self._dispatchers[name]

    def _make_room(self, wanted: Dispatcher) -> None:
        """Unload what was idle longest until there is room for one more, and have it loaded before
        somebody else takes the room. Raises Overloaded."""
        if self._plan.memory is None:
            return
        with self._making_room:
            others = [
                each for each in self._all() if each is not wanted and (each.loaded or each.loading)
            ]
            free = self._plan.memory - self._need(wanted) - sum(map(self._need, others))
            for each in sorted(others, key=lambda each: each.idle or 0.0, reverse=True):
                need = self._need(each)
                if free < 0 and each.unload():
                    free += need
            if free < 0:
                raise Overloaded(
                    f"There is no memory for {wanted.model} beside the models at work now. "
                    "Ask again later, or for one that is loaded.",
                    retry_after=TURN_BACK,
                )
            wanted.preload()

    def _measure(self, dispatcher: Dispatcher) -> None:
        if measured := dispatcher.memory:
            self._sizes[dispatcher.model] = measured

    def _need(self, dispatcher: Dispatcher) -> int:
        self._measure(dispatcher)
        return self._sizes.get(dispatcher.model) or self._plan.size(dispatcher.model)

    def _state(self, name: str) -> ModelState:
        dispatcher = self._dispatchers.get(name)
        if dispatcher is None:
            return ModelState(name, loaded=False)
        return ModelState(
            name, dispatcher.loaded, dispatcher.engine, dispatcher.memory, dispatcher.idle
        )

    def _keep(self) -> None:
        """Unload what has been idle for too long."""
        while not self._closed.wait(1.0 if self._plan.idle is None else min(1.0, self._plan.idle)):
            for each in self._all():
                idle = each.idle
                if self._plan.idle is not None and idle is not None and idle > self._plan.idle:
                    log.info("unloading a model", extra={"model": each.model, "idle": idle})
                    self._measure(each)
                    each.unload()


def _spellings(name: str) -> list[str]:
    """What a model is called here, who calls it as elsewhere: `Systran/faster-whisper-base`,
    `openai/whisper-base`, `base`, and whisper.cpp's `ggml-base.bin`."""
    last = name.rsplit("/", 1)[-1]
    bare = re.sub(r"^(faster-whisper-|faster-|ggml-)|\.bin$", "", last)
    return [name, last, bare, f"whisper-{bare}", f"whisper-{bare.removeprefix('whisper-')}"]

"""What the scheduler promises to whoever has sound to be recognised."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event
from typing import Protocol

from malgwi.stt import Transcriber
from malgwi.types import Engine, Lane


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model that can be asked for, and what is known of it while it is loaded."""

    name: str
    loaded: bool
    engine: Engine | None = None
    """None until it was loaded once."""
    memory: int | None = None
    """Bytes that its process has in memory; None where it has none."""
    idle: float | None = None
    """Seconds since it last had work; None where it is not loaded or at work now."""


class Fleet(Protocol):
    """The engines of this machine, by the names of their models, shared by all requests.

    All of it may be called from any thread.
    """

    def admit(self, lane: Lane) -> None:
        """Raises Overloaded, with the seconds to wait, where more is waiting than can be done in
        good time. To be asked before anything is uploaded."""
        ...

    def transcriber(self, model: str, lane: Lane, stop: Event) -> Transcriber:
        """The engine for one request; its pieces share batches with everybody else's.

        The model is loaded if it is not; `model` may be an alias, or empty for the default. Once
        `stop` is set, what waits leaves the queue, and calls raise Cancelled. Raises ModelMissing,
        Overloaded where there is no memory for another model now, EngineGone.
        """
        ...

    def models(self) -> Sequence[ModelState]:
        """Those that are here, whether they are loaded or not; the default first."""
        ...

    def state(self, model: str) -> ModelState:
        """What is known of a model, which may be an alias. Raises ModelMissing."""
        ...

    def load(self, model: str) -> ModelState:
        """Raises what `transcriber` raises."""
        ...

    def unload(self, model: str) -> ModelState:
        """End its process, so that its memory goes back to the system. Raises Overloaded where it
        is at work."""
        ...

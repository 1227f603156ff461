"""Who is told what the engines do, for metrics; called while locks are held, so it only counts."""

from collections.abc import Sequence
from typing import Protocol

from malgwi.stt import Recognition
from malgwi.types import Engine, Lane


class Observer(Protocol):
    """Told by every dispatcher. Times are in seconds."""

    def batch_done(
        self, engine: Engine, pieces: Sequence[tuple[Lane, float, float]], seconds: float
    ) -> None:
        """A batch took `seconds`. Of each piece: its lane, its sound, and how long it took from
        its arrival to its answer."""

    def recognised(self, engine: Engine, answers: Sequence[Recognition]) -> None:
        """What a batch was heard as."""

    def loaded(self, engine: Engine, seconds: float) -> None:
        """A model was loaded in so much time."""

    def unloaded(self, engine: Engine) -> None:
        """Its process is gone, and its memory given back."""

    def restarted(self, engine: Engine) -> None:
        """Its process died, or was ended because it hung."""

    def halved(self, model: str, batch: int) -> None:
        """Memory ran out, and batches have so many pieces now."""


class Unobserved:
    """Nobody is told."""

    def batch_done(
        self, engine: Engine, pieces: Sequence[tuple[Lane, float, float]], seconds: float
    ) -> None: ...
    def recognised(self, engine: Engine, answers: Sequence[Recognition]) -> None: ...
    def loaded(self, engine: Engine, seconds: float) -> None: ...
    def unloaded(self, engine: Engine) -> None: ...
    def restarted(self, engine: Engine) -> None: ...
    def halved(self, model: str, batch: int) -> None: ...

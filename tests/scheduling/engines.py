"""Engines for a process of their own, that do what sound tells them to.

The loudness of a piece says what happens: so a test chooses it piece by piece. Functions of a
module, because they travel to the worker by name.
"""

import os
import signal
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from malgwi.errors import EngineFailed, ModelBroken, OutOfMemory
from malgwi.scheduling import Build
from malgwi.stt import LanguageGuess, Piece, Recognition, Transcriber
from malgwi.testing import ScriptedTranscriber
from malgwi.types import SAMPLE_RATE

FINE, FATAL, HANGS, BREAKS, TOO_MUCH = 0.1, 0.2, 0.3, 0.4, 0.5


def piece(what: float = FINE, seconds: float = 1.0, language: str = "en") -> Piece:
    return Piece(np.full(round(seconds * SAMPLE_RATE), what, np.float32), language)


class Obedient(ScriptedTranscriber):
    """Says how many pieces shared its batch, and in which process, and is as slow as it is told.

    Disaster comes once a file `struck` is not there yet, or every time where there is no such.
    """

    def __init__(
        self, struck: Path | None, seconds: float, batch: int, parallel: int, hold: Path | None
    ) -> None:
        super().__init__()
        self._struck, self._seconds, self._hold = struck, seconds, hold
        self.capabilities = replace(self.capabilities, batch=batch, parallel=parallel)

    def transcribe(self, pieces: Sequence[Piece]) -> list[Recognition]:
        while self._hold and self._hold.exists():
            time.sleep(0.005)
        time.sleep(self._seconds)
        for each in pieces:
            self._obey(round(float(np.abs(each.samples).max(initial=0.0)), 2), len(pieces))
        self._text = f"{len(pieces)} {os.getpid()}"
        return super().transcribe(pieces)

    def detect_language(
        self, pieces: Sequence[Piece], among: Collection[str] = ()
    ) -> list[LanguageGuess]:
        return super().detect_language(pieces, among)

    def _obey(self, what: float, together: int) -> None:
        if (what == TOO_MUCH and together > 1) or what > TOO_MUCH:
            raise OutOfMemory("There is no room for so many.")
        if what not in (FATAL, HANGS, BREAKS) or (self._struck and self._struck.exists()):
            return
        if self._struck:
            self._struck.touch()
        if what == FATAL:
            os.kill(os.getpid(), signal.SIGKILL)
        elif what == HANGS:
            os.kill(os.getpid(), signal.SIGSTOP)
            time.sleep(60)  # the other threads may take a moment to stop
        raise EngineFailed("The engine broke.")


def obedient(  # noqa: PLR0913 (what a test may want to choose)
    died: Mapping[str, str],
    on_try: Callable[[str], None],
    *,
    struck: Path | None = None,
    seconds: float = 0.0,
    batch: int = 4,
    parallel: int = 1,
    hold: Path | None = None,
) -> Transcriber:
    return Obedient(struck, seconds, batch, parallel, hold)


def stillborn(
    died: Mapping[str, str], on_try: Callable[[str], None], *, deaths: int
) -> Transcriber:
    """Dies while it is loaded, so often; then knows of what."""
    on_try(f"way {len(died)}")
    if len(died) < deaths:
        os.kill(os.getpid(), signal.SIGKILL)
    return ScriptedTranscriber(
        text=" and ".join(f"{trying} ({manner})" for trying, manner in died.items())
    )


def on_a_gpu(
    died: Mapping[str, str], on_try: Callable[[str], None], **options: object
) -> Transcriber:
    """An obedient engine that says it runs on a card."""
    engine = obedient(died, on_try, **options)  # type: ignore[arg-type]
    engine.engine = replace(engine.engine, device="cuda")  # type: ignore[misc]
    return engine


def slow_to_load(
    died: Mapping[str, str], on_try: Callable[[str], None], *, seconds: float
) -> Transcriber:
    time.sleep(seconds)
    return obedient(died, on_try)


class Silent(ScriptedTranscriber):
    """Breaks the contract: has no answer to any piece."""

    def transcribe(self, pieces: Sequence[Piece]) -> list[Recognition]:
        return []


def silent(died: Mapping[str, str], on_try: Callable[[str], None]) -> Transcriber:
    return Silent()


def broken(died: Mapping[str, str], on_try: Callable[[str], None]) -> Transcriber:
    raise ModelBroken("The model is damaged.")


def hoarder(
    died: Mapping[str, str], on_try: Callable[[str], None], *, megabytes: int
) -> Transcriber:
    """Has a model of this size."""
    engine = ScriptedTranscriber()
    engine.weights = np.ones(megabytes * 2**17)  # type: ignore[attr-defined]
    return engine


def made(**options: object) -> Build:
    """An obedient engine with these options."""
    return partial(obedient, **options)  # type: ignore[arg-type]

"""Stand-ins for the slow and the remote. The contract tests hold them to the same promises."""

from collections.abc import Collection, Sequence
from pathlib import Path
from threading import Event

import numpy as np

from malgwi.errors import BadOption, ModelMissing
from malgwi.scheduling import Lane, ModelState
from malgwi.stt import (
    CANARY_TEXT,
    Capabilities,
    LanguageGuess,
    Piece,
    Recognition,
    Transcriber,
    canary,
    spread_evenly,
)
from malgwi.types import Engine

_AUDIBLE = 1e-4  # peak, -80 dBFS


class ScriptedTranscriber:
    """A Transcriber that says what it was told to wherever there is sound.

    It needs no model, so the folder of one is not looked at.
    """

    engine = Engine("scripted", "scripted", "cpu")
    capabilities = Capabilities(
        languages=frozenset({"en", "ko"}),
        detects_language=True,
        word_times=False,
        prompts=False,
        longest=30.0,
        batch=8,
        parallel=1,
    )

    def __init__(
        self,
        model_dir: Path | None = None,
        *,
        text: str = "hello there",
        language: str = "en",
    ) -> None:
        self._text = text
        self._language = language
        self.heard: list[Piece] = []
        """Every piece it was ever given to transcribe."""

    def transcribe(self, pieces: Sequence[Piece]) -> list[Recognition]:
        for piece in pieces:
            if piece.language not in (None, *self.capabilities.languages):
                raise BadOption(f"scripted knows no language {piece.language!r}, only en and ko.")
        self.heard.extend(pieces)
        return [self._recognise(piece) for piece in pieces]

    def detect_language(
        self, pieces: Sequence[Piece], among: Collection[str] = ()
    ) -> list[LanguageGuess]:
        language = self._language if self._language in (among or {self._language}) else min(among)
        return [LanguageGuess(language, 1.0) for _ in pieces]

    def _recognise(self, piece: Piece) -> Recognition:
        text = self._text if np.abs(piece.samples).max(initial=0.0) > _AUDIBLE else ""
        if np.array_equal(piece.samples, canary().samples):
            text = CANARY_TEXT
        return Recognition(spread_evenly(text, piece.duration), piece.language or self._language)


class OneEngine:
    """A Fleet of one engine in this process, which is asked straight away: nothing waits."""

    def __init__(self, transcriber: Transcriber) -> None:
        self._transcriber = transcriber

    def admit(self, lane: Lane) -> None:
        """There is always room."""

    def transcriber(self, model: str, lane: Lane, stop: Event) -> Transcriber:
        if model not in ("", "whisper-1", self._transcriber.engine.model):
            raise ModelMissing(model, "this process")
        return self._transcriber

    def models(self) -> list[ModelState]:
        engine = self._transcriber.engine
        return [ModelState(engine.model, True, engine, idle=0.0)]

    def state(self, model: str) -> ModelState:
        self.transcriber(model, Lane.BATCH, Event())
        return self.models()[0]

    def load(self, model: str) -> ModelState:
        return self.state(model)

    def unload(self, model: str) -> ModelState:
        return self.load(model)

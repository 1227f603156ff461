"""Small engines that each do one thing which the scripted one does not."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from threading import Lock

from malgwi.errors import BadOption
from malgwi.stt import LanguageGuess, Piece, Recognition
from malgwi.testing import ScriptedTranscriber

LOUD = 0.5  # mean magnitude, above which a polyglot hears Korean


class Polyglot(ScriptedTranscriber):
    """Takes what is loud for Korean and the rest for English; the quieter, the less sure."""

    def __init__(self, sure: float = 0.9) -> None:
        super().__init__()
        self.sure = sure
        self.asked: list[Piece] = []

    def detect_language(
        self, pieces: Sequence[Piece], among: Collection[str] = ()
    ) -> list[LanguageGuess]:
        self.asked.extend(pieces)
        return [
            LanguageGuess("ko" if abs(piece.samples).mean() > LOUD else "en", self.sure)
            for piece in pieces
        ]


class Deaf(ScriptedTranscriber):
    """Cannot tell languages apart; knows those that it is told."""

    def __init__(self, *languages: str) -> None:
        super().__init__()
        self.capabilities = replace(
            self.capabilities, languages=frozenset(languages), detects_language=False
        )

    def detect_language(
        self, pieces: Sequence[Piece], among: Collection[str] = ()
    ) -> list[LanguageGuess]:
        raise BadOption("It cannot.")


class Worker(ScriptedTranscriber):
    """Does something before each call, and counts the calls, at a time and in all."""

    def __init__(
        self,
        before: Callable[[int], None] = lambda _: None,
        *,
        batch: int = 2,
        parallel: int = 2,
        longest: float = 30.0,
        prompts: bool = False,
    ) -> None:
        super().__init__()
        self.capabilities = replace(
            self.capabilities, batch=batch, parallel=parallel, longest=longest, prompts=prompts
        )
        self.batches: list[list[int]] = []
        """The lengths of the pieces of each call, in samples."""
        self.calls = self.most_at_once = self._now = 0
        self._before = before
        self._counting = Lock()

    def transcribe(self, pieces: Sequence[Piece]) -> list[Recognition]:
        with self._counting:
            self.calls += 1
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            call = self.calls
            self.batches.append(sorted(len(piece.samples) for piece in pieces))
        try:
            self._before(call)
            return super().transcribe(pieces)
        finally:
            with self._counting:
                self._now -= 1

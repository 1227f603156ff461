"""What was recognised once is not recognised again: for a job that goes on after a kill.

A piece is known by its sound and by what was asked of it. It is heard the same way whatever else
is in its batch, so that a transcript that was broken off and gone on with is the one that would
have been made at once; only decoding and voice detection, which are quick, are done anew.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import astuple
from hashlib import sha256
from typing import Any

from malgwi.stt import Capabilities, LanguageGuess, Piece, Recognition, Transcriber
from malgwi.types import Engine, Span, Word

Keep = Callable[[str, Mapping[str, Any]], None]
"""Keeps, under a name, what JSON can hold."""


class Remembering:
    """A Transcriber that asks another for what `known` does not have, and gives it to `keep`."""

    def __init__(
        self, stt: Transcriber, known: Mapping[str, Mapping[str, Any]], keep: Keep
    ) -> None:
        """`known` is what was kept before, by the names under which it was kept."""
        self._stt, self._keep = stt, keep
        self._known = {name: answer for kept in known.values() for name, answer in kept.items()}
        self.capabilities: Capabilities = stt.capabilities

    @property
    def engine(self) -> Engine:
        return self._stt.engine

    def transcribe(self, pieces: Sequence[Piece]) -> list[Recognition]:
        names = [_name("piece", self.engine.model, piece) for piece in pieces]
        new = [index for index, name in enumerate(names) if name not in self._known]
        answers = self._stt.transcribe([pieces[index] for index in new])
        self._remember({names[i]: _packed(each) for i, each in zip(new, answers, strict=True)})
        return [_recognition(self._known[name]) for name in names]

    def detect_language(
        self, pieces: Sequence[Piece], among: Collection[str] = ()
    ) -> list[LanguageGuess]:
        kind = f"language {sorted(among)}"
        names = [_name(kind, self.engine.model, piece) for piece in pieces]
        new = [index for index, name in enumerate(names) if name not in self._known]
        answers = self._stt.detect_language([pieces[index] for index in new], among)
        self._remember({names[i]: astuple(each) for i, each in zip(new, answers, strict=True)})
        return [LanguageGuess(*self._known[name]) for name in names]

    def _remember(self, answers: Mapping[str, Any]) -> None:
        if answers:
            self._keep(sha256("".join(answers).encode()).hexdigest()[:32], answers)
            self._known.update(answers)


def _name(kind: str, model: str, piece: Piece) -> str:
    asked = (kind, model, piece.language, piece.prompt, piece.hotwords, piece.task)
    digest = sha256(repr(asked).encode())
    digest.update(piece.samples.tobytes())
    return digest.hexdigest()[:32]


def _packed(heard: Recognition) -> Mapping[str, Any]:
    words = [(each.text, each.span.start, each.span.end, each.confidence) for each in heard.words]
    return {
        "words": words,
        "language": heard.language,
        "no_speech": heard.no_speech,
        "attempts": heard.attempts,
        "doubt": heard.doubt,
    }


def _recognition(packed: Mapping[str, Any]) -> Recognition:
    words = (Word(text, Span(start, end), sure) for text, start, end, sure in packed["words"])
    return Recognition(**{**packed, "words": tuple(words)})

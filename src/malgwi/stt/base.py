"""The contract between the pipeline and a speech-to-text engine.

To add an engine, write one module beside this one, name its class under the entry point group
`malgwi.stt` in pyproject.toml, and add a line to tests/stt/test_contract.py.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal, Protocol

from malgwi.errors import BadOption
from malgwi.types import SAMPLE_RATE, Engine, Samples, Span, Word

Task = Literal["transcribe", "translate"]
"""To write what was said in its own language, or in English."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do, so that callers ask instead of trying."""

    languages: frozenset[str]
    """ISO 639-1 codes that a piece may name."""
    detects_language: bool
    """False: every piece must name its language."""
    word_times: bool
    """False: the words share the span of their piece evenly."""
    prompts: bool
    """Whether `Piece.prompt` and `Piece.hotwords` make a difference."""
    longest: float
    """Seconds of sound that one piece may have."""
    batch: int
    """Pieces a call with which the engine is at its best; more are allowed."""
    parallel: int
    """Threads that may call `transcribe` at the same time, beside one in `detect_language`."""
    alike: float = inf
    """Seconds. Pieces are sorted into steps of this length; those of one step share a batch and
    are heard as if alone, those of two would cost each other time."""
    translates: bool = False
    """Whether a piece may ask for the task `translate`."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A stretch of one channel's sound that an engine recognises in one go."""

    samples: Samples
    language: str | None = None
    """ISO 639-1 code; None asks the engine to detect it."""
    prompt: str = ""
    """What may have been said before: style and spelling to continue with."""
    hotwords: str = ""
    """Names and terms to lean towards, divided by spaces or commas."""
    task: Task = "transcribe"

    @property
    def duration(self) -> float:
        return len(self.samples) / SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Recognition:
    """What an engine heard in one piece; times are seconds from the start of the piece."""

    words: tuple[Word, ...]
    language: str
    no_speech: float | None = None
    """Probability that nobody spoke, 0 to 1."""
    attempts: int = 1
    """How often the piece had to be decoded, more than 1 after a loop or low confidence."""
    doubt: str | None = None
    """Why the last attempt is still not to be trusted (`loop`, `low-confidence`); else None."""


@dataclass(frozen=True, slots=True)
class LanguageGuess:
    """The language that an engine took a piece to be in, and how sure it was, 0 to 1."""

    language: str
    probability: float


class Transcriber(Protocol):
    """Turns pieces of sound into words.

    Synchronous, and free to keep the processor busy. The model is loaded in the constructor,
    from a local folder; an engine never downloads anything.
    """

    capabilities: Capabilities

    @property
    def engine(self) -> Engine:
        """What it is, and what it runs on now."""
        ...

    def transcribe(self, pieces: Sequence[Piece]) -> list[Recognition]:
        """Recognise the pieces together: one Recognition each, in the same order.

        No pieces, or a piece without samples, is no words. Words come in order and lie inside
        the piece. The same pieces are heard the same way. Raises BadOption for a language that
        is not in `capabilities.languages` or a task that it cannot do, EngineFailed where the
        engine breaks.
        """
        ...

    def detect_language(
        self, pieces: Sequence[Piece], among: Collection[str] = ()
    ) -> list[LanguageGuess]:
        """Guess the language of each piece, one of `among` unless that is empty.

        Raises EngineFailed where the engine breaks, or BadOption where
        `capabilities.detects_language` is False or it knows none of `among`.
        """
        ...


def check_piece(piece: Piece, can: Capabilities, model: str) -> None:
    """Raises BadOption for a language or a task that is beyond a model; before any work."""
    if piece.language is not None and piece.language not in can.languages:
        raise BadOption(
            f"{model} does not know the language {piece.language!r}. "
            "Use an ISO 639-1 code, such as ko or en."
        )
    if piece.task == "translate" and not can.translates:
        raise BadOption(f"{model} does not translate: it knows English only.")


def spread_evenly(text: str, duration: float) -> tuple[Word, ...]:
    """The words of `text` over `duration` seconds, for engines that do not say when they were."""
    texts = text.split()
    return tuple(
        Word(f" {each}", Span(duration * (i / len(texts)), duration * ((i + 1) / len(texts))))
        for i, each in enumerate(texts)
    )

"""Whisper as it is run here, whatever library computes it.

What is fast about it: Whisper was trained on windows of 30 s, and pads what is shorter; the
encoder's cost grows faster than the window. Here a piece is encoded with a few seconds of
silence behind it instead. The decoder, which has the weights to read for every token, takes a
whole batch. It writes time stamps, which are thrown away: they keep it from stopping at a pause
and leaving out the rest.

Windows come in steps, and only pieces of one window are decoded together: so a piece is heard
the same way whatever else is recognised at the time.

A piece whose text loops or is guessed is heard again with more silence behind it, and where it
loops still, in the full window with a wider search. Not with chance, as elsewhere: what
CTranslate2 draws cannot be repeated, and the same sound has to be heard the same way.
docs/why/speed.md has what was measured.
"""

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tokenizers
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import _LANGUAGE_CODES, Tokenizer
from numpy.typing import NDArray

from malgwi import memory
from malgwi.errors import BadOption, EngineFailed, ModelMissing, OutOfMemory
from malgwi.stt.base import (
    Capabilities,
    LanguageGuess,
    Piece,
    Recognition,
    Task,
    check_piece,
)
from malgwi.stt.doubt import doubt, token_limit
from malgwi.stt.word_times import FRAMES_A_SECOND, timed_words
from malgwi.types import SAMPLE_RATE, Engine, Samples, Word

WINDOW = 30.0
"""Seconds that Whisper was trained on."""
SILENCE = {"en": 2.0}
"""Seconds of silence behind a piece, by language; with less, Whisper loops."""
SILENCE_ELSEWHERE = 4.0
STEP = 2.0
"""Seconds by which windows differ."""
MORE_SILENCE = 8.0
"""Seconds of silence behind a piece that is heard again."""
BEAM = 5
"""Hypotheses that the last attempt at a loop weighs against each other."""
ROOM = 108 * FRAMES_A_SECOND
"""Frames that are decoded together, six pieces of 16 s or eight of 11 s: the decoder keeps keys and
values for all of them, 24 kB a frame with Whisper base. More is hardly faster, and memory would go
up and down with the lengths of the pieces."""
CONTEXT = 448  # tokens that the decoder has room for
MOST_PROMPT = 100  # tokens each of prompt and hot words; of CONTEXT
FRAME = SAMPLE_RATE // 100  # samples of a frame of features
FILES = ("model.bin", "config.json", "tokenizer.json")
_NO_MEMORY = re.compile("out of memory|bad_alloc|bad allocation|ALLOC_FAILED", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Draft:
    """What a decoding gave for one piece."""

    tokens: tuple[int, ...]
    log_probability: float
    no_speech: float
    doubt: str | None
    attempts: int = 1

    @property
    def trust(self) -> tuple[bool, bool, float]:
        """The greater, the better this draft; a loop is worse than a guess."""
        return self.doubt is None, self.doubt != "loop", self.log_probability


class Model(Protocol):
    """Whisper's encoder and decoder, computed by a library. Raises RuntimeError where it breaks.

    What `encode` gives is the library's own, `[pieces, frames, width]`, and stays on the device.
    """

    n_mels: int
    is_multilingual: bool
    num_languages: int

    def encode(self, features: NDArray[np.float32]) -> Any:
        """Of features `[pieces, mels, frames]`."""
        ...

    def generate(
        self, encoded: Any, prompts: Sequence[Sequence[int]], *, beam_size: int, max_length: int
    ) -> Sequence[Any]:
        """An answer a piece, with `sequences_ids`, `scores` (mean log-probability a token) and
        `no_speech_prob`. `max_length` counts the prompt too."""
        ...

    def detect_language(self, encoded: Any) -> Sequence[Sequence[tuple[str, float]]]:
        """Languages as `<|ko|>` with their probabilities, the likeliest first, a piece."""
        ...

    def align(
        self,
        encoded: Any,
        start_sequence: Sequence[int],
        text_tokens: Sequence[Sequence[int]],
        num_frames: Sequence[int],
    ) -> Sequence[Any]:
        """Where the tokens of each piece are in its sound."""
        ...


class Whisper:
    """A Transcriber that runs Whisper on the library that `model` is of."""

    def __init__(
        self, model_dir: Path, model: Model, engine: Engine, batch: int, parallel: int
    ) -> None:
        self._model = model
        self._words = tokenizers.Tokenizer.from_file(str(model_dir / "tokenizer.json"))
        self._features = FeatureExtractor(feature_size=model.n_mels)
        self._tokenizers: dict[tuple[str, Task], Tokenizer] = {}
        self.engine = engine
        self.capabilities = Capabilities(
            languages=_languages(model),
            detects_language=model.is_multilingual,
            word_times=True,
            prompts=True,
            longest=WINDOW,
            batch=batch,
            parallel=parallel,
            alike=STEP,
            translates=model.is_multilingual,
        )

    def transcribe(self, pieces: Sequence[Piece]) -> list[Recognition]:
        for piece in pieces:
            check_piece(piece, self.capabilities, self.engine.model)
        return self._translated(
            lambda: self._transcribe([self._with_language(piece) for piece in pieces])
        )

    def detect_language(
        self, pieces: Sequence[Piece], among: Collection[str] = ()
    ) -> list[LanguageGuess]:
        if not self.capabilities.detects_language:
            raise BadOption(f"{self.engine.model} knows English only; say --language en.")
        if among and not self.capabilities.languages & set(among):
            raise BadOption(f"{self.engine.model} knows none of {', '.join(sorted(among))}.")
        return self._translated(lambda: [self._guess(piece, among) for piece in pieces])

    def _translated(self, call: Callable[[], list[Any]]) -> list[Any]:
        """What `call` returns, with the library's errors as ours."""
        try:
            return call()
        except (RuntimeError, ValueError, MemoryError) as error:
            what = f"{self.engine.model} on {self.engine.device}"
            if isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)):
                raise OutOfMemory(f"{what} ran out of memory.") from error
            raise EngineFailed(f"{what} failed.") from error
        finally:
            memory.give_back()

    def _guess(self, piece: Piece, among: Collection[str]) -> LanguageGuess:
        encoded = self._encode([piece], min(WINDOW, piece.duration + MORE_SILENCE))
        [answers] = self._model.detect_language(encoded)
        return likeliest({token[2:-2]: float(sure) for token, sure in answers}, among)

    def _with_language(self, piece: Piece) -> Piece:
        if piece.language is not None:
            return piece
        if not len(piece.samples) or not self.capabilities.detects_language:
            return replace(piece, language="en")
        return replace(piece, language=self._guess(piece, ()).language)

    def _transcribe(self, pieces: Sequence[Piece]) -> list[Recognition]:
        """Pieces of one style share a batch; the answers are in the old order."""
        heard = {
            index: Recognition((), piece.language or "en")
            for index, piece in enumerate(pieces)
            if not len(piece.samples)
        }
        order = sorted(set(range(len(pieces))) - set(heard), key=lambda i: _style(pieces[i]))
        for _, group in groupby(order, key=lambda i: _style(pieces[i])):
            indices = list(group)
            size = max(1, round(ROOM / (_window(pieces[indices[0]]) * FRAMES_A_SECOND)))
            for first in range(0, len(indices), size):
                some = indices[first : first + size]
                heard.update(zip(some, self._recognise([pieces[i] for i in some]), strict=True))
        return [heard[index] for index in range(len(pieces))]

    def _recognise(self, pieces: Sequence[Piece]) -> list[Recognition]:
        """Pieces of one style, which are in one language, with one prompt and one window."""
        language = pieces[0].language or "en"
        tokenizer = self._tokenizer(language, pieces[0].task)
        encoded = self._encode(pieces, _window(pieces[0]))
        drafts = self._decode(tokenizer, pieces, encoded)
        sure = [draft if not draft.doubt else replace(draft, tokens=()) for draft in drafts]
        words = self._align(tokenizer, pieces, sure, encoded)
        for index, (piece, draft) in enumerate(zip(pieces, drafts, strict=True)):
            if draft.doubt:
                drafts[index], words[index] = self._again(tokenizer, piece, draft)
        return [
            Recognition(each, language, draft.no_speech, draft.attempts, draft.doubt)
            for each, draft in zip(words, drafts, strict=True)
        ]

    def _encode(self, pieces: Sequence[Piece], window: float) -> Any:
        """The encoder's view of pieces with silence behind them, `[pieces, frames, width]`."""
        features = [self._features_of(piece.samples, window) for piece in pieces]
        return self._model.encode(np.stack(features))

    def _features_of(self, samples: Samples, window: float) -> NDArray[np.float32]:
        length = round(window * SAMPLE_RATE) // (2 * FRAME) * 2 * FRAME
        padded = np.zeros(length, np.float32)
        padded[: len(samples)] = samples[:length]
        features: NDArray[np.float32] = self._features(padded, padding=0)
        return features[:, : length // FRAME]

    def _decode(
        self, tokenizer: Tokenizer, pieces: Sequence[Piece], encoded: Any, beam: int = 1
    ) -> list[_Draft]:
        prompt = _prompt(tokenizer, pieces[0])
        limit = token_limit(_window(pieces[0]))  # the same in any company
        answers = self._model.generate(
            encoded,
            [prompt] * len(pieces),
            beam_size=beam,
            max_length=min(CONTEXT, len(prompt) + limit),
        )
        return [
            _draft(tokenizer, answer, piece.duration)
            for answer, piece in zip(answers, pieces, strict=True)
        ]

    def _again(
        self, tokenizer: Tokenizer, piece: Piece, draft: _Draft
    ) -> tuple[_Draft, tuple[Word, ...]]:
        """Hear it with more silence, and a loop with a wider search; the best attempt counts."""
        tries = [(draft, None), self._retry(tokenizer, piece, piece.duration + MORE_SILENCE, 1)]
        if tries[-1][0].doubt == "loop":
            tries.append(self._retry(tokenizer, piece, WINDOW, BEAM))
        best, encoded = max(tries, key=lambda each: each[0].trust)
        if encoded is None:
            encoded = self._encode([piece], _window(piece))
        [words] = self._align(tokenizer, [piece], [best], encoded)
        return replace(best, attempts=len(tries)), words

    def _retry(
        self, tokenizer: Tokenizer, piece: Piece, window: float, beam: int
    ) -> tuple[_Draft, Any]:
        encoded = self._encode([piece], min(WINDOW, window))
        return self._decode(tokenizer, [piece], encoded, beam)[0], encoded

    def _align(
        self, tokenizer: Tokenizer, pieces: Sequence[Piece], drafts: Sequence[_Draft], encoded: Any
    ) -> list[tuple[Word, ...]]:
        """The words of each piece, with times."""
        tokens = [draft.tokens or (tokenizer.eot,) for draft in drafts]
        frames = [min(2 * encoded.shape[1], _frames(piece)) for piece in pieces]
        paths = self._model.align(encoded, list(tokenizer.sot_sequence), tokens, frames)
        return [
            _timed(tokenizer, draft, path, piece.duration)
            for draft, path, piece in zip(drafts, paths, pieces, strict=True)
        ]

    def _tokenizer(self, language: str, task: Task) -> Tokenizer:
        if (language, task) not in self._tokenizers:
            self._tokenizers[language, task] = Tokenizer(
                self._words, self._model.is_multilingual, task=task, language=language
            )
        return self._tokenizers[language, task]


def likeliest(sure: Mapping[str, float], among: Collection[str]) -> LanguageGuess:
    """Among those that come into question; its share of theirs, and 0.0 where they have none."""
    possible = {each: sure[each] for each in sure if not among or each in among}
    language, total = max(possible, key=lambda each: possible[each]), sum(possible.values())
    return LanguageGuess(language, min(1.0, possible[language] / total) if total else 0.0)


def check_files(model_dir: Path) -> None:
    """Raises ModelMissing unless the folder has what every library needs."""
    if not all((model_dir / name).is_file() for name in FILES):
        raise ModelMissing(model_dir.name, model_dir.parent)


def _languages(model: Model) -> frozenset[str]:
    """English models know one; Cantonese came with the hundredth, in large-v3."""
    if not model.is_multilingual:
        return frozenset({"en"})
    return frozenset(_LANGUAGE_CODES) - ({"yue"} if model.num_languages < 100 else set())


def _frames(piece: Piece) -> int:
    """Frames of features that hold the piece; the decoder's attention is read in these only."""
    return len(piece.samples) // FRAME // 2 * 2 + 2


def _silence(piece: Piece) -> float:
    """Seconds of silence behind it; with a prompt to go on from, Whisper repeats itself sooner."""
    if piece.prompt or piece.hotwords:
        return SILENCE_ELSEWHERE
    return SILENCE.get(piece.language or "", SILENCE_ELSEWHERE)


def _window(piece: Piece) -> float:
    """Seconds that are encoded for a piece."""
    return min(WINDOW, math.ceil((piece.duration + _silence(piece)) / STEP) * STEP)


def _style(piece: Piece) -> tuple[str, str, str, str, float]:
    """Only pieces of one style share a batch."""
    return piece.language or "", piece.task, piece.prompt, piece.hotwords, _window(piece)


def _prompt(tokenizer: Tokenizer, piece: Piece) -> list[int]:
    """What the decoder begins with: words to lean on, then language and task."""
    before: list[int] = []
    for text in (piece.hotwords, piece.prompt):
        if text.strip():
            before += tokenizer.encode(" " + text.strip())[-MOST_PROMPT:]
    lead = [tokenizer.sot_prev, *before] if before else []
    return [*lead, *tokenizer.sot_sequence]


def _draft(tokenizer: Tokenizer, answer: Any, seconds: float) -> _Draft:
    written = answer.sequences_ids[0]
    tokens = tuple(token for token in written if token < tokenizer.eot)  # the rest are times
    text = tokenizer.decode(list(tokens))
    why = doubt(text, len(written), answer.scores[0], answer.no_speech_prob, seconds)
    return _Draft(tokens, answer.scores[0], answer.no_speech_prob, why)


def _timed(tokenizer: Tokenizer, draft: _Draft, path: Any, seconds: float) -> tuple[Word, ...]:
    if not draft.tokens:
        return ()
    texts, tokens = tokenizer.split_to_word_tokens([*draft.tokens, tokenizer.eot])
    lengths = [len(each) for each in tokens[:-1]]
    return timed_words(texts[:-1], lengths, path, seconds)

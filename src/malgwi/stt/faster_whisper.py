"""Whisper on CTranslate2, with faster-whisper's tokenizer and features.

What is fast about it: Whisper was trained on windows of 30 s, and pads what is shorter; the
encoder's cost grows faster than the window. Here a piece is encoded with a few seconds of
silence behind it instead, and by itself, so that its attention stays in the cache; so is the
pass that tells word times. The decoder, which has the weights to read for every token, takes
the whole batch. It writes time stamps, which are thrown away: they keep it from stopping at
a pause and leaving out the rest.

A piece whose text loops or is guessed is heard again with more silence behind it, and where it
loops still, in the full window with a wider search. Not with chance, as elsewhere: what
CTranslate2 draws cannot be repeated, and the same sound has to be heard the same way.
docs/why/speed.md has what was measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import tokenizers
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import _LANGUAGE_CODES, Tokenizer
from numpy.typing import NDArray

from malgwi.errors import BadOption, EngineFailed, ModelBroken, ModelMissing
from malgwi.stt.base import Capabilities, LanguageGuess, Piece, Recognition
from malgwi.stt.doubt import doubt, token_limit
from malgwi.stt.processor import give_back_memory, keep_freed_memory, use_wide_vectors
from malgwi.stt.word_times import FRAMES_A_SECOND, timed_words
from malgwi.types import SAMPLE_RATE, Engine, Samples, Word

WINDOW = 30.0
"""Seconds that Whisper was trained on."""
SILENCE = {"en": 2.0}
"""Seconds of silence behind a piece, by language; with less, Whisper loops."""
SILENCE_ELSEWHERE = 4.0
MORE_SILENCE = 8.0
"""Seconds of silence behind a piece that is heard again."""
BEAM = 5
"""Hypotheses that the last attempt at a loop weighs against each other."""
ROOM = 108 * FRAMES_A_SECOND
"""Frames that are decoded together, six pieces of 16 s or eight of 11 s: the decoder keeps keys and
values for all of them, 24 kB a frame with Whisper base. More is hardly faster, and memory would go
up and down with the lengths of the pieces."""
MOST_PROMPT = 100  # tokens each of prompt and hot words; the decoder has room for 448 in all
FRAME = SAMPLE_RATE // 100  # samples of a frame of features
FILES = ("model.bin", "config.json", "tokenizer.json")


@dataclass(frozen=True, slots=True)
class _Draft:
    """What a decoding gave for one piece."""

    tokens: tuple[int, ...]
    encoded: NDArray[np.float32]  # [1, frames, width]
    log_probability: float
    no_speech: float
    doubt: str | None
    attempts: int = 1

    @property
    def trust(self) -> tuple[bool, bool, float]:
        """The greater, the better this draft; a loop is worse than a guess."""
        return self.doubt is None, self.doubt != "loop", self.log_probability


class FasterWhisper:
    """A Transcriber that runs Whisper on CTranslate2."""

    def __init__(
        self,
        model_dir: Path,
        *,
        device: str = "cpu",
        compute_type: str = "int8",
        threads: int = 2,
        batch: int = 8,
    ) -> None:
        if threads < 1 or batch < 1:
            raise BadOption("faster-whisper needs at least one thread and a batch of one.")
        if not all((model_dir / name).is_file() for name in FILES):
            raise ModelMissing(model_dir.name, model_dir.parent)
        self._model = _load(model_dir, device, compute_type, threads)
        self._words = tokenizers.Tokenizer.from_file(str(model_dir / "tokenizer.json"))
        self._features = FeatureExtractor(feature_size=self._model.n_mels)
        self._tokenizers: dict[str, Tokenizer] = {}
        self.engine = Engine("faster-whisper", model_dir.name, device, self._model.compute_type)
        self.capabilities = Capabilities(
            languages=_languages(self._model),
            detects_language=self._model.is_multilingual,
            word_times=True,
            prompts=True,
            longest=WINDOW,
            batch=batch,
            parallel=threads,
        )

    def transcribe(self, pieces: Sequence[Piece]) -> list[Recognition]:
        for piece in pieces:
            self._check(piece)
        try:
            return self._transcribe([self._with_language(piece) for piece in pieces])
        except (RuntimeError, ValueError) as error:
            raise EngineFailed(f"{self.engine.model} failed on {self.engine.device}.") from error
        finally:
            give_back_memory()

    def detect_language(self, pieces: Sequence[Piece]) -> list[LanguageGuess]:
        if not self.capabilities.detects_language:
            raise BadOption(f"{self.engine.model} knows English only; say --language en.")
        try:
            encoded = [
                self._encode(piece.samples, min(WINDOW, piece.duration + MORE_SILENCE))
                for piece in pieces
            ]
            answers = [self._model.detect_language(_view(each))[0][0] for each in encoded]
        except (RuntimeError, ValueError) as error:
            raise EngineFailed(f"{self.engine.model} failed to tell the language.") from error
        return [LanguageGuess(token[2:-2], float(sure)) for token, sure in answers]

    def _check(self, piece: Piece) -> None:
        known = self.capabilities.languages
        if piece.language is not None and piece.language not in known:
            raise BadOption(
                f"{self.engine.model} does not know the language {piece.language!r}. "
                "Use an ISO 639-1 code, such as ko or en."
            )

    def _with_language(self, piece: Piece) -> Piece:
        if piece.language is not None:
            return piece
        if not len(piece.samples) or not self.capabilities.detects_language:
            return replace(piece, language="en")
        return replace(piece, language=self.detect_language([piece])[0].language)

    def _transcribe(self, pieces: Sequence[Piece]) -> list[Recognition]:
        """Pieces of one language and prompt share a batch; the answers are in the old order."""
        heard = {
            index: Recognition((), piece.language or "en")
            for index, piece in enumerate(pieces)
            if not len(piece.samples)
        }
        order = sorted(set(range(len(pieces))) - set(heard), key=lambda i: _style(pieces[i]))
        for _, group in groupby(order, key=lambda i: _style(pieces[i])):
            indices = list(group)
            recognitions = self._recognise([pieces[i] for i in indices])
            heard.update(zip(indices, recognitions, strict=True))
        return [heard[index] for index in range(len(pieces))]

    def _recognise(self, pieces: Sequence[Piece]) -> list[Recognition]:
        """Pieces of one style: in one language, with one prompt."""
        language = pieces[0].language or "en"
        tokenizer = self._tokenizer(language)
        longest = max(piece.duration for piece in pieces)
        window = min(WINDOW, longest + _silence(pieces[0]))
        encoded = [self._encode(piece.samples, window) for piece in pieces]
        drafts = self._first_drafts(tokenizer, pieces, encoded)
        drafts = [
            self._again(tokenizer, piece, draft) if draft.doubt else draft
            for piece, draft in zip(pieces, drafts, strict=True)
        ]
        return [
            Recognition(
                self._align(tokenizer, piece, draft),
                language,
                draft.no_speech,
                draft.attempts,
                draft.doubt,
            )
            for piece, draft in zip(pieces, drafts, strict=True)
        ]

    def _first_drafts(
        self,
        tokenizer: Tokenizer,
        pieces: Sequence[Piece],
        encoded: Sequence[NDArray[np.float32]],
    ) -> list[_Draft]:
        """As many at a time as there is room for."""
        size = max(1, ROOM // encoded[0].shape[1])
        return [
            draft
            for first in range(0, len(pieces), size)
            for draft in self._decode(
                tokenizer, pieces[first : first + size], encoded[first : first + size]
            )
        ]

    def _encode(self, samples: Samples, window: float) -> NDArray[np.float32]:
        """The encoder's view of the piece and the silence behind it, `[1, frames, width]`."""
        length = round(window * SAMPLE_RATE) // (2 * FRAME) * 2 * FRAME
        padded = np.zeros(length, np.float32)
        padded[: len(samples)] = samples[:length]
        features = self._features(padded, padding=0)[None, :, : length // FRAME]
        return np.asarray(self._model.encode(_view(features), to_cpu=True))

    def _decode(
        self,
        tokenizer: Tokenizer,
        pieces: Sequence[Piece],
        encoded: Sequence[NDArray[np.float32]],
        beam: int = 1,
    ) -> list[_Draft]:
        prompt = _prompt(tokenizer, pieces[0])
        limit = max(token_limit(piece.duration) for piece in pieces)
        answers = self._model.generate(
            _view(np.concatenate(encoded)),
            [prompt] * len(pieces),
            beam_size=beam,
            max_length=len(prompt) + limit,
            return_scores=True,
            return_no_speech_prob=True,
        )
        return [
            _draft(tokenizer, answer, each, piece.duration)
            for answer, each, piece in zip(answers, encoded, pieces, strict=True)
        ]

    def _again(self, tokenizer: Tokenizer, piece: Piece, draft: _Draft) -> _Draft:
        """Hear it with more silence, and a loop with a wider search; the best attempt counts."""
        drafts = [draft, self._retry(tokenizer, piece, piece.duration + MORE_SILENCE, beam=1)]
        if drafts[-1].doubt == "loop":
            drafts.append(self._retry(tokenizer, piece, WINDOW, BEAM))
        return replace(max(drafts, key=lambda each: each.trust), attempts=len(drafts))

    def _retry(self, tokenizer: Tokenizer, piece: Piece, window: float, beam: int) -> _Draft:
        encoded = self._encode(piece.samples, min(WINDOW, window))
        return self._decode(tokenizer, [piece], [encoded], beam)[0]

    def _align(self, tokenizer: Tokenizer, piece: Piece, draft: _Draft) -> tuple[Word, ...]:
        """Word times."""
        if not draft.tokens:
            return ()
        [path] = self._model.align(
            _view(draft.encoded),
            list(tokenizer.sot_sequence),
            [list(draft.tokens)],
            min(draft.encoded.shape[1] * 2, _frames(piece)),
        )
        texts, tokens = tokenizer.split_to_word_tokens([*draft.tokens, tokenizer.eot])
        lengths = [len(each) for each in tokens[:-1]]
        return timed_words(texts[:-1], lengths, path, piece.duration)

    def _tokenizer(self, language: str) -> Tokenizer:
        if language not in self._tokenizers:
            self._tokenizers[language] = Tokenizer(
                self._words, self._model.is_multilingual, task="transcribe", language=language
            )
        return self._tokenizers[language]


def _load(model_dir: Path, device: str, compute_type: str, threads: int) -> Any:
    """One model, shared by as many workers as there are threads; each works on a batch."""
    use_wide_vectors()
    try:
        model = ctranslate2.models.Whisper(
            str(model_dir),
            device=device,
            compute_type=compute_type,
            inter_threads=threads if device == "cpu" else 1,
            intra_threads=1,
        )
    except ValueError as error:
        raise BadOption(
            f"faster-whisper cannot run on {device} with {compute_type}: {str(error).rstrip('.')}."
        ) from error
    except RuntimeError as error:
        if device != "cpu":
            raise BadOption(
                f"faster-whisper cannot use {device}: {str(error).rstrip('.')}. Give the option "
                'device "cpu", or see to the driver.'
            ) from error
        raise ModelBroken(
            f"The model in {model_dir} cannot be loaded ({str(error).rstrip('.')}). "
            f"Run: malgwi models verify {model_dir.name}"
        ) from error
    keep_freed_memory()  # not before: loading frees as much as the model has
    return model


def _languages(model: Any) -> frozenset[str]:
    """English models know one; Cantonese came with the hundredth, in large-v3."""
    if not model.is_multilingual:
        return frozenset({"en"})
    return frozenset(_LANGUAGE_CODES) - ({"yue"} if model.num_languages < 100 else set())


def _view(array: NDArray[np.float32]) -> Any:
    return ctranslate2.StorageView.from_array(np.ascontiguousarray(array, np.float32))


def _frames(piece: Piece) -> int:
    """Frames of features that hold the piece; the decoder's attention is read in these only."""
    return len(piece.samples) // FRAME // 2 * 2 + 2


def _silence(piece: Piece) -> float:
    """Seconds of silence behind it; with a prompt to go on from, Whisper repeats itself sooner."""
    if piece.prompt or piece.hotwords:
        return SILENCE_ELSEWHERE
    return SILENCE.get(piece.language or "", SILENCE_ELSEWHERE)


def _style(piece: Piece) -> tuple[str, str, str]:
    return piece.language or "", piece.prompt, piece.hotwords


def _prompt(tokenizer: Tokenizer, piece: Piece) -> list[int]:
    """What the decoder begins with: words to lean on, then language and task."""
    before: list[int] = []
    for text in (piece.hotwords, piece.prompt):
        if text.strip():
            before += tokenizer.encode(" " + text.strip())[-MOST_PROMPT:]
    lead = [tokenizer.sot_prev, *before] if before else []
    return [*lead, *tokenizer.sot_sequence]


def _draft(
    tokenizer: Tokenizer, answer: Any, encoded: NDArray[np.float32], seconds: float
) -> _Draft:
    written = answer.sequences_ids[0]
    tokens = tuple(token for token in written if token < tokenizer.eot)  # the rest are times
    text = tokenizer.decode(list(tokens))
    why = doubt(text, len(written), answer.scores[0], answer.no_speech_prob, seconds)
    return _Draft(tokens, encoded, answer.scores[0], answer.no_speech_prob, why)

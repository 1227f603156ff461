"""Any server that speaks OpenAI's API for audio: ours, vLLM, speaches, LocalAI, the cloud.

They differ in what they can say of a piece. A second of silence at the start tells what this one
takes: words with times, segments with times, or nothing but text; and with that, whether the key
and the model are right.
"""

import logging
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from malgwi.errors import BadOption, EngineFailed
from malgwi.stt.answers import (
    Segment,
    Timed,
    fitted,
    led,
    mean_log_probability,
    number,
    objects,
    placed,
    recognition,
    segments,
    spread,
    words,
)
from malgwi.stt.base import Capabilities, LanguageGuess, Piece, Recognition, check_piece
from malgwi.stt.http_client import Fields, Refused, Server, api_key
from malgwi.stt.languages import NAMES, language_code
from malgwi.types import SAMPLE_RATE, Engine

logger = logging.getLogger(__name__)

OURS = "malgwi"
USUAL = "whisper-1"
"""The model that everybody has, or has as a name for another."""
EXTRAS = "x_malgwi"
"""What our own server says beyond OpenAI's fields."""
_GRANULARITIES = "timestamp_granularities[]"
_FORMS: tuple[dict[str, str | list[str]], ...] = (
    {"response_format": "verbose_json", _GRANULARITIES: ["word", "segment"]},
    {"response_format": "verbose_json"},
    {"response_format": "json"},
)
"""What is asked for, the most telling first."""


@dataclass(frozen=True, slots=True)
class _Model:
    id: str
    ours: bool = False


class OpenAIHttp:
    """A Transcriber that asks a server with OpenAI's API."""

    def __init__(  # noqa: PLR0913  (by keyword, and each stands for itself)
        self,
        model_dir: Path | None = None,
        *,
        endpoint: str = "",
        model: str = "",
        parallel: int = 4,
        timeout: float = 120.0,
        api_key_file: Path | None = None,
        ca_file: Path | None = None,
    ) -> None:
        """`model` is the server's name for it, else the server's usual one; a model folder means
        nothing. Raises EngineGone where nothing answers, BadOption for a model that is not there.
        """
        self._server = Server(
            endpoint,
            parallel=parallel,
            timeout=timeout,
            api_key=api_key(api_key_file),
            ca_file=ca_file,
        )
        self._offered = self._models()
        self._model = self._chosen(model)
        self.engine = Engine("openai-http", self._model.id, "remote")
        self._form, answer = self._first_form_taken()
        verbose = self._form["response_format"] == "verbose_json"
        self._learn(answer)
        self.capabilities = Capabilities(
            languages=frozenset(NAMES),
            detects_language=verbose,
            word_times=_GRANULARITIES in self._form,
            prompts=True,
            longest=30.0,
            batch=parallel,
            parallel=2,  # one gets ready while the other is answered
            translates=True,
        )

    def transcribe(self, pieces: Sequence[Piece]) -> list[Recognition]:
        for piece in pieces:
            self._check(piece)
        return self._server.each(self._recognise, pieces)

    def detect_language(
        self, pieces: Sequence[Piece], among: Collection[str] = ()
    ) -> list[LanguageGuess]:
        """What the server heard the piece as. Only our own says how sure it is of the language;
        of others it is the mean probability of the text's tokens, 0 where there is no text."""
        if not self.capabilities.detects_language:
            raise BadOption(f"The engine at {self._server.shown} tells no language; name it.")
        if among and not self.capabilities.languages.intersection(among):
            raise BadOption(f"Whisper knows none of these languages: {', '.join(among)}.")
        allowed = self.capabilities.languages.intersection(among)
        return self._server.each(lambda piece: self._guess(piece, allowed), pieces)

    def _check(self, piece: Piece) -> None:
        check_piece(piece, self.capabilities, "Whisper")
        if piece.language is None and not self.capabilities.detects_language:
            raise BadOption(f"The engine at {self._server.shown} tells no language; name it.")

    def _recognise(self, piece: Piece) -> Recognition:
        if not len(piece.samples):
            return Recognition((), piece.language or "en")
        answer = self._ask(piece)
        try:
            language = _language(piece, answer)
            written = "en" if piece.task == "translate" else language
            parts = _segments(answer, written, piece.duration)
            cut = _words(answer)
            timed = _timed(parts, cut, piece.duration)
        except (KeyError, ValueError) as error:
            raise self._server.nonsense() from error
        if timed and piece.task == "transcribe":
            self._note_word_times(bool(cut))
        return recognition(parts, placed(timed, piece.duration), language, piece.duration)

    def _note_word_times(self, told: bool) -> None:
        """A server may take the wish for words and give none."""
        if self.capabilities.word_times and not told:
            self.capabilities = replace(self.capabilities, word_times=False)
            logger.warning("engine gives no word times", extra={"endpoint": self._server.shown})

    def _guess(self, piece: Piece, allowed: Collection[str]) -> LanguageGuess:
        guess = self._heard_as(piece, allowed)
        if not allowed or guess.language in allowed:
            return guess
        tries = [self._heard_as(replace(piece, language=each)) for each in sorted(allowed)]
        return max(tries, key=lambda each: each.probability)

    def _heard_as(self, piece: Piece, allowed: Collection[str] = ()) -> LanguageGuess:
        answer = self._ask(piece, allowed)
        try:
            sure = None if piece.language else number(_channel(answer), "language_probability")
            if sure is None:
                log = mean_log_probability(segments(answer))
                sure = 0.0 if log is None else math.exp(log)
            return LanguageGuess(_language(piece, answer), min(1.0, max(0.0, sure)))
        except (KeyError, ValueError) as error:
            raise self._server.nonsense() from error

    def _ask(self, piece: Piece, among: Collection[str] = ()) -> dict[str, Any]:
        translating = piece.task == "translate"
        fields = {**self._form, "model": self._model.id, "temperature": "0"}
        if translating:
            fields.pop(_GRANULARITIES, None)
        elif piece.language:
            fields["language"] = piece.language
        path = "/v1/audio/translations" if translating else "/v1/audio/transcriptions"
        try:
            answer = self._server.ask(path, piece.samples, {**fields, **self._hints(piece, among)})
        except Refused as error:
            if error.status in (400, 422) and piece.language and error.names("language"):
                raise BadOption(
                    f"The engine at {self._server.shown} does not take the language "
                    f"{piece.language!r}."
                ) from error
            raise
        self._learn(answer)
        return answer

    def _hints(self, piece: Piece, among: Collection[str]) -> Fields:
        """What may be said, and in what; our own server can be told more than others."""
        hints: dict[str, str | list[str]]
        if self._model.ours:
            hints = {"prompt": piece.prompt, "hotwords": piece.hotwords, "x_malgwi_vad": "false"}
            if piece.task == "transcribe":
                hints |= {"languages[]": sorted(among), "include[]": ["logprobs"]}
        else:
            hints = {"prompt": f"{piece.hotwords.strip()} {piece.prompt.strip()}".strip()}
        return {name: hint for name, hint in hints.items() if hint}

    def _models(self) -> list[_Model]:
        """What the server says it has; nothing where it keeps no list."""
        response = self._server.get("/v1/models")
        if not response.is_success:
            return []
        try:
            found = objects(response.json(), "data")
        except (ValueError, AttributeError):
            return []
        return [
            _Model(str(each["id"]), each.get("owned_by") == OURS) for each in found if "id" in each
        ]

    def _chosen(self, wanted: str) -> _Model:
        """The model of that name. One that is not in the list may be another name for one that
        is, so that the server decides; nothing said, the usual one or the first."""
        by_name = {each.id: each for each in self._offered}
        if wanted:
            ours = any(each.ours for each in self._offered)
            return by_name.get(wanted, _Model(wanted, ours))
        if not self._offered:
            return _Model(USUAL)
        return by_name.get(USUAL, self._offered[0])

    def _first_form_taken(self) -> tuple[dict[str, str | list[str]], dict[str, Any]]:
        """The most telling form of answer that the server gives, and one in it."""
        silence = np.zeros(SAMPLE_RATE, np.float32)
        for form in _FORMS:
            fields = {**form, "model": self._model.id, "temperature": "0"}
            try:
                return form, self._server.ask("/v1/audio/transcriptions", silence, fields)
            except Refused as error:
                if error.status in (400, 422) and _about_form(error):
                    continue
                if error.status in (400, 404, 422) and error.names("model"):
                    raise self._no_such_model() from error
                raise
        raise EngineFailed(f"The engine at {self._server.shown} answers in no form that is known.")

    def _no_such_model(self) -> BadOption:
        offered = ", ".join(each.id for each in self._offered) or "none that it lists"
        return BadOption(
            f"The engine at {self._server.shown} has no model {self._model.id!r} for speech. "
            f"It has: {offered}. Name one of them in the option model."
        )

    def _learn(self, answer: Mapping[str, Any]) -> None:
        """What our own server says about itself, each time: it may have had to step down."""
        said = _extras(answer)
        known = {
            name: said[name]
            for name in ("model", "device", "compute_type", "fallback_reason")
            if isinstance(said.get(name), str)
        }
        if known and self.engine != (now := replace(self.engine, **known)):
            self.engine = now
            logger.info("engine says what it is", extra={"device": now.device, "model": now.model})


def _about_form(error: Refused) -> bool:
    return error.names("response_format", "verbose_json", "timestamp_granularities", "granularit")


def _extras(answer: Mapping[str, Any]) -> dict[str, Any]:
    found = answer.get(EXTRAS)
    return found if isinstance(found, dict) else {}


def _channel(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What our own server says of the one channel that a piece has."""
    channels = objects(_extras(answer), "channels")
    return channels[0] if channels else {}


def _language(piece: Piece, answer: Mapping[str, Any]) -> str:
    """Raises KeyError where nobody says, but for nothing: that is in any language."""
    said = piece.language or _channel(answer).get("language") or answer.get("language")
    if not said and str(answer["text"]).strip():
        raise KeyError("language")
    return language_code(str(said)) if said else "en"


def _words(answer: dict[str, Any]) -> list[Timed]:
    """The words, as sure as our own server says they are."""
    found, sure = words(answer), [number(each, "logprob") for each in objects(answer, "logprobs")]
    if len(found) != len(sure):
        return found
    return [
        each if log is None else replace(each, confidence=math.exp(min(0.0, log)))
        for each, log in zip(found, sure, strict=True)
    ]


def _segments(answer: dict[str, Any], language: str, duration: float) -> list[Segment]:
    """Segments with their spaces and how sure they are, one where the server tells none."""
    found = segments(answer)
    if not found:
        found = [Segment(Timed(str(answer["text"]), 0.0, duration), None, None, None)]
    return [
        replace(
            each,
            timed=replace(
                each.timed,
                text=led(each.timed.text, language),
                confidence=None
                if each.log_probability is None
                else math.exp(min(0.0, each.log_probability)),
            ),
        )
        for each in found
    ]


def _timed(parts: Sequence[Segment], cut: Sequence[Timed], duration: float) -> list[Timed]:
    """The words of the segments, with the server's times where these fit."""
    found = fitted("".join(each.timed.text for each in parts), cut) if cut else None
    if found is None:
        return [word for each in parts for word in spread(each.timed, duration)]
    return [_with_confidence(each, parts) for each in found]


def _with_confidence(word: Timed, parts: Sequence[Segment]) -> Timed:
    """The word, as sure as its segment where it does not say itself."""
    if word.confidence is not None or not parts:
        return word
    began = [each for each in parts if (each.timed.start or 0.0) <= (word.start or 0.0)]
    return replace(word, confidence=(began or parts)[-1 if began else 0].timed.confidence)

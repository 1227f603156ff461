"""whisper.cpp's server: Whisper on a Mac's GPU, or on whatever else it was built for.

Its server takes one request at a time, so one is what it gets. Where a decoding fails it would
try again with chance, and its dice roll on from one request to the next; that is switched off,
for the same sound has to be heard the same way. A loop is only marked: with a wider search it
loops more. Its `no_speech_prob` belongs to whatever it heard before (whisper.cpp #3945), so it is
not believed, and not used there to throw text away. Not used is `audio_ctx`, a shorter window for
the encoder: three times as fast, and most of it loops.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from malgwi.errors import BadOption, EngineFailed
from malgwi.stt.answers import (
    Segment,
    Timed,
    joined,
    led,
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
from malgwi.stt.languages import NAMES, WITHOUT_SPACES, language_code
from malgwi.types import SAMPLE_RATE, Engine

PATH = "/inference"
LANGUAGES = frozenset(NAMES) - {"yue"}
"""Cantonese came with large-v3; an older model takes its token for another command."""
_SETTINGS = {
    "response_format": "verbose_json",
    "temperature": "0",
    "temperature_inc": "0",  # no chance
    "no_speech_thold": "1",  # nothing thrown away
    "suppress_nst": "true",  # no [BLANK_AUDIO], no (music)
    "token_timestamps": "true",
    "no_timestamps": "false",
    "max_len": "1000",  # else it breaks lines after 60 letters, within words
    "vad": "false",  # the piece was cut already
}


class WhisperCpp:
    """A Transcriber that asks a whisper.cpp server."""

    def __init__(  # noqa: PLR0913  (by keyword, and each stands for itself)
        self,
        model_dir: Path | None = None,
        *,
        endpoint: str = "",
        parallel: int = 1,
        timeout: float = 120.0,
        api_key_file: Path | None = None,
        ca_file: Path | None = None,
    ) -> None:
        """`parallel` is for a load balancer before several servers, `api_key_file` for a proxy
        that wants a key. Raises EngineGone where nothing answers."""
        self._server = Server(
            endpoint,
            parallel=parallel,
            timeout=timeout,
            api_key=api_key(api_key_file),
            ca_file=ca_file,
        )
        multilingual = self._multilingual()
        model = "whisper.cpp" if multilingual else "whisper.cpp, English only"
        self.engine = Engine("whisper-cpp", model, "remote")
        self.capabilities = Capabilities(
            languages=LANGUAGES if multilingual else frozenset({"en"}),
            detects_language=multilingual,
            word_times=True,
            prompts=True,
            longest=30.0,
            batch=parallel,
            parallel=2,  # one gets ready while the other is answered
            translates=multilingual,
        )

    def transcribe(self, pieces: Sequence[Piece]) -> list[Recognition]:
        for piece in pieces:
            check_piece(piece, self.capabilities, self.engine.model)
        return self._server.each(self._recognise, pieces)

    def detect_language(
        self, pieces: Sequence[Piece], among: Collection[str] = ()
    ) -> list[LanguageGuess]:
        known = self.capabilities.languages
        if not self.capabilities.detects_language:
            raise BadOption(f"The model at {self._server.shown} knows English only; say so.")
        if among and not known.intersection(among):
            raise BadOption(f"whisper.cpp knows none of these languages: {', '.join(among)}.")
        allowed = known.intersection(among) or known
        return self._server.each(lambda piece: self._guess(piece, allowed), pieces)

    def _recognise(self, piece: Piece) -> Recognition:
        if not len(piece.samples):
            return Recognition((), piece.language or "en")
        prompt = " ".join(filter(None, (piece.hotwords.strip(), piece.prompt.strip())))
        fields = {
            **_SETTINGS,
            "language": piece.language or "auto",
            "translate": str(piece.task == "translate").lower(),
            "no_language_probabilities": "true",  # another pass of the encoder
            # Without a prompt nothing goes on from before, least of all from another request.
            **({"prompt": prompt} if prompt else {"max_context": "0"}),
        }
        answer = self._ask(piece, fields)
        try:
            language = piece.language or language_code(str(answer["language"]))
            written = "en" if piece.task == "translate" else language
            parts = [replace(each, no_speech=None) for each in segments(answer)]
            timed = [
                part
                for segment, raw in zip(parts, objects(answer, "segments"), strict=True)
                for part in _timed(segment, words(raw), written, piece.duration)
            ]
        except (KeyError, ValueError) as error:
            raise self._server.nonsense() from error
        return recognition(parts, placed(timed, piece.duration), language, piece.duration)

    def _guess(self, piece: Piece, allowed: Collection[str]) -> LanguageGuess:
        fields = {**_SETTINGS, "language": "auto", "detect_language": "true"}
        answer = self._ask(piece, {**fields, "no_language_probabilities": "false"})
        sure = answer.get("language_probabilities")
        if not isinstance(sure, dict):
            raise EngineFailed(
                f"The whisper.cpp at {self._server.shown} does not say how sure it is of a "
                "language. Take a newer one, or name the language."
            )
        shares = {each: number(sure, each) or 0.0 for each in sorted(allowed)}
        language = max(shares, key=lambda each: shares[each])
        total = sum(shares.values())  # it leaves out what is below a thousandth
        return LanguageGuess(language, shares[language] / total if total else 0.0)

    def _multilingual(self) -> bool:
        """Told by what becomes of a wish for Korean: English models answer in English."""
        second = Piece(np.zeros(SAMPLE_RATE, np.float32), language="ko")
        answer = self._ask(second, {**_SETTINGS, "language": "ko", "audio_ctx": "100"})
        return answer.get("language") in ("korean", "ko")

    def _ask(self, piece: Piece, fields: Fields) -> dict[str, Any]:
        try:
            return self._server.ask(PATH, piece.samples, fields)
        except Refused as error:
            if error.status != 404:
                raise
            raise EngineFailed(
                f"The server at {self._server.shown} has no {PATH}. Start whisper-server without "
                "--inference-path, and put its --request-path, where it has one, into the endpoint."
            ) from error


def _timed(
    segment: Segment, tokens: Sequence[Timed], language: str, duration: float
) -> list[Timed]:
    """The words of a segment, made of its tokens where these are its text."""
    text = led(segment.timed.text, language)
    if "".join(each.text for each in tokens).strip() != text.strip():  # letters cut in two
        return spread(replace(segment.timed, text=text), duration)
    if not tokens:
        return []
    first = replace(tokens[0], text=led(tokens[0].text, language))
    whole = [first, *tokens[1:]]
    return whole if language in WITHOUT_SPACES else joined(whole)

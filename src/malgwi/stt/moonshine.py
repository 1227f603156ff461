"""Moonshine, a small English recogniser for machines with little: needs `moonshine-voice`.

It is called without its own voice detection, since a piece was taken for speech already and
nothing of it may get lost. It tells no time, no probability and no language.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

from moonshine_voice import ModelArch, MoonshineError, Transcriber

from malgwi.errors import BadOption, EngineFailed, ModelBroken, ModelMissing
from malgwi.stt.base import Capabilities, LanguageGuess, Piece, Recognition, spread_evenly
from malgwi.types import SAMPLE_RATE, Engine

_FILES = ("encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin")
_OPTIONS = {
    "vad_threshold": "0",  # the whole piece is one line
    "identify_speakers": "false",
    "return_audio_data": "false",
}


class Moonshine:
    """A Transcriber for the tiny English model, on all cores of the CPU."""

    capabilities = Capabilities(
        languages=frozenset({"en"}),
        detects_language=False,
        word_times=False,
        prompts=False,
        longest=30.0,  # the time it takes grows with the square of the length
        batch=1,
        parallel=1,
    )

    def __init__(self, model_dir: Path, *, device: str = "cpu") -> None:
        """Raises ModelMissing, ModelBroken. There is nothing to set but where it cannot run."""
        if not all((model_dir / name).is_file() for name in _FILES):
            raise ModelMissing(model_dir.name, model_dir.parent)
        reason = None if device in ("cpu", "auto") else "moonshine runs on the CPU only"
        self.engine = Engine("moonshine", model_dir.name, "cpu", fallback_reason=reason)
        try:
            self._model = Transcriber(model_dir, ModelArch.TINY, options=_OPTIONS)
        except MoonshineError as error:
            raise ModelBroken(
                f"The model files in {model_dir} are damaged or not Moonshine's. "
                f"Run: malgwi models verify {model_dir.name}"
            ) from error

    def transcribe(self, pieces: Sequence[Piece]) -> list[Recognition]:
        for piece in pieces:
            if piece.language not in (None, *self.capabilities.languages):
                raise BadOption(f"moonshine knows no language {piece.language!r}, only en.")
        return [self._recognise(piece) for piece in pieces]

    def detect_language(
        self, pieces: Sequence[Piece], among: Collection[str] = ()
    ) -> list[LanguageGuess]:
        raise BadOption("moonshine cannot tell languages apart. Give the language, en.")

    def _recognise(self, piece: Piece) -> Recognition:
        try:
            heard = self._model.transcribe_without_streaming(piece.samples.tolist(), SAMPLE_RATE)
        except MoonshineError as error:
            raise EngineFailed("moonshine failed while it recognised a piece.") from error
        text = " ".join(line.text for line in heard.lines)
        return Recognition(spread_evenly(text, piece.duration), "en")

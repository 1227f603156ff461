"""Whisper on CTranslate2, the fastest on a CPU, and on NVIDIA's cards.

On a CPU a piece is encoded by itself, so that its attention stays in the cache, and so is the
pass that tells word times; on a GPU a batch is encoded in one call.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from numpy.typing import NDArray

from malgwi import memory
from malgwi.errors import BadOption, ModelBroken
from malgwi.stt.processor import use_wide_vectors
from malgwi.stt.whisper import CONTEXT, Whisper, check_files
from malgwi.types import Engine


class FasterWhisper(Whisper):
    """A Transcriber that runs Whisper on CTranslate2."""

    def __init__(  # noqa: PLR0913 (an option each)
        self,
        model_dir: Path,
        *,
        device: str = "cpu",
        device_index: int = 0,
        compute_type: str = "int8",
        threads: int = 2,
        batch: int = 8,
        encode_together: bool | None = None,
    ) -> None:
        """`encode_together`: a batch in one call of the encoder; None for where that is faster,
        which is on a GPU. Raises ModelMissing, ModelBroken, BadOption."""
        if threads < 1 or batch < 1:
            raise BadOption("faster-whisper needs at least one thread and a batch of one.")
        check_files(model_dir)
        library = _load(model_dir, device, device_index, compute_type, threads)
        on_cpu = device == "cpu"
        super().__init__(
            model_dir,
            _Model(library, together=not on_cpu if encode_together is None else encode_together),
            Engine("faster-whisper", model_dir.name, device, library.compute_type),
            batch,
            parallel=threads if on_cpu else 2,  # one prepares while the other computes
        )


class _Model:
    """CTranslate2's model, given arrays, and asked for what it is good at."""

    def __init__(self, library: Any, together: bool) -> None:
        self._library, self._together = library, together
        self.n_mels: int = library.n_mels
        self.is_multilingual: bool = library.is_multilingual
        self.num_languages: int = library.num_languages

    def encode(self, features: NDArray[np.float32]) -> Any:
        if self._together or len(features) == 1:
            return self._library.encode(_view(features))
        each = [self._library.encode(_view(one[None]), to_cpu=True) for one in features]
        return _view(np.concatenate([np.asarray(one) for one in each]))

    def generate(
        self, encoded: Any, prompts: Sequence[Sequence[int]], *, beam_size: int, max_length: int
    ) -> Sequence[Any]:
        # CTranslate2 writes no more than half of max_length, and no more than is left of it.
        most = max(max_length, 2 * (max_length - len(prompts[0])))
        answers: Sequence[Any] = self._library.generate(
            encoded,
            [list(prompt) for prompt in prompts],
            beam_size=beam_size,
            max_length=min(CONTEXT, most),
            return_scores=True,
            return_no_speech_prob=True,
        )
        return answers

    def detect_language(self, encoded: Any) -> Sequence[Sequence[tuple[str, float]]]:
        guesses: Sequence[Sequence[tuple[str, float]]] = self._library.detect_language(encoded)
        return guesses

    def align(
        self,
        encoded: Any,
        start_sequence: Sequence[int],
        text_tokens: Sequence[Sequence[int]],
        num_frames: Sequence[int],
    ) -> Sequence[Any]:
        start, texts = list(start_sequence), [list(tokens) for tokens in text_tokens]
        if self._together:
            paths: Sequence[Any] = self._library.align(encoded, start, texts, list(num_frames))
            return paths
        rows = np.asarray(encoded)[:, None]
        return [
            self._library.align(_view(row), start, [tokens], frames)[0]
            for row, tokens, frames in zip(rows, texts, num_frames, strict=True)
        ]


def _load(model_dir: Path, device: str, device_index: int, compute_type: str, threads: int) -> Any:
    """One model, shared by as many workers as there are threads; each works on a batch."""
    use_wide_vectors()
    try:
        model = ctranslate2.models.Whisper(
            str(model_dir),
            device=device,
            device_index=device_index,
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
    memory.keep_freed()  # not before: loading frees as much as the model has
    return model


def _view(array: NDArray[np.float32]) -> Any:
    return ctranslate2.StorageView.from_array(np.ascontiguousarray(array, np.float32))

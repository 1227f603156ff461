"""Torch computes from CTranslate2's weights what CTranslate2 does."""

from itertools import starmap
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from malgwi import ops
from malgwi.types import SAMPLE_RATE, Samples

torch = pytest.importorskip("torch", reason="torch is in no lock file: pip install torch")
pytest.importorskip("transformers", reason="The extra `transformers` is in no lock file.")

from malgwi.stt.torch_whisper import TorchWhisper  # noqa: E402 (needs torch)

pytestmark = pytest.mark.model

ENGLISH = [50258, 50259, 50359]  # start of transcript, in English, to be transcribed
PROMPT = [50361, 407, 13, *ENGLISH]
STRETCHES = [(0, 0.2, 4.4), (1, 3.4, 7.6), (2, 6.0, 10.0)]  # channel, begin, end
FRAMES = [420, 422, 402]


@pytest.fixture(scope="module")
def ours(models: Path) -> TorchWhisper:
    return TorchWhisper(ops.find("whisper-base", models), torch.device("cpu"), "float32")


@pytest.fixture(scope="module")
def theirs(models: Path) -> Any:
    folder = str(ops.find("whisper-base", models))
    return ctranslate2.models.Whisper(folder, device="cpu", compute_type="float32")


@pytest.fixture(scope="module")
def features(channels: list[Samples]) -> Any:
    """Of three pieces in a window of eight seconds."""

    def padded(channel: int, begin: float, end: float) -> Samples:
        window = np.zeros(8 * SAMPLE_RATE, np.float32)
        said = channels[channel][round(begin * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
        window[: len(said)] = said
        return window

    made = FeatureExtractor(feature_size=80)
    both = [made(each, padding=0)[:, :800] for each in starmap(padded, STRETCHES)]
    return ctranslate2.StorageView.from_array(np.stack(both))


def test_the_encoder_sees_the_same(ours: TorchWhisper, theirs: Any, features: Any) -> None:
    expected = np.asarray(theirs.encode(features, to_cpu=True))

    encoded = ours.encode(features)

    assert encoded.shape == expected.shape == (3, 400, 512)
    assert np.allclose(encoded.tensor.numpy(), expected, atol=0.02)  # of values up to 20
    assert np.abs(encoded.tensor.numpy() - expected).mean() < 1e-4


@pytest.mark.parametrize("beam", [1, 5])
@pytest.mark.parametrize("prompt", [ENGLISH, PROMPT])
def test_the_same_tokens_are_written_and_as_sure(
    ours: TorchWhisper, theirs: Any, features: Any, beam: int, prompt: list[int]
) -> None:
    expected = theirs.generate(
        features,
        [prompt] * 3,
        beam_size=beam,
        max_length=200,
        return_scores=True,
        return_no_speech_prob=True,
    )

    answers = ours.generate(ours.encode(features), [prompt] * 3, beam_size=beam, max_length=200)

    for answer, other in zip(answers, expected, strict=True):
        assert len(answer.sequences_ids[0]) > 5
        assert answer.sequences_ids == other.sequences_ids
        assert answer.scores == pytest.approx(other.scores, abs=1e-3)
        assert answer.no_speech_prob == pytest.approx(other.no_speech_prob, abs=1e-3)


def test_words_are_found_at_the_same_place(ours: TorchWhisper, theirs: Any, features: Any) -> None:
    answers = theirs.generate(features, [ENGLISH] * 3, beam_size=1)
    texts = [[token for token in each.sequences_ids[0] if token < 50257] for each in answers]
    expected = theirs.align(features, ENGLISH, texts, FRAMES)

    found = ours.align(ours.encode(features), ENGLISH, texts, FRAMES)

    for path, other in zip(found, expected, strict=True):
        assert path.alignments == [tuple(each) for each in other.alignments]
        assert path.text_token_probs == pytest.approx(other.text_token_probs, abs=1e-3)


def test_the_same_language_is_heard(ours: TorchWhisper, theirs: Any, features: Any) -> None:
    expected = theirs.detect_language(features)

    found = ours.detect_language(ours.encode(features))

    for guesses, others in zip(found, expected, strict=True):
        assert guesses[0][0] == others[0][0] == "<|en|>"
        assert dict(guesses) == pytest.approx(dict(others), abs=1e-3)

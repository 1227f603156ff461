"""Real speech and a real Whisper behind real clients: two channels and four."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from apps.transcription.dialects.desk import Desk, desk, wave_of
from openai import OpenAI

from malgwi.stt import Transcriber
from malgwi.testing import OneEngine
from malgwi.types import SAMPLE_RATE, Samples
from malgwi.vad import VoiceDetector

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def real(
    whisper: Transcriber,
    silero: Callable[[], VoiceDetector],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("spool")
    with desk(OneEngine(whisper), folder, new_vad=silero) as opened:
        yield opened


def first(seconds: float, channels: Sequence[Samples]) -> bytes:
    return wave_of(np.stack([each[: round(seconds * SAMPLE_RATE)] for each in channels]))


def test_two_channels_are_two_voices_on_one_clock(real: Desk, channels: list[Samples]) -> None:
    sound = ("call.wav", first(9.0, channels[:2]))
    with OpenAI(base_url=f"{real.url}/v1", api_key="any") as client:
        answer = client.audio.transcriptions.create(
            model="whisper-1",
            file=sound,
            response_format="verbose_json",
            timestamp_granularities=["word", "segment"],
            include=["logprobs"],
        )

    assert answer.language == "english"
    assert answer.segments and answer.words
    one, other = answer.segments[0], answer.segments[-1]
    assert "best of times" in one.text
    assert "wisdom" in other.text
    assert one.model_extra and one.model_extra["x_malgwi"]["channel"] == 0
    assert other.model_extra and other.model_extra["x_malgwi"]["channel"] == 1
    assert one.start < other.start
    assert -1 < one.avg_logprob < 0
    assert 0 <= one.no_speech_prob < 0.6
    assert answer.model_extra
    facts = answer.model_extra["x_malgwi"]
    assert (facts["engine"], facts["model"]) == ("faster-whisper", "whisper-base")
    assert [each["language"] for each in facts["channels"]] == ["en", "en"]


@pytest.mark.slow
def test_four_channels_are_four_results(real: Desk, channels: list[Samples]) -> None:
    query = {"multichannel": "true", "utterances": "true", "language": "en-GB"}

    answer = real.post("/v1/listen", params=query, content=first(16.0, channels)).json()

    heard = [each["alternatives"][0]["transcript"] for each in answer["results"]["channels"]]
    for text, words in zip(heard, ("best of times", "wisdom", "epoch", "period"), strict=True):
        assert words in text
    order = [each["channel"] for each in answer["results"]["utterances"]]
    assert order[0] == 0
    assert {*order} == {0, 1, 2, 3}


def test_the_language_is_told_before_anything_is_transcribed(
    real: Desk, channels: list[Samples]
) -> None:
    files = {"audio_file": ("call.wav", first(5.0, channels[:1]))}

    answer = real.post("/detect-language", files=files).json()

    assert (answer["detected_language"], answer["language_code"]) == ("english", "en")
    assert answer["confidence"] > 0.8


def test_the_deltas_of_real_speech_are_its_text(real: Desk, channels: list[Samples]) -> None:
    sound = ("call.wav", first(9.0, channels[:2]))
    with (
        OpenAI(base_url=f"{real.url}/v1", api_key="any") as client,
        client.audio.transcriptions.create(
            model="whisper-1", file=sound, language="en", stream=True
        ) as stream,
    ):
        *deltas, done = stream

    assert done.type == "transcript.text.done"
    assert (
        "".join(each.delta for each in deltas if each.type == "transcript.text.delta") == done.text
    )
    assert "best of times" in done.text

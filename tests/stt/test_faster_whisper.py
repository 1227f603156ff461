"""Whisper hears what was said, and when, alone or in company."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from malgwi import plugins
from malgwi.audio import open_recording
from malgwi.errors import BadOption
from malgwi.stt import Piece, Recognition, Transcriber
from malgwi.types import SAMPLE_RATE, Samples, written

pytestmark = pytest.mark.model

TIMES = "it was the best of times it was the worst of times"
AGE = "it was the age of wisdom it was the age of foolishness"


def stretch(channel: Samples, begin: float, end: float) -> Samples:
    return channel[round(begin * SAMPLE_RATE) : round(end * SAMPLE_RATE)]


@pytest.fixture(scope="module")
def times(channels: list[Samples]) -> Samples:
    """The first sentence, from 0.3 s on, and some quiet on both sides."""
    return stretch(channels[0], 0.2, 4.4)


@pytest.fixture(scope="module")
def age(channels: list[Samples]) -> Samples:
    return stretch(channels[1], 3.4, 7.6)


@pytest.fixture(scope="module")
def period(channels: list[Samples]) -> Samples:
    """Fourteen seconds without a rest."""
    return stretch(channels[3], 11.2, 25.0)


def english(samples: Samples, **hints: Any) -> Piece:
    return Piece(samples, "en", **hints)


def letters(heard: Recognition) -> str:
    text = written(heard.words).lower()
    return " ".join("".join(each if each.isalpha() else " " for each in text).split())


def test_it_hears_what_was_said(whisper: Transcriber, times: Samples) -> None:
    [heard] = whisper.transcribe([english(times)])

    assert letters(heard) == TIMES
    assert (heard.attempts, heard.doubt) == (1, None)
    assert heard.no_speech is not None and heard.no_speech < 0.5
    assert all(word.confidence and word.confidence > 0.2 for word in heard.words)


@pytest.mark.slow
def test_what_else_is_in_the_batch_makes_no_difference(
    whisper: Transcriber, times: Samples, age: Samples, period: Samples
) -> None:
    pieces = [english(period), english(times), english(age), english(times)]

    together = whisper.transcribe(pieces)
    alone = [whisper.transcribe([piece])[0] for piece in pieces[:3]]

    assert letters(together[1]) == letters(together[3]) == TIMES
    assert [letters(each) for each in alone] == [letters(each) for each in together[:3]]


@pytest.mark.slow
def test_encoded_together_as_on_a_gpu_it_is_heard_the_same_way(
    whisper: Transcriber, models: Path, times: Samples, age: Samples, period: Samples
) -> None:
    load = plugins.load("stt", "faster-whisper")
    together = load(models / whisper.engine.model, encode_together=True, threads=1)
    pieces = [english(each) for each in (times, np.zeros(16_000, np.float32), age, period)]

    heard, expected = together.transcribe(pieces), whisper.transcribe(pieces)

    assert [letters(each) for each in heard] == [letters(each) for each in expected]
    for one, other in zip(heard[0].words, expected[0].words, strict=True):
        assert one.span.end == pytest.approx(other.span.end, abs=0.1)


@pytest.mark.slow
@pytest.mark.shared
def test_what_was_said_is_translated_where_that_is_asked_for(
    whisper: Transcriber, shared: Path
) -> None:
    [block, *_] = open_recording([shared / "data" / "ko" / "azure-ko-1.flac"]).blocks()
    korean = block.samples[0]

    spoken, translated = whisper.transcribe(
        [Piece(korean, "ko"), Piece(korean, "ko", task="translate")]
    )

    assert not letters(spoken).isascii()
    assert letters(translated).isascii() and len(letters(translated)) > 10
    assert whisper.capabilities.translates


def test_the_language_is_one_of_those_that_come_into_question(
    whisper: Transcriber, times: Samples
) -> None:
    [guess] = whisper.detect_language([Piece(times)], among=["ko", "ja"])

    assert guess.language in ("ko", "ja")
    assert 0.5 <= guess.probability <= 1.0
    with pytest.raises(BadOption, match="xx"):
        whisper.detect_language([Piece(times)], among=["xx"])


def test_pieces_in_several_languages_and_styles_keep_their_places(
    whisper: Transcriber, times: Samples, age: Samples
) -> None:
    nothing = np.empty(0, np.float32)
    pieces = [Piece(age, "ko"), english(times), english(nothing), english(age, prompt="So.")]

    heard = whisper.transcribe(pieces)

    assert [each.language for each in heard] == ["ko", "en", "en", "en"]
    assert letters(heard[1]) == TIMES
    assert heard[2].words == ()
    assert letters(heard[3]) == AGE


def test_words_follow_the_sound(whisper: Transcriber, times: Samples) -> None:
    later = 1.5
    delayed = np.concatenate([np.zeros(round(later * SAMPLE_RATE), np.float32), times])

    [soon], [late] = (whisper.transcribe([english(each)]) for each in (times, delayed))

    moved = [
        other.span.end - one.span.end
        for one, other in zip(soon.words[:-1], late.words[:-1], strict=True)
    ]
    assert np.median(moved) == pytest.approx(later, abs=0.1)
    assert np.allclose(moved, later, atol=0.6)  # a breath goes to the word before or after it


def test_words_begin_and_end_where_there_is_sound(whisper: Transcriber, times: Samples) -> None:
    [heard] = whisper.transcribe([english(times)])

    tenths = times[: len(times) // 1600 * 1600].reshape(-1, 1600)
    loud = np.flatnonzero(np.sqrt(np.mean(np.square(tenths), axis=1)) > 0.01) / 10
    inner = [word.span.start for word in heard.words[1:]] + [heard.words[0].span.end]
    assert loud[0] - 0.3 <= min(inner) and max(inner) <= loud[-1] + 0.3
    assert 2.0 < max(inner) - min(inner) < loud[-1] - loud[0] + 0.3


@pytest.mark.slow
def test_it_hears_which_language_is_spoken(
    whisper: Transcriber, times: Samples, period: Samples
) -> None:
    first, second = whisper.detect_language([Piece(times), Piece(period)])

    assert (first.language, second.language) == ("en", "en")
    assert min(first.probability, second.probability) > 0.5
    assert whisper.transcribe([Piece(times)])[0].language == "en"


@pytest.mark.slow
def test_a_prompt_is_listened_to_and_costs_no_word(whisper: Transcriber, times: Samples) -> None:
    prompt = "we write everything down without any commas or full stops just one word after another"

    [plain], [styled] = (
        whisper.transcribe([piece]) for piece in (english(times), english(times, prompt=prompt))
    )

    assert styled.words != plain.words
    assert letters(plain) == letters(styled) == TIMES


@pytest.mark.slow
@pytest.mark.parametrize("words", [1, 400])
def test_hot_words_are_taken_however_many_there_are(
    whisper: Transcriber, times: Samples, words: int
) -> None:
    hints = "Malgwi, " * words

    [heard] = whisper.transcribe([english(times, hotwords=hints, prompt=hints)])

    assert heard.words


@pytest.mark.slow
def test_what_makes_no_sense_is_heard_again_and_that_is_said(
    whisper: Transcriber, times: Samples
) -> None:
    stutter = np.tile(stretch(times, 1.0, 1.4), 12)

    [heard] = whisper.transcribe([english(stutter)])

    assert heard.attempts > 1


@pytest.mark.slow
def test_what_is_longer_than_the_window_is_heard_as_far_as_it_goes(
    whisper: Transcriber, channels: list[Samples], period: Samples
) -> None:
    long = np.concatenate([period, stretch(channels[2], 0.0, 30.0)])

    [heard] = whisper.transcribe([english(long)])

    assert heard.words
    assert heard.words[-1].span.end <= whisper.capabilities.longest

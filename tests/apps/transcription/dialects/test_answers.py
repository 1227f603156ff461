"""What a transcript becomes: nothing that was not measured, and our own facts under one key."""

import json
import math

import pytest

from malgwi.apps.transcription.dialects.extras import extra_headers, extras
from malgwi.apps.transcription.dialects.languages import name_of, wanted_language
from malgwi.apps.transcription.dialects.measures import (
    compression_ratio,
    log_probability,
    mean_log_probability,
    mean_probability,
)
from malgwi.apps.transcription.dialects.openai.answers import verbose_transcription
from malgwi.apps.transcription.dialects.openai.form import Shown
from malgwi.apps.transcription.dialects.spoken import lines_of, main_language, text_of
from malgwi.stt import NAMES
from malgwi.types import Span, Transcript, Word

SECOND = Span(0, 1)


def test_what_is_suppressed_or_heard_twice_is_counted_and_not_told(radio: Transcript) -> None:
    found = extras(radio, [])

    assert (found.suppressed, found.duplicates) == (1, 1)
    assert "시청해" not in text_of(radio)
    assert text_of(radio).count("take-off") == 1
    assert len(lines_of(radio)) == 6


def test_the_engine_its_fall_back_and_the_notices_are_said(radio: Transcript) -> None:
    found = extras(radio, ["best_of"])

    assert (found.engine, found.model, found.device) == ("faster-whisper", "whisper-base", "cpu")
    assert found.fallback_reason == "No CUDA device was found."
    assert [each.code for each in found.notices] == ["audio-truncated"]
    assert found.ignored == ["best_of"]


def test_what_fits_into_headers_is_said_there_too(radio: Transcript) -> None:
    assert extra_headers(radio, ["best_of"]) == {
        "X-Malgwi-Channels": "4",
        "X-Malgwi-Model": "whisper-base",
        "X-Malgwi-Device": "cpu",
        "X-Malgwi-Fallback": "No CUDA device was found.",
        "X-Malgwi-Notices": "audio-truncated",
        "X-Malgwi-Ignored": "best_of",
    }


def test_a_segment_says_what_the_engine_gave_and_which_rules_changed_it(radio: Transcript) -> None:
    answer = verbose_transcription(radio, Shown("verbose_json", "transcribe"), [])

    first = answer.segments[0]
    assert first.text == " 대한항공 공이칠 이륙을 허가합니다."
    assert first.x_malgwi.raw_text == "대한 항공 027 이륙을 허가합니다."
    assert first.x_malgwi.changes == ["glossary:대한항공", "glossary:digits"]
    assert first.x_malgwi.channel_label == "tower"


def test_an_answer_is_json_whatever_was_said(radio: Transcript) -> None:
    shown = Shown("verbose_json", "transcribe", words=True, logprobs=True)

    said = json.loads(verbose_transcription(radio, shown, []).model_dump_json())

    assert said["text"] == text_of(radio)
    assert said["duration"] == 3700.0


def test_the_main_language_is_that_of_most_speech(radio: Transcript) -> None:
    assert main_language(radio) == "ko"


def test_the_mean_logarithm_is_that_of_the_words() -> None:
    words = [Word("a", SECOND, 0.5), Word("b", SECOND, 1.0), Word("c", SECOND)]

    assert mean_log_probability(words) == pytest.approx(math.log(0.5) / 2, abs=1e-4)
    assert mean_probability(words) == 0.75


def test_what_was_not_measured_is_null() -> None:
    words = [Word("a", SECOND)]

    assert (log_probability(words[0]), mean_log_probability(words)) == (None, None)
    assert mean_probability([]) is None


def test_a_probability_of_nothing_still_has_a_logarithm() -> None:
    assert log_probability(Word("a", SECOND, 0.0)) == pytest.approx(-23.03, abs=0.01)


def test_a_loop_packs_well() -> None:
    assert compression_ratio("thank you " * 40) > 2.4
    assert compression_ratio("Roger, runway two seven.") < 1.2


def test_a_language_is_called_as_whisper_calls_it() -> None:
    assert (name_of("ko"), name_of("yue"), name_of("xx"), name_of(None)) == (
        "korean", "cantonese", "xx", None,
    )  # fmt: skip
    assert len(NAMES) == 100


@pytest.mark.parametrize(
    ("given", "code"),
    [("ko", "ko"), (" Korean ", "ko"), ("auto", None), ("", None), ("klingon", "klingon")],
)
def test_a_language_is_taken_by_code_or_name(given: str, code: str | None) -> None:
    assert wanted_language(given) == code

"""Which language a channel speaks: given, the only one there is, or detected once and said."""

import numpy as np
import pytest
from pipeline.engines import Deaf, Polyglot

from malgwi.errors import BadOption
from malgwi.pipeline.cutter import Cut, Stretch
from malgwi.pipeline.languages import Languages
from malgwi.testing import ScriptedTranscriber
from malgwi.types import SAMPLE_RATE, Channel, Span

LOUD, QUIET = 0.8, 0.1  # Korean and English to the polyglot


def channel(index: int = 0, language: str | None = None) -> Channel:
    return Channel(index, f"ch{index + 1:02}", language)


def cut(seconds: float, loudness: float = QUIET, channel: int = 0) -> Cut:
    span = Span(0.0, seconds)
    samples = np.full(round(seconds * SAMPLE_RATE), loudness, np.float32)
    return Cut(channel, Stretch(span, (span,)), samples)


def test_where_the_language_was_given_nothing_is_held_back() -> None:
    engine = Polyglot()
    languages = Languages([channel(language="ko")], engine)
    first = cut(1.0)

    assert languages.known([first]) == [first]
    assert engine.asked == []
    assert languages.channels == [Channel(0, "ch01", "ko", None)]


def test_the_first_ten_seconds_of_speech_tell_the_language_once() -> None:
    engine = Polyglot()
    languages = Languages([channel()], engine)
    pieces = [cut(4.0, LOUD), cut(5.0, LOUD), cut(3.0, LOUD), cut(2.0, QUIET)]

    assert languages.known(pieces[:2]) == []
    assert languages.held() == pieces[:2]
    assert languages.known(pieces[2:3]) == pieces[:3]
    assert languages.known(pieces[3:]) == pieces[3:]

    [told] = languages.channels
    assert told.language == "ko"
    assert told.language_probability == pytest.approx(0.9)
    [asked] = engine.asked
    assert asked.duration == pytest.approx(12.0)
    assert languages.held() == []


def test_each_channel_has_a_language_of_its_own() -> None:
    languages = Languages([channel(0), channel(1)], Polyglot())

    passed = languages.known([cut(12.0, LOUD, 0), cut(12.0, QUIET, 1)])

    assert len(passed) == 2
    assert [each.language for each in languages.channels] == ["ko", "en"]


def test_a_channel_with_little_speech_is_told_at_the_end() -> None:
    languages = Languages([channel(0), channel(1)], Polyglot())
    little = cut(1.0, LOUD, 1)

    assert languages.known([little]) == []
    assert languages.rest() == [little]

    assert [each.language for each in languages.channels] == [None, "ko"]
    assert languages.rest() == languages.held() == []


def test_no_more_is_asked_than_the_engine_hears_at_once() -> None:
    engine = Polyglot()
    languages = Languages([channel()], engine)

    languages.known([cut(9.0, LOUD), cut(40.0, LOUD)])

    [asked] = engine.asked
    assert asked.duration == engine.capabilities.longest


def test_a_guess_is_said_to_be_one() -> None:
    sure, unsure = (Languages([channel()], Polyglot(sure)) for sure in (0.9, 0.4))
    for each in (sure, unsure):
        each.known([cut(12.0, LOUD)])

    assert sure.notices() == []
    [notice] = unsure.notices()
    assert notice.code == "language-unsure"
    assert "ch01" in notice.message and "40% sure" in notice.message


def test_an_engine_that_knows_one_language_is_not_asked() -> None:
    languages = Languages([channel()], Deaf("en"))
    first = cut(1.0)

    assert languages.known([first]) == [first]
    assert languages.channels == [Channel(0, "ch01", "en", None)]
    assert languages.notices() == []


def test_an_engine_that_has_to_be_told_says_so_before_it_hears_anything() -> None:
    with pytest.raises(BadOption, match="Give the language"):
        Languages([channel()], Deaf("en", "ko"))


@pytest.mark.parametrize("given", ["ko", "KO", " Ko "])
def test_a_code_may_be_in_any_case(given: str) -> None:
    assert Languages([channel(language=given)], Polyglot()).channels[0].language == "ko"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("kor", "ko"),
        ("korean", "ko"),
        ("koraen", "ko"),
        ("한국어", "ko"),
        ("ko-KR", "ko"),
        ("kr", "ko"),
        ("en_GB", "en"),
        ("English", "en"),
    ],
)
def test_what_may_be_meant_is_suggested(given: str, meant: str) -> None:
    with pytest.raises(BadOption, match=rf"no language '{given}'\. Did you mean {meant}\?"):
        Languages([channel(language=given)], ScriptedTranscriber())


@pytest.mark.parametrize("given", ["xx", "", "q", "ja", "japanese", "klingon"])
def test_a_language_that_the_engine_does_not_know_is_refused(given: str) -> None:
    with pytest.raises(BadOption, match=r"It knows en, ko\."):
        Languages([channel(language=given)], ScriptedTranscriber())


def test_an_engine_that_knows_many_languages_does_not_list_them() -> None:
    engine = Deaf("ar", "de", "en", "fr", "ja", "ko")

    with pytest.raises(BadOption, match="ISO 639-1"):
        Languages([channel(language="xx")], engine)

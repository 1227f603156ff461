"""Which differences in writing are no errors, and which are."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from malgwi.apps.evaluation import characters, words

CASES = [
    ("en", "Mr. Smith won't pay $20.", "mister smith will not pay 20 dollars"),
    ("en", "The colour, twenty-two!", "the color 22"),
    ("en", "Um, hello -- world", "HELLO WORLD"),
    ("ko", "안녕하세요, 관제탑입니다.", "안녕하세요 관제탑입니다"),
    ("ko", "“Tower” 이륙…", "tower 이륙"),
    ("de", "Grüß Gott!", "GRÜSS GOTT"),
    ("ja", "こんにちは、世界。", "こんにちは 世界"),
    (None, "Ça va ?", "ça va"),
]


@pytest.mark.parametrize(("language", "one", "other"), CASES)
def test_case_and_punctuation_are_no_errors(language: str, one: str, other: str) -> None:
    assert words(one, language) == words(other, language)
    assert words(one, language)


def test_jamo_and_syllables_are_the_same() -> None:
    composed = "말귀를 알아듣다"

    assert words(unicodedata.normalize("NFD", composed), "ko") == words(composed, "ko")


def test_a_space_is_an_error_of_words_and_not_of_characters() -> None:
    assert words("공 이 칠", "ko") != words("공이칠", "ko")
    assert characters("공 이 칠", "ko") == characters("공이칠", "ko") == list("공이칠")


def test_a_number_in_digits_is_another_word_in_korean() -> None:
    assert words("3월", "ko") != words("삼월", "ko")


def test_nothing_but_punctuation_is_no_word() -> None:
    assert words(" ... !? ", "ko") == words("...", "en") == characters("-", None) == []
    assert words("Well... hello...", "en") == words("well hello", "en")


@given(st.text(), st.sampled_from(["ko", "ja", "fr", None]))
def test_normalising_twice_changes_nothing_more(text: str, language: str | None) -> None:
    once = words(text, language)

    assert words(" ".join(once), language) == once
    assert "".join(once) == "".join(characters(text, language))

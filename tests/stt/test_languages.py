"""Which language it is, of those that come into question."""

from malgwi.stt import LanguageGuess
from malgwi.stt.whisper import likeliest

SURE = {"en": 0.5, "ko": 0.375, "de": 0.125, "ja": 0.0, "yo": 0.0}


def test_a_guess_has_its_share_of_what_comes_into_question() -> None:
    assert likeliest(SURE, ()) == LanguageGuess("en", 0.5)
    assert likeliest(SURE, ["de", "ko"]) == LanguageGuess("ko", 0.75)


def test_where_none_of_them_is_likely_the_guess_is_worth_nothing() -> None:
    assert likeliest(SURE, ["ja", "yo"]) == LanguageGuess("ja", 0.0)

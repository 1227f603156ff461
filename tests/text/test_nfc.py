"""One way to write each character, one space between words, nothing unseen."""

import unicodedata

import pytest
from hypothesis import given
from text.said import said
from text.strategies import utterances

from malgwi.text import nfc
from malgwi.types import Change, Utterance


def test_decomposed_hangul_is_composed_and_recorded() -> None:
    decomposed = unicodedata.normalize("NFD", "북문")

    after = nfc(said(f"여기는 {decomposed} 입니다"))

    assert after.text == "여기는 북문 입니다"
    assert after.changes == (Change("nfc", 4, 10, decomposed, "북문"),)


@pytest.mark.parametrize(
    "text", ["Proceed to the north gate.", "북문으로 가세요.", "Émile ㅋㅋ 👩‍🚒"]
)
def test_what_is_in_order_is_left_alone(text: str) -> None:
    utterance = said(text)

    assert nfc(utterance) is utterance


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("north\u00a0gate", "north gate"),
        ("북문\u3000에서", "북문 에서"),
        ("north \t  gate", "north gate"),
        ("north\u200bgate", "northgate"),
        ("north \u200b gate", "north gate"),
        ("\ufeffnorth gate\u200b", "north gate"),
        ("\u200b north gate \x00", "north gate"),
        ("e\u200b\u0301migré", "émigré"),
        ("a\x85b\x1fc", "a b c"),
        ("\u3164북문\u3164", "북문"),
        ("\u200b", ""),
    ],
)
def test_what_cannot_be_seen_is_taken_out(text: str, clean: str) -> None:
    assert nfc(said(text)).text == clean


def test_joiners_that_some_scripts_need_are_kept() -> None:
    persian = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"

    assert nfc(said(persian, language="fa")).text == persian


@given(utterances())
def test_the_result_is_nfc_with_single_spaces(utterance: Utterance) -> None:
    text = nfc(utterance).text

    assert unicodedata.is_normalized("NFC", text)
    assert text == " ".join(text.split())

"""Which differences in writing are no errors: both sides go through here before they are compared.

English goes through the normaliser that came with Whisper (numbers, contractions, spelling,
titles), so that figures can be compared with published ones. Other languages lose case and
punctuation and nothing else: a number in digits and the same number in words differ.
"""

import unicodedata
from collections.abc import Callable
from functools import cache
from typing import cast
from warnings import catch_warnings

from malgwi.errors import EngineMissing

UNSPACED = frozenset({"ja", "zh", "yue", "th", "lo", "km", "my", "bo"})
"""Languages that do not write a space between words, so that a word error rate means nothing."""


def words(text: str, language: str | None) -> list[str]:
    """The words of a text, as they are compared. Raises EngineMissing."""
    if language != "en":
        return _plain(text).split()
    # Whisper's normaliser leaves a dot of "..." behind, as a word of its own.
    return [word for word in _english()(text).split() if any(map(str.isalnum, word))]


def characters(text: str, language: str | None) -> list[str]:
    """Its letters and digits, without spaces, as they are compared. Raises EngineMissing."""
    return list("".join(words(text, language)))


@cache
def _english() -> Callable[[str], str]:
    try:
        with catch_warnings(action="ignore"):  # an escape in a docstring that Python does not know
            from whisper_normalizer.english import EnglishTextNormalizer
    except ModuleNotFoundError as error:
        raise EngineMissing("evaluate", error.name) from error
    return cast("Callable[[str], str]", EnglishTextNormalizer())


def _plain(text: str) -> str:
    """Composed, of one case, and nothing but letters, marks, digits and spaces."""
    folded = unicodedata.normalize("NFC", text.casefold())
    return "".join(each if unicodedata.category(each)[0] in "LMN" else " " for each in folded)

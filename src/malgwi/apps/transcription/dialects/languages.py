"""Whisper's languages: the ISO code that we use, and the English name that its clients read."""

from malgwi.stt import NAMES

_CODES = {name: code for code, name in NAMES.items()}
_DETECT = ("", "auto", "multi")


def name_of(code: str | None) -> str | None:
    """`korean` for `ko`; a code that Whisper does not have stands for itself."""
    return code and NAMES.get(code, code)


def wanted_language(given: str) -> str | None:
    """The code of what a client calls a language, `ko`, `korean` or `auto`; None to detect it.

    What is unknown stays as it is: the engine refuses it, and knows what may be meant.
    """
    language = given.strip().lower()
    return None if language in _DETECT else _CODES.get(language, language)

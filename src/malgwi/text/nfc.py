"""The first rule: one way to write each character, one space between words, nothing unseen.

Recognisers emit decomposed Hangul, no-break spaces, zero-width spaces and control characters; none
of them can be seen, and each would keep a glossary, a search or a comparison from matching.
"""

import re
import unicodedata
from collections.abc import Iterator

from malgwi.text.rules import rewrite
from malgwi.types import Change, Utterance

# Joiners (U+200C, U+200D) and direction marks are not here: Persian, Hindi and Arabic need them.
_UNSEEN = "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff"
_SPACE = r"\s\u3164"  # U+3164, the Hangul filler, is a letter to Unicode and a blank to the eye
_RUN = re.compile(f"(?P<space>[{_SPACE}{_UNSEEN}]*[{_SPACE}][{_SPACE}{_UNSEEN}]*)|[^{_SPACE}]+")
_REMOVED = re.compile(f"[{_UNSEEN}]")


def nfc(utterance: Utterance) -> Utterance:
    """Unicode NFC, without characters that cannot be seen, and with single plain spaces."""
    return rewrite(utterance, list(_changes(utterance.text)))


def composed(text: str) -> str:
    """The same for a text that is no utterance's, such as what a glossary says."""
    return "".join(after for _, after in _runs(text))


def _changes(text: str) -> Iterator[Change]:
    for run, after in _runs(text):
        if run[0] != after:
            yield Change("nfc", run.start(), run.end(), run[0], after)


def _runs(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Each run of spaces and each of anything else, with what it should be.

    Characters never compose across a space, so every run can be normalised by itself.
    """
    for run in _RUN.finditer(text):
        if run["space"] is None:
            yield run, unicodedata.normalize("NFC", _REMOVED.sub("", run[0]))
        else:
            at_an_end = run.start() == 0 or run.end() == len(text)
            yield run, "" if at_an_end else " "

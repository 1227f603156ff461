"""Speech to text: pieces of sound become timed words.

`base` has the contract; each other module adapts one engine to it. This page imports no
adapter, so that importing the contract loads no model library.
"""

from malgwi.stt.base import (
    Capabilities,
    LanguageGuess,
    Piece,
    Recognition,
    Task,
    Transcriber,
    check_piece,
    spread_evenly,
)
from malgwi.stt.canary import CANARY_TEXT, canary, check_canary, check_heard
from malgwi.stt.endpoint import probe
from malgwi.stt.languages import NAMES

__all__ = [
    "CANARY_TEXT",
    "NAMES",
    "Capabilities",
    "LanguageGuess",
    "Piece",
    "Recognition",
    "Task",
    "Transcriber",
    "canary",
    "check_canary",
    "check_heard",
    "check_piece",
    "probe",
    "spread_evenly",
]

"""The stand-in for an engine says what it was told to."""

import numpy as np

from malgwi.stt import Piece
from malgwi.testing import ScriptedTranscriber
from malgwi.types import Span, Word

SOUND = Piece(np.full(32_000, 0.1, np.float32))
SILENCE = Piece(np.zeros(32_000, np.float32))


def test_it_says_its_text_spread_over_the_sound() -> None:
    [answer] = ScriptedTranscriber(text="good morning").transcribe([SOUND])

    assert answer.words == (Word(" good", Span(0.0, 1.0)), Word(" morning", Span(1.0, 2.0)))


def test_it_says_nothing_where_there_is_no_sound() -> None:
    [answer] = ScriptedTranscriber().transcribe([SILENCE])

    assert answer.words == ()


def test_it_remembers_what_it_heard() -> None:
    engine = ScriptedTranscriber()

    engine.transcribe([SOUND])
    engine.transcribe([SILENCE])

    assert engine.heard == [SOUND, SILENCE]


def test_it_takes_every_piece_to_be_in_the_language_it_was_given() -> None:
    engine = ScriptedTranscriber(language="ko")

    assert engine.transcribe([SOUND])[0].language == "ko"
    assert engine.detect_language([SOUND])[0].language == "ko"

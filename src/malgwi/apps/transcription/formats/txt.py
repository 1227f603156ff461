"""A transcript to read: what it is of, then a line an utterance, parted where all are silent."""

from typing import TextIO

from malgwi.apps.transcription.formats.shown import clock, facts, one_line, shown, warnings
from malgwi.types import Transcript

SILENCE = 5.0  # seconds without anybody speaking, after which a new group of lines begins


def write(transcript: Transcript, file: TextIO) -> None:
    for name, value in facts(transcript):
        file.write(f"{name}: {one_line(value)}\n")
    for warning in warnings(transcript):
        file.write(f"Note: {warning}\n")
    heard_until = float("-inf")
    for who, utterance in shown(transcript):
        if utterance.span.start - heard_until >= SILENCE:
            file.write("\n")
        heard_until = max(heard_until, utterance.span.end)
        text = one_line(utterance.text)
        file.write(f"[{clock(utterance.span.start, 1)}] {one_line(who)}: {text}\n")

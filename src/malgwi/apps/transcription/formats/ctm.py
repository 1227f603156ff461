"""Time-marked words, by NIST: file, channel (from 1), start, duration, word, confidence.

Sorted as the scoring tools want it: by channel as text (1, 10, 11, 2), then by start. The
confidence is left away where the engine gives none.
"""

from collections.abc import Iterator
from typing import TextIO

from malgwi.apps.transcription.formats.shown import recording_name, shown, token
from malgwi.types import Transcript, Word


def write(transcript: Transcript, file: TextIO) -> None:
    recording = token(recording_name(transcript))
    for channel in sorted(transcript.channels, key=lambda channel: str(channel.index + 1)):
        for word in sorted(_words(transcript, channel.index), key=lambda word: word.span.start):
            for line in _lines(word):
                file.write(f"{recording} {channel.index + 1} {line}\n")


def _words(transcript: Transcript, channel: int) -> Iterator[Word]:
    for _, utterance in shown(transcript):
        if utterance.channel == channel:
            yield from utterance.words


def _lines(word: Word) -> Iterator[str]:
    """A line a word; one that is written with a space in it shares its time by length."""
    parts = word.text.split()
    whole, done = sum(map(len, parts)), 0
    confidence = "" if word.confidence is None else f" {word.confidence:.4f}"
    for part in parts:
        start = round(word.span.start + word.span.duration * done / whole, 3)
        done += len(part)
        end = round(word.span.start + word.span.duration * done / whole, 3)
        yield f"{start:.3f} {end - start:.3f} {part}{confidence}"

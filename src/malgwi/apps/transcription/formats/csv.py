"""A row an utterance, all of them, for spreadsheets.

UTF-8 with a byte order mark, without which Excel takes Korean for something else. A cell that
a spreadsheet would run as a formula gets an apostrophe in front.
"""

import csv
from typing import TextIO

from malgwi.apps.transcription.formats.shown import channel_labels
from malgwi.types import Transcript, Utterance

COLUMNS = (
    "id", "channel", "channel_label", "speaker", "start", "end", "language", "text", "raw_text",
    "confidence", "no_speech", "attempts", "level", "suppressed", "duplicate_of",
)  # fmt: skip
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


def write(transcript: Transcript, file: TextIO) -> None:
    labels = channel_labels(transcript)
    rows = csv.writer(file, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    for each in transcript.utterances:
        rows.writerow(_row(each, labels[each.channel]))


def _row(each: Utterance, label: str) -> tuple[str | int, ...]:
    return (
        _guarded(each.id),
        each.channel,
        _guarded(label),
        _guarded(each.speaker),
        f"{each.span.start:.3f}",
        f"{each.span.end:.3f}",
        _guarded(each.language),
        _guarded(each.text),
        _guarded(each.raw_text),
        _number(each.confidence, 4),
        _number(each.no_speech, 4),
        each.attempts,
        _number(each.level, 2),
        _guarded(each.suppressed),
        _guarded(each.duplicate_of),
    )


def _guarded(text: str | None) -> str:
    if text is None:
        return ""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _number(value: float | None, places: int) -> str:
    return "" if value is None else f"{value:.{places}f}"

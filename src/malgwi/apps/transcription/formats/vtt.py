"""WebVTT subtitles; every cue is a voice span, `<v name>`, that a player can style."""

from html import escape
from typing import TextIO

from malgwi.apps.transcription.formats.cues import cues
from malgwi.apps.transcription.formats.shown import clock, one_line
from malgwi.types import Transcript


def write(transcript: Transcript, file: TextIO) -> None:
    file.write("WEBVTT\n")
    for cue in cues(transcript, labelled=False):
        file.write(f"\n{clock(cue.start)} --> {clock(cue.end)}\n")
        text = "\n".join(cue.lines)  # the arrow cannot be in it: `>` is escaped too
        file.write(f"<v {_escaped(one_line(cue.who))}>{_escaped(text)}</v>\n")


def _escaped(text: str) -> str:
    return escape(text, quote=False)

"""SubRip subtitles. Where there is more than one voice, each cue begins with its name."""

from typing import TextIO

from malgwi.apps.transcription.formats.cues import cues
from malgwi.apps.transcription.formats.shown import clock, several_voices
from malgwi.types import Transcript


def write(transcript: Transcript, file: TextIO) -> None:
    for number, cue in enumerate(cues(transcript, several_voices(transcript)), start=1):
        file.write(f"{number}\n{clock(cue.start, mark=',')} --> {clock(cue.end, mark=',')}\n")
        # SubRip has no escapes, and a reader may take the arrow for times.
        file.write("\n".join(cue.lines).replace("-->", "->") + "\n\n")

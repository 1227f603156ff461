"""Rich Transcription Time Marked, by NIST: a SPEAKER line an utterance.

Ten fields parted by spaces: type, file, channel (from 1), start, duration, text, kind of
speaker, speaker, confidence, lookahead. What we do not measure is <NA>: our confidence is in
the words, not in who spoke them.
"""

from typing import TextIO

from malgwi.apps.transcription.formats.shown import recording_name, shown, token
from malgwi.types import Transcript


def write(transcript: Transcript, file: TextIO) -> None:
    recording = token(recording_name(transcript))
    for who, each in shown(transcript):
        start, end = round(each.span.start, 3), round(each.span.end, 3)
        place = f"{recording} {each.channel + 1} {start:.3f} {end - start:.3f}"
        file.write(f"SPEAKER {place} <NA> <NA> {token(who)} <NA> <NA>\n")

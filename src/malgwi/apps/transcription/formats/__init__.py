"""The formats that a transcript can be written in: a module each, loaded when it is used.

Every module has `write(transcript, file)`. It writes all channels that the transcript has, so
the file of one channel is the same format given a transcript of that channel alone.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import IO, Any

from malgwi.types import Transcript


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write a transcript; its name is also the ending of the file."""

    name: str
    about: str
    encoding: str | None = "utf-8"
    """None where the file is binary."""

    def write(self, transcript: Transcript, file: IO[Any]) -> None:
        """Write it to a file that is open for text, or for bytes where there is no encoding."""
        import_module(f"{__name__}.{self.name}").write(transcript, file)


FORMATS = {
    each.name: each
    for each in (
        Format("json", "everything that is known, for programs"),
        Format("srt", "subtitles"),
        Format("vtt", "subtitles for the web, with voices"),
        Format("txt", "a transcript to read"),
        Format("csv", "a row an utterance, for spreadsheets", encoding="utf-8-sig"),
        Format("docx", "a document for word processors", encoding=None),
        Format("rttm", "who spoke when, for diarization tools"),
        Format("ctm", "words with times, for scoring tools"),
    )
}
"""By name, in the order in which they are offered."""

"""Recordings in, transcripts out, in every format: the first application.

    formats/     a module a format: json, srt, vtt, txt, csv, docx, rttm, ctm
    output       the files of a transcript, all of them or none
    timeline     the transcript in the terminal
    progress     how far it has got, while it runs

A name is loaded when it is first used, so that `malgwi --help` waits for none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from malgwi.apps.transcription.formats import FORMATS, Format

if TYPE_CHECKING:
    from malgwi.apps.transcription.formats.json import SCHEMA, read_json
    from malgwi.apps.transcription.output import check_free, chosen, planned, write
    from malgwi.apps.transcription.progress import Style, progress_display
    from malgwi.apps.transcription.timeline import print_timeline

__all__ = [
    "FORMATS",
    "SCHEMA",
    "Format",
    "Style",
    "check_free",
    "chosen",
    "planned",
    "print_timeline",
    "progress_display",
    "read_json",
    "write",
]

_HOMES = {
    "SCHEMA": "formats.json",
    "Style": "progress",
    "check_free": "output",
    "chosen": "output",
    "planned": "output",
    "print_timeline": "timeline",
    "progress_display": "progress",
    "read_json": "formats.json",
    "write": "output",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

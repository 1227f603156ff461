"""What the name of a file says, by a pattern: `{call}-{channel}_{started:%Y%m%d-%H%M%S}.wav`.

A field stands for whatever is there; `*` too, and is forgotten. A pattern with a `/` is that of the
path from the watched folder on, one without of the last part only.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from malgwi.apps.transcription.watch import fitting
from malgwi.apps.transcription.watch.fitting import Part
from malgwi.errors import BadOption

CHANNEL, STARTED = "channel", "started"

_PART = re.compile(r"\{(\w*)(?::([^{}]*))?\}|(\*)|([^{}*]+)|([{}])")
_CODES = {
    **dict.fromkeys("mdHMS", r"\d{2}"),
    "Y": r"\d{4}",
    "y": r"\d{2}",
    "j": r"\d{3}",
    "f": r"\d{1,6}",
    "z": r"(?:[+-]\d{2}:?\d{2}|Z)",
    "%": "%",
}


@dataclass(frozen=True, slots=True)
class Said:
    """What a name says."""

    folder: str = ""
    fields: Mapping[str, str] | None = None
    """But the start and the channel."""
    started: datetime | None = None
    channel: str | None = None

    @property
    def together(self) -> tuple[object, ...]:
        """The same for the files of one recording, where each is a channel."""
        return self.folder, tuple(sorted((self.fields or {}).items())), self.started


class Names:
    """How the files of a folder are called.

    `files` make a recording, one a channel: all that their names say is the same, but the
    channel. A time without an offset is one of `zone`; None for that of this machine. Raises
    BadOption for a pattern that cannot be.
    """

    def __init__(
        self, pattern: str | None = None, files: int = 1, zone: tzinfo | None = None
    ) -> None:
        if files < 1:
            raise BadOption(f"A recording has at least one file, not {files}.")
        self.files = files
        self._zone = zone
        self._format: str | None = None
        self._fields: list[str] = []
        self._with_folders = pattern is not None and "/" in pattern
        self._pattern = None if pattern is None else list(self._parts(pattern))
        if files > 1 and CHANNEL not in self._fields:
            raise BadOption(
                f"Where {files} files make a recording, the pattern must say which part of the "
                "name is the channel: {channel}."
            )

    def read(self, name: str) -> Said | None:
        """`name` is the path from the watched folder on, with `/`. None where it does not fit."""
        folder, _, last = name.rpartition("/")
        if self._pattern is None:
            return Said(folder)
        fields = fitting.fields(self._pattern, name if self._with_folders else last)
        if fields is None:
            return None
        try:
            started = self._moment(fields.pop(STARTED, None))
        except (ValueError, OverflowError):  # a thirteenth month
            return None
        channel = fields.pop(CHANNEL, None)
        return Said("" if self._with_folders else folder, fields, started, channel)

    def at_home(self, moment: datetime) -> datetime:
        """With the zone where it has none."""
        if moment.tzinfo is not None:
            return moment
        return moment.replace(tzinfo=self._zone) if self._zone else moment.astimezone()

    def _moment(self, text: str | None) -> datetime | None:
        if text is None or self._format is None:
            return None
        return self.at_home(datetime.strptime(text, self._format))

    def _parts(self, pattern: str) -> Iterator[Part]:
        for match in _PART.finditer(pattern):
            field, form, star, literal, brace = match.groups()
            if brace or field == "":
                raise BadOption(f"The pattern {pattern!r} has a brace without a name in it.")
            if star:
                yield fitting.anything(None, least=0)
            elif literal:
                yield fitting.literal(literal)
            else:
                yield self._part(self._known(field, form), form)

    def _known(self, field: str, form: str | None) -> str:
        if field in self._fields:
            raise BadOption(f"The pattern has the field {{{field}}} twice.")
        if not field.isidentifier():
            raise BadOption(f"{{{field}}} is no name of a field: letters, digits and _.")
        if (field == STARTED) != (form is not None):
            raise BadOption("In a pattern, {started:%Y%m%d-%H%M%S} has a form, and no other field.")
        self._fields.append(field)
        return field

    def _part(self, field: str, form: str | None) -> Part:
        if form is None:
            return fitting.anything(field, least=1)
        self._format = form
        return fitting.form(field, "".join(_of_form(form)))


def _of_form(form: str) -> Iterator[str]:
    for code, literal in re.findall(r"%(.?)|([^%]+)", form):
        if literal:
            yield re.escape(literal)
        elif code in _CODES:
            yield _CODES[code]
        else:
            known = " ".join(f"%{each}" for each in _CODES)
            raise BadOption(f"%{code} is not known in {{started:{form}}}. There are: {known}.")

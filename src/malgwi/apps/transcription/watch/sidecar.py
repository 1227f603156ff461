"""What somebody says of a recording, in a JSON file beside it: `call-17.json` for `call-17.wav`."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic import field_validator as validator

from malgwi.errors import BadInput

LARGEST = 256 * 1024  # bytes

_Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_FIRST_YEAR, _LAST_YEAR = 1900, 2200


class Told(BaseModel):
    """What is said of a recording; nothing of it has to be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, StringConstraints(min_length=1, max_length=300)] | None = None
    started: datetime | None = None
    """The wall clock at its first sample, as 2026-03-01T09:30:00+09:00."""
    labels: Annotated[tuple[_Text, ...], Field(max_length=64)] = ()
    channel_labels: Annotated[tuple[_Text, ...], Field(max_length=64)] = ()
    """In the order of the channels."""
    metadata: Annotated[
        dict[
            Annotated[str, StringConstraints(min_length=1, max_length=100)],
            Annotated[str, StringConstraints(max_length=4000)],
        ],
        Field(max_length=64),
    ] = {}
    language: Annotated[
        tuple[Annotated[str, StringConstraints(pattern="^([a-z]{2,3}|auto)$")], ...],
        Field(max_length=64),
    ] = ()
    """ISO 639-1, one for all channels or one a channel; `auto` to detect it."""
    glossary: Annotated[str, StringConstraints(min_length=1, max_length=300)] | None = None
    """Name of one that is kept."""

    @validator("language", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @validator("metadata", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        """Whoever writes down a number of a call writes a number."""
        if not isinstance(value, dict):
            return value
        return {
            key: str(each) if isinstance(each, int | float) else each for key, each in value.items()
        }

    @validator("started")
    @classmethod
    def _plausible(cls, moment: datetime | None) -> datetime | None:
        if moment is not None and not _FIRST_YEAR <= moment.year < _LAST_YEAR:
            raise ValueError(f"the year is not between {_FIRST_YEAR} and {_LAST_YEAR}")
        return moment

    @property
    def languages(self) -> tuple[str | None, ...]:
        """As a transcription wants them."""
        return tuple(None if each == "auto" else each for each in self.language)


def check_size(size: int, name: str) -> None:
    """Before it is read. Raises BadInput."""
    if size > LARGEST:
        raise BadInput(f"{name} has more than {LARGEST:,} bytes. It is to say a few facts.")


def read_sidecar(content: bytes, name: str) -> Told:
    """Raises BadInput, which says nothing of what stands there but the keys."""
    try:
        return Told.model_validate_json(content)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        said = "; ".join(f"{_place(fault['loc'])}{fault['msg'].lower()}" for fault in faults[:5])
        raise BadInput(f"{name} cannot be used: {said}.") from None


def _place(location: tuple[int | str, ...]) -> str:
    return "".join(f"{part}: " for part in location)

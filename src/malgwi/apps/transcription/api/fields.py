"""What stands in fields of several nouns, each with its bounds: nothing from outside has none."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]")
_FIRST_YEAR, _LAST_YEAR = 1900, 2200


def _written(value: Any) -> Any:
    """Not a number, which pydantic would take for seconds since 1970."""
    if isinstance(value, datetime) or (isinstance(value, str) and _DATE.match(value)):
        return value
    raise ValueError("it is written as 2026-03-01T09:30:00+09:00")


def _true_or_false(value: Any) -> Any:
    """As JSON has it, or a form; not all that pydantic takes for one."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in ("true", "false"):
        return value == "true"
    raise ValueError("it is true or false")


def _no_truth(value: Any) -> Any:
    """pydantic would take `true` for 1."""
    if isinstance(value, bool):
        raise ValueError("it is a number")
    return value


def _plausible(moment: datetime) -> datetime:
    if not _FIRST_YEAR <= moment.year < _LAST_YEAR:
        raise ValueError(f"the year is not between {_FIRST_YEAR} and {_LAST_YEAR}")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_plausible)]
"""ISO 8601 with an offset, as 2026-03-01T09:30:00+09:00."""
Truth = Annotated[bool, BeforeValidator(_true_or_false)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=300)]
UserName = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Password = Annotated[str, StringConstraints(min_length=8, max_length=1024)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Note = Annotated[str, StringConstraints(max_length=1000)]
Hint = Annotated[str, StringConstraints(max_length=4000)]
Metadata = Annotated[
    dict[
        Annotated[str, StringConstraints(min_length=1, max_length=100)],
        Annotated[str, StringConstraints(max_length=4000)],
    ],
    Field(max_length=64),
]
RevisionNumber = Annotated[int, BeforeValidator(_no_truth), Field(ge=1, lt=2**31)]
ChannelIndex = Annotated[int, BeforeValidator(_no_truth), Field(ge=0, lt=2**15)]
Position = Annotated[int, Field(ge=0, lt=2**31)]
Seconds = Annotated[float, BeforeValidator(_no_truth), Field(ge=0, le=1e9, allow_inf_nan=False)]

Cursor = Annotated[str | None, Query(max_length=500)]
"""`next_cursor` of the page before; none for the first page."""
Limit = Annotated[int, Query(ge=1, le=1000)]

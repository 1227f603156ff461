"""Pages of lists, as they stand in an answer; and the cursor of jobs, whose ledger has none."""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Generic, TypeVar

from pydantic import BaseModel

from malgwi.errors import BadOption

Item = TypeVar("Item")


class PageOf(BaseModel, Generic[Item]):
    """Some of a list."""

    items: list[Item]
    next_cursor: str | None
    """For the page after this one; null where there is none."""


_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OF = "jobs:"


def job_cursor(job_id: str) -> str:
    return urlsafe_b64encode(f"{_OF}{job_id}".encode()).decode().rstrip("=")


def job_of(cursor: str | None) -> str | None:
    """The id of the job before. Raises BadOption for what is no cursor."""
    if cursor is None:
        return None
    try:
        text = urlsafe_b64decode(cursor.encode("ascii") + b"==").decode("ascii")
    except (binascii.Error, UnicodeError, ValueError):
        text = ""
    job_id = text.removeprefix(_OF)
    if not text.startswith(_OF) or not _ID.fullmatch(job_id) or job_cursor(job_id) != cursor:
        raise BadOption(
            "The cursor is none that this list gave out. Begin again without one, or take the one "
            "that came with the last page."
        )
    return job_id

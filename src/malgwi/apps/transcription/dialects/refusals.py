"""What a dialect has and we do not do is refused in a sentence; left out in silence it would be
taken for done."""

from typing import Any

from pydantic import BaseModel

from malgwi.errors import BadOption
from malgwi.gateway import Answer

_STATUSES = (400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 507)


class Unsupported(BadOption):
    """`field` asks for something that is not done here."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field

    @property
    def answer(self) -> Answer:
        return Answer(400, "unsupported", str(self), param=self.field)


def refusals(shape: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """`responses` of a router: every error, in the shape of the dialect."""
    return {status: {"model": shape} for status in _STATUSES}

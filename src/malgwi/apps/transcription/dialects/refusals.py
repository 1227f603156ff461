"""What a dialect has and we do not do is refused in a sentence; left out in silence it would be
taken for done."""

from malgwi.errors import BadOption
from malgwi.gateway import Answer


class Unsupported(BadOption):
    """`field` asks for something that is not done here."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field

    @property
    def answer(self) -> Answer:
        return Answer(400, "unsupported", str(self), param=self.field)

"""Which recordings are shown, and in which order: as the address of the page says it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from urllib.parse import urlencode

STATES = ("queued", "running", "done", "dead", "cancelled")
ORDERS = ("newest", "oldest", "started", "name", "duration")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class View:
    """What is empty asks for nothing; the names are those of the API."""

    name: str = ""
    label: str = ""
    state: str = ""
    since: str = ""
    until: str = ""
    order: str = ORDERS[0]

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "View":
        """What in it is no filter of ours is left out."""
        return cls(
            name=query.get("name", "")[:_LONGEST],
            label=query.get("label", "")[:_LONGEST],
            state=_one_of(query.get("state", ""), ("", *STATES)),
            since=_moment(query.get("since", "")),
            until=_moment(query.get("until", "")),
            order=_one_of(query.get("order", ""), ORDERS),
        )

    @property
    def query(self) -> dict[str, str]:
        said = {name: value for name, value in asdict(self).items() if value}
        if self.order == ORDERS[0]:
            del said["order"]
        return said

    @property
    def address(self) -> str:
        query = urlencode(self.query)
        return f"/recordings?{query}" if query else "/recordings"

    @property
    def filters(self) -> bool:
        """Whether anything is left out."""
        return self != View(order=self.order)


def _one_of(said: str, known: tuple[str, ...]) -> str:
    return said if said in known else known[0]


def _moment(said: str) -> str:
    try:
        return said if datetime.fromisoformat(said).tzinfo else ""
    except ValueError:
        return ""

"""Pages of a list that may grow meanwhile: a cursor says after which item to go on.

It is opaque so that nobody builds one, and checked because somebody will all the same.
"""

import binascii
import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from malgwi.errors import BadOption
from malgwi.store.base import Page, Paging
from malgwi.store.ids import looks_like_id

MOST = 1000
"""Items a page."""

Row = TypeVar("Row")
Item = TypeVar("Item")


def after_id(paging: Paging, of: str) -> str | None:
    """The id of the item before. `of` names the list. Raises BadOption for what is no cursor."""
    place = _after(paging, of)
    if place is not None and not looks_like_id(place):
        raise _malformed()
    return place


def after_number(paging: Paging, of: str) -> int | None:
    """The same for a list whose items are counted."""
    place = _after(paging, of)
    if place is None:
        return None
    if not (place.isascii() and place.isdecimal() and len(place) <= 9):
        raise _malformed()
    return int(place)


def after_sorted(paging: Paging, of: str) -> tuple[str, str] | None:
    """The same for a list in another order: by what the item before is sorted, and its id."""
    place = _after(paging, of)
    if place is None:
        return None
    item_id, _, key = place.partition(" ")
    if not looks_like_id(item_id):
        raise _malformed()
    return key, item_id


def number(key: str) -> float:
    """Of `after_sorted`. Raises BadOption for what is none."""
    try:
        value = float(key)
    except ValueError:
        raise _malformed() from None
    if not math.isfinite(value):
        raise _malformed()
    return value


def moment(key: str) -> datetime:
    """The same for a point in time."""
    try:
        value = datetime.fromisoformat(key)
    except ValueError:
        raise _malformed() from None
    if value.tzinfo is None:
        raise _malformed()
    return value


def sorted_place(key: str, item_id: str) -> str:
    """For `after_sorted`. A cursor is as long as the key makes it."""
    return f"{item_id} {key}"


def page(
    found: Sequence[Row],
    paging: Paging,
    of: str,
    place: Callable[[Row], str | int],
    items: Callable[[Sequence[Row]], Sequence[Item]],
) -> Page[Item]:
    """Of rows that were asked for with one more than the limit."""
    rows = found[: paging.limit]
    more = len(found) > len(rows)
    return Page(tuple(items(rows)), _cursor(of, place(rows[-1])) if more else None)


def _after(paging: Paging, of: str) -> str | None:
    if not 1 <= paging.limit <= MOST:
        raise BadOption(f"A page has 1 to {MOST} items, not {paging.limit}.")
    if paging.cursor is None:
        return None
    try:
        text = urlsafe_b64decode(paging.cursor.encode("ascii") + b"==").decode()
    except (binascii.Error, UnicodeError, ValueError):
        raise _malformed() from None
    name, _, place = text.partition(":")
    if name != of or _cursor(of, place) != paging.cursor:
        raise _malformed()
    return place


def _cursor(of: str, place: str | int) -> str:
    return urlsafe_b64encode(f"{of}:{place}".encode()).decode("ascii").rstrip("=")


def _malformed() -> BadOption:
    return BadOption(
        "The cursor is none that this list gave out. Begin again without one, or take the one "
        "that came with the last page."
    )

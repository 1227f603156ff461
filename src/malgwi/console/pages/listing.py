"""Lists that stay as new as the API has them, changed in place: focus and scroll stay."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from nicegui.element import Element

from malgwi.console.api import Refused
from malgwi.console.elements import button
from malgwi.console.frame import Page

PIECE = 50
_MOST = 1000  # of a page of the API

Item = Mapping[str, Any]


class Part:
    """Something that is built again only where its facts are other."""

    def __init__(self, element: Element) -> None:
        self.element = element
        self._facts: list[Any] = []

    def show(self, facts: Any, build: Callable[[], object]) -> None:
        if self._facts == [facts]:
            return
        self._facts = [facts]
        self.element.clear()
        with self.element:
            build()


class Row(Protocol):
    """Of a list."""

    @property
    def element(self) -> Element: ...

    def show(self, item: Item) -> None: ...


class Rows:
    """One an item, by its id."""

    def __init__(self, body: Element, make: Callable[[Item], Row]) -> None:
        self._body, self._make = body, make
        self._rows: dict[str, Row] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def show(self, items: Sequence[Item]) -> None:
        """These in this order, and no others."""
        here = {str(each["id"]): each for each in items}
        for gone in [each for each in self._rows if each not in here]:
            self._rows.pop(gone).element.delete()
        for id, item in here.items():
            if row := self._rows.get(id):
                row.show(item)
            else:
                with self._body:
                    self._rows[id] = self._make(item)
        self._rows = {id: self._rows[id] for id in here}
        for place, row in enumerate(self._rows.values()):
            if self._body.default_slot.children[place] is not row.element:
                row.element.move(target_index=place)


class Paged:
    """A list that the API has in pages; below it is what shows the next one."""

    def __init__(
        self, page: Page, path: str, show: Callable[[Sequence[Item]], Any], query: Item
    ) -> None:
        """`show` gets all that was fetched, and may be a coroutine."""
        self.query = query
        self._page, self._path, self._show = page, path, show
        self._items: list[Item] = []
        self._cursor: str | None = None
        self._turn = 0
        self._more = button(page.words("more"), self._show_more, "mg-list-more")
        self._more.set_visibility(False)

    async def refresh(self) -> None:
        """From the first on, as many as there were. Raises Refused."""
        limit = min(max(PIECE, len(self._items)), _MOST)
        await self._fetch([], limit=limit)

    async def look_for(self, query: Item) -> None:
        """The first of others. Raises Refused."""
        self.query = query
        await self._fetch([], limit=PIECE)

    async def _show_more(self) -> None:
        try:
            await self._fetch(self._items, limit=PIECE, cursor=self._cursor)
        except Refused as refused:
            self._page.refused(refused)

    async def _fetch(self, before: Sequence[Item], **piece: Any) -> None:
        """What another question has overtaken is not shown."""
        self._turn += 1
        turn = self._turn
        found = await self._page.api.get(self._path, **piece, **self.query)
        if turn != self._turn:
            return
        known = {each["id"] for each in before}
        self._items = [*before, *(each for each in found["items"] if each["id"] not in known)]
        self._cursor = found["next_cursor"]
        self._more.set_visibility(self._cursor is not None)
        shown = self._show(self._items)
        if shown is not None:
            await shown

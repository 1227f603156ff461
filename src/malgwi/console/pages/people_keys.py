"""API keys: what programs show, and people who sign in by one."""

from datetime import UTC, datetime
from functools import partial
from urllib.parse import quote

from malgwi.console.elements import Dialog, button, field, icon, select, table, tag, text
from malgwi.console.frame import Page
from malgwi.console.pages.asking import Work, ask
from malgwi.console.pages.listing import Item, Part, Rows
from malgwi.console.pages.people_users import moment, roles


class Keys:
    """The list of them."""

    def __init__(self, page: Page, changed: Work) -> None:
        self._page, self._changed = page, changed
        words = page.words
        with tag("section"):
            with tag("div", "mg-head"):
                text(words("people_keys"), "h2", "mg-grow")
                button(words("people_make_key"), self._make, "", "plus")
            self._made = tag("div")
            headings = ("name", "people_role", "people_made", "people_expires", "people_used")
            with tag("div", "mg-list-box") as self._box:
                said = [words(each) for each in (*headings, "rec_actions")]
                body = table(said, "mg-list mg-acting")
            self._empty = text(words("people_no_keys"), "p", "mg-muted")
        self._dialogs = tag("div")
        self._rows = Rows(body, lambda key: _Row(page, self, key))

    async def refresh(self) -> None:
        """Raises Refused."""
        found = await self._page.api.get("/v1/keys")
        found.sort(key=lambda key: (_gone(key) != "", key["created"]))
        self._rows.show(found)
        self._box.set_visibility(bool(found))
        self._empty.set_visibility(not found)

    def _make(self) -> None:
        words = self._page.words
        at = {"expires": ""}
        with self._dialogs:
            dialog = Dialog(words("people_make_key"))
        with dialog.body:
            name = field(words("people_key_name"), words("people_key_hint"), maxlength="200")
            role = select(words("people_role"), roles(self._page), "editor", words("people_roles"))
            # The browser sends the moment, as the clock there has it.
            label, hint = words("people_expires"), words("people_expires_hint")
            expires = tag("mg-moment", label=label, hint=hint)
            expires.on("moment", lambda event: at.update(expires=event.args), js_handler=_DETAIL)

        async def make() -> None:
            wanted = {"name": name.value, "role": role.value, "expires": at["expires"] or None}
            self._show_made(await self._page.api.post("/v1/keys", wanted))
            await self._changed()

        ask(self._page, dialog, "people_make_key", make)

    def _show_made(self, key: Item) -> None:
        words = self._page.words
        self._made.clear()
        with self._made, tag("div", "mg-notice mg-good mg-made", role="status"):
            with tag("div", "mg-grow"):
                text(words("people_key_made", name=key["name"]), "p")
                with tag("div", "mg-row"):
                    text(key["secret"], "code", "mg-secret")
                    with tag(
                        "button",
                        "mg-button",
                        type="button",
                        data_mg_copy=key["secret"],
                        data_mg_copied=words("people_copied"),
                    ):
                        icon("copy")
                        text(words("people_copy"))
            button(words("people_key_kept"), self._hide_made)

    def _hide_made(self) -> None:
        self._made.clear()

    def revoke(self, key: Item) -> None:
        words = self._page.words
        with self._dialogs:
            dialog = Dialog(words("people_revoke_ask", name=key["name"]))
        with dialog.body:
            text(words("people_revoke_why"), "p")

        async def revoke() -> None:
            await self._page.api.delete(f"/v1/keys/{quote(str(key['id']), safe='')}")
            await self._changed()

        ask(self._page, dialog, "people_revoke", revoke, grave=True)


class _Row:
    def __init__(self, page: Page, keys: Keys, key: Item) -> None:
        self._page, self._keys = page, keys
        names = ("name", "role", "created", "expires", "last_used", "actions")
        with tag("tr") as self.element:
            self._part = {each: Part(tag("td", **_label(page, each))) for each in names}
        self._part["actions"].element.classes("mg-list-actions")
        self.show(key)

    def show(self, item: Item) -> None:
        page, words, gone = self._page, self._page.words, _gone(item)
        self._part["name"].show((item["name"], gone), lambda: self._name(item, gone))
        self._part["role"].show(item["role"], lambda: text(words(f"role_{item['role']}")))
        for name, otherwise in _MOMENTS.items():
            at = item[name]
            self._part[name].show(at, partial(moment, page, at, otherwise))
        self._part["actions"].show(gone, lambda: self._act(item, gone))

    def _name(self, key: Item, gone: str) -> None:
        with tag("div", "mg-row"):
            text(key["name"], classes="mg-job-name")
            if gone:
                text(self._page.words(gone), classes="mg-chip")

    def _act(self, key: Item, gone: str) -> None:
        if not gone:
            button(self._page.words("people_revoke"), partial(self._keys.revoke, key), "mg-quiet")


_LABELS = {"created": "people_made", "expires": "people_expires", "last_used": "people_used"}


def _label(page: Page, name: str) -> dict[str, str]:
    """For where the headings are not seen."""
    return {"data_label": page.words(_LABELS[name])} if name in _LABELS else {}


_MOMENTS = {"created": "people_never", "expires": "people_no_end", "last_used": "people_never"}
"""With what is said where there is none."""
_DETAIL = "(e) => emit(e.detail)"


def _gone(key: Item) -> str:
    """Why it opens nothing any more, as a phrase; empty where it opens."""
    if key["revoked"]:
        return "people_revoked"
    expires = key["expires"]
    if expires and datetime.fromisoformat(expires) <= datetime.now(UTC):
        return "people_expired"
    return ""

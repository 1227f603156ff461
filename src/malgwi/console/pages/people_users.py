"""Those who sign in with a name and a password."""

from functools import partial
from urllib.parse import quote

from malgwi.console.elements import Dialog, Field, button, field, select, table, tag, text
from malgwi.console.frame import Page
from malgwi.console.pages.asking import Work, ask
from malgwi.console.pages.listing import Item, Part, Rows

ROLES = ("viewer", "editor", "admin")


class Users:
    """The list of them."""

    def __init__(self, page: Page, changed: Work) -> None:
        self._page, self._changed = page, changed
        words = page.words
        with tag("section"):
            with tag("div", "mg-head"):
                text(words("people_users"), "h2", "mg-grow")
                button(words("people_add"), self._add, "mg-primary", "plus")
            headings = [words(each) for each in ("name", "people_role", "people_signed_in")]
            with tag("div", "mg-list-box") as self._box:
                body = table([*headings, words("rec_actions")], "mg-list mg-acting")
            self._empty = text(words("people_none"), "p", "mg-muted")
        self._dialogs = tag("div")
        self._rows = Rows(body, lambda user: _Row(page, self, user))

    async def refresh(self) -> None:
        """Raises Refused."""
        found = await self._page.api.get("/v1/users")
        self._rows.show(found)
        self._box.set_visibility(bool(found))
        self._empty.set_visibility(not found)

    def _add(self) -> None:
        words = self._page.words
        with self._dialogs:
            dialog = Dialog(words("people_add"))
        with dialog.body:
            name = field(words("name"), maxlength="64", autocomplete="off")
            role = select(
                words("people_role"), roles(self._page), "viewer", _roles_hint(self._page)
            )
            password = _password(self._page)

        async def add() -> None:
            wanted = {"name": name.value, "role": role.value, "password": password.value}
            await self._page.api.post("/v1/users", wanted)
            await self._changed()

        ask(self._page, dialog, "people_add", add)

    def change_role(self, user: Item) -> None:
        words = self._page.words
        with self._dialogs:
            dialog = Dialog(words("people_change_role", name=user["name"]))
        with dialog.body:
            role = select(
                words("people_role"), roles(self._page), user["role"], _roles_hint(self._page)
            )
            text(words("people_ends_sessions"), "p", "mg-muted")

        async def change() -> None:
            await self._page.api.patch(_path(user), {"role": role.value})
            await self._changed()

        ask(self._page, dialog, "save", change)

    def new_password(self, user: Item) -> None:
        words = self._page.words
        with self._dialogs:
            dialog = Dialog(words("people_new_password", name=user["name"]))
        with dialog.body:
            password = _password(self._page)
            text(words("people_ends_sessions"), "p", "mg-muted")

        async def change() -> None:
            await self._page.api.patch(_path(user), {"password": password.value})
            await self._changed()

        ask(self._page, dialog, "save", change)

    def disable(self, user: Item) -> None:
        """Or enable."""
        words, disabled = self._page.words, bool(user["disabled"])
        phrase = "people_enable" if disabled else "people_disable"
        with self._dialogs:
            dialog = Dialog(words(f"{phrase}_ask", name=user["name"]))
        with dialog.body:
            text(words(f"{phrase}_why"), "p")

        async def change() -> None:
            await self._page.api.patch(_path(user), {"disabled": not disabled})
            await self._changed()

        ask(self._page, dialog, phrase, change)

    def remove(self, user: Item) -> None:
        words = self._page.words
        with self._dialogs:
            dialog = Dialog(words("people_remove_ask", name=user["name"]))
        with dialog.body:
            text(words("people_remove_why"), "p")

        async def remove() -> None:
            await self._page.api.delete(_path(user))
            await self._changed()

        ask(self._page, dialog, "remove", remove, grave=True)


class _Row:
    def __init__(self, page: Page, users: Users, user: Item) -> None:
        self._page, self._users = page, users
        with tag("tr") as self.element:
            self._part = {each: Part(tag("td")) for each in ("name", "role")}
            label = page.words("people_signed_in")
            self._part["signed_in"] = Part(tag("td", data_label=label))
            self._actions = Part(tag("td", "mg-list-actions"))
        self.show(user)

    def show(self, item: Item) -> None:
        words, role = self._page.words, item["role"]
        self._part["name"].show((item["name"], item["disabled"]), lambda: self._name(item))
        self._part["role"].show(role, lambda: text(words(f"role_{role}")))
        last = item["last_signed_in"]
        self._part["signed_in"].show(last, lambda: moment(self._page, last, "people_never"))
        self._actions.show(dict(item), lambda: self._act(item))

    def _name(self, user: Item) -> None:
        with tag("div", "mg-row"):
            text(user["name"], classes="mg-job-name")
            if user["id"] == self._page.me.user:
                text(self._page.words("people_you"), classes="mg-chip")
            if user["disabled"]:
                text(self._page.words("people_disabled"), classes="mg-chip mg-careful")

    def _act(self, user: Item) -> None:
        words, users = self._page.words, self._users
        off = "people_enable" if user["disabled"] else "people_disable"
        for said, work in (
            ("people_role", users.change_role),
            ("password", users.new_password),
            (off, users.disable),
        ):
            button(words(said), partial(work, user), "mg-quiet")
        removing = words("people_remove_one", name=user["name"])
        button(removing, partial(users.remove, user), "mg-quiet", "remove", only_icon=True)


def roles(page: Page) -> dict[str, str]:
    """To choose from."""
    return {each: page.words(f"role_{each}") for each in ROLES}


def moment(page: Page, at: str | None, otherwise: str) -> None:
    """A moment, or a phrase where there is none."""
    if at:
        tag("mg-time", at=at)
    else:
        text(page.words(otherwise), classes="mg-muted")


def _roles_hint(page: Page) -> str:
    return page.words("people_roles")


def _password(page: Page) -> Field:
    words = page.words
    return field(
        words("password"),
        words("password_hint"),
        type="password",
        autocomplete="new-password",
        maxlength="1024",
    )


def _path(user: Item) -> str:
    return f"/v1/users/{quote(str(user['id']), safe='')}"

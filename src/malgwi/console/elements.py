"""The elements that pages are made of: HTML's own, in the looks of `malgwi.css`.

The framework's ready-made widgets are left out: a browser's own button, field, select and dialog
are known to every keyboard and screen reader.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from nicegui import ui
from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement

Dressed = TypeVar("Dressed", bound=Element)
Handler = Callable[..., Awaitable[None] | None]
Say = Callable[[str], Awaitable[None]]
ICONS = "/static/icons.svg"


def tag(name: str, classes: str = "", **attributes: str) -> Element:
    """An element to be filled with others, in a `with`."""
    return _dressed(Element(name), classes, attributes)


def text(said: str, name: str = "span", classes: str = "", **attributes: str) -> TextElement:
    """An element with a text, which is never read as HTML."""
    return _dressed(TextElement(tag=name, text=said), classes, attributes)


def icon(name: str) -> Element:
    return ui.html(
        f'<svg aria-hidden="true"><use href="{ICONS}#{name}"></use></svg>', sanitize=False
    ).style("display:contents")


def button(
    said: str,
    on_click: Handler,
    classes: str = "",
    icon_name: str | None = None,
    only_icon: bool = False,
    **attributes: str,
) -> Element:
    """`only_icon`: what it says is read out and shown as a tip, not written."""
    made = tag("button", f"mg-button {classes}", type="button", **attributes)
    with made:
        if icon_name:
            icon(icon_name)
        if only_icon:
            made.classes("mg-icon")
            _attribute(made, "aria-label", said)
            _attribute(made, "title", said)
        else:
            text(said)
    return made.on("click", lambda _: on_click(), args=[])


def link(said: str, to: str, classes: str = "", **attributes: str) -> Element:
    return text(said, "a", classes, href=to, **attributes)


def field(label: str, hint: str = "", **attributes: str) -> "Field":
    """A line to write in, with its label."""
    return Field(label, hint, "input", "mg-input", {"type": "text", **attributes})


def area(label: str, hint: str = "", **attributes: str) -> "Field":
    """Several lines to write in."""
    return Field(label, hint, "textarea", "mg-textarea", {"rows": "4", **attributes})


def select(label: str, options: Mapping[str, str], chosen: str = "", hint: str = "") -> "Field":
    """One of several, by value and what is said of it."""
    made = Field(label, hint, "select", "mg-select", {})
    with made.element:
        for value, said in options.items():
            _dressed(
                TextElement(tag="option", text=said),
                "",
                {"value": value, **({"selected": "selected"} if value == chosen else {})},
            )
    made.value = chosen
    return made


class Field:
    """Something to write in or choose from; `value` is what it says."""

    def __init__(
        self, label: str, hint: str, name: str, classes: str, attributes: Mapping[str, str]
    ) -> None:
        self.value = attributes.get("value", "")
        self._changed: list[Handler] = []
        with tag("div", "mg-field") as self.box:
            self.label = text(label, "label")
            self.element = _dressed(Element(name), classes, _untouched(attributes))
            self._hint = text(hint, "span", "mg-hint")
            self._hint.set_visibility(bool(hint))
        _attribute(self.label, "for", self.element.html_id)
        self.element.props["id"] = self.element.html_id
        self.element.on("input", self._heard, js_handler="(e) => emit(e.target.value)")

    def on_change(self, handler: Handler) -> "Field":
        """Called with each change, without an argument."""
        self._changed.append(handler)
        return self

    def set(self, value: str) -> None:
        self.value = value
        set_value(self.element, value)

    def bad(self, said: str) -> None:
        """Says what is wrong with it; "" that nothing is."""
        _attribute(self.element, "aria-invalid", "true" if said else "false")
        self._hint.text = said
        self._hint.set_visibility(bool(said))

    async def _heard(self, event: Any) -> None:
        self.value = str(event.args)
        for each in self._changed:
            answer = each()
            if answer is not None:
                await answer


def line(label: str, value: str, say: Say, known: str = "") -> Element:
    """Something to look for, of those in the list with the id `known`. Tells when somebody is done
    writing, so that Back leads to words and not to letters."""
    more = {"list": known} if known else {}
    made = tag("input", "mg-input", type="search", placeholder=label, aria_label=label, **more)
    made.props[".defaultValue"] = value  # `value` would be written again over what is being typed
    return _telling(made, say)


def choice(label: str, options: Mapping[str, str], chosen: str, say: Say) -> Element:
    """One of several to look for, by value and what is said of it."""
    made = tag("select", "mg-select", aria_label=label)
    with made:
        for value, said in options.items():
            more = {"selected": "selected"} if value == chosen else {}
            text(said, "option", value=value, **more)
    return _telling(made, say)


def set_value(element: Element, value: str) -> None:
    """Of something to write in or choose from."""
    found = f"document.getElementById({element.html_id!r})"
    ui.run_javascript(f"{found}.value = {_quoted(value)}")


class Dialog:
    """A browser's own dialog: it takes the focus, Escape closes it, and what is behind it waits."""

    def __init__(self, title: str) -> None:
        with tag("dialog", "mg-dialog") as self.element:
            heading = text(title, "h2")
            self.body = tag("div", "mg-stack")
            self.end = tag("div", "mg-dialog-end")
        _attribute(self.element, "aria-labelledby", heading.html_id)
        heading.props["id"] = heading.html_id
        self.element.on("close", lambda _: self.element.delete(), args=[])

    def show(self) -> None:
        self.element.run_method("showModal")

    def close(self) -> None:
        self.element.run_method("close")


def toast(said: str) -> None:
    """Some words that pass."""
    ui.run_javascript(f"malgwi.toast({_quoted(said)})")


def fact(name: str, value: str) -> None:
    """A line of a `dl`."""
    with tag("div"):
        text(name, "dt")
        text(value, "dd", "mg-number")


def table(headings: Sequence[str], classes: str = "") -> Element:
    """The body of a table, to be filled with rows."""
    with tag("div", "mg-table-box"), tag("table", f"mg-table {classes}"):
        with tag("thead"), tag("tr"):
            for each in headings:
                text(each, "th", scope="col")
        return tag("tbody")


def _telling(made: Element, say: Say) -> Element:
    made.props["id"] = made.html_id
    return made.on(
        "change", lambda event: say(str(event.args)), js_handler="(e) => emit(e.target.value)"
    )


def _dressed(element: Dressed, classes: str, attributes: Mapping[str, str]) -> Dressed:
    if classes:
        element.classes(classes)
    for name, value in attributes.items():
        _attribute(element, name.rstrip("_").replace("_", "-"), value)
    return element


def _untouched(attributes: Mapping[str, str]) -> dict[str, str]:
    """With the value as what a field begins with: as `value` it would be written again, over what
    somebody types, whenever anything on the page changes."""
    return {".defaultValue" if name == "value" else name: said for name, said in attributes.items()}


def _attribute(element: Element, name: str, value: str) -> None:
    element.props[name] = value
    element.update()


def _quoted(said: str) -> str:
    """A JavaScript string."""
    return json.dumps(said).replace("</", "<\\/")

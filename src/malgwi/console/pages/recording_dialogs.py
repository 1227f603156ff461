"""What is asked before something is done to recordings: their name, labels, how to transcribe them
again, which format, and whether they are to go."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from nicegui.element import Element

from malgwi.console import elements
from malgwi.console.api import Refused
from malgwi.console.elements import Dialog, button, field, link, select, tag, text
from malgwi.console.frame import Page
from malgwi.console.pages.asking import ask

LANGUAGES: Mapping[str, str] = {
    "ko": "한국어",
    "en": "English",
    "ja": "日本語",
    "zh": "中文",
    "vi": "Tiếng Việt",
    "th": "ไทย",
    "id": "Bahasa Indonesia",
    "ru": "Русский",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "pt": "Português",
    "it": "Italiano",
    "nl": "Nederlands",
    "pl": "Polski",
    "uk": "Українська",
    "tr": "Türkçe",
    "ar": "العربية",
    "hi": "हिन्दी",
}
"""Those that are offered, by ISO 639-1, as those who speak them write them."""
FORMATS = ("docx", "txt", "srt", "vtt", "json", "csv", "rttm", "ctm")
_AT_ONCE = 4

Done = Callable[[], Awaitable[None]]


class Recorded(Protocol):
    """What a dialog has to know of a recording."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def recording(self) -> Mapping[str, Any]: ...

    @property
    def transcript(self) -> str | None: ...


def rename(page: Page, item: Recorded, done: Done) -> None:
    dialog = Dialog(page.words("rec_rename"))
    with dialog.body:
        name = field(page.words("name"), value=item.name, maxlength="300", required="required")

    async def save() -> None:
        await page.api.patch(_path(item), {"name": name.value.strip()})

    ask(page, dialog, "save", _then(save, done))


def labels(page: Page, items: Sequence[Recorded], done: Done) -> None:
    """Those of one recording are taken away here too; several only get more."""
    words = page.words
    one = len(items) == 1
    dialog = Dialog(words("rec_edit_labels") if one else words("rec_labels_many", count=len(items)))
    here: list[str] = items[0].recording["labels"] if one else []
    gone: set[str] = set()

    def keep(label: str, kept: bool) -> None:
        (gone.discard if kept else gone.add)(label)

    with dialog.body:
        if one and not here:
            text(words("rec_no_labels"), "p", "mg-muted")
        with tag("div", "mg-row"):
            for each in here:
                _check(each, True, partial(keep, each))
        new = field(words("rec_new_labels"), words("rec_new_labels_hint"), maxlength="1000")

    async def save() -> None:
        added = {each.strip() for each in new.value.split(",") if each.strip()}

        async def change(item: Recorded) -> None:
            wanted = set(item.recording["labels"]) - gone | added
            await page.api.patch(_path(item), {"labels": sorted(wanted)})

        await _each(items, change)

    ask(page, dialog, "save", _then(save, done))


async def again(page: Page, items: Sequence[Recorded], done: Done) -> None:
    words = page.words
    models, glossaries = await asyncio.gather(_models(page), _glossaries(page))
    one = len(items) == 1
    dialog = Dialog(words("rec_again") if one else words("rec_again_many", count=len(items)))
    with dialog.body:
        text(words("rec_again_why"), "p", "mg-muted")
        model = select(words("rec_model"), {"": words("rec_model_default"), **models})
        language = select(words("up_language"), {"": words("up_detect"), **LANGUAGES})
        glossary = select(words("up_glossary"), {"": words("up_no_glossary"), **glossaries})

    async def start() -> None:
        wanted: dict[str, Any] = {"model": model.value, "glossary": glossary.value}
        wanted = {name: value for name, value in wanted.items() if value}
        if language.value:
            wanted["languages"] = [language.value]
        await _each(items, lambda item: page.api.post(f"{_path(item)}/transcribe", wanted))
        elements.toast(words("rec_started_again"))

    ask(page, dialog, "rec_again", _then(start, done))


def delete(page: Page, items: Sequence[Recorded], done: Done) -> None:
    words = page.words
    one = len(items) == 1
    asked = (
        words("rec_delete_one", name=items[0].name)
        if one
        else words("rec_delete_many", count=len(items))
    )
    dialog = Dialog(asked)
    purge = {"purge": False}
    with dialog.body:
        text(words("rec_delete_why"), "p")
        if page.me.may("admin"):
            _check(words("rec_purge"), False, lambda is_on: purge.update(purge=is_on))

    async def remove() -> None:
        query = "?purge=true" if purge["purge"] else ""
        await _each(items, lambda item: page.api.delete(_path(item) + query))
        elements.toast(words("rec_deleted"))

    ask(page, dialog, "rec_delete", _then(remove, done), grave=True)


def export(page: Page, item: Recorded) -> None:
    dialog = Dialog(page.words("rec_export"))
    query = urlencode({"transcript": item.transcript or ""})
    with dialog.body:
        text(item.name, "p", "mg-muted")
        with tag("div", "mg-rec-formats"):
            for each in FORMATS:
                link(each.upper(), f"/v1/exports/{each}?{query}", "mg-button", download="")
    with dialog.end:
        button(page.words("close"), dialog.close)
    dialog.show()


def _then(work: Done, done: Done) -> Done:
    """Of several some may be done where the API refuses another: what is shown is looked at anew
    in any case."""

    async def both() -> None:
        try:
            await work()
        finally:
            await done()

    return both


def _check(said: str, is_on: bool, changed: Callable[[bool], None]) -> Element:
    with tag("label", "mg-check") as made:
        more = {"checked": "checked"} if is_on else {}
        tag("input", type="checkbox", **more).on(
            "change",
            lambda event: changed(bool(event.args)),
            js_handler="(e) => emit(e.target.checked)",
        )
        text(said)
    return made


async def _each(items: Sequence[Recorded], work: Callable[[Recorded], Awaitable[Any]]) -> None:
    """For all of them, a few at once; raises what the first that was refused was told."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(item: Recorded) -> None:
        async with turns:
            await work(item)

    for answer in await asyncio.gather(*map(one, items), return_exceptions=True):
        if isinstance(answer, BaseException):
            raise answer


async def _models(page: Page) -> dict[str, str]:
    try:
        found = await page.api.get("/v1/models")
    except Refused:
        return {}
    return {each["id"]: each["id"] for each in found.get("data", [])}


async def _glossaries(page: Page) -> dict[str, str]:
    try:
        found = await page.api.get("/v1/glossaries")
    except Refused:
        return {}
    listed = found["items"] if isinstance(found, dict) else found
    return {each["name"]: each["name"] for each in listed}


def _path(item: Recorded) -> str:
    return f"/v1/recordings/{quote(item.id, safe='')}"

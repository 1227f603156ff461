"""What is asked before something is done; where the API refuses, the question stays."""

import asyncio
from collections.abc import Awaitable, Callable

from malgwi.console.api import Refused
from malgwi.console.elements import Dialog, button, link, tag, text
from malgwi.console.frame import Page

_OF_A_LINE = "(e) => e.target.tagName === 'INPUT' && emit()"

Work = Callable[[], Awaitable[None]]


def ask(page: Page, dialog: Dialog, phrase: str, work: Work, grave: bool = False) -> None:
    """Shows the dialog with its buttons. What was written in it stays where the API refuses, which
    is told in it: what is behind a dialog cannot be reached."""
    with dialog.element, tag("div", "mg-notice mg-bad", role="alert") as trouble:
        said = text("", classes="mg-grow")
        again = link(page.words("sign_in"), "/sign-in", target="_blank")
    trouble.set_visibility(False)
    trouble.move(target_index=2)

    under_way = asyncio.Lock()

    async def go() -> None:
        if under_way.locked():  # a double click is one click
            return
        try:
            async with under_way:
                await work()
        except Refused as refused:
            if refused.signed_out:
                page.refused(refused)
            said.text = page.reason(refused)
            again.set_visibility(refused.signed_out)
            trouble.set_visibility(True)
        else:
            dialog.close()

    dialog.body.on("keydown.enter", go, js_handler=_OF_A_LINE)
    with dialog.end:
        button(page.words("cancel"), dialog.close)
        button(page.words(phrase), go, "mg-danger" if grave else "mg-primary")
    dialog.show()

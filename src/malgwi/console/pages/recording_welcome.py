"""What stands in place of a list of recordings that is empty: a newcomer learns what to do."""

from malgwi.console.elements import button, icon, tag, text
from malgwi.console.frame import Page
from malgwi.console.pages.recording_filter import LookFor
from malgwi.console.pages.recording_view import View


def build(page: Page, view: View, look_for: LookFor) -> None:
    words = page.words
    with tag("div", "mg-empty mg-rec-empty"):
        icon("search" if view.filters else "ear")
        if view.filters:
            text(words("rec_none"), "h2")
            button(words("rec_clear"), lambda: look_for(View(order=view.order)))
        elif page.me.may("editor"):
            _welcome(page)
        else:
            text(words("rec_empty"), "h2")
            text(words("rec_empty_viewer"), "p")


def _welcome(page: Page) -> None:
    words = page.words
    text(words("rec_empty"), "h2")
    text(words("rec_empty_why"), "p")
    with tag("button", "mg-button mg-primary", type="button", data_mg_upload=""):
        icon("upload")
        text(words("rec_empty_choose"))
    with tag("dl", "mg-rec-ways"):
        for said, command in (
            ("rec_empty_folder", "malgwi serve --watch /srv/radio"),
            ("rec_empty_command", "malgwi submit radio.wav --language ko"),
        ):
            text(words(said), "dt")
            with tag("dd"):
                text(command, "code")

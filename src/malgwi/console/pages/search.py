"""What was said, found by its words; all of it is in `static/search/`, in the browser."""

import json

from nicegui import ui

from malgwi.console.doors import stamp
from malgwi.console.elements import tag, text
from malgwi.console.frame import Page

_WORDS = (
    *("find_hint", "find_filters", "find_recording", "find_channel", "find_any_channel"),
    *("find_speaker", "find_label", "find_since", "find_until", "find_order"),
    *("find_by_relevance", "find_by_time", "find_no_recording", "find_play", "find_play_tip"),
    *("find_open", "find_only", "find_no_sound", "find_first", "find_all", "find_one"),
    *("find_empty", "find_example_phrase", "find_why_phrase", "find_example_minus"),
    *("find_why_minus", "find_example_particle", "find_why_particle", "find_nothing"),
    *("find_try", "find_everywhere", "rec_clear", "more", "retry", "gone"),
)


async def build(page: Page) -> None:
    ui.add_head_html(
        f'<link rel="stylesheet" href="{stamp("search/search.css")}">'
        f'<script type="module" src="{stamp("search/search.js")}"></script>'
    )
    with tag("div", "mg-head"):
        text(page.words("search"), "h1")
    said = {phrase: page.words(phrase) for phrase in _WORDS}
    tag("malgwi-search", data_words=json.dumps(said, ensure_ascii=False))

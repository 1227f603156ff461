"""The transcript page: seen, heard, searched and corrected in a real browser."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import deadline
import pytest
from console.browser import barriers, looking, told
from playwright.sync_api import Browser, Locator, Page, expect
from store.kept import transcribed, utterance
from store.kept import transcript as transcript_of
from store.kept import words as words_at
from test_library import Library, library, until

from malgwi.store import SqlStore
from malgwi.types import Channel, Span, Transcript, Utterance

pytestmark = [pytest.mark.slow, pytest.mark.model]

TAP = "ScriptProcessorNode is deprecated"  # and needs no file of its own
HEARD = """async ([channels, seconds]) => {
  // What reaches the loudspeaker, sample by sample.
  const { Player } = await import("/static/transcript/player.js");
  const { Sound, PIECE, RATE } = await import("/static/transcript/sound.js");
  const size = PIECE * channels * 2;
  const wav = (first) => {
    const view = new DataView(new ArrayBuffer(44 + size));
    [..."RIFF????WAVEfmt "].forEach((letter, at) => view.setUint8(at, letter.charCodeAt(0)));
    view.setUint32(16, 16, true);
    view.setUint16(20, 1, true);
    view.setUint16(22, channels, true);
    view.setUint32(24, RATE, true);
    view.setUint16(34, 16, true);
    [..."data"].forEach((letter, at) => view.setUint8(36 + at, letter.charCodeAt(0)));
    view.setUint32(40, size, true);
    for (let frame = 0; frame < PIECE; frame++) {
      for (let channel = 0; channel < channels; channel++) {
        const value = channels === 1 ? (first + frame) % 20000 : 1000 * 2 ** channel;
        view.setInt16(44 + 2 * (frame * channels + channel), value, true);
      }
    }
    return view.buffer;
  };
  const sound = new Sound(async (start) => wav(Math.round(start * RATE)), seconds);
  const taps = [];
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (target, ...more) {
    if (target === this.context.destination && this.constructor !== ScriptProcessorNode) {
      if (!taps.length) {
        const tap = this.context.createScriptProcessor(1024, 1, 1);
        tap.heard = [];
        tap.onaudioprocess = (event) => tap.heard.push(...event.inputBuffer.getChannelData(0));
        connect.call(tap, target);
        taps.push(tap);
      }
      connect.call(this, taps[0]);
    }
    return connect.call(this, target, ...more);
  };
  const player = new Player(sound, seconds, channels);
  const heard = () => taps[0].heard.map((each) => Math.round(each * 32768));
  Object.assign(globalThis, { player, heard });
}"""

SCROLLED = """async () => {
  // Milliseconds of each frame while one scrolls and pans, slowly and then far.
  const list = document.querySelector(".mg-t-scroll");
  const lanes = document.querySelector(".mg-t-field");
  const frames = [];
  let last = await new Promise(requestAnimationFrame);
  for (let n = 0; n < 120; n++) {
    list.scrollTop += n < 60 ? 100 : 5000;
    lanes.dispatchEvent(new WheelEvent("wheel", { deltaX: 40, bubbles: true, cancelable: true }));
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
  }
  list.focus();
  return frames;
}"""


@contextmanager
def transcript(
    browser: Browser, service: Library, heard: dict[str, str], moment: str = "", **how: Any
) -> Iterator[Page]:
    how = {"viewport": {"width": 1280, "height": 800}, **how}
    with looking(browser, str(service.http.base_url), **how) as page:
        page.goto(f"/transcripts/{heard['transcript']}{moment}")
        expect(row(page, "epoch of belief").first).to_be_visible()
        yield page


def row(page: Page, said: str) -> Locator:
    return page.locator(".mg-t-row", has_text=said)


def position(page: Page) -> float:
    minutes, seconds = page.locator(".mg-t-time").inner_text().split(" / ")[0].split(":")
    return int(minutes) * 60 + float(seconds)


def words(service: Library, heard: dict[str, str]) -> list[str]:
    read = service.http.get(f"/v1/transcripts/{heard['transcript']}").json()
    return [each["text"] for each in read["utterances"]]


@pytest.fixture
def broken(service: Library, sample: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    """A recording that breaks off, transcribed."""
    file = tmp_path / "broken.wav"
    file.write_bytes(sample.read_bytes()[:2_000_000])
    made = service.submit(file, name="Broken", languages="en")
    recording = made["recording"]["id"]
    until(lambda: service.job(made["job"]["id"])["state"] == "done")
    yield {"recording": recording, "transcript": service.transcripts(recording)[0]["id"]}
    service.http.delete(f"/v1/recordings/{recording}", params={"purge": True})


def test_what_to_know_about_a_recording_stands_above_it(
    browser: Browser, service: Library, broken: dict[str, str]
) -> None:
    with transcript(browser, service, broken, locale="ko-KR") as page:
        page.get_by_text("이 녹음에 대해 알아 둘 것 1가지").click()

        expect(page.get_by_text("에서 끊깁니다")).to_be_visible()


def test_who_reads_an_earlier_transcript_is_told_of_the_one_that_replaced_it(
    browser: Browser, service: Library, broken: dict[str, str]
) -> None:
    again = service.http.post(f"/v1/recordings/{broken['recording']}/transcribe", json={}).json()
    until(lambda: service.job(again["id"])["state"] == "done")
    newest = service.transcripts(broken["recording"])[0]["id"]
    with transcript(browser, service, broken) as page:
        told = page.locator(".mg-notice", has_text="transcribed again")

        expect(told.get_by_role("link")).to_have_attribute("href", f"/transcripts/{newest}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_has_no_barrier(
    browser: Browser, service: Library, heard: dict[str, str], scheme: str, width: int
) -> None:
    size = {"width": width, "height": 844}
    with transcript(browser, service, heard, color_scheme=scheme, viewport=size) as page:
        found = barriers(page)
        page.get_by_role("button", name="Notes and bookmarks").click()
        found += barriers(page)
        page.get_by_role("button", name="Close", exact=True).click()
        page.keyboard.press("?")
        found += barriers(page)

        assert not found, told(found)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_word_plays_from_where_it_is_said_and_is_marked(
    browser: Browser, service: Library, heard: dict[str, str]
) -> None:
    with transcript(browser, service, heard) as page:
        line = row(page, "epoch of belief").first
        line.locator(".mg-t-word", has_text="belief").click()

        expect(line.locator(".mg-t-saying")).to_contain_text("belief")
        expect(line).to_have_class(re.compile("mg-t-now"))
        page.keyboard.press("Space")
        stopped = position(page)
        assert 7 < stopped < 14
        page.keyboard.press("ArrowRight")
        assert abs(position(page) - stopped - 5) < 0.2


def test_a_link_to_a_moment_opens_there(
    browser: Browser, service: Library, heard: dict[str, str]
) -> None:
    with transcript(browser, service, heard, "#t=12.5") as page:
        assert position(page) == 12.5
        expect(page.locator(".mg-t-selected")).to_be_visible()


def test_what_is_heard_is_the_recording_sample_by_sample(
    browser: Browser, service: Library, heard: dict[str, str]
) -> None:
    with transcript(browser, service, heard, allow=(TAP,)) as page:
        page.evaluate(HEARD, [1, 20])
        page.evaluate("player.play(4)")
        deadline.until(lambda: page.evaluate("player.position") > 6, 30)
        samples = page.evaluate("heard()")

        start = next(at for at, each in enumerate(samples) if each) + 200
        played = samples[start : start + 16_000]
        steps = {(after - before) % 20_000 for before, after in pairwise(played)}
        assert steps == {1}


def test_solo_is_heard_within_a_tenth_of_a_second(
    browser: Browser, service: Library, heard: dict[str, str]
) -> None:
    with transcript(browser, service, heard, allow=(TAP,)) as page:
        page.evaluate(HEARD, [4, 60])
        page.evaluate("player.play(0)")
        deadline.until(lambda: page.evaluate("heard().at(-1)") == 15_000, 30)
        before = page.evaluate(
            "() => { player.gains = Float32Array.of(0, 0, 1, 0); return heard().length }"
        )
        deadline.until(lambda: page.evaluate("heard().at(-1)") == 4000, 30)
        after = page.evaluate("heard()")[before:]

        buffered = 2 * 1024  # samples that the tap itself holds back
        assert after.index(4000) < 0.1 * 16_000 + buffered
        falls = [one - other for one, other in pairwise(after)]
        assert max(falls) < 200  # a fade, not a click


def test_a_correction_is_kept_and_taken_back(
    browser: Browser, service: Library, heard: dict[str, str]
) -> None:
    before = words(service, heard)
    with transcript(browser, service, heard) as page:
        line = row(page, "epoch of belief").first
        line.get_by_role("button", name="Correct").click()
        page.get_by_label("Text", exact=True).fill("It was the era of belief")
        page.keyboard.press("Control+Enter")

        expect(row(page, "the era of belief")).to_contain_text("corrected")
        assert "It was the era of belief" in words(service, heard)
        page.get_by_role("button", name="Undo").click()
        expect(row(page, "the era of belief")).to_have_count(0)
        assert words(service, heard) == before


def test_two_people_at_one_line_see_each_other_and_lose_nothing(
    browser: Browser, service: Library, heard: dict[str, str]
) -> None:
    with (
        transcript(browser, service, heard, allow=(409,)) as one,
        transcript(browser, service, heard) as other,
    ):
        for page in (one, other):
            row(page, "age of wisdom").first.get_by_role("button", name="Correct").click()
        said = one.get_by_label("Text", exact=True).input_value()
        other.get_by_label("Text", exact=True).fill(said.replace("It was", "That was", 1))
        other.keyboard.press("Control+Enter")
        expect(row(other, "That was the age of wisdom")).to_be_visible()

        one.get_by_label("Text", exact=True).fill(said.replace("wisdom", "learning"))
        one.keyboard.press("Control+Enter")
        expect(one.locator(".mg-t-theirs")).to_contain_text("That was")
        expect(one.get_by_label("Text", exact=True)).to_have_value(
            said.replace("wisdom", "learning")
        )
        one.get_by_role("button", name="Merge both").click()
        one.keyboard.press("Control+Enter")

        expect(row(one, "That was the age of learning").first).to_be_visible()
        for _ in range(2):
            one.get_by_role("button", name="Undo").click()
        expect(row(one, "It was the age of wisdom").first).to_be_visible()


def test_what_was_typed_outlives_a_lost_connection_and_a_reload(
    browser: Browser, service: Library, heard: dict[str, str]
) -> None:
    with transcript(browser, service, heard, allow=("ERR_FAILED",)) as page:
        row(page, "winter of despair").first.get_by_role("button", name="Correct").click()
        page.get_by_label("Text", exact=True).fill("It was the winter")
        page.route("**/corrections", lambda route: route.abort())
        page.keyboard.press("Control+Enter")
        expect(page.get_by_text("What you typed is kept.")).to_be_visible()

        page.unroute("**/corrections")
        page.reload()
        page.get_by_role("button", name="Go on").click()

        expect(page.get_by_label("Text", exact=True)).to_have_value("It was the winter")
        page.keyboard.press("Escape")
        expect(row(page, "winter of despair").first).to_be_visible()


def test_a_search_marks_what_it_finds_and_goes_there(
    browser: Browser, service: Library, heard: dict[str, str]
) -> None:
    with transcript(browser, service, heard) as page:
        page.keyboard.press("/")
        page.keyboard.type("despair")
        page.keyboard.press("Enter")

        line = row(page, "winter of despair").first
        expect(line.locator("mark")).to_have_text("despair")
        expect(line).to_have_class(re.compile("mg-t-selected"))
        assert position(page) > 10


def test_a_bookmark_is_set_by_a_key_and_gone_to(
    browser: Browser, service: Library, heard: dict[str, str]
) -> None:
    notes = f"/v1/recordings/{heard['recording']}/notes"
    with transcript(browser, service, heard, "#t=31.5") as page:
        page.keyboard.press("b")
        page.get_by_role("button", name="Notes and bookmarks").click()
        mark = page.get_by_role("complementary").get_by_role("button", name="00:31")
        expect(mark).to_be_visible()
        assert [each["at"] for each in service.http.get(notes).json()["items"]] == [31.5]

        page.keyboard.press("ArrowLeft")
        mark.click()

        assert 31.5 <= position(page) < 34
        page.get_by_role("button", name="Remove").click()
        expect(mark).to_have_count(0)
        assert service.http.get(notes).json()["items"] == []


def test_who_speaks_on_a_channel_is_named_at_once_and_taken_back(
    browser: Browser, service: Library, heard: dict[str, str]
) -> None:
    with transcript(browser, service, heard) as page:
        row(page, "epoch of belief").first.get_by_role("button", name="ch03").click()
        page.get_by_label("Speaker", exact=True).fill("Sydney")
        page.get_by_label("All without a name on ch03").check()
        page.get_by_role("button", name="Rename").click()

        expect(page.locator(".mg-t-row .mg-t-who", has_text="Sydney")).to_have_count(5)
        page.locator("body").press("Control+z")
        expect(page.locator(".mg-t-row .mg-t-who", has_text="Sydney")).to_have_count(0)


def test_one_channel_alone_shows_that_the_others_are_silent(
    browser: Browser, service: Library, heard: dict[str, str]
) -> None:
    with transcript(browser, service, heard) as page:
        solo = page.get_by_role("button", name="Solo ch02")
        solo.click()

        expect(solo).to_have_attribute("aria-pressed", "true")
        expect(page.locator(".mg-t-head.mg-t-silent")).to_have_count(3)


def test_a_viewer_is_offered_nothing_that_changes_anything(
    browser: Browser, service: Library, heard: dict[str, str]
) -> None:
    with transcript(browser, service, heard) as page:
        page.evaluate(
            """() => {
              const there = document.querySelector("malgwi-transcript");
              const viewer = there.cloneNode();
              viewer.setAttribute("access", "viewer");
              there.replaceWith(viewer);
            }"""
        )
        expect(row(page, "epoch of belief").first).to_be_visible()

        for name in ("Correct", "Undo", "Bookmark at this moment"):
            expect(page.get_by_role("button", name=name)).to_have_count(0)
        row(page, "epoch of belief").first.dblclick()
        expect(page.get_by_label("Text", exact=True)).to_have_count(0)


def test_two_hours_of_sixteen_channels_open_at_once_and_scroll_without_a_stall(
    browser: Browser, tmp_path: Path
) -> None:
    store = SqlStore(f"sqlite:///{tmp_path}/data/malgwi.db", tmp_path / "data")
    saved = transcribed(store, watch(20_000, 16, 7200.0))
    store.close()
    with library(tmp_path) as running, looking(browser, str(running.http.base_url)) as page:
        opened = [seconds_to_open(page, f"/transcripts/{saved.id}") for _ in range(3)]

        frames = page.evaluate(SCROLLED)
        page.keyboard.press("End")

        expect(row(page, "word 19999 of")).to_be_visible()
        assert page.locator(".mg-t-row").count() < 120
        assert min(opened) < 2.0  # the others are this machine's, which does more at once
        assert median(frames) < 50


def seconds_to_open(page: Page, path: str) -> float:
    page.goto("/recordings")  # as somebody has who comes from there
    page.goto(path)
    expect(row(page, "word 0 of").first).to_be_visible()
    milliseconds: float = page.evaluate("performance.now()")
    return milliseconds / 1000


def watch(utterances: int, channels: int, seconds: float) -> Transcript:
    """Somebody says four words on each channel in turn."""
    every = seconds / utterances

    def said(number: int) -> Utterance:
        text = f"word {number} of many"
        spoken = words_at(text, number * every, every)
        channel = number % channels
        return replace(
            utterance(0, text, channel),
            id=f"{channel:02}-{number:05}",
            span=Span(number * every, (number + 4) * every),
            words=spoken,
        )

    empty = transcript_of(*(said(number) for number in range(utterances)))
    labels = tuple(Channel(each, f"Channel {each + 1}") for each in range(channels))
    return replace(empty, duration=seconds, channels=labels)

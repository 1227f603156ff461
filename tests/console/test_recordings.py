"""Recordings in a real browser: they come, become transcripts, are found, named and deleted."""

import base64
import hashlib
import wave
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from console.browser import barriers, looking, told
from console.conftest import REAL
from console.line import Line, slow_line
from playwright.sync_api import Browser, Dialog, Locator, Page, Request, expect
from test_library import Library, library, until

from malgwi.types import Samples

pytestmark = [pytest.mark.slow, pytest.mark.model]

RATE = 16_000
SLOW = 2_500_000  # bytes a second
FAST = 1e9
BROKEN = (
    "ERR_CONNECTION",
    "ERR_EMPTY_RESPONSE",
    "ERR_SOCKET",
    "WebSocket",
)  # as a browser calls a line that is cut


@pytest.fixture
def kept(service: Library) -> Iterator[Library]:
    """The service, which has afterwards what it had before."""
    before = _ids(service)
    yield service
    for id in _ids(service) - before:
        service.http.delete(f"/v1/recordings/{id}", params={"purge": True})


@pytest.fixture
def speech(channels: list[Samples], tmp_path: Path) -> Path:
    return _wave(tmp_path / "roger.wav", channels[0][: 6 * RATE])


def test_what_is_dropped_is_transcribed(browser: Browser, kept: Library, speech: Path) -> None:
    with looking(browser, _url(kept)) as page:
        page.goto("/recordings")
        _drop(page, speech)
        page.get_by_label("Language", exact=True).select_option("en")
        page.get_by_role("button", name="Upload the recording").click()

        expect(_tray(page)).to_contain_text("It is here.")
        row = _row(page, "roger.wav")
        expect(row.get_by_text("Done")).to_be_visible(timeout=60_000)
        expect(row).to_contain_text("0:06")
        to = row.get_by_role("link", name="roger.wav").get_attribute("href")
        assert to
        assert kept.http.get(f"/v1{to}").json()["utterances"]
        found = barriers(page)
        assert not found, told(found)


def test_what_is_here_already_is_said_to_be(browser: Browser, kept: Library, speech: Path) -> None:
    kept.submit(speech, languages="en", transcribe="false")
    with looking(browser, _url(kept)) as page:
        page.goto("/recordings")
        _send(page, speech)

        expect(_tray(page)).to_contain_text("It was here already")
        expect(page.locator("tr.mg-rec", has_text="roger.wav")).to_have_count(1)


def test_a_file_that_is_no_sound_says_why_and_can_be_tried_again(
    browser: Browser, kept: Library, tmp_path: Path
) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Sir or Madam, " * 100)
    with looking(browser, _url(kept)) as page:
        page.goto("/recordings")
        _send(page, letter)
        row = _row(page, "letter.txt")
        expect(row.get_by_text("Failed")).to_be_visible(timeout=60_000)
        why = kept.http.get("/v1/jobs", params={"state": "dead"}).json()["items"][0]
        expect(row).to_contain_text(why["error"])

        row.get_by_role("button", name="Try again").click()

        until(lambda: kept.job(why["id"])["attempt"] > why["attempt"])
        expect(row.get_by_text("Failed")).to_be_visible(timeout=60_000)


def test_an_upload_goes_on_after_the_connection_was_lost(
    browser: Browser, kept: Library, sample: Path, tmp_path: Path
) -> None:
    file = _other(sample, tmp_path / "long.wav")
    with _line(kept) as line, looking(browser, line.url, allow=BROKEN) as page:
        page.goto("/recordings")
        offsets = _offsets(page)
        _send(page, file)
        _under_way(page)

        line.cut()
        expect(_tray(page)).to_contain_text("Connection lost, trying again.")
        line.join(FAST)

        expect(_tray(page)).to_contain_text("It is here.", timeout=60_000)
        assert offsets[0] == 0
        assert offsets[-1] > 0
        assert _came(kept, "long.wav") == [_sum(file)]
        expect(_row(page, "long.wav")).to_be_visible()


def test_leaving_asks_and_the_same_file_goes_on_where_it_was(
    browser: Browser, kept: Library, sample: Path, tmp_path: Path
) -> None:
    file = _other(sample, tmp_path / "long.wav")
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    with _line(kept) as line, looking(browser, line.url, allow=(423,)) as page:
        page.on("dialog", leave)
        page.goto("/recordings")
        offsets = _offsets(page)
        _send(page, file)
        _under_way(page)
        page.reload()
        assert asked == ["beforeunload"]
        line.join(FAST)

        _choose(page, file)
        expect(page.get_by_role("dialog")).to_contain_text("goes on where it was")
        page.get_by_role("button", name="Upload the recording").click()

        expect(_tray(page)).to_contain_text("It is here.", timeout=60_000)
        assert offsets[-1] > 0
        assert _came(kept, "long.wav") == [_sum(file)]


def test_what_is_paused_waits_and_what_is_cancelled_is_gone(
    browser: Browser, kept: Library, sample: Path, tmp_path: Path
) -> None:
    file = _other(sample, tmp_path / "long.wav")
    with _line(kept) as line, looking(browser, line.url) as page:
        page.goto("/recordings")
        _send(page, file)
        _under_way(page)

        page.get_by_role("button", name="Pause").click()
        expect(_tray(page)).to_contain_text("Paused")
        page.get_by_role("button", name="Go on").click()
        expect(_tray(page)).to_contain_text("MB/s")
        with page.expect_response(lambda answer: answer.request.method == "DELETE") as gone:
            page.get_by_role("button", name="Cancel").click()

        expect(_tray(page)).to_contain_text("Cancelled.")
        assert gone.value.status == 204
        assert kept.http.get(urlsplit(gone.value.url).path).status_code == 404


def test_two_files_put_together_are_two_channels_of_one_recording(
    browser: Browser, kept: Library, channels: list[Samples], tmp_path: Path
) -> None:
    files = [
        _wave(tmp_path / f"net ch0{number}.wav", channels[number][: 4 * RATE]) for number in (1, 2)
    ]
    with looking(browser, _url(kept)) as page:
        page.goto("/recordings")
        _choose(page, *files)
        expect(page.get_by_role("dialog")).to_contain_text("look like channels of one recording")

        page.get_by_role("button", name="Put them together").click()
        page.get_by_label("Name of the channel").first.fill("tower")
        page.get_by_role("button", name="Upload the recording").click()

        expect(_tray(page)).to_contain_text("It is here.")
        [made] = kept.http.get("/v1/recordings", params={"name": "net"}).json()["items"]
        assert [each["name"] for each in made["media"]] == [file.name for file in files]
        assert made["channel_labels"] == ["tower", "net ch02"]
        assert made["name"] == "net"
        expect(_row(page, "net").get_by_text("Done")).to_be_visible(timeout=60_000)


def test_files_are_channels_of_one_recording_by_name_and_length(
    browser: Browser, service: Library
) -> None:
    with looking(browser, _url(service)) as page:
        page.goto("/recordings")

        assert _alike(page, ("a ch01.wav", 60), ("a ch02.wav", 61)) == [
            ["a ch01.wav", "a ch02.wav"]
        ]
        assert _alike(page, ("call-left.wav", 60), ("call-right.wav", 60)) == [
            ["call-left.wav", "call-right.wav"]
        ]
        assert _alike(page, ("무전_채널1.wav", 60), ("무전_채널2.wav", 60)) == [
            ["무전_채널1.wav", "무전_채널2.wav"]
        ]
        assert _alike(page, ("a ch01.wav", 60), ("a ch02.wav", 90)) == []
        assert _alike(page, ("a ch01.wav", 60), ("b ch02.wav", 60)) == []
        assert _alike(page, ("0301 ch1.wav", 60), ("0302 ch2.wav", 60)) == []


def test_work_is_called_off(browser: Browser, kept: Library, sample: Path, tmp_path: Path) -> None:
    made = kept.submit(_other(sample, tmp_path / "long.wav"), languages="en")
    with looking(browser, _url(kept)) as page:
        page.goto("/recordings")
        row = _row(page, "long.wav")

        row.get_by_role("button", name="Call off").click()

        expect(row.get_by_text("Called off")).to_be_visible(timeout=60_000)
        assert kept.job(made["job"]["id"])["state"] == "cancelled"


def test_the_filter_is_in_the_address_and_survives_reload_and_back(
    browser: Browser, kept: Library, heard: dict[str, str], speech: Path
) -> None:
    kept.submit(speech, labels="night", transcribe="false")
    with looking(browser, _url(kept)) as page:
        page.goto("/recordings")
        expect(_row(page, "roger.wav")).to_be_visible()
        expect(_row(page, "Four people")).to_be_visible()

        _row(page, "roger.wav").get_by_role("button", name="night").click()
        expect(_row(page, "Four people")).to_have_count(0)
        assert page.url.endswith("/recordings?label=night")

        page.reload()
        expect(_row(page, "roger.wav")).to_be_visible()
        expect(_row(page, "Four people")).to_have_count(0)
        expect(page.get_by_label("Label", exact=True)).to_have_value("night")

        page.get_by_label("State").select_option("done")
        expect(page.get_by_text("No recording is like that")).to_be_visible()
        page.go_back()
        expect(_row(page, "roger.wav")).to_be_visible()
        expect(page.get_by_label("State")).to_have_value("")

        page.get_by_role("button", name="Clear the filter").click()
        expect(_row(page, "Four people")).to_be_visible()


def test_they_come_in_any_order_and_more_are_shown_on_demand(
    browser: Browser, kept: Library, channels: list[Samples], tmp_path: Path
) -> None:
    for number in range(52):
        file = _wave(tmp_path / f"piece {number:02}.wav", channels[0][number * 800 :][:8000])
        kept.submit(file, name=file.stem, transcribe="false", labels="piece")
    rows = "tr.mg-rec"
    with looking(browser, _url(kept)) as page:
        page.goto("/recordings?label=piece")
        expect(page.locator(rows)).to_have_count(50)
        expect(page.locator(rows).first).to_contain_text("piece 51")

        page.get_by_label("Order").select_option("Oldest first")
        expect(page.locator(rows).first).to_contain_text("piece 00")
        assert "order=oldest" in page.url
        page.get_by_role("button", name="Show more").click()

        expect(page.locator(rows)).to_have_count(52)
        expect(page.locator(rows).last).to_contain_text("piece 51")
        expect(page.get_by_role("button", name="Show more")).to_be_hidden()


def test_a_name_with_html_is_text(browser: Browser, kept: Library, speech: Path) -> None:
    name = "<img src=x onerror=alert(1)>"
    kept.submit(speech, name=name, labels="<b>loud</b>", transcribe="false")
    with looking(browser, _url(kept)) as page:
        page.goto("/recordings")

        row = _row(page, name)
        expect(row.get_by_role("link")).to_have_text(name)
        expect(row.get_by_role("button", name="<b>loud</b>")).to_be_visible()


def test_it_is_renamed_labelled_and_deleted_and_what_is_typed_stays(
    browser: Browser, kept: Library, speech: Path
) -> None:
    made = kept.submit(speech, labels="night", transcribe="false")
    path = f"/v1/recordings/{made['recording']['id']}"
    with looking(browser, _url(kept)) as page:
        page.goto("/recordings")
        _menu(page, "roger.wav", "Rename")
        page.get_by_label("Name", exact=True).fill("Roger that")
        kept.http.patch(path, json={"labels": ["night", "seen"]})
        expect(page.get_by_text("seen", exact=True)).to_be_attached()
        expect(page.get_by_label("Name", exact=True)).to_have_value("Roger that")
        page.get_by_role("button", name="Save").click()
        expect(_row(page, "Roger that")).to_be_visible()

        _menu(page, "Roger that", "Labels")
        page.get_by_role("dialog").get_by_label("night").uncheck()
        page.get_by_label("Add labels").fill("day, dawn")
        page.get_by_role("button", name="Save").click()
        expect(_row(page, "Roger that").get_by_text("dawn")).to_be_visible()
        assert kept.http.get(path).json()["labels"] == ["dawn", "day", "seen"]

        _menu(page, "Roger that", "Delete")
        page.get_by_role("button", name="Delete").last.click()
        expect(_row(page, "Roger that")).to_have_count(0)
        assert kept.http.get(path).status_code == 404


def test_several_are_labelled_and_deleted_at_once(
    browser: Browser, kept: Library, channels: list[Samples], tmp_path: Path
) -> None:
    for number in range(3):
        file = _wave(tmp_path / f"watch {number}.wav", channels[number][: (20 + number) * RATE])
        kept.submit(file, transcribe="false")
    with looking(browser, _url(kept)) as page:
        page.goto("/recordings?name=watch")
        page.get_by_label("Choose watch 0.wav").check()
        page.get_by_label("Choose watch 2.wav").check()
        bar = page.locator(".mg-rec-bar")
        expect(bar).to_contain_text("2 chosen")
        bar.get_by_role("button", name="Labels").click()
        page.get_by_role("textbox", name="Add labels").fill("both")
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".mg-chip", has_text="both")).to_have_count(2)
        expect(bar).to_be_hidden()

        page.get_by_label("Choose all").check()
        bar.get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()

        expect(page.get_by_text("No recording is like that")).to_be_visible()


def test_a_viewer_sees_all_and_changes_nothing(
    browser: Browser, models: Path, speech: Path, tmp_path: Path
) -> None:
    secret = "a-key-that-nobody-guesses"
    more = {**REAL, "MALGWI_MODELS": str(models), "MALGWI_ENGINE__KEYS": secret}
    with library(tmp_path, **more) as running:
        running.http.headers["authorization"] = f"Bearer {secret}"
        running.submit(speech, labels="night", transcribe="false")
        made = running.http.post("/v1/keys", json={"name": "reads", "role": "viewer"}).json()
        with looking(browser, _url(running)) as page:
            page.goto("/sign-in")
            answer = page.request.post(
                "/v1/session",
                data={"key": made["secret"]},
                headers={"sec-fetch-site": "same-origin"},
            )
            assert answer.ok, answer.text()
            page.goto("/recordings")

            expect(_row(page, "roger.wav")).to_be_visible()
            expect(page.get_by_role("button", name="Upload")).to_have_count(0)
            expect(page.locator("mg-uploads")).to_have_count(0)
            expect(page.get_by_role("checkbox")).to_have_count(0)
            _row(page, "roger.wav").get_by_role("button", name="more").click()
            expect(page.get_by_role("button", name="Delete")).to_have_count(0)


def _url(service: Library) -> str:
    return str(service.http.base_url)


def _ids(service: Library) -> set[str]:
    found = service.http.get("/v1/recordings", params={"limit": 1000}).json()
    return {each["id"] for each in found["items"]}


def _wave(path: Path, sound: Samples) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    return path


def _other(sample: Path, path: Path) -> Path:
    """The sample, as another recording of the same length."""
    with wave.open(str(sample), "rb") as file:
        parameters, frames = file.getparams(), file.readframes(file.getnframes())
    sound = np.frombuffer(frames, "<i2").reshape(-1, parameters.nchannels)[:, ::-1]
    with wave.open(str(path), "wb") as file:
        file.setparams(parameters)
        file.writeframes(np.ascontiguousarray(sound).tobytes())
    return path


def _row(page: Page, name: str) -> Locator:
    return page.locator("tr.mg-rec").filter(has=page.get_by_role("link", name=name, exact=True))


def _tray(page: Page) -> Locator:
    return page.get_by_role("region", name="Uploads")


def _menu(page: Page, name: str, entry: str) -> None:
    _row(page, name).get_by_role("button", name="more").click()
    page.locator("#mg-rec-menu").get_by_role("button", name=entry).click()


def _choose(page: Page, *files: Path) -> None:
    page.locator("input[type=file]").set_input_files([str(each) for each in files])


def _send(page: Page, *files: Path) -> None:
    _choose(page, *files)
    page.get_by_role("button", name="Upload the recording").click()


def _drop(page: Page, file: Path) -> None:
    page.locator("input[type=file]").wait_for(state="attached")
    carried = page.evaluate_handle(
        """([name, content]) => {
            const bytes = Uint8Array.from(atob(content), (each) => each.charCodeAt(0));
            const carried = new DataTransfer();
            carried.items.add(new File([bytes], name, { type: "audio/wav" }));
            return carried;
        }""",
        [file.name, base64.b64encode(file.read_bytes()).decode()],
    )
    page.dispatch_event("main", "dragover", {"dataTransfer": carried})
    expect(page.get_by_text("Drop to upload")).to_be_visible()
    page.dispatch_event("main", "drop", {"dataTransfer": carried})


def _offsets(page: Page) -> list[int]:
    """Where each piece began that was sent."""
    found: list[int] = []

    def asked(request: Request) -> None:
        if request.method == "PATCH":
            found.append(int(request.headers["upload-offset"]))

    page.on("request", asked)
    return found


def _line(service: Library) -> AbstractContextManager[Line]:
    """So slow that one can look at an upload."""
    return slow_line(urlsplit(_url(service)).port or 80, SLOW)


def _under_way(page: Page) -> None:
    bar = _tray(page).locator("progress")
    expect(bar).to_be_visible()
    page.wait_for_function("document.querySelector('.mg-up-tray progress').value > 0.2")


def _sum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _came(service: Library, name: str) -> list[str]:
    found = service.http.get("/v1/recordings", params={"name": name}).json()["items"]
    return [part["sha256"] for each in found for part in each["media"]]


def _alike(page: Page, *files: tuple[str, float]) -> list[list[str]]:
    looked = [{"file": {"name": name, "size": 1000}, "seconds": seconds} for name, seconds in files]
    found: list[list[str]] = page.evaluate(
        """async (looked) => {
            const { alike } = await import("/static/uploads/channels.js");
            return alike(looked).map((group) => group.map((each) => each.file.name));
        }""",
        looked,
    )
    return found

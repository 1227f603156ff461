"""whisper-asr-webservice, as Bazarr and Speakr call it."""

from typing import Any

import httpx
import pytest
from apps.transcription.dialects.desk import Desk, Rehearsed, recording, samples_of
from gateway.serving import until

CALL = recording([0, 3])
FILE = {"audio_file": ("call 1.wav", CALL)}


def asked(at: Desk, files: Any = None, **query: str) -> httpx.Response:
    return at.post("/asr", params=query, files=files or FILE)


def test_text_is_a_line_a_segment_and_a_file_to_save(at: Desk) -> None:
    answer = asked(at)

    assert answer.text == "Good morning, tower.\nRoger.\n"
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["content-disposition"] == 'attachment; filename="call%201.wav.txt"'
    assert answer.headers["asr-engine"] == "scripted"


def test_speakr_asks_for_json_with_words(at: Desk) -> None:
    answer = asked(
        at,
        encode="true",
        task="transcribe",
        language="",
        initial_prompt="",
        word_timestamps="true",
        output="json",
    ).json()

    assert (answer["language"], answer["text"]) == ("en", "Good morning, tower. Roger.")
    assert [each["text"] for each in answer["segments"]] == [" Good morning, tower.", " Roger."]
    assert answer["segments"][1]["words"][0].keys() == {"word", "start", "end", "probability"}


def test_words_are_not_there_unless_they_are_asked_for(at: Desk) -> None:
    answer = asked(at, output="json").json()

    assert "words" not in answer["segments"][0]


def test_bazarr_sends_samples_without_a_header(at: Desk) -> None:
    files = {"audio_file": ("audio_file", samples_of(CALL))}

    subtitles = asked(at, files, task="transcribe", language="en", output="srt", encode="false")
    told = at.post("/detect-language", params={"encode": "false"}, files=files).json()

    assert subtitles.text.startswith("1\n00:00:00,")
    assert "Good morning, tower." in subtitles.text
    assert (told["detected_language"], told["language_code"]) == ("english", "en")
    until(lambda: not at.files())


def test_a_file_that_is_said_to_be_samples_is_still_a_file(at: Desk) -> None:
    answer = asked(at, {"audio_file": ("radio.wav", recording([0], [1]))}, encode="false")

    assert answer.headers["x-malgwi-channels"] == "2"


def test_tsv_has_whole_milliseconds(at: Desk) -> None:
    head, first, second = asked(at, output="tsv").text.splitlines()

    start, end, text = first.split("\t")
    assert head == "start\tend\ttext"
    assert int(start) == pytest.approx(0, abs=200)
    assert int(end) == pytest.approx(1000, abs=200)
    assert text == "Good morning, tower."
    assert second.endswith("\tRoger.")


def test_subtitles_for_the_web(at: Desk) -> None:
    assert asked(at, output="vtt").text.startswith("WEBVTT\n")


def test_task_language_and_prompt_reach_the_engine(at: Desk, engine: Rehearsed) -> None:
    engine.heard.clear()

    asked(at, task="translate", language="korean", initial_prompt="At the airport.")

    heard = {(each.task, each.language, each.prompt) for each in engine.heard}
    assert heard == {("translate", "ko", "At the airport.")}


def test_the_language_of_each_channel(at: Desk) -> None:
    files = {"audio_file": ("radio.wav", recording([0], [2]))}

    answer = at.post("/detect-language", files=files).json()

    assert (answer["language_code"], answer["confidence"]) == ("ko", 0.9)
    codes = [each["language_code"] for each in answer["x_malgwi"]["channels"]]
    assert codes == ["en", "ko"]


def test_speakers_are_not_told_apart_and_that_is_said(at: Desk) -> None:
    answer = asked(at, diarize="true", min_speakers="2")

    assert answer.status_code == 400
    assert "diarize" in answer.json()["detail"]


def test_what_changes_nothing_is_said(at: Desk) -> None:
    answer = asked(at, vad_filter="false", min_speakers="2")

    assert answer.status_code == 200
    assert answer.headers["x-malgwi-ignored"] == "min_speakers,vad_filter"


@pytest.mark.parametrize("query", [{"output": "docx"}, {"task": "sing"}, {"encode": "perhaps"}])
def test_a_query_that_makes_no_sense_is_refused(at: Desk, query: dict[str, str]) -> None:
    answer = asked(at, **query)

    assert answer.status_code == 400
    assert next(iter(query)) in answer.json()["detail"]


def test_without_a_file_the_field_is_named(at: Desk) -> None:
    answer = at.post("/asr", data={"x": "y"})

    assert answer.status_code == 400
    assert "audio_file" in answer.json()["detail"]

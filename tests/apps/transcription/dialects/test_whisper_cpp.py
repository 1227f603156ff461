"""whisper.cpp's server, as its clients know it: its paths, shapes and sentences."""

import pytest
from apps.transcription.dialects.desk import Desk, Rehearsed, recording

CALL = {"file": ("call.wav", recording([0, 3]))}
TEXT = " Good morning, tower.\n Roger.\n"


def test_a_line_a_segment_with_a_space_before_each(at: Desk) -> None:
    answer = at.post("/inference", files=CALL)

    assert answer.json()["text"] == TEXT


def test_text_is_plain_and_never_html(at: Desk) -> None:
    answer = at.post("/inference", files=CALL, data={"response_format": "text"})

    assert answer.text == TEXT
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_words_are_inside_segments_with_their_probability(at: Desk) -> None:
    answer = at.post("/inference", files=CALL, data={"response_format": "verbose_json"}).json()

    assert (answer["task"], answer["language"], answer["duration"]) == ("transcribe", "english", 8)
    first = answer["segments"][0]
    assert first["text"] == " Good morning, tower."
    assert [each["word"] for each in first["words"]] == [" Good", " morning,", " tower."]
    assert first["words"][0].keys() == {"word", "start", "end", "t_dtw", "probability"}
    assert first["words"][0]["probability"] == 0.9
    assert "words" not in answer
    assert answer["detected_language"] == "english"
    assert answer["language_probabilities"] == {"en": 0.8}


def test_where_the_language_is_given_none_is_detected(at: Desk, engine: Rehearsed) -> None:
    engine.heard.clear()

    answer = at.post(
        "/inference", files=CALL, data={"response_format": "verbose_json", "language": "Korean"}
    ).json()

    assert {each.language for each in engine.heard} == {"ko"}
    assert "detected_language" not in answer


def test_without_timestamps_there_are_none(at: Desk) -> None:
    answer = at.post(
        "/inference",
        files=CALL,
        data={"response_format": "verbose_json", "no_timestamps": "true"},
    ).json()

    first = answer["segments"][0]
    assert not {"start", "end"} & {*first, *first["words"][0]}


def test_only_the_language_can_be_asked_for(at: Desk) -> None:
    answer = at.post(
        "/inference",
        files={"file": ("call.wav", recording([2]))},
        data={"response_format": "verbose_json", "detect_language": "true"},
    ).json()

    assert (answer["language"], answer["detected_language_probability"]) == ("korean", 0.9)
    assert (answer["text"], answer["segments"]) == ("", [])


def test_subtitles_have_the_types_of_subtitles(at: Desk) -> None:
    srt = at.post("/inference", files=CALL, data={"response_format": "srt"})
    vtt = at.post("/inference", files=CALL, data={"response_format": "vtt"})

    assert srt.headers["content-type"].startswith("application/x-subrip")
    assert vtt.headers["content-type"].startswith("text/vtt")


def test_translation_and_prompt_reach_the_engine(at: Desk, engine: Rehearsed) -> None:
    engine.heard.clear()

    at.post("/inference", files=CALL, data={"translate": "true", "prompt": "At the airport."})

    assert {(each.task, each.prompt) for each in engine.heard} == {("translate", "At the airport.")}


def test_how_speech_is_found_can_be_said(at: Desk, engine: Rehearsed) -> None:
    engine.heard.clear()

    at.post(
        "/inference",
        files={"file": ("near.wav", recording([0, 3], pause=0.8))},
        data={"vad": "true", "vad_min_silence_duration_ms": "300", "vad_speech_pad_ms": "0"},
    )

    assert [round(each.duration, 1) for each in engine.heard] == [1.0, 1.0]


def test_without_a_file_the_sentence_is_theirs(at: Desk) -> None:
    answer = at.post("/inference", files={"sound": ("call.wav", b"")})

    assert answer.status_code == 400
    assert answer.json() == {"error": "no 'file' field in the request"}


def test_two_recordings_in_one_field_are_refused(at: Desk) -> None:
    answer = at.post("/inference", files=[("file", ("a.wav", b"a")), ("file", ("b.wav", b"b"))])

    assert answer.status_code == 400
    assert "several files called 'file'" in answer.json()["error"]
    assert at.files() == []


def test_the_many_knobs_of_another_decoder_are_ignored_and_said(at: Desk) -> None:
    knobs = {
        "temperature": "0.0", "temperature_inc": "0.2", "best_of": "2", "beam_size": "-1",
        "split_on_word": "false", "vad": "false",
    }  # fmt: skip

    answer = at.post("/inference", files=CALL, data=knobs)

    assert answer.json()["x_malgwi"]["ignored"] == [
        "beam_size",
        "best_of",
        "temperature_inc",
        "vad",
    ]


@pytest.mark.parametrize("field", ["offset_t", "duration", "diarize", "tinydiarize"])
def test_what_would_give_another_text_is_refused(at: Desk, field: str) -> None:
    answer = at.post("/inference", files=CALL, data={field: "1"})

    assert answer.status_code == 400
    assert field in answer.json()["error"]


def test_a_model_is_loaded_by_its_name(at: Desk) -> None:
    answer = at.post("/load", files={"model": (None, "scripted")})

    assert (answer.status_code, answer.text) == (200, "Load was successful!")


@pytest.mark.parametrize("path", ["models/ggml-base.en.bin", "/etc/passwd", "../scripted"])
def test_a_path_from_outside_is_no_model(at: Desk, path: str) -> None:
    answer = at.post("/load", data={"model": path})

    assert answer.status_code == 400
    assert answer.json() == {"error": "model not found! Known: scripted."}


def test_load_without_a_model_says_so(at: Desk) -> None:
    answer = at.post("/load", data={"x": "y"})

    assert answer.status_code == 400
    assert answer.json() == {"error": "no 'model' field in the request"}


def test_health_is_where_clients_look_for_it(at: Desk) -> None:
    answer = at.get("/health")

    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"

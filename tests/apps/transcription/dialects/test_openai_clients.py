"""What the world's clients send: each of these once broke some other server."""

import uuid
from typing import Any

import httpx
import pytest
from apps.transcription.dialects.desk import Desk, Rehearsed, recording
from gateway.serving import until

TRANSCRIPTIONS = "/v1/audio/transcriptions"
CALL = ("call.wav", recording([0, 3]), "audio/wav")
TEXT = "Good morning, tower. Roger."


def transcribed(at: Desk, **fields: Any) -> httpx.Response:
    return at.post(TRANSCRIPTIONS, files={"file": CALL}, data=fields)


def by_hand(parts: list[tuple[str, bytes]]) -> dict[str, Any]:
    """A form whose parts come in exactly this order, with these headers."""
    boundary = uuid.uuid4().hex
    body = b"".join(
        f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + value + b"\r\n"
        for head, value in parts
    )
    return {
        "content": body + f"--{boundary}--\r\n".encode(),
        "headers": {"Content-Type": f"multipart/form-data; boundary={boundary}"},
    }


def test_open_webui_reads_the_text_and_on_failure_the_message(at: Desk) -> None:
    bearer = {"Authorization": "Bearer anything"}
    files = {"file": ("voice.webm", CALL[1], "audio/webm")}
    heard = at.post(TRANSCRIPTIONS, files=files, data={"model": "whisper-1"}, headers=bearer)
    files = {"file": ("voice.webm", b"", "audio/webm")}
    failed = at.post(TRANSCRIPTIONS, files=files, data={"model": "whisper-1"}, headers=bearer)

    assert heard.json()["text"] == TEXT
    assert failed.status_code == 400
    assert isinstance(failed.json()["error"]["message"], str)


def test_n8n_sends_a_fixed_model_and_a_temperature(at: Desk) -> None:
    answer = transcribed(at, model="whisper-1", language="en", temperature="0")

    assert answer.json()["text"] == TEXT
    assert answer.json()["x_malgwi"]["ignored"] == []


def test_subtitle_edit_sends_whisper_cpps_fields_too_and_the_file_first(at: Desk) -> None:
    form = by_hand(
        [
            ('name="file"; filename="film.wav"\r\nContent-Type: application/octet-stream', CALL[1]),
            ('name="temperature"', b"0.0"),
            ('name="temperature_inc"', b"0.2"),
            ('name="response_format"', b"srt"),
            ('name="language"', b"en"),
        ]
    )

    answer = at.post(TRANSCRIPTIONS, **form)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.startswith("1\n00:00:00,")
    assert answer.headers["x-malgwi-ignored"] == "temperature_inc"


def test_the_file_may_come_last(at: Desk) -> None:
    form = by_hand(
        [
            ('name="response_format"', b"text"),
            ('name="model"', b"whisper-1"),
            ('name="file"; filename="a.wav"', CALL[1]),
        ]
    )

    assert at.post(TRANSCRIPTIONS, **form).text == f"{TEXT}\n"


def test_an_empty_field_is_one_that_is_not_there(at: Desk) -> None:
    fields = (
        "model", "language", "languages", "prompt", "keywords", "response_format", "temperature",
        "timestamp_granularities[]", "include[]", "stream", "chunking_strategy",
        "known_speaker_names[]", "x_malgwi_vad", "x_malgwi_lane",
    )  # fmt: skip

    answer = transcribed(at, **dict.fromkeys(fields, ""))

    assert answer.json()["text"] == TEXT
    assert answer.json()["x_malgwi"]["ignored"] == []


@pytest.mark.parametrize("name", ["timestamp_granularities", "timestamp_granularities[]"])
def test_a_list_is_taken_with_and_without_brackets(at: Desk, name: str) -> None:
    answer = transcribed(at, response_format="verbose_json", **{name: ["word"]}).json()

    assert len(answer["words"]) == 4
    assert answer["segments"] == []


def test_unknown_fields_are_ignored_and_said(at: Desk) -> None:
    answer = transcribed(at, hallucination_silence_threshold="2", best_of="", **{"odd name": "x"})

    assert answer.json()["x_malgwi"]["ignored"] == ["hallucination_silence_threshold", "odd?name"]
    assert answer.headers["x-malgwi-ignored"] == "hallucination_silence_threshold,odd?name"


def test_what_changes_nothing_is_said(at: Desk) -> None:
    answer = transcribed(
        at,
        temperature="0.4",
        language="en",
        languages=["en", "ko"],
        timestamp_granularities="word",
    )

    assert answer.json()["x_malgwi"]["ignored"] == [
        "temperature",
        "languages",
        "timestamp_granularities",
    ]


def test_segments_are_a_list_where_nobody_speaks(at: Desk) -> None:
    files = {"file": ("quiet.wav", recording([None]))}
    answer = at.post(TRANSCRIPTIONS, files=files, data={"response_format": "verbose_json"}).json()

    assert (answer["text"], answer["segments"], answer["language"]) == ("", [], None)


def test_a_language_that_is_called_auto_is_detected(at: Desk, engine: Rehearsed) -> None:
    answer = transcribed(at, language="auto").json()

    assert answer["languages"] == [{"code": "en"}]


def test_a_language_by_a_wrong_name_is_refused_with_the_right_one(at: Desk) -> None:
    answer = transcribed(at, language="kor")

    assert answer.status_code == 400
    assert "Did you mean ko?" in answer.json()["error"]["message"]


def test_without_a_file_the_field_is_named(at: Desk) -> None:
    answer = at.post(TRANSCRIPTIONS, data={"model": "whisper-1"})

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "file"


def test_a_body_that_is_no_form_is_refused(at: Desk) -> None:
    answer = at.post(TRANSCRIPTIONS, json={"file": "call.wav"})

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_request"


def test_a_piece_that_was_cut_elsewhere_is_heard_whole(at: Desk, engine: Rehearsed) -> None:
    engine.heard.clear()

    at.post(
        TRANSCRIPTIONS,
        files={"file": ("piece.wav", recording([0, 3], pause=12.0))},
        data={"x_malgwi_vad": "false"},
    )

    assert [round(each.duration) for each in engine.heard] == [26]


def test_a_model_is_loaded_and_unloaded_by_its_name(at: Desk) -> None:
    loaded = at.post("/v1/models/scripted/load").json()
    unloaded = at.post("/v1/models/scripted/unload")
    missing = at.post("/v1/models/some-maker/some-model/load")

    assert (loaded["id"], loaded["x_malgwi"]["loaded"]) == ("scripted", True)
    assert loaded["x_malgwi"]["device"] == "cpu"
    assert unloaded.status_code == 200
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "model_not_found"


def test_no_upload_stays(at: Desk) -> None:
    transcribed(at)
    at.post(TRANSCRIPTIONS, files={"file": ("a.wav", b"not sound")})

    until(lambda: not at.files())

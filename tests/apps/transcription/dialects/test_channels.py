"""More than one channel is never mixed down, in no dialect, and whoever reads it can tell."""

from typing import Any

import pytest
from apps.transcription.dialects.desk import Desk, recording

RADIO = recording([0, None, 3], [None, 1, None])
TEXT = "Good morning, tower. Ready for take-off. Roger."


def test_the_text_is_merged_and_the_segments_say_whose_they_are(at: Desk) -> None:
    answer = at.post(
        "/v1/audio/transcriptions",
        files={"file": ("radio.wav", RADIO)},
        data={"response_format": "verbose_json", "timestamp_granularities[]": ["word", "segment"]},
    )

    said = answer.json()
    assert said["text"] == TEXT
    whose = [
        (each["x_malgwi"]["channel"], each["x_malgwi"]["channel_label"])
        for each in said["segments"]
    ]
    assert whose == [(0, "ch01"), (1, "ch02"), (0, "ch01")]
    assert [each["x_malgwi"]["channel"] for each in said["words"]] == [0] * 3 + [1] * 3 + [0]
    assert answer.headers["x-malgwi-channels"] == "2"


def test_each_channel_has_its_language_and_the_top_that_of_most_speech(at: Desk) -> None:
    answer = at.post(
        "/v1/audio/transcriptions",
        files={"file": ("radio.wav", recording([0, None], [2, 2]))},
        data={"response_format": "verbose_json"},
    ).json()

    assert answer["language"] == "korean"
    assert [
        (each["label"], each["language"], each["language_probability"])
        for each in answer["x_malgwi"]["channels"]
    ] == [("ch01", "en", 0.8), ("ch02", "ko", 0.9)]


@pytest.mark.parametrize(
    ("path", "ask"),
    [
        ("/v1/audio/transcriptions", {"data": {"response_format": "srt"}}),
        ("/inference", {"data": {"response_format": "srt"}}),
        ("/asr?output=srt", {}),
    ],
)
def test_subtitles_name_the_channel(at: Desk, path: str, ask: dict[str, Any]) -> None:
    field = "audio_file" if path.startswith("/asr") else "file"

    answer = at.post(path, files={field: ("radio.wav", RADIO)}, **ask)

    assert "\nch01: Good morning, tower.\n" in answer.text
    assert "\nch02: Ready for take-off.\n" in answer.text
    assert answer.headers["x-malgwi-channels"] == "2"


def test_lines_of_text_name_the_channel(at: Desk) -> None:
    answer = at.post("/asr", files={"audio_file": ("radio.wav", RADIO)})

    assert answer.text.splitlines() == [
        "ch01: Good morning, tower.",
        "ch02: Ready for take-off.",
        "ch01: Roger.",
    ]


def test_deepgram_without_multichannel_has_all_channels_and_a_warning(at: Desk) -> None:
    answer = at.post("/v1/listen", content=RADIO).json()

    said = [each["alternatives"][0]["transcript"] for each in answer["results"]["channels"]]
    assert said == ["Good morning, tower. Roger.", "Ready for take-off."]
    [warning] = answer["metadata"]["warnings"]
    assert (warning["parameter"], warning["type"]) == ("multichannel", "channels_not_mixed")


def test_deepgram_with_multichannel_has_nothing_to_warn_of(at: Desk) -> None:
    answer = at.post("/v1/listen?multichannel=true", content=RADIO).json()

    assert len(answer["results"]["channels"]) == 2
    assert "warnings" not in answer["metadata"]

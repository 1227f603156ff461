"""OpenAI's own client against our door: what it sends is taken, what it reads is there."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from apps.transcription.dialects.desk import Desk, Rehearsed, desk, recording
from openai import OpenAI

from malgwi.testing import OneEngine

CALL = ("call.wav", recording([0, 3]))
TEXT = "Good morning, tower. Roger."


@pytest.fixture(scope="module")
def client(at: Desk) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{at.url}/v1", api_key="anything", max_retries=0) as client:
        yield client


def test_the_text_of_a_recording(client: OpenAI) -> None:
    answer = client.audio.transcriptions.create(model="whisper-1", file=CALL)

    assert answer.text == TEXT
    assert answer.usage and answer.usage.type == "duration"
    assert answer.usage.seconds == 8.0
    assert answer.languages and answer.languages[0].code == "en"


def test_the_probabilities_of_words_stand_where_openai_has_tokens(client: OpenAI) -> None:
    answer = client.audio.transcriptions.create(model="whisper-1", file=CALL, include=["logprobs"])

    assert answer.logprobs
    assert "".join(each.token or "" for each in answer.logprobs).strip() == TEXT
    assert {each.logprob for each in answer.logprobs} == {-0.1054}
    assert answer.logprobs[0].bytes == list(b" Good")


def test_verbose_json_has_segments_and_no_words_unless_they_are_asked_for(client: OpenAI) -> None:
    answer = client.audio.transcriptions.create(
        model="whisper-1", file=CALL, response_format="verbose_json"
    )

    assert (answer.text, answer.language, answer.duration) == (TEXT, "english", 8.0)
    assert answer.segments and [each.text for each in answer.segments] == [
        " Good morning, tower.",
        " Roger.",
    ]
    first = answer.segments[0]
    assert (first.id, first.seek, first.tokens, first.temperature) == (0, 0, [], 0.0)
    assert (first.avg_logprob, first.no_speech_prob) == (-0.1054, 0.05)
    assert 0.5 < first.compression_ratio < 1.5
    assert first.start == pytest.approx(0.0, abs=0.2)
    assert first.end == pytest.approx(1.0, abs=0.2)
    assert "words" not in answer.model_fields_set


def test_words_have_times_and_no_spaces_around_them(client: OpenAI) -> None:
    answer = client.audio.transcriptions.create(
        model="whisper-1",
        file=CALL,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )

    assert answer.words
    assert [each.word for each in answer.words] == ["Good", "morning,", "tower.", "Roger."]
    assert all(each.start < each.end for each in answer.words)
    assert answer.segments and len(answer.segments) == 2


def test_text_and_subtitles_are_plain_text(client: OpenAI) -> None:
    create = client.audio.transcriptions.create

    text = create(model="whisper-1", file=CALL, response_format="text")
    srt = create(model="whisper-1", file=CALL, response_format="srt")
    vtt = create(model="whisper-1", file=CALL, response_format="vtt")

    assert text == f"{TEXT}\n"
    assert srt.startswith("1\n00:00:00,")
    assert "\nGood morning, tower.\n\n2\n" in srt
    assert vtt.startswith("WEBVTT\n\n00:00:00.")


def test_what_a_client_leans_on_reaches_the_engine(client: OpenAI, engine: Rehearsed) -> None:
    engine.heard.clear()

    client.audio.transcriptions.create(
        model="whisper-1",
        file=CALL,
        language="ko",
        prompt="At the airport.",
        keywords=["tower", "runway"],
        extra_body={"hotwords": "Incheon"},
    )

    assert {each.language for each in engine.heard} == {"ko"}
    assert {each.prompt for each in engine.heard} == {"At the airport."}
    assert {each.hotwords for each in engine.heard} == {"Incheon, tower, runway"}


def test_one_of_several_languages_is_detected(client: OpenAI, engine: Rehearsed) -> None:
    engine.heard.clear()

    client.audio.transcriptions.create(model="whisper-1", file=CALL, languages=["ko"])

    assert {each.language for each in engine.heard} == {"ko"}


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # so the SDK says of it
def test_a_translation_asks_the_engine_for_english(client: OpenAI, engine: Rehearsed) -> None:
    engine.heard.clear()

    plain = client.audio.translations.create(model="whisper-1", file=CALL)
    verbose = client.audio.translations.create(
        model="whisper-1", file=("ko.wav", recording([2])), response_format="verbose_json"
    )

    assert plain.text == TEXT
    assert {each.task for each in engine.heard} == {"translate"}
    assert verbose.language == "english"
    assert verbose.segments and len(verbose.segments) == 1


def test_a_silence_is_shorter_where_the_chunking_strategy_says_so(
    client: OpenAI, engine: Rehearsed
) -> None:
    near = ("near.wav", recording([0, 3], pause=0.8))
    create = client.audio.transcriptions.create

    engine.heard.clear()
    create(model="whisper-1", file=near, chunking_strategy="auto")
    as_always = len(engine.heard)
    engine.heard.clear()
    soon: Any = {"type": "server_vad", "silence_duration_ms": 300}
    create(model="whisper-1", file=near, chunking_strategy=soon)

    assert (as_always, len(engine.heard)) == (1, 2)


def test_deltas_put_together_are_the_text(client: OpenAI) -> None:
    with client.audio.transcriptions.create(
        model="whisper-1", file=CALL, stream=True, include=["logprobs"]
    ) as stream:
        events = list(stream)

    *deltas, done = events
    assert [each.type for each in deltas] == ["transcript.text.delta"] * 2
    assert done.type == "transcript.text.done"
    assert done.text == TEXT
    assert "".join(each.delta for each in deltas if each.type == "transcript.text.delta") == TEXT
    assert done.usage
    assert done.logprobs and len(done.logprobs) == 4


def test_models_are_listed_and_found(client: OpenAI) -> None:
    listed = client.models.list()
    found = client.models.retrieve("scripted")

    assert [each.id for each in listed] == ["scripted"]
    assert (found.id, found.object, found.owned_by) == ("scripted", "model", "malgwi")


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"response_format": "xml"}, "response_format"),
        ({"temperature": 1.5}, "temperature"),
        ({"chunking_strategy": "sometimes"}, "chunking_strategy"),
        ({"chunking_strategy": {"type": "server_vad", "threshold": 7}}, "chunking_strategy"),
        ({"timestamp_granularities": ["letter"]}, "timestamp_granularities"),
        ({"extra_body": {"x_malgwi_lane": "tomorrow"}}, "x_malgwi_lane"),
    ],
)
def test_a_field_that_makes_no_sense_is_named(
    client: OpenAI, asked: dict[str, object], field: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.transcriptions.create(model="whisper-1", file=CALL, **asked)  # type: ignore[call-overload]

    assert caught.value.param == field
    assert caught.value.code == "invalid_request"
    assert caught.value.type == "invalid_request_error"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"response_format": "diarized_json"}, "response_format"),
        ({"known_speaker_names": ["agent"]}, "known_speaker_names"),
        (
            {"known_speaker_references": ["data:audio/wav;base64,AAAA"]},
            "known_speaker_references",
        ),
        ({"stream": True, "response_format": "srt"}, "response_format"),
    ],
)
def test_what_is_not_done_is_refused_and_not_left_out(
    client: OpenAI, asked: dict[str, object], field: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.transcriptions.create(model="whisper-1", file=CALL, **asked)  # type: ignore[call-overload]

    assert (caught.value.code, caught.value.param) == ("unsupported", field)


def test_what_is_no_recording_is_refused(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"not sound"))

    assert caught.value.code == "invalid_audio"
    assert "a.wav" in caught.value.message


def test_a_stream_of_what_is_no_recording_is_refused_before_it_begins(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.transcriptions.create(
            model="whisper-1", file=("a.wav", b"not sound"), stream=True
        )

    assert caught.value.code == "invalid_audio"


def test_a_model_that_is_not_here_is_not_found(client: OpenAI) -> None:
    for ask in (
        lambda: client.audio.transcriptions.create(model="whisper-9", file=CALL),
        lambda: client.models.retrieve("whisper-9"),
    ):
        with pytest.raises(openai.NotFoundError) as caught:
            ask()
        assert caught.value.code == "model_not_found"


def test_without_the_right_key_nothing_is_done(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("spool")
    with desk(OneEngine(Rehearsed()), folder, keys=["a-key-of-sixteen-letters"]) as at:
        ask = OpenAI(base_url=f"{at.url}/v1", api_key="another", max_retries=0)
        with ask, pytest.raises(openai.AuthenticationError) as caught:
            ask.audio.transcriptions.create(model="whisper-1", file=CALL)
        ask = OpenAI(base_url=f"{at.url}/v1", api_key="a-key-of-sixteen-letters")
        with ask:
            heard = ask.audio.transcriptions.create(model="whisper-1", file=CALL)

    assert caught.value.code == "invalid_api_key"
    assert heard.text == TEXT

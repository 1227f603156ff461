"""Deepgram's own client against our door, and what it leaves to curl."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from apps.transcription.dialects.desk import Desk, Rehearsed, desk, recording, samples_of
from deepgram import DeepgramClient
from deepgram.core.api_error import ApiError
from deepgram.environment import DeepgramClientEnvironment
from deepgram.errors import BadRequestError
from deepgram.types import ListenV1Response
from gateway.serving import until

from malgwi.testing import OneEngine

pytestmark = pytest.mark.filterwarnings("ignore:websockets:DeprecationWarning")  # the SDK's own

CALL = recording([0, 3])
RADIO = recording([0, None, 3], [None, 1, None])


@pytest.fixture(scope="module")
def client(at: Desk) -> Iterator[DeepgramClient]:
    with client_of(at, "any") as client:
        yield client


@contextmanager
def client_of(at: Desk, key: str) -> Iterator[DeepgramClient]:
    nowhere = "ws://127.0.0.1:1"
    where = DeepgramClientEnvironment(
        base=at.url, production=nowhere, agent=nowhere, agent_rest=at.url
    )
    with httpx.Client(timeout=30) as connections:
        yield DeepgramClient(api_key=key, environment=where, httpx_client=connections)


def listened(client: DeepgramClient, sound: bytes, **how: Any) -> ListenV1Response:
    answer = client.listen.v1.media.transcribe_file(request=sound, **how)
    assert isinstance(answer, ListenV1Response)
    return answer


def test_a_word_is_bare_and_as_it_is_written(client: DeepgramClient) -> None:
    answer = listened(client, CALL, smart_format=True, punctuate=True)

    [alternative] = answer.results.channels[0].alternatives or []
    assert alternative.transcript == "Good morning, tower. Roger."
    assert alternative.confidence == 0.9
    words = alternative.words or []
    assert [each.word for each in words] == ["good", "morning", "tower", "roger"]
    assert words[1].model_extra == {"punctuated_word": "morning,"}
    assert words[1].start and words[1].end and words[1].start < words[1].end


def test_a_result_a_channel_and_utterances_in_their_order(client: DeepgramClient) -> None:
    answer = listened(client, RADIO, multichannel=True, utterances=True)

    said = [(each.alternatives or [])[0].transcript for each in answer.results.channels]
    assert said == ["Good morning, tower. Roger.", "Ready for take-off."]
    assert [(each.channel, each.transcript) for each in answer.results.utterances or []] == [
        (0, "Good morning, tower."),
        (1, "Ready for take-off."),
        (0, "Roger."),
    ]
    assert answer.metadata.channels == 2


def test_the_metadata_is_that_of_the_upload_and_the_engine(client: DeepgramClient) -> None:
    metadata = listened(client, CALL).metadata

    assert metadata.sha256 == hashlib.sha256(CALL).hexdigest()
    assert (metadata.duration, metadata.channels, metadata.models) == (8.0, 1, ["scripted"])
    assert metadata.model_info["scripted"]["arch"] == "scripted"
    assert metadata.request_id
    assert metadata.created.tzinfo


def test_an_utterance_ends_at_the_pause_that_is_asked_for(client: DeepgramClient) -> None:
    said = [
        len(listened(client, CALL, utterances=True, utt_split=split).results.utterances or [])
        for split in (0.8, 4.0)
    ]

    assert said == [2, 1]


def test_paragraphs_have_sentences(at: Desk) -> None:
    parted, whole = (
        at.post(f"/v1/listen?paragraphs=true&utt_split={split}", content=CALL).json()["results"][
            "channels"
        ][0]["alternatives"][0]["paragraphs"]
        for split in (0.8, 4.0)
    )

    assert parted["transcript"] == "Good morning, tower.\n\nRoger."
    assert [each["num_words"] for each in parted["paragraphs"]] == [3, 1]
    assert whole["transcript"] == "Good morning, tower. Roger."
    [paragraph] = whole["paragraphs"]
    sentences = [each["text"] for each in paragraph["sentences"]]
    assert sentences == ["Good morning, tower.", "Roger."]


def test_the_request_has_one_id_everywhere(at: Desk) -> None:
    answer = at.post("/v1/listen", content=CALL, headers={"X-Request-ID": "call-17"})

    assert answer.json()["metadata"]["request_id"] == "call-17"
    assert answer.headers["x-request-id"] == "call-17"


def test_the_region_of_a_language_does_not_count(client: DeepgramClient, engine: Rehearsed) -> None:
    engine.heard.clear()

    answer = listened(client, CALL, language="ko-KR", keyterm=["tower"], keywords=["runway:2"])

    heard = {(each.language, each.hotwords) for each in engine.heard}
    assert heard == {("ko", "tower, runway")}
    assert answer.results.channels[0].detected_language is None


def test_a_language_is_detected_and_how_surely(at: Desk, engine: Rehearsed) -> None:
    for query in (
        "detect_language=true&language=ko",
        "language=multi",
        "detect_language=en&detect_language=ko",
    ):
        [channel] = at.post(f"/v1/listen?{query}", content=CALL).json()["results"]["channels"]

        assert (channel["detected_language"], channel["language_confidence"]) == ("en", 0.8), query


def test_where_nobody_speaks_the_confidence_is_null(at: Desk) -> None:
    answer = at.post("/v1/listen", content=recording([None])).json()

    [alternative] = answer["results"]["channels"][0]["alternatives"]
    assert alternative == {"transcript": "", "confidence": None, "words": []}


def test_samples_without_a_header_are_taken_with_their_rate(at: Desk) -> None:
    query = "encoding=linear16&sample_rate=16000&channels=2&multichannel=true"

    answer = at.post(f"/v1/listen?{query}", content=samples_of(RADIO)).json()

    assert len(answer["results"]["channels"]) == 2
    assert answer["metadata"]["sha256"] == hashlib.sha256(samples_of(RADIO)).hexdigest()
    until(lambda: not at.files())


def test_what_changes_nothing_is_warned_of(client: DeepgramClient) -> None:
    answer = listened(client, CALL, numerals=True, profanity_filter=False)

    assert answer.metadata.model_extra
    [warning] = answer.metadata.model_extra["warnings"]
    assert (warning["parameter"], warning["type"]) == ("numerals", "ignored")


@pytest.mark.parametrize(
    "query",
    ["diarize=true", "diarize_model=latest", "callback=http://127.0.0.1/", "redact=pci",
     "encoding=opus", "utt_split=soon"],
)  # fmt: skip
def test_what_would_be_missed_is_refused(at: Desk, query: str) -> None:
    answer = at.post(f"/v1/listen?{query}", content=CALL)

    assert answer.status_code == 400
    said = answer.json()
    assert said.keys() == {"err_code", "err_msg", "request_id"}
    assert said["err_code"] == "Bad Request"
    assert query.partition("=")[0] in said["err_msg"]
    assert said["request_id"] == answer.headers["x-request-id"]


def test_the_client_raises_what_it_raises_for_deepgram(client: DeepgramClient) -> None:
    with pytest.raises(BadRequestError) as caught:
        listened(client, b"not sound")

    assert caught.value.body["err_code"] == "Bad Request"
    assert caught.value.body["err_msg"].startswith("the upload ")
    with pytest.raises(ApiError) as missing:
        listened(client, CALL, model="nova-99")
    assert missing.value.status_code == 404


def test_a_token_is_a_key(tmp_path: Path) -> None:
    key = "a-key-of-sixteen-letters"
    with (
        desk(OneEngine(Rehearsed()), tmp_path, keys=[key]) as at,
        client_of(at, key) as known,
        client_of(at, "another") as unknown,
    ):
        answer = listened(known, CALL)
        with pytest.raises(ApiError) as caught:
            listened(unknown, CALL)

    assert answer.metadata.channels == 1
    assert caught.value.status_code == 401
    assert caught.value.body["err_code"] == "INVALID_AUTH"


@pytest.fixture
def shelf() -> Iterator[str]:
    """The address of a recording."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(CALL)))
            self.end_headers()
            self.wfile.write(CALL)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_recording_is_fetched_from_where_the_operator_allows(tmp_path: Path, shelf: str) -> None:
    with (
        desk(OneEngine(Rehearsed()), tmp_path, hosts=[shelf]) as at,
        client_of(at, "any") as client,
    ):
        answer = client.listen.v1.media.transcribe_url(url=f"http://{shelf}/call.wav")
        until(lambda: not at.files())

    assert isinstance(answer, ListenV1Response)
    assert answer.metadata.sha256 == hashlib.sha256(CALL).hexdigest()
    assert answer.metadata.duration == 8.0


def test_it_is_not_fetched_from_elsewhere(client: DeepgramClient, shelf: str) -> None:
    with pytest.raises(BadRequestError):
        client.listen.v1.media.transcribe_url(url=f"http://{shelf}/call.wav")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"url": 3}', b'{"uri": "http://a"}'])
def test_json_without_an_address_is_refused(at: Desk, body: bytes) -> None:
    answer = at.post("/v1/listen", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert "JSON" in answer.json()["err_msg"]

"""Where too much is waiting, a client is told when to come back, before it has sent anything."""

import socket
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from apps.transcription.dialects.desk import Desk, Rehearsed, desk, recording
from gateway.serving import post, status_in
from openai import OpenAI

from malgwi.errors import Overloaded
from malgwi.scheduling import Lane
from malgwi.testing import OneEngine

CALL = recording([0])


class Crowded(OneEngine):
    """Has room for live speech only."""

    def admit(self, lane: Lane) -> None:
        if lane is not Lane.LIVE:
            raise Overloaded("120 s of sound are waiting. Come back later.", 17)


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(Crowded(Rehearsed()), tmp_path_factory.mktemp("spool")) as at:
        yield at


def test_openais_client_hears_when_to_come_back(crowded: Desk) -> None:
    with (
        OpenAI(base_url=f"{crowded.url}/v1", api_key="any", max_retries=0) as client,
        pytest.raises(openai.RateLimitError) as caught,
    ):
        client.audio.transcriptions.create(model="whisper-1", file=("a.wav", CALL))

    assert caught.value.response.headers["retry-after"] == "17"
    assert (caught.value.code, caught.value.type) == ("overloaded", "rate_limit_error")


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/inference", "error"),
        ("/asr", "detail"),
        ("/detect-language", "detail"),
        ("/v1/listen", "err_msg"),
    ],
)
def test_every_dialect_says_it_in_its_own_way(crowded: Desk, path: str, key: str) -> None:
    answer = crowded.post(path, files={"file": ("a.wav", CALL)})

    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "17"
    assert answer.json()[key] == "120 s of sound are waiting. Come back later."


def test_the_answer_comes_before_the_upload(crowded: Desk) -> None:
    host, _, port = crowded.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(post("/v1/audio/transcriptions", 10_000_000, "multipart/form-data"))

        answer = connection.recv(100)

    assert status_in(answer) == 429


def test_the_lane_is_said_in_a_header(crowded: Desk) -> None:
    ask = {"files": {"file": ("a.wav", CALL)}, "headers": {"X-Malgwi-Lane": "live"}}

    answer = crowded.post("/v1/audio/transcriptions", **ask)

    assert answer.json()["text"] == "Good morning, tower."


def test_a_lane_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with desk(OneEngine(Rehearsed()), tmp_path) as at:
        answer = at.post("/v1/listen", content=CALL, headers={"X-Malgwi-Lane": "fast"})

    assert answer.status_code == 400
    assert "live, interactive, batch" in answer.json()["err_msg"]

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from stt.web import Answer, Answerer, Asked, Cut, serving, unpacked

from malgwi.errors import BadOption, EngineFailed, EngineGone
from malgwi.stt.http_client import Patience, Refused, Server, api_key, base_address, shown, wav
from malgwi.types import SAMPLE_RATE, Samples

SOUND: Samples = np.sin(np.arange(2 * SAMPLE_RATE, dtype=np.float32))
HASTY = Patience(attempts=3, first_wait=0.01, longest_wait=0.05)
SAID = "the patient said that"


def server(endpoint: str, *, parallel: int = 2, timeout: float = 20.0, key: str = "") -> Server:
    return Server(endpoint, parallel=parallel, timeout=timeout, api_key=key, patience=HASTY)


def in_turn(*answers: Answer | type[Cut]) -> Answerer:
    """Answers one after the other, the last one for ever."""
    left = list(answers)

    def answer(asked: Asked) -> Answer:
        now = left.pop(0) if len(left) > 1 else left[0]
        if not isinstance(now, Answer):
            raise now
        return now

    return answer


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nothing listens, and nothing will for the length of the test."""
    with serving(in_turn(Answer())) as web:
        address = web.address
    yield address


def test_a_piece_goes_out_as_wav_with_its_fields() -> None:
    with serving(in_turn(Answer({"text": "yes"}))) as web:
        answer = server(web.address).ask("/hear", SOUND, {"a": "1", "b[]": ["2", "3"]})

    assert answer == {"text": "yes"}
    [asked] = web.asked
    assert asked.fields == {"a": ["1"], "b[]": ["2", "3"]}
    assert asked.sound is not None
    assert np.abs(asked.sound - SOUND).max() < 1e-4


def test_a_short_piece_has_silence_behind_it() -> None:
    sound = unpacked(wav(SOUND[:160]))

    assert len(sound) == SAMPLE_RATE
    assert not sound[160:].any()


def test_sound_beyond_full_scale_is_cut_off_and_not_turned_over() -> None:
    sound = unpacked(wav(np.array([2.0, -2.0], np.float32)))

    assert sound[:2] == pytest.approx([1.0, -1.0], abs=1e-3)


@pytest.mark.parametrize("first", [Answer(status=429), Answer(status=503), Answer(status=502), Cut])
def test_what_may_pass_is_tried_again(first: Answer | type[Cut]) -> None:
    with serving(in_turn(first, Answer({"text": "yes"}))) as web:
        assert server(web.address).ask("/hear", SOUND, {}) == {"text": "yes"}

    assert len(web.asked) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 415, 422, 500])
def test_what_will_not_pass_is_not_tried_again(status: int) -> None:
    with serving(in_turn(Answer(status=status))) as web, pytest.raises(Refused) as caught:
        server(web.address).ask("/hear", SOUND, {})

    assert caught.value.status == status
    assert len(web.asked) == 1


@pytest.mark.parametrize("always", [Answer(status=429), Answer(status=503), Cut])
def test_the_engine_counts_as_gone_after_so_many_attempts(always: Answer | type[Cut]) -> None:
    with serving(in_turn(always)) as web, pytest.raises(EngineGone, match="3 attempts"):
        server(web.address).ask("/hear", SOUND, {})

    assert len(web.asked) == 3


def test_a_server_says_when_to_come_back_and_is_believed_within_bounds() -> None:
    patience = Patience(first_wait=0.5, longest_wait=30.0)

    assert [patience.wait(1, asked) for asked in (2.0, 3600.0)] == [2.0, 30.0]
    assert 0.25 <= patience.wait(1, None) <= 0.5
    assert 1.0 <= patience.wait(3, 0.1) <= 2.0


def test_retry_after_is_waited_for() -> None:
    busy = Answer(status=429, headers={"Retry-After": "1"})
    patient = Patience(first_wait=0.01)
    with serving(in_turn(busy, Answer({}))) as web:
        began = time.monotonic()
        Server(web.address, parallel=1, timeout=5.0, patience=patient).ask("/hear", SOUND, {})

    assert 1.0 <= time.monotonic() - began < 3.0


def test_an_engine_that_hangs_is_given_up_once_its_time_is_over() -> None:
    over = threading.Event()

    def hang(asked: Asked) -> Answer:
        over.wait(20)
        return Answer({})

    with serving(hang) as web:
        with pytest.raises(EngineGone, match=r"within 0\.2 s"):
            server(web.address, timeout=0.2).ask("/hear", SOUND, {})
        over.set()

    assert len(web.asked) == 1


def test_where_nobody_listens_the_message_says_where_and_what_to_do(nobody: str) -> None:
    with pytest.raises(EngineGone) as caught:
        server(nobody.replace("http://", "http://anna:secret@")).ask("/hear", SOUND, {})

    message = str(caught.value)
    assert nobody in message
    assert "host.docker.internal" in message
    assert "secret" not in message
    assert "anna" not in message


@pytest.mark.parametrize("body", ["", "<html>", "[1]", '"text"', "{", '{"a": NaN'])
def test_an_answer_that_is_no_json_object_is_a_failure(body: str) -> None:
    with serving(in_turn(Answer(body))) as web, pytest.raises(EngineFailed, match="should be"):
        server(web.address).ask("/hear", SOUND, {})


@pytest.mark.parametrize("status", [200, 400, 401, 500, 503])
def test_no_message_holds_what_the_server_said(status: int) -> None:
    said = Answer({"error": {"message": SAID, "code": "bad_file", "param": SAID}}, status)
    if status == 200:
        said = Answer(SAID)

    with serving(in_turn(said)) as web, pytest.raises(EngineFailed) as caught:
        server(web.address).ask("/hear", SOUND, {"prompt": SAID})

    assert SAID not in str(caught.value)
    assert status == 200 or "bad_file" in str(caught.value)


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_not_taken_is_told_from_other_troubles(status: int) -> None:
    with (
        serving(in_turn(Answer(status=status))) as web,
        pytest.raises(EngineFailed, match="api_key_file") as caught,
    ):
        server(web.address, key="sk-secret").ask("/hear", SOUND, {})

    assert "sk-secret" not in str(caught.value)


def test_a_redirect_is_not_followed_with_sound_and_key() -> None:
    with serving(in_turn(Answer({}))) as elsewhere:
        away = Answer(status=307, headers={"Location": elsewhere.address + "/hear"})
        with serving(in_turn(away)) as web, pytest.raises(Refused, match="another address"):
            server(web.address, key="sk-secret").ask("/hear", SOUND, {})

    assert not elsewhere.asked


def test_the_key_is_sent_and_none_where_there_is_none() -> None:
    with serving(in_turn(Answer({}))) as web:
        server(web.address, key="sk-1").ask("/hear", SOUND, {})
        server(web.address).ask("/hear", SOUND, {})

    assert [each.headers.get("authorization") for each in web.asked] == ["Bearer sk-1", None]


def waiting_for(count: int) -> tuple[Answerer, threading.Barrier]:
    """Answers when `count` requests are there at the same time."""
    barrier = threading.Barrier(count)

    def answer(asked: Asked) -> Answer:
        barrier.wait(20)
        return Answer({"path": asked.path})

    return answer, barrier


def test_pieces_are_asked_for_at_the_same_time_and_answered_in_order() -> None:
    together, _ = waiting_for(3)
    with serving(together) as web:
        client = server(web.address, parallel=3)
        answers = client.each(lambda path: client.ask(path, SOUND, {}), ["/1", "/2", "/3"])

    assert answers == [{"path": "/1"}, {"path": "/2"}, {"path": "/3"}]


def test_no_more_requests_than_allowed_are_under_way_whoever_calls() -> None:
    with serving(in_turn(Answer({}))) as web:
        client = server(web.address, parallel=2)

        def call() -> None:
            client.each(lambda path: client.ask(path, SOUND, {}), ["/"] * 8)

        threads = [threading.Thread(target=call) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)

    assert len(web.asked) == 24
    assert web.most_at_once <= 2


def test_the_first_failure_ends_what_has_not_begun() -> None:
    with serving(in_turn(Answer(status=400))) as web:
        client = server(web.address, parallel=1)
        with pytest.raises(Refused):
            client.each(lambda path: client.ask(path, SOUND, {}), ["/"] * 20)
        client.each(client.get, ["/last"])  # behind all that is still waiting

    assert web.paths()[-1] == "/last"
    assert len(web.asked) <= 3


@pytest.mark.parametrize(
    ("endpoint", "base"),
    [
        ("http://a:1", "http://a:1"),
        (" http://a:1/ ", "http://a:1"),
        ("https://a/v1", "https://a"),
        ("http://a/v1/", "http://a"),
        ("http://a/speech/v1", "http://a/speech"),
        ("http://me:pass@a:1/v1", "http://a:1"),
        ("http://[::1]:8", "http://[::1]:8"),
    ],
)
def test_an_endpoint_may_end_in_v1(endpoint: str, base: str) -> None:
    assert shown(base_address(endpoint)) == base


@pytest.mark.parametrize("endpoint", ["", "a:1", "ftp://a", "file:///etc", "http://", "http://a?b"])
def test_what_is_no_endpoint_is_refused(endpoint: str) -> None:
    with pytest.raises(BadOption, match="endpoint"):
        base_address(endpoint)


@pytest.mark.parametrize(("parallel", "timeout"), [(0, 1.0), (1, 0.0)])
def test_numbers_that_make_no_sense_are_refused(parallel: int, timeout: float) -> None:
    with pytest.raises(BadOption, match="parallel"):
        Server("http://a", parallel=parallel, timeout=timeout)


def test_a_path_in_the_endpoint_stays() -> None:
    with serving(in_turn(Answer({}))) as web:
        server(web.address + "/speech/v1").get("/v1/models")

    assert web.paths() == ["/speech/v1/models"]


def test_a_proxy_is_not_asked_for_what_is_in_here(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(in_turn(Answer({}))) as proxy, serving(in_turn(Answer({}))) as web:
        monkeypatch.setenv("HTTP_PROXY", proxy.address)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        server(web.address).get("/here")
        server("http://engine.invalid").get("/there")

    assert web.paths() == ["/here"]
    assert proxy.paths() == ["http://engine.invalid/there"]


def test_the_key_comes_from_a_file_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.write_text("sk-file\n")
    monkeypatch.setenv("STT_API_KEY", "sk-environment")

    assert [api_key(file), api_key(None)] == ["sk-file", "sk-environment"]


@pytest.mark.parametrize("content", [None, "", "two words", "열쇠"])
def test_a_file_without_a_key_is_refused_by_its_name_only(
    content: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_text(content, "utf-8")

    with pytest.raises(BadOption, match=str(file)) as caught:
        api_key(file)

    assert not content or content not in str(caught.value)

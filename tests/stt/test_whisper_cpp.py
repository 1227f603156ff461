"""The client against a real whisper-server, and against what one does when it goes wrong.

tools/whisper_cpp.sh builds the server and its model; without them the first part is skipped.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from stt.web import Answer, Answerer, Asked, serving
from stt.whisper_server import whisper_server

from malgwi import stt
from malgwi.errors import BadOption, EngineFailed, EngineGone
from malgwi.stt import CANARY_TEXT, LanguageGuess, Piece, canary, check_heard
from malgwi.stt.whisper_cpp import WhisperCpp
from malgwi.types import SAMPLE_RATE, Samples, Span, Word, written

SOUND: Samples = np.sin(np.arange(2 * SAMPLE_RATE, dtype=np.float32))
ENGLISH = Piece(SOUND, "en")
SECRET = "the patient said that"


@pytest.fixture(scope="module")
def real() -> Iterator[str]:
    """The address of a real whisper-server."""
    with whisper_server() as address:
        yield address


@pytest.fixture(scope="module")
def whisper(real: str) -> WhisperCpp:
    return WhisperCpp(endpoint=real)


@pytest.mark.slow
def test_a_real_server_is_known_for_what_it_is(real: str) -> None:
    assert stt.probe(real) == "whisper-cpp"


@pytest.mark.slow
def test_a_real_server_tells_the_words_of_the_canary_and_when_they_were(
    whisper: WhisperCpp,
) -> None:
    [heard] = whisper.transcribe([Piece(canary().samples)])

    check_heard(heard, whisper.engine)
    assert heard.language == "en"
    assert len(heard.words) == len(CANARY_TEXT.split())
    assert all(word.text.startswith(" ") and word.confidence for word in heard.words)
    assert heard.words[-1].span.end > 2.0


@pytest.mark.slow
def test_a_real_server_says_how_sure_it_is_of_a_language(whisper: WhisperCpp) -> None:
    [guess] = whisper.detect_language([canary()], ["ko", "en"])

    assert guess.language == "en"
    assert 0.5 < guess.probability <= 1.0


@pytest.mark.slow
def test_a_real_server_refuses_what_is_no_sound(real: str) -> None:
    answer = httpx.post(real + "/inference", files={"file": ("a.wav", b"nothing")}, trust_env=False)

    assert answer.status_code == 400  # a plain text, not the JSON that its source has


def segment(*tokens: tuple[str, float, float], text: str | None = None) -> dict[str, Any]:
    words = [
        {"word": part, "start": start, "end": end, "t_dtw": -1, "probability": 0.5}
        for part, start, end in tokens
    ]
    whole = "".join(part for part, _, _ in tokens) if text is None else text
    return {
        "id": 0,
        "text": whole,
        "start": 0.0,
        "end": 2.0,
        "tokens": [1] * len(tokens),
        "words": words,
        "avg_logprob": -0.25,
        "no_speech_prob": 0.1,
    }


def heard_as(*segments: dict[str, Any], language: str = "english") -> dict[str, Any]:
    return {"task": "transcribe", "language": language, "text": "", "segments": list(segments)}


def server(hear: Callable[[Asked], Any], *, multilingual: bool = True) -> Answerer:
    """Answers what `hear` says, once it has been found out whether it knows Korean."""

    def answer(asked: Asked) -> Answer:
        if asked.path != "/inference":
            return Answer("File Not Found", 404)
        if asked.value("audio_ctx"):  # only asked for when it is tried out
            return Answer(heard_as(language="korean" if multilingual else "english"))
        found = hear(asked)
        return found if isinstance(found, Answer) else Answer(found)

    return answer


YES = heard_as(segment((" Ye", 0.1, 0.3), ("s", 0.3, 0.4), (",", 0.4, 0.5), (" it", 0.6, 0.7)))


def test_parts_of_words_are_put_together() -> None:
    with serving(server(lambda asked: YES)) as web:
        [heard] = WhisperCpp(endpoint=web.address).transcribe([ENGLISH])

    assert heard.words == (Word(" Yes,", Span(0.1, 0.5), 0.5), Word(" it", Span(0.6, 0.7), 0.5))
    assert heard.doubt is None


def test_a_probability_that_is_of_another_request_is_not_believed() -> None:
    with serving(server(lambda asked: YES)) as web:
        [heard] = WhisperCpp(endpoint=web.address).transcribe([ENGLISH])

    assert web.asked[-1].value("no_speech_thold") == "1"
    assert heard.no_speech is None


def test_a_segment_begins_a_word_where_its_language_has_spaces() -> None:
    parts = segment(("One", 0.0, 0.5)), segment(("Two", 0.5, 1.0))
    with serving(server(lambda asked: heard_as(*parts))) as web:
        engine = WhisperCpp(endpoint=web.address)
        [english, japanese] = engine.transcribe([ENGLISH, Piece(SOUND, "ja")])

    assert (written(english.words), written(japanese.words)) == ("One Two", "OneTwo")


def test_japanese_keeps_its_tokens_for_words() -> None:
    answer = heard_as(segment(("今日", 0.0, 0.5), ("は", 0.5, 0.7), ("雨", 0.7, 1.0)))
    with serving(server(lambda asked: answer)) as web:
        [heard] = WhisperCpp(endpoint=web.address).transcribe([Piece(SOUND, "ja")])

    assert [word.text for word in heard.words] == ["今日", "は", "雨"]


def test_letters_that_were_cut_in_two_are_read_from_the_text() -> None:
    halves = segment((" 관\ufffd", 0.0, 0.5), ("\ufffd탑", 0.5, 1.0), text=" 관제탑 여기는")
    with serving(server(lambda asked: heard_as(halves))) as web:
        [heard] = WhisperCpp(endpoint=web.address).transcribe([Piece(SOUND, "ko")])

    assert [word.text for word in heard.words] == [" 관제탑", " 여기는"]


def test_json_is_read_whatever_the_server_calls_it() -> None:
    html = Answer(YES, headers={"Content-Type": "text/html"})
    with serving(server(lambda asked: html)) as web:
        [heard] = WhisperCpp(endpoint=web.address).transcribe([ENGLISH])

    assert written(heard.words) == "Yes, it"


def test_the_request_leaves_nothing_to_chance_or_to_the_request_before() -> None:
    with serving(server(lambda asked: YES)) as web:
        WhisperCpp(endpoint=web.address).transcribe([ENGLISH])

    fields = web.asked[-1].fields
    assert (fields["temperature"], fields["temperature_inc"]) == (["0"], ["0"])
    assert (fields["max_context"], fields["language"]) == (["0"], ["en"])
    assert fields["translate"] == ["false"]


def test_prompt_hot_words_and_task_are_handed_on() -> None:
    piece = Piece(SOUND, None, prompt="before", hotwords="names", task="translate")
    with serving(server(lambda asked: {**YES, "language": "korean"})) as web:
        [heard] = WhisperCpp(endpoint=web.address).transcribe([piece])

    fields = web.asked[-1].fields
    assert (fields["prompt"], fields["translate"]) == (["names before"], ["true"])
    assert fields["language"] == ["auto"]
    assert "max_context" not in fields  # it would take the prompt away
    assert (heard.language, written(heard.words)) == ("ko", "Yes, it")


def test_one_request_at_a_time_for_there_is_one_lock_over_there() -> None:
    with serving(server(lambda asked: YES)) as web:
        engine = WhisperCpp(endpoint=web.address)
        threads = [threading.Thread(target=engine.transcribe, args=([ENGLISH] * 4,)) for _ in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)

    assert len(web.asked) == 9
    assert web.most_at_once == 1


def test_a_model_for_english_is_not_given_korean() -> None:
    with serving(server(lambda asked: YES, multilingual=False)) as web:
        engine = WhisperCpp(endpoint=web.address)
        with pytest.raises(BadOption, match="'ko'"):
            engine.transcribe([Piece(SOUND, "ko")])
        with pytest.raises(BadOption, match="English"):
            engine.detect_language([ENGLISH])
        with pytest.raises(BadOption, match="English"):
            engine.transcribe([Piece(SOUND, "en", task="translate")])

    assert engine.capabilities.languages == {"en"}
    assert "English" in engine.engine.model


def test_a_language_that_would_break_the_server_is_not_sent() -> None:
    with serving(server(lambda asked: YES)) as web:
        engine = WhisperCpp(endpoint=web.address)
        with pytest.raises(BadOption, match="xx"):
            engine.transcribe([ENGLISH, Piece(SOUND, "xx")])
        with pytest.raises(BadOption, match="xx"):
            engine.detect_language([ENGLISH], ["xx"])

    assert len(web.asked) == 1


def test_a_guess_is_the_likeliest_of_the_languages_that_are_possible() -> None:
    sure = {"en": 0.875, "ko": 0.0625, "de": 0.0625 / 3}
    answer = {**heard_as(), "language_probabilities": sure}
    with serving(server(lambda asked: answer)) as web:
        engine = WhisperCpp(endpoint=web.address)
        free = engine.detect_language([Piece(SOUND)])
        held = engine.detect_language([Piece(SOUND)], ["de", "ko"])

        rare = engine.detect_language([Piece(SOUND)], ["ja"])

    assert free[0].language == "en"
    assert free[0].probability == pytest.approx(0.875 / (0.875 + 0.0625 * 4 / 3))
    assert held == [LanguageGuess("ko", 0.75)]
    assert rare == [LanguageGuess("ja", 0.0)]


def test_a_server_too_old_to_say_how_sure_it_is_is_not_believed() -> None:
    with (
        serving(server(lambda asked: heard_as())) as web,
        pytest.raises(EngineFailed, match="newer"),
    ):
        WhisperCpp(endpoint=web.address).detect_language([Piece(SOUND)])


def test_another_path_for_inference_is_told_from_a_server_that_is_gone() -> None:
    with (
        serving(lambda asked: Answer("File Not Found", 404)) as web,
        pytest.raises(EngineFailed, match="--inference-path"),
    ):
        WhisperCpp(endpoint=web.address)


@pytest.mark.parametrize(
    "answer",
    [
        Answer("{"),
        Answer({}),
        Answer(heard_as(language="klingon")),
        Answer({"language": "english", "segments": SECRET}),
        Answer({"language": "english", "segments": [{"text": SECRET, "words": [SECRET]}]}),
        Answer({"error": SECRET}, 400),
        Answer(SECRET, 500),
    ],
)
def test_whatever_the_server_answers_is_an_error_of_ours_without_what_was_said(
    answer: Answer,
) -> None:
    with serving(server(lambda asked: answer)) as web:
        engine = WhisperCpp(endpoint=web.address)
        with pytest.raises(EngineFailed) as caught:
            engine.transcribe([Piece(SOUND, prompt=SECRET)])

    assert SECRET not in str(caught.value)


def test_a_server_that_was_busy_for_a_moment_is_asked_again() -> None:
    answers = iter([Answer(status=503), YES])
    with serving(server(lambda asked: next(answers))) as web:
        [heard] = WhisperCpp(endpoint=web.address).transcribe([ENGLISH])

    assert written(heard.words) == "Yes, it"


def test_a_server_that_is_stuck_is_gone_once_its_time_is_over() -> None:
    over = threading.Event()

    def stuck(asked: Asked) -> Any:
        over.wait(20)
        return YES

    with serving(server(stuck)) as web:
        engine = WhisperCpp(endpoint=web.address, timeout=0.3)
        with pytest.raises(EngineGone, match=r"0\.3 s"):
            engine.transcribe([ENGLISH])
        over.set()


@pytest.mark.slow
def test_a_server_that_dies_later_is_gone() -> None:
    with serving(server(lambda asked: YES)) as web:
        engine = WhisperCpp(endpoint=web.address)

    with pytest.raises(EngineGone, match=web.address):
        engine.transcribe([ENGLISH])

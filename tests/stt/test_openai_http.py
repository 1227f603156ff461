import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stt.web import Answer, Answerer, Asked, openai, serving, verbose

from malgwi.errors import BadOption, EngineFailed, EngineGone
from malgwi.stt import LanguageGuess, Piece, spread_evenly
from malgwi.stt.base import Recognition
from malgwi.stt.openai_http import OpenAIHttp
from malgwi.testing import ScriptedTranscriber
from malgwi.types import SAMPLE_RATE, Samples, Span, written

SOUND: Samples = np.sin(np.arange(2 * SAMPLE_RATE, dtype=np.float32))
ENGLISH = Piece(SOUND, "en")
HEARD: dict[str, Any] = verbose(Recognition(spread_evenly("Yes, it was.", 2.0), "en", 0.1), 2.0)
SECRET = "the patient said that"


def server(
    answer: Callable[[Asked], Any] = lambda asked: HEARD,
    models: tuple[str, ...] = ("whisper-1",),
    owner: str = "somebody",
) -> Answerer:
    """Lists these models, and hears what `answer` says; the first time when it is tried out."""

    def answerer(asked: Asked) -> Answer:
        if asked.path == "/v1/models":
            return Answer({"data": [{"id": each, "owned_by": owner} for each in models]})
        found = answer(asked)
        return found if isinstance(found, Answer) else Answer(found)

    return answerer


def refusing(*fields: str) -> Callable[[Asked], Any]:
    """Hears in text alone, and answers 400 to any of these values."""

    def answer(asked: Asked) -> Any:
        for name, values in asked.fields.items():
            if set(values) & set(fields):
                return Answer({"error": {"message": f"unsupported {name}", "param": name}}, 400)
        verbose_json = asked.value("response_format") == "verbose_json"
        plain = {"text": HEARD["text"]}
        return {**HEARD, "words": None} if verbose_json else plain

    return answer


def test_words_come_with_marks_spaces_times_and_the_confidence_of_their_segment() -> None:
    with serving(server()) as web:
        [heard] = OpenAIHttp(endpoint=web.address).transcribe([ENGLISH])

    assert [word.text for word in heard.words] == [" Yes,", " it", " was."]
    assert heard.words[1].span == Span(2.0 * (1 / 3), 2.0 * (2 / 3))
    assert [word.confidence for word in heard.words] == [pytest.approx(math.exp(-0.25))] * 3
    assert (heard.language, heard.no_speech, heard.doubt) == ("en", 0.1, None)


def test_the_request_says_what_the_piece_says() -> None:
    piece = Piece(SOUND, "ko", prompt="관제탑", hotwords="인천, 김포")
    with serving(server()) as web:
        OpenAIHttp(endpoint=web.address + "/v1").transcribe([piece])

    asked = web.asked[-1]
    assert asked.path == "/v1/audio/transcriptions"
    assert asked.fields == {
        "model": ["whisper-1"],
        "response_format": ["verbose_json"],
        "timestamp_granularities[]": ["word", "segment"],
        "temperature": ["0"],
        "language": ["ko"],
        "prompt": ["인천, 김포 관제탑"],
    }


def test_our_own_server_is_told_and_tells_more_than_others() -> None:
    extras = {
        "device": "cuda",
        "model": "whisper-base",
        "channels": [{"language": "ko", "language_probability": 0.75}],
    }
    sure = [{"token": each, "logprob": math.log(0.5)} for each in (" Yes,", " it", " was.")]
    ours = {**HEARD, "logprobs": sure, "x_malgwi": extras}
    with serving(server(lambda asked: ours, owner="malgwi")) as web:
        engine = OpenAIHttp(endpoint=web.address)
        [heard] = engine.transcribe([Piece(SOUND, "ko", prompt="before", hotwords="names")])
        guesses = engine.detect_language([Piece(SOUND)], ["ko", "ja"])

    fields = web.asked[2].fields
    assert (fields["prompt"], fields["hotwords"]) == (["before"], ["names"])
    assert fields["x_malgwi_vad"] == ["false"]
    assert web.asked[3].fields["languages[]"] == ["ja", "ko"]
    assert (engine.engine.device, engine.engine.model) == ("cuda", "whisper-base")
    assert [word.confidence for word in heard.words] == pytest.approx([0.5] * 3)
    assert guesses == [LanguageGuess("ko", 0.75)]


def test_nothing_heard_needs_no_language() -> None:
    silent = {**HEARD, "language": None, "text": "", "segments": [], "words": []}
    with serving(server(lambda asked: silent)) as web:
        engine = OpenAIHttp(endpoint=web.address)
        [heard] = engine.transcribe([Piece(SOUND)])
        [guess] = engine.detect_language([Piece(SOUND)])

    assert heard.words == ()
    assert guess.probability == 0.0


def test_a_step_down_of_our_own_server_is_known_from_its_next_answer() -> None:
    devices = iter(["cuda", "cuda", "cpu"])

    def answer(asked: Asked) -> Any:
        device = next(devices)
        return {**HEARD, "x_malgwi": {"device": device, "fallback_reason": device + " it is"}}

    with serving(server(answer, owner="malgwi")) as web:
        engine = OpenAIHttp(endpoint=web.address)
        engine.transcribe([ENGLISH])
        before = engine.engine
        engine.transcribe([ENGLISH])

    assert (before.device, engine.engine.device) == ("cuda", "cpu")
    assert engine.engine.fallback_reason == "cpu it is"


def test_translation_is_asked_for_at_its_own_path() -> None:
    with serving(server(lambda asked: {**HEARD, "words": None})) as web:
        engine = OpenAIHttp(endpoint=web.address)
        [heard] = engine.transcribe([Piece(SOUND, "ko", task="translate")])

    asked = web.asked[-1]
    assert asked.path == "/v1/audio/translations"
    assert not {"language", "timestamp_granularities[]"} & set(asked.fields)
    assert (heard.language, written(heard.words)) == ("ko", "Yes, it was.")
    assert engine.capabilities.word_times  # which nobody asked it for here


@pytest.mark.parametrize(
    ("refused", "word_times", "detects"),
    [(("word", "segment"), False, True), (("verbose_json",), False, False)],
)
def test_a_server_that_can_say_less_is_asked_for_less(
    refused: tuple[str, ...], word_times: bool, detects: bool
) -> None:
    with serving(server(refusing(*refused))) as web:
        engine = OpenAIHttp(endpoint=web.address)
        [heard] = engine.transcribe([ENGLISH])

    assert engine.capabilities.word_times is word_times
    assert engine.capabilities.detects_language is detects
    assert written(heard.words) == "Yes, it was."
    assert [word.span.end for word in heard.words] == pytest.approx([2 / 3, 4 / 3, 2.0])


def test_a_model_that_has_no_verbose_json_is_not_called_missing() -> None:
    fault = {
        "message": "response_format 'verbose_json' is not compatible with model 'x'. Use 'json'.",
        "type": "invalid_request_error",
        "param": "response_format",
        "code": "unsupported_value",
    }

    def answer(asked: Asked) -> Any:
        verbose_json = asked.value("response_format") == "verbose_json"
        return Answer({"error": fault}, 400) if verbose_json else {"text": HEARD["text"]}

    with serving(server(answer)) as web:
        [heard] = OpenAIHttp(endpoint=web.address).transcribe([ENGLISH])

    assert written(heard.words) == "Yes, it was."


def test_without_a_language_in_the_answer_every_piece_has_to_name_its_own() -> None:
    with serving(server(refusing("verbose_json"))) as web:
        engine = OpenAIHttp(endpoint=web.address)
        with pytest.raises(BadOption, match="language"):
            engine.transcribe([Piece(SOUND)])
        with pytest.raises(BadOption, match="language"):
            engine.detect_language([Piece(SOUND)])


def test_a_server_that_promises_word_times_and_gives_none_is_found_out() -> None:
    with serving(server(lambda asked: {**HEARD, "words": None})) as web:
        engine = OpenAIHttp(endpoint=web.address)
        promised = engine.capabilities.word_times
        [heard] = engine.transcribe([ENGLISH])

    assert promised
    assert not engine.capabilities.word_times
    assert written(heard.words) == "Yes, it was."


def test_text_counts_where_the_words_do_not_fit_it() -> None:
    words = [{"word": "something", "start": 0.0, "end": 1.0}]
    with serving(server(lambda asked: {**HEARD, "words": words})) as web:
        [heard] = OpenAIHttp(endpoint=web.address).transcribe([ENGLISH])

    assert written(heard.words) == "Yes, it was."


def test_korean_keeps_the_spaces_of_its_text() -> None:
    korean = verbose(Recognition(spread_evenly("관제탑, 여기는 둘.", 2.0), "ko"), 2.0)
    with serving(server(lambda asked: korean)) as web:
        [heard] = OpenAIHttp(endpoint=web.address).transcribe([Piece(SOUND)])

    assert heard.language == "ko"
    assert [word.text for word in heard.words] == [" 관제탑,", " 여기는", " 둘."]


def test_a_loop_is_marked() -> None:
    loop = verbose(Recognition(spread_evenly("over and " * 40, 2.0), "en"), 2.0)
    with serving(server(lambda asked: loop)) as web:
        [heard] = OpenAIHttp(endpoint=web.address).transcribe([ENGLISH])

    assert heard.doubt == "loop"


def test_a_guess_is_held_to_the_languages_that_are_possible() -> None:
    def answer(asked: Asked) -> Any:
        sure = {"": -0.1, "ja": -1.0, "ko": -0.5}[asked.value("language")]
        return {**HEARD, "segments": [{"text": "x", "avg_logprob": sure, "tokens": [1]}]}

    with serving(server(answer)) as web:
        engine = OpenAIHttp(endpoint=web.address)
        [free] = engine.detect_language([Piece(SOUND)])
        [held] = engine.detect_language([Piece(SOUND)], ["ko", "ja"])
        with pytest.raises(BadOption, match="xx"):
            engine.detect_language([Piece(SOUND)], ["xx"])

    assert (free.language, held.language) == ("en", "ko")
    assert free.probability == pytest.approx(math.exp(-0.1))
    assert held.probability == pytest.approx(math.exp(-0.5))


@pytest.mark.parametrize(
    ("offered", "wanted", "taken"),
    [
        (("gpt-5", "whisper-1"), "", "whisper-1"),
        (("Systran/faster-whisper-small", "x"), "", "Systran/faster-whisper-small"),
        (("a", "b"), "b", "b"),
        (("a",), "an-alias", "an-alias"),
        ((), "", "whisper-1"),
    ],
)
def test_the_model_is_the_one_named_or_the_usual_one_or_the_first(
    offered: tuple[str, ...], wanted: str, taken: str
) -> None:
    with serving(server(models=offered)) as web:
        engine = OpenAIHttp(endpoint=web.address, model=wanted)

    assert engine.engine.model == taken
    assert web.asked[-1].value("model") == taken


def test_a_model_that_is_not_there_is_refused_with_those_that_are() -> None:
    unknown = Answer({"error": {"message": "The model does not exist", "code": "x"}}, 404)
    with (
        serving(server(lambda asked: unknown, ("small", "large"))) as web,
        pytest.raises(BadOption, match=r"no model 'medium'.*small, large"),
    ):
        OpenAIHttp(endpoint=web.address, model="medium")


def test_an_unknown_language_is_not_even_sent() -> None:
    with serving(server()) as web:
        engine = OpenAIHttp(endpoint=web.address)
        before = len(web.asked)
        with pytest.raises(BadOption, match="xx"):
            engine.transcribe([ENGLISH, Piece(SOUND, "xx")])

    assert len(web.asked) == before


def test_a_language_that_the_server_refuses_is_a_bad_option() -> None:
    def answer(asked: Asked) -> Any:
        refused = {"error": {"message": "Invalid language", "param": "language"}}
        return Answer(refused, 400) if asked.value("language") else HEARD

    with serving(server(answer)) as web, pytest.raises(BadOption, match="'haw'"):
        OpenAIHttp(endpoint=web.address).transcribe([Piece(SOUND, "haw")])


def test_the_key_is_read_from_its_file_and_sent_with_every_request(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-1\n")
    with serving(server()) as web:
        OpenAIHttp(endpoint=web.address, api_key_file=tmp_path / "key").transcribe([ENGLISH])

    assert {each.headers["authorization"] for each in web.asked} == {"Bearer sk-1"}


def test_a_wrong_key_is_said_when_the_engine_is_made() -> None:
    def shut(asked: Asked) -> Answer:
        return Answer({"error": {"code": "invalid_api_key"}}, 401)

    with serving(shut) as web, pytest.raises(EngineFailed, match=r"API key.*invalid_api_key"):
        OpenAIHttp(endpoint=web.address)


@pytest.mark.parametrize(
    "answer",
    [
        Answer("{"),
        Answer({}),
        Answer({"language": "klingon", "text": SECRET}),
        Answer({"text": SECRET}),  # in no language
        Answer({"language": "english", "text": SECRET, "segments": [SECRET]}),
        Answer({"language": "english", "text": SECRET, "words": {"word": SECRET}}),
        Answer({"error": {"message": SECRET}}, 400),
        Answer(SECRET, 500),
    ],
)
def test_whatever_the_server_answers_is_an_error_of_ours_without_what_was_said(
    answer: Answer,
) -> None:
    answers = iter([HEARD, answer])
    with serving(server(lambda asked: next(answers))) as web:
        engine = OpenAIHttp(endpoint=web.address)
        with pytest.raises(EngineFailed) as caught:
            engine.transcribe([Piece(SOUND, prompt=SECRET)])

    assert SECRET not in str(caught.value)


def test_a_server_that_was_busy_for_a_moment_is_asked_again() -> None:
    answers = iter([HEARD, Answer(status=503), Answer(status=429), HEARD])
    with serving(server(lambda asked: next(answers))) as web:
        [heard] = OpenAIHttp(endpoint=web.address).transcribe([ENGLISH])

    assert written(heard.words) == "Yes, it was."


@pytest.mark.slow
def test_a_server_that_dies_later_is_gone() -> None:
    with serving(server()) as web:
        engine = OpenAIHttp(endpoint=web.address)

    with pytest.raises(EngineGone, match=web.address):
        engine.transcribe([ENGLISH])


def test_pieces_are_asked_for_together_and_answered_in_order() -> None:
    barrier = threading.Barrier(3)

    def answer(asked: Asked) -> Any:
        if asked.value("language"):
            barrier.wait(20)
        text = {"en": "one", "ko": "two", "de": "three"}.get(asked.value("language"), "")
        return {"language": "english", "text": text}

    with serving(server(answer)) as web:
        engine = OpenAIHttp(endpoint=web.address, parallel=3)
        heard = engine.transcribe([Piece(SOUND, each) for each in ("en", "ko", "de")])

    assert [written(each.words) for each in heard] == ["one", "two", "three"]
    assert engine.capabilities.batch == 3


def test_it_hears_what_the_engine_behind_it_hears() -> None:
    scripted = ScriptedTranscriber(text="hello there")
    with serving(openai(scripted)) as web:
        [heard] = OpenAIHttp(endpoint=web.address).transcribe([Piece(SOUND)])

    assert written(heard.words) == "hello there"
    assert [each.span for each in heard.words] == [
        each.span for each in spread_evenly("hello there", 2.0)
    ]

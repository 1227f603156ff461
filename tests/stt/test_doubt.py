"""Loops and guesses are told from what people say."""

import pytest

from malgwi.stt.doubt import LOOP_RATIO, compression_ratio, doubt, token_limit

SPEECH = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the "
    "age of foolishness, it was the epoch of belief, it was the epoch of incredulity.",
    "Cleared to land, runway three four left, wind two seven zero at eight, after landing "
    "vacate second right and contact ground on one two one decimal niner.",
    "활주로 삼사 왼쪽에 착륙을 허가합니다. 바람은 이백칠십도 팔노트이며, 착륙 후에는 두 번째 "
    "유도로에서 오른쪽으로 나가 지상 관제와 교신하시기 바랍니다.",
    "아니요, 저는 그렇게 생각하지 않습니다. 왜냐하면 지난주에 이미 같은 이야기를 나누었고 그때 "
    "모두가 동의했기 때문입니다.",
    "one two three four five six seven eight nine zero one one nine",
)
LOOPS = (
    "we had nothing before us, " * 8,
    "Thank you. " * 20,
    "감사합니다. " * 15,
    "네, 알겠습니다. 그렇게 하겠습니다. " * 8,
    "아" * 120,
)


def verdict(
    text: str,
    *,
    tokens: int = 20,
    log_probability: float = -0.3,
    no_speech: float = 0.1,
    seconds: float = 10.0,
) -> str | None:
    return doubt(text, tokens, log_probability, no_speech, seconds)


@pytest.mark.parametrize("text", SPEECH)
def test_what_people_say_is_no_loop(text: str) -> None:
    assert compression_ratio(text) < 0.85 * LOOP_RATIO
    assert verdict(text) is None


@pytest.mark.parametrize("text", LOOPS)
def test_the_same_over_and_over_is_a_loop(text: str) -> None:
    assert verdict(text) == "loop"


def test_more_than_anybody_can_say_in_the_time_is_a_loop() -> None:
    assert verdict(SPEECH[0], tokens=token_limit(10.0)) == "loop"
    assert verdict(SPEECH[0], seconds=4.0) == "loop"
    assert verdict("Affirmative.", seconds=0.3) is None


@pytest.mark.parametrize("seconds", [0.0, 0.1, 5.0, 15.0, 30.0])
def test_the_limit_leaves_room_in_the_decoder(seconds: float) -> None:
    assert 0 < token_limit(seconds) <= 448 - 2 * 100 - 4  # two prompts and the start of a text


def test_words_it_was_not_sure_of_are_a_guess() -> None:
    assert verdict(SPEECH[0], log_probability=-1.2) == "low-confidence"


def test_a_guess_at_silence_is_not_worth_another_try() -> None:
    assert verdict(SPEECH[0], log_probability=-1.2, no_speech=0.9) is None


def test_a_loop_is_one_however_sure_it_is() -> None:
    assert verdict(LOOPS[0], log_probability=0.0, no_speech=0.9) == "loop"


def test_no_words_are_no_loop() -> None:
    assert compression_ratio("") == 0.0
    assert verdict("", tokens=0) is None

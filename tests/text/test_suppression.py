"""What nobody said is marked; what could be a call for help never is."""

import re
from importlib.resources import files

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from text.said import said
from text.strategies import utterances

from malgwi.text import Evidence, suppression
from malgwi.types import Utterance

DATA = yaml.safe_load((files("malgwi.text") / "stock_phrases.yaml").read_text(encoding="utf-8"))
NEVER_DROP = [term.rstrip("*") for terms in DATA["never_drop"].values() for term in terms]
CERTAIN = [
    re.sub(r"\*+", "이덕영", phrase)
    for group in DATA["stock_phrases"].values()
    if not group.get("doubtful")
    for phrase in group["phrases"]
]
DOUBTFUL = [
    re.sub(r"\*+", "site", phrase)
    for group in DATA["stock_phrases"].values()
    if group.get("doubtful")
    for phrase in group["phrases"]
]

SUPPRESS = suppression()


def reason(
    text: str,
    *,
    seconds: float | None = None,
    confidence: float | None = None,
    no_speech: float | None = None,
) -> str | None:
    utterance = said(text, seconds=seconds, confidence=confidence, no_speech=no_speech)
    return SUPPRESS(utterance).suppressed


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Thanks for watching!", "stock-phrase:thanks-for-watching"),
        ("thank you for WATCHING", "stock-phrase:thanks-for-watching"),
        ("Subtitles by the Amara.org community", "stock-phrase:subtitles"),
        ("Please subscribe to my channel.", "stock-phrase:subscribe"),
        ("시청해주셔서 감사합니다.", "stock-phrase:thanks-for-watching"),
        ("시청해 주셔서 감사합니다", "stock-phrase:thanks-for-watching"),
        ("구독과 좋아요, 알림 설정까지 부탁드립니다!", "stock-phrase:subscribe"),
        ("MBC 뉴스 이덕영입니다.", "stock-phrase:newsreader"),
        ("한글자막 by 한효정", "stock-phrase:subtitles"),
        ("다음 영상에서 만나요. 시청해 주셔서 감사합니다.", "stock-phrase:next-video"),
        ("네 네 네 네 네 네 네 네", "loop"),
        ("go go go go go go go", "loop"),
        ("하하하하하하하하하하", "loop"),
        ("I'm going to the gate, " * 8 + "I'm go", "loop"),
        ("♪♪♪", "no-words"),
        ("...", "no-words"),
    ],
)
def test_what_nobody_says_on_a_radio_is_marked_with_its_rule(text: str, rule: str) -> None:
    assert reason(text) == rule


@pytest.mark.parametrize("phrase", CERTAIN)
def test_every_certain_phrase_is_found_without_further_evidence(phrase: str) -> None:
    assert reason(f"{phrase}.", no_speech=0.0, confidence=1.0) is not None


@pytest.mark.parametrize("phrase", DOUBTFUL)
def test_every_doubtful_phrase_needs_evidence(phrase: str) -> None:
    assert reason(phrase) is None
    assert reason(phrase, no_speech=0.6, confidence=0.4) is None
    assert reason(phrase, no_speech=0.7, confidence=0.9) is not None
    assert reason(phrase, no_speech=0.1, confidence=0.3) is not None


def test_a_doubtful_phrase_beside_a_certain_one_needs_evidence_too() -> None:
    text = "감사합니다. 시청해 주셔서 감사합니다."

    assert reason(text) is None
    assert reason(text, no_speech=0.9) == "stock-phrase:thanks"


@pytest.mark.parametrize(
    "text",
    [
        "Thank you tower, proceed to the gate",
        "Please subscribe to my channel on button four",
        "북문입니다 시청해 주셔서 감사합니다",
        "시청 감사합니다",
        "네",
        "네 네 네",
        "go go go",
        "copy that, the the the the the the the the the",
        "Roger.",
    ],
)
def test_real_speech_stays_even_where_the_engine_was_unsure(text: str) -> None:
    assert reason(text, no_speech=0.99, confidence=0.01) is None


def test_digits_that_are_read_out_are_no_loop() -> None:
    assert reason("0 0 0 0 0 0 0 0 0", seconds=3) is None
    assert reason("0 0 0 0 0 0 0 0 0", seconds=0.3) == "loop"


def test_a_few_repetitions_are_a_loop_at_a_speed_that_nobody_speaks_at() -> None:
    assert reason("확인했습니다 " * 3 + "확인", seconds=4) is None
    assert reason("확인했습니다 " * 3 + "확인", seconds=1) == "loop"
    assert reason("확인했습니다 " * 2 + "확인", seconds=0.1) is None


def test_how_much_evidence_is_needed_can_be_set() -> None:
    strict = suppression(Evidence(no_speech=0.2, confidence=0.9, repeats=3))

    assert strict(said("Thank you.", no_speech=0.3)).suppressed == "stock-phrase:thanks"
    assert strict(said("네 네 네 네")).suppressed == "loop"
    assert strict(said("네 네 네")).suppressed is None


@pytest.mark.parametrize("term", NEVER_DROP)
def test_no_utterance_with_a_never_drop_word_is_a_loop(term: str) -> None:
    assert reason(" ".join([term] * 12), no_speech=1.0, confidence=0.0, seconds=0.5) is None


@pytest.mark.parametrize(
    "text",
    [
        "mayday mayday mayday mayday mayday mayday mayday",
        "PAN PAN PAN PAN PAN PAN PAN PAN PAN PAN PAN PAN PAN PAN PAN PAN",
        "살려 주세요 살려 주세요 살려 주세요 살려 주세요 살려 주세요 살려 주세요 살려 주세요",
        "살 려 줘 살 려 줘 살 려 줘 살 려 줘 살 려 줘 살 려 줘 살 려 줘 살 려 줘",
        "불이야! 불이야! 불이야! 불이야! 불이야! 불이야! 불이야! 불이야!",
        "Fire, fire, fire, fire, fire, fire, fire, fire!",
        "Helping helping helping helping helping helping helping helping",
        "메이데이로 메이데이로 메이데이로 메이데이로 메이데이로 메이데이로 메이데이로",
        "나가! 나가! 나가! 나가! 나가! 나가! 나가! 나가!",
        "빨리 빨리 빨리 빨리 빨리 빨리 빨리",
        "Hurry, hurry, hurry, hurry, hurry, hurry, hurry!",
    ],
)
def test_a_call_for_help_is_never_suppressed(text: str) -> None:
    assert reason(text, no_speech=1.0, confidence=0.0, seconds=0.5) is None


def test_a_never_drop_word_counts_before_the_glossary_as_well_as_after_it() -> None:
    loop = said("go " * 8 + "go")
    rewritten = Utterance(
        loop.id, 0, loop.span, "mayday " * 9, loop.text, loop.words, loop.language
    )

    assert SUPPRESS(rewritten).suppressed is None


def test_a_never_drop_word_inside_another_word_does_not_count() -> None:
    assert reason("so so so so so so so so") == "loop"
    assert reason("upstop upstop upstop upstop upstop upstop upstop") == "loop"


def test_no_stock_phrase_has_a_never_drop_word_that_would_make_it_dead() -> None:
    for phrase in CERTAIN:
        assert reason(phrase) is not None


def test_what_is_suppressed_is_kept_whole() -> None:
    utterance = said("Thanks for watching!")

    after = SUPPRESS(utterance)

    assert (after.text, after.words, after.changes) == (utterance.text, utterance.words, ())
    assert not after.counts


@given(
    utterances(),
    st.lists(st.sampled_from([*CERTAIN, *DOUBTFUL, "네", "go", "..."]), max_size=12),
    st.sampled_from(NEVER_DROP),
    st.integers(0, 12),
)
def test_a_never_drop_word_saves_whatever_is_around_it(
    other: Utterance, around: list[str], term: str, place: int
) -> None:
    text = " ".join([*around[:place], term, *around[place:], other.text]).strip()

    assert reason(text, no_speech=1.0, confidence=0.0, seconds=0.1) is None


@given(utterances())
def test_only_the_mark_is_set_and_only_once(utterance: Utterance) -> None:
    once = SUPPRESS(utterance)

    assert (once.text, once.words, once.changes) == (utterance.text, utterance.words, ())
    assert SUPPRESS(once) is once

"""The particle that was said becomes the one that fits what is written."""

import pytest
from text.said import said

from malgwi.text import Entry, Glossary


def as_written(text: str, spoken: str, written: str) -> str:
    entry = Entry("term", written, (spoken,), match="morpheme")
    return Glossary((entry,)).rule()(said(text)).text


@pytest.mark.parametrize(
    ("particle", "fitting"),
    [
        ("은", "는"),
        ("이", "가"),
        ("을", "를"),
        ("과", "와"),
        ("으로", "로"),
        ("으로는", "로는"),
        ("으로부터", "로부터"),
        ("과는", "와는"),
        ("이랑", "랑"),
        ("이에요", "예요"),
    ],
)
def test_a_particle_changes_with_the_last_sound_in_both_directions(
    particle: str, fitting: str
) -> None:
    assert as_written(f"북문{particle} 봅니다", "북문", "초소") == f"초소{fitting} 봅니다"
    assert as_written(f"초소{fitting} 봅니다", "초소", "북문") == f"북문{particle} 봅니다"


@pytest.mark.parametrize(
    "particle",
    ["에서", "에", "에게", "도", "만", "까지", "부터", "의", "에서는", "까지만", "입니다", "이다"],
)
def test_a_particle_that_has_one_form_is_kept(particle: str) -> None:
    assert as_written(f"북문{particle}", "북문", "초소") == f"초소{particle}"


def test_after_rieul_it_is_ro() -> None:
    assert as_written("서울로 가자", "서울", "부산") == "부산으로 가자"
    assert as_written("부산으로 가자", "부산", "서울") == "서울로 가자"
    assert as_written("초소로 가자", "초소", "서울") == "서울로 가자"
    assert as_written("서울을 보자", "서울", "부산") == "부산을 보자"


def test_a_form_that_is_read_as_it_was_spoken_keeps_its_particle() -> None:
    assert as_written("케이티엑스를 타고", "케이티엑스", "KTX") == "KTX를 타고"
    assert as_written("이십삼이 왔다", "이십삼", "23") == "23이 왔다"
    assert as_written("북문이 열렸다", "북문", "North Gate") == "North Gate이 열렸다"


def test_what_stands_in_parentheses_does_not_count_as_a_sound() -> None:
    assert as_written("초소를 보라", "초소", "북문(North Gate)") == "북문(North Gate)을 보라"
    assert as_written("북문을 보라", "북문", "북문(초소)") == "북문(초소)을 보라"


def test_a_wrong_particle_is_not_the_glossarys_business() -> None:
    assert as_written("북문를 보라", "북문", "남문") == "남문를 보라"


def test_what_is_no_particle_makes_another_word_of_it() -> None:
    assert as_written("북문시장 앞", "북문", "초소") == "북문시장 앞"

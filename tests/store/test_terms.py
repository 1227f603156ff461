"""Two texts share terms where one has a word of the other, however it is written."""

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st
from store.kept import texts

from malgwi.store.terms import LONGEST, folded, terms_of


def test_korean_is_cut_into_pairs_that_go_on_over_spaces() -> None:
    assert terms_of("무전 채널") == ["무", "채", "무전", "전채", "채널"]


def test_other_scripts_are_cut_into_words() -> None:
    assert terms_of("Unit 4, at the GATE") == ["unit", "4", "at", "the", "gate"]


def test_scripts_that_meet_are_cut_where_they_do() -> None:
    assert terms_of("KTX역 3번") == ["ktx", "역", "3", "번"]


def test_each_term_is_there_once() -> None:
    assert terms_of("over over") == ["over"]


def test_what_looks_alike_is_the_same() -> None:
    wide = "north".upper().translate({letter: letter + 0xFEE0 for letter in range(65, 91)})

    for other in (f"{wide} 북문", unicodedata.normalize("NFD", "NORTH 북문")):
        assert terms_of(other) == terms_of("north 북문")


def test_a_term_is_never_too_long_and_a_text_never_has_too_many() -> None:
    assert terms_of("x" * 10_000) == ["x" * LONGEST]
    assert len(terms_of(" ".join(map(str, range(100_000))))) < 10_000


@given(texts)
@settings(deadline=None)
def test_each_character_of_a_folded_text_has_its_place_in_the_text(text: str) -> None:
    seen = folded(text)

    if seen.text:
        assert seen.origin(0, len(seen.text))[0] == 0
    for place in range(len(seen.text)):
        start, end = seen.origin(place, place + 1)
        assert seen.text[place] in folded(text[start:end]).text


@given(st.lists(texts))
@settings(deadline=None)
def test_terms_have_no_character_that_a_database_could_take_for_something_else(
    several: list[str],
) -> None:
    for term in terms_of(" ".join(several)):
        assert not any(character.isspace() for character in term)
        assert all(character.isalnum() for character in term if character.isascii())

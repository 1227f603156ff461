"""What people type finds what they mean, and whatever else they type is only text."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store.kept import texts

from malgwi.errors import BadOption
from malgwi.store.query import MOST_CHARACTERS, Query, read_query
from malgwi.store.terms import terms_of

DECOMPOSED = unicodedata.normalize("NFD", "북문")

FOUND = [
    ("북문", "북문에서 확인", ["북문"]),
    ("북문", "동북문", ["북문"]),
    ("북문에서", "북문은", ["북문"]),
    ("북문에서", "북문에서", ["북문에서"]),
    ("무전채널", "무전 채널을 바꿔", ["무전 채널"]),
    ("무전 채널", "무전채널을 바꿔", ["무전", "채널"]),
    ("불", "산불 불이야", ["불"]),
    ("3번", "3번으로, 3 번으로", ["3번", "3 번"]),
    ("ktx역", "ＫＴＸ역에서", ["ＫＴＸ역"]),
    ("GATE", "north gate", ["gate"]),
    ("gate", "gateway gate", ["gateway", "gate"]),
    ("north gate", "gate north", ["gate", "north"]),
    ("don't", "I don't, don’t", ["don't", "don’t"]),
    ('"north gate"', "at the north, gate", ["north, gate"]),
    ('"북문 앞', "북문 앞에서", ["북문 앞"]),
    ('"이 문', "이문에서", ["이문"]),
    ("북문", f"{DECOMPOSED}에서", [DECOMPOSED]),
    ("north -south", "north gate", ["north"]),
    ("strasse", "Die Straße", ["Straße"]),
    ("e-mail", "the e-mail", ["e-mail"]),
]

NOT_FOUND = [
    ("문북", "북문"),
    ("북문", "북쪽 문"),
    ("서북", "에서 북문"),
    ("문", "전문가"),
    ("북문 남문", "북문"),
    ("channel 1", "channel 16"),
    ("gat north", "north gate"),
    ("gat", "gate"),
    ('"gatew"', "gateway"),
    ('"gate north"', "north gate"),
    ('"북문에서"', "북문은"),
    ("전문가", "전문 인력"),
    ("gate -north", "north gate"),
    ('gate -"north gate"', "north gate"),
]


@pytest.mark.parametrize(("query", "text", "marked"), FOUND)
def test_it_is_found_and_marked(query: str, text: str, marked: list[str]) -> None:
    asked = read_query(query)

    match = asked.match(text)

    assert match is not None
    assert [text[start:end] for start, end in match.parts] == marked
    assert_indexed(asked, text)


@pytest.mark.parametrize(("query", "text"), NOT_FOUND)
def test_it_is_not_found(query: str, text: str) -> None:
    assert read_query(query).match(text) is None


@pytest.mark.parametrize(
    "query", ["", "  ", '"', "-", "* ?", "-gate", '-"북문 앞"', "\0", "\ud800"]
)
def test_a_query_without_a_word_to_look_for_is_refused(query: str) -> None:
    with pytest.raises(BadOption, match="no word"):
        read_query(query)


def test_a_query_that_never_ends_is_refused() -> None:
    with pytest.raises(BadOption, match="characters"):
        read_query("x" * (MOST_CHARACTERS + 1))


@pytest.mark.parametrize(
    ("query", "better", "worse"),
    [
        ("북문", "북문 이상 무", "동북문 이상"),
        ("불", "불", "불법"),
        ("gate", "at the gate", "at gateways"),
        ("north gate", "the north gate is open", "the north is open gate"),
        ("copy", "copy", "copy that and tell them so"),
    ],
)
def test_the_better_match_has_the_higher_score(query: str, better: str, worse: str) -> None:
    scores = [read_query(query).match(text) for text in (better, worse)]

    assert scores[0] is not None
    assert scores[1] is not None
    assert 1 >= scores[0].score > scores[1].score > 0


@given(texts, texts)
@settings(deadline=None)
def test_whatever_matches_has_the_terms_that_the_index_is_asked_for(query: str, text: str) -> None:
    try:
        asked = read_query(f"{query} 북문")
    except BadOption:
        return
    whole = f"{text} {query.replace('-', ' ')} 북문"

    if asked.match(whole):
        assert_indexed(asked, whole)


@given(st.lists(st.sampled_from([*"북문전채널 3a-,\"'", "gate", "  "]), min_size=1).map("".join))
@settings(deadline=None)
def test_a_word_of_a_text_finds_the_text(text: str) -> None:
    for word in text.replace('"', " ").split():
        if not terms_of(word) or word.startswith("-"):
            continue

        match = read_query(word).match(text)

        assert match is not None
        assert all(text[start:end] for start, end in match.parts)


@given(texts)
@settings(deadline=None)
def test_no_text_is_a_query_that_breaks(text: str) -> None:
    try:
        query = read_query(text)
    except BadOption:
        return

    query.match(text)
    assert query.terms()


def assert_indexed(asked: Query, text: str) -> None:
    """The index proposes the text."""
    there = terms_of(text)
    for term in asked.terms():
        beginning = term.removesuffix("*")
        assert any(
            each.startswith(beginning) if beginning != term else each == term for each in there
        )

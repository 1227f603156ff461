"""One timeline of all channels, and what was said once is shown once."""

import random
import time
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from malgwi.pipeline.merge import mark_duplicates, merge
from malgwi.types import Span, Utterance

LONG = "cleared to land runway three four left"
OTHER = "request a lower level because of turbulence"
KOREAN = "활주로 삼사 왼쪽에 착륙을 허가합니다"

SENTENCES = (
    LONG,
    "cleared to land runway three four",
    OTHER,
    KOREAN,
    "활주로 삼사 왼쪽에 착륙을 허가함니다",
    "roger",
    "네",
    "",
)


def said(
    text: str, channel: int, start: float, end: float, *, level: float | None = None
) -> Utterance:
    name = f"{channel:02}-{round(start * 1000):06}"
    return Utterance(name, channel, Span(start, end), text, text, (), "en", level=level)


def copies(*utterances: Utterance) -> dict[str, str]:
    """The ids of those that are marked, each with the id of its original."""
    marked = mark_duplicates(utterances)
    return {each.id: each.duplicate_of for each in marked if each.duplicate_of}


@st.composite
def conversations(draw: st.DrawFn) -> list[Utterance]:
    """A few channels that say the same and other things, at about the same time."""
    utterances = []
    for index in range(draw(st.integers(0, 14))):
        start = draw(st.integers(0, 60)) / 10
        seconds = draw(st.integers(0, 40)) / 10
        utterances.append(
            Utterance(
                id=f"u{index}",
                channel=draw(st.integers(0, 3)),
                span=Span(start, start + seconds),
                raw_text=(text := draw(st.sampled_from(SENTENCES))),
                text=text,
                words=(),
                language="en",
                confidence=draw(st.sampled_from([None, 0.3, 0.8])),
                level=draw(st.sampled_from([None, float("-inf"), -40.0, -20.0, -20.3])),
                suppressed=draw(st.sampled_from([None, None, None, "loop"])),
                duplicate_of=draw(st.sampled_from([None, "u0"])),
            )
        )
    return utterances


each_conversation = given(conversations())


@each_conversation
def test_merging_loses_nothing_and_sorts_by_time(utterances: list[Utterance]) -> None:
    channels = [[each for each in utterances if each.channel == index] for index in range(4)]

    timeline = merge(channels)

    assert Counter(timeline) == Counter(utterances)
    places = [(each.span.start, each.channel, each.id) for each in timeline]
    assert places == sorted(places)
    assert merge([timeline]) == timeline
    assert merge(reversed(channels)) == timeline


@each_conversation
def test_marking_changes_nothing_but_the_mark(utterances: list[Utterance]) -> None:
    marked = mark_duplicates(utterances)

    assert [replace(each, duplicate_of=None) for each in marked] == [
        replace(each, duplicate_of=None) for each in utterances
    ]


@each_conversation
def test_marking_twice_is_marking_once(utterances: list[Utterance]) -> None:
    once = mark_duplicates(utterances)

    assert mark_duplicates(once) == once


@given(conversations(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(
    utterances: list[Utterance], chance: random.Random
) -> None:
    shuffled = chance.sample(utterances, len(utterances))

    assert merge([mark_duplicates(shuffled)]) == merge([mark_duplicates(utterances)])


@each_conversation
def test_an_original_is_no_copy_and_was_heard_on_another_channel(
    utterances: list[Utterance],
) -> None:
    marked = {each.id: each for each in mark_duplicates(utterances)}

    for copy in marked.values():
        if copy.duplicate_of:
            original = marked[copy.duplicate_of]
            assert original.duplicate_of is None
            assert original.channel != copy.channel
            assert {original.suppressed, copy.suppressed} == {None}


@given(conversations())
def test_different_texts_are_never_copies(utterances: list[Utterance]) -> None:
    alphabets = [chr(first) for first in range(ord("a"), ord("a") + len(utterances))]
    different = [
        replace(each, text=letter * 20) for each, letter in zip(utterances, alphabets, strict=True)
    ]

    assert all(each.duplicate_of is None for each in mark_duplicates(different))


@pytest.mark.parametrize("text", [LONG, KOREAN])
def test_the_weaker_of_two_is_the_copy(text: str) -> None:
    weak, loud = said(text, 0, 1.0, 4.0, level=-40.0), said(text, 1, 1.0, 4.0, level=-20.0)

    assert copies(weak, loud) == {weak.id: loud.id}


def test_at_the_same_level_the_surer_one_is_the_original() -> None:
    unsure = replace(said(LONG, 0, 1.0, 4.0, level=-20.0), confidence=0.4)
    sure = replace(said(LONG, 1, 1.0, 4.0, level=-20.3), confidence=0.9)

    assert copies(unsure, sure) == {unsure.id: sure.id}


def test_alike_in_everything_the_first_channel_is_the_original() -> None:
    first, second, third = (said(LONG, channel, 1.0, 4.0) for channel in range(3))

    assert copies(third, first, second) == {second.id: first.id, third.id: first.id}


@pytest.mark.parametrize("lag", [0.45, -0.45])
def test_a_repeater_s_echo_is_a_copy(lag: float) -> None:
    direct, echo = (
        said(LONG, 0, 1.0, 3.0, level=-20.0),
        said(LONG, 1, 1 + lag, 3 + lag, level=-26.0),
    )

    assert copies(direct, echo) == {echo.id: direct.id}


@pytest.mark.parametrize("start", [3.0, 4.6])
def test_what_is_said_again_later_is_no_copy(start: float) -> None:
    order = said(LONG, 0, 1.0, 4.0, level=-20.0)
    readback = said(LONG, 1, start, start + 3.0, level=-30.0)

    assert copies(order, readback) == {}


def test_two_people_who_say_different_things_at_once_both_stay() -> None:
    assert copies(said(LONG, 0, 1.0, 4.0, level=-20.0), said(OTHER, 1, 1.0, 4.0, level=-40.0)) == {}


def test_spelling_case_and_punctuation_make_no_difference() -> None:
    spoken = said("cleared to land, runway Three-Four left.", 1, 1.0, 4.0, level=-40.0)

    assert copies(said(LONG, 0, 1.0, 4.0, level=-20.0), spoken) != {}


def test_a_few_words_misheard_make_no_difference() -> None:
    misheard = said("clear to land one way three four left", 1, 1.0, 4.0, level=-40.0)

    assert copies(said(LONG, 0, 1.0, 4.0, level=-20.0), misheard) != {}


def test_a_piece_of_what_another_channel_has_whole_is_a_copy() -> None:
    whole = said(f"{OTHER} {LONG}", 0, 1.0, 7.0, level=-20.0)
    piece = said("land runway three four left", 1, 4.5, 7.0, level=-40.0)

    assert copies(whole, piece) == {piece.id: whole.id}


def test_what_has_more_than_the_louder_one_is_no_copy() -> None:
    loud = said(LONG, 0, 1.0, 4.0, level=-20.0)
    more = said(f"{LONG} {OTHER}", 1, 1.0, 7.0, level=-40.0)

    assert copies(loud, more) == {}


def test_two_pieces_on_the_louder_channel_make_one_original() -> None:
    first, second = said(LONG, 0, 1.0, 4.0, level=-20.0), said(OTHER, 0, 4.6, 7.9, level=-20.0)
    both = said(f"{LONG} {OTHER}", 1, 1.0, 7.9, level=-40.0)

    assert copies(first, second, both) == {both.id: second.id}


@pytest.mark.parametrize("text", ["yes", "roger that", "네", "알겠습니다"])
def test_a_short_answer_of_two_people_is_no_copy(text: str) -> None:
    one, two = said(text, 0, 1.0, 1.6, level=-20.0), said(text, 1, 1.2, 1.8, level=-30.0)

    assert copies(one, two) == {}


@pytest.mark.parametrize(
    ("level", "is_copy"), [(-30.0, True), (-25.0, False), (None, False)], ids=str
)
def test_a_short_one_is_a_copy_where_time_and_text_agree_and_it_is_clearly_weaker(
    level: float | None, is_copy: bool
) -> None:
    one, two = said("roger", 0, 1.0, 1.6, level=-20.0), said("Roger.", 1, 1.04, 1.6, level=level)

    assert bool(copies(one, two)) == is_copy


def test_what_was_suppressed_is_neither_original_nor_copy() -> None:
    suppressed = replace(said(LONG, 0, 1.0, 4.0, level=-20.0), suppressed="loop")

    assert copies(suppressed, said(LONG, 1, 1.0, 4.0, level=-40.0)) == {}


@pytest.mark.slow
def test_twenty_thousand_utterances_take_about_a_second() -> None:
    chance = random.Random(1)
    words = ["".join(chance.choices("etaoinshrdlu", k=5)) for _ in range(1000)]
    utterances = [
        said(
            " ".join(chance.choices(words, k=10)),
            channel,
            turn * 9.0 + channel * 0.5,
            turn * 9.0 + channel * 0.5 + 4.0,
        )
        for turn in range(20_000 // 16)
        for channel in range(16)
    ]

    began = time.process_time()
    mark_duplicates(utterances)
    seconds = time.process_time() - began

    assert seconds < 5.0  # about 0.8 on one core; pair by pair it would be minutes

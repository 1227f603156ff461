"""Rules run in order, leave a record, and keep the times of the words."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text.said import said
from text.strategies import assert_sound, replayed, utterances

from malgwi.text import Entry, Glossary, Rule, apply, nfc, suppression
from malgwi.types import Span, Utterance, Word

GLOSSARY = Glossary(
    (
        Entry("north-gate", "북문(North Gate)", ("북 문", "north gate")),
        Entry("busan", "부산", ("서울",)),
        Entry("ktx", "KTX", ("케이 티 엑스",)),
        Entry("tower", "Tower Control Room", ("tower", "tower control"), channels=frozenset("01")),
        Entry("k", "Kilo", ("K",), case_sensitive=True),
        Entry("t", "탱고", ("T",), match="morpheme", languages=frozenset({"ko"})),
    )
).rule()


def writes(spoken: str, written: str) -> Rule:
    return Glossary((Entry(spoken, written, (spoken,)),)).rule()


def test_each_rule_works_on_what_the_one_before_it_wrote() -> None:
    rules = [writes("alpha", "bravo"), writes("bravo", "charlie")]

    utterance = apply(rules, said("say alpha again"))

    assert utterance.text == "say charlie again"
    assert [change.rule for change in utterance.changes] == ["glossary:alpha", "glossary:bravo"]
    assert utterance.raw_text == "say alpha again"
    assert replayed(utterance) == utterance.text


def test_without_rules_nothing_changes() -> None:
    utterance = said("북 문에서 봅시다")

    assert apply([], utterance) is utterance
    assert GLOSSARY(said("봅시다")).changes == ()


def test_as_many_words_as_before_keep_their_times_one_for_one() -> None:
    utterance = said("go to north gate now")

    after = writes("north gate", "South Door")(utterance)

    assert [word.text for word in after.words] == [" go", " to", " South", " Door", " now"]
    assert [word.span for word in after.words] == [word.span for word in utterance.words]
    assert [word.confidence for word in after.words] == [w.confidence for w in utterance.words]


def test_words_that_become_one_get_all_of_their_time_and_the_lowest_confidence() -> None:
    utterance = said("케이 티 엑스를 타고")

    after = GLOSSARY(utterance)

    train, rest = after.words
    assert (train.text, train.span) == (" KTX를", Span(0.0, utterance.words[2].span.end))
    assert train.confidence == min(w.confidence or 1 for w in utterance.words[:3])
    assert rest == utterance.words[3]


def test_a_word_that_becomes_several_is_shared_out_by_length() -> None:
    alone = replace(said("control"), words=(Word(" control", Span(2.0, 5.0), 0.5),))

    after = writes("control", "Air Traffic")(alone)

    air, traffic = after.words
    assert air == Word(" Air", Span(2.0, pytest.approx(2.9)), 0.5)  # type: ignore[arg-type]
    assert (traffic.text, traffic.span.end, traffic.confidence) == (" Traffic", 5.0, 0.5)
    assert air.span.end == traffic.span.start


def test_a_confidence_that_is_not_known_stays_unknown_in_the_word_that_it_goes_into() -> None:
    first, second = said("north gate").words
    utterance = replace(said("north gate"), words=(first, replace(second, confidence=None)))

    [word] = writes("north gate", "Northgate")(utterance).words

    assert word.confidence is None


def test_the_record_of_one_rule_can_be_replayed_in_order() -> None:
    after = writes("a", "alpha")(said("a b a b a", language="en"))

    assert after.text == "alpha b alpha b alpha"
    assert [change.start for change in after.changes] == [8, 4, 0]
    assert replayed(after) == after.text


def test_a_rule_keeps_text_that_has_no_words() -> None:
    utterance = replace(said("서울로"), words=())

    after = GLOSSARY(utterance)

    assert (after.text, after.words) == ("부산으로", ())


@given(utterances(), st.sampled_from(list(permutations([nfc, GLOSSARY, suppression()]))))
def test_whatever_the_rules_do_can_be_replayed_and_the_words_keep_their_time(
    utterance: Utterance, rules: tuple[Rule, ...]
) -> None:
    after = apply(rules, utterance)

    assert_sound(utterance, after)


@given(utterances())
def test_a_second_run_of_all_rules_changes_nothing(utterance: Utterance) -> None:
    rules = [nfc, GLOSSARY, suppression()]
    once = apply(rules, utterance)

    assert apply(rules, once) == once

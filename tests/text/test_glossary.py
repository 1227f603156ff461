"""What is said in many ways is written in one."""

import pytest
from text.said import said

from malgwi.text import Entry, Glossary
from malgwi.types import Change

NORTH_GATE = Entry("north-gate", "북문(North Gate)", ("북 문", "north gate"))


def as_written(text: str, *entries: Entry, language: str = "en") -> str:
    return Glossary(entries).rule()(said(text, language=language)).text


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("북문", "북문(North Gate)"),
        ("북 문에서 봅시다", "북문(North Gate)에서 봅시다"),
        ("지금 북문까지, 북 문.", "지금 북문(North Gate)까지, 북문(North Gate)."),
        ("동북문에서", "동북문에서"),
        ("at the North  Gate!", "at the 북문(North Gate)!"),
        ("northgate", "northgate"),
    ],
)
def test_a_term_is_found_whatever_its_spaces_case_and_particles(text: str, after: str) -> None:
    assert as_written(text, NORTH_GATE) == after


def test_every_change_says_which_entry_made_it_and_where() -> None:
    after = Glossary((NORTH_GATE,)).rule()(said("지금 북 문에서"))

    assert after.changes == (Change("glossary:north-gate", 3, 6, "북 문", "북문(North Gate)"),)


def test_a_particle_that_becomes_another_is_part_of_the_change() -> None:
    after = Glossary((Entry("gate", "초소", ("북문",)),)).rule()(said("북문은"))

    assert after.changes == (Change("glossary:gate", 0, 3, "북문은", "초소는"),)


def test_a_word_is_a_whole_word_and_keeps_its_punctuation() -> None:
    tower = Entry("tower", "Tower", ("tower",))

    assert as_written('"tower," towers watchtower tower\'s', tower) == (
        '"Tower," towers watchtower Tower\'s'
    )


def test_a_korean_word_can_be_held_to_stand_alone() -> None:
    alone = Entry("gate", "초소", ("북문",), match="word")

    assert as_written("북문에서 북문", alone) == "북문에서 초소"


def test_a_latin_word_takes_particles_if_its_entry_says_so() -> None:
    tower = Entry("tower", "관제탑", ("tower",), match="morpheme")

    assert as_written("tower가 tower에서", tower) == "관제탑이 관제탑에서"


def test_the_longest_form_wins_and_what_is_written_is_not_looked_at_again() -> None:
    one = Entry("one", "two", ("one",))
    two = Entry("two", "three", ("two",))
    both = Entry("both", "twelve", ("one two",))

    assert as_written("one two one", one, two, both) == "twelve two"
    assert as_written("two one", one, two) == "three two"


def test_a_longer_form_that_does_not_end_there_gives_way_to_a_shorter_one() -> None:
    gate = Entry("gate", "초소", ("북문",))
    phrase = Entry("phrase", "(북문)", ("북문에서",), match="word")

    assert as_written("북문에서 북문에서는", gate, phrase) == "(북문) 초소에서는"


def test_case_counts_where_the_entry_says_so() -> None:
    us = Entry("us", "United States", ("US",), case_sensitive=True)

    assert as_written("US told us", us) == "United States told us"


def test_of_two_forms_that_differ_in_case_the_exact_one_wins() -> None:
    exact = Entry("us", "United States", ("US",), case_sensitive=True)
    other = Entry("we", "our unit", ("us",))

    assert as_written("US told us", other, exact) == "United States told our unit"


def test_a_longer_form_in_another_case_gives_way_too() -> None:
    exact = Entry("team", "Team A", ("A team",), case_sensitive=True)
    letter = Entry("a", "Alpha", ("a",))

    assert as_written("a team", exact, letter) == "Alpha team"
    assert as_written("A team", exact, letter) == "Team A"


def test_what_is_written_so_already_is_left_alone() -> None:
    assert as_written("북문(North Gate)에서", NORTH_GATE) == "북문(North Gate)에서"


def test_a_form_may_be_anything_that_can_be_spoken() -> None:
    entry = Entry("c", "C++ (.*)", ("c[plus]", "c++"))

    assert as_written("c++ C[PLUS] cplus", entry) == "C++ (.*) C++ (.*) cplus"


def test_an_entry_applies_to_its_channels_and_languages_alone() -> None:
    rule = Glossary(
        (
            Entry("by-label", "Alpha", ("a",), channels=frozenset({"tower"})),
            Entry("by-index", "Bravo", ("b",), channels=frozenset({"1"})),
            Entry("korean", "Charlie", ("c",), languages=frozenset({"ko"})),
        )
    ).rule(labels=("tower", "ground"))

    assert rule(said("a b c", channel=0)).text == "Alpha b Charlie"
    assert rule(said("a b c", channel=1, language="en")).text == "a Bravo c"


def test_a_number_is_a_label_before_it_is_an_index() -> None:
    rule = Glossary((Entry("a", "Alpha", ("a",), channels=frozenset({"1"})),)).rule(("1", "2"))

    assert rule(said("a", channel=0)).text == "Alpha"
    assert rule(said("a", channel=1)).text == "a"


def test_a_glossary_without_entries_changes_nothing() -> None:
    assert as_written("북 문에서") == "북 문에서"

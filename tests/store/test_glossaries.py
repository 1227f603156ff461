import unicodedata

import pytest
from store.conftest import quickly_in_both

from malgwi.errors import NotFound, Stale
from malgwi.store import Database, Glossaries


@pytest.fixture
def glossaries(database: Database) -> Glossaries:
    return Glossaries(database)


@quickly_in_both
def test_every_state_of_a_glossary_is_kept(glossaries: Glossaries) -> None:
    first = glossaries.put("무전", "one", "somebody")
    second = glossaries.put("무전", "two")

    assert (first.number, second.number) == (1, 2)
    assert glossaries.find("무전") == second
    assert glossaries.find("무전", 1) == first
    assert glossaries.revisions("무전") == (first, second)


def test_the_same_again_is_no_new_state(glossaries: Glossaries) -> None:
    first = glossaries.put("radio", "one")

    assert glossaries.put("radio", "one") == first


def test_the_list_has_the_current_state_of_each(glossaries: Glossaries) -> None:
    glossaries.put("b", "old")
    new = glossaries.put("b", "new")
    other = glossaries.put("a", "other")
    glossaries.put("gone", "gone")
    glossaries.delete("gone")

    assert glossaries.current() == (other, new)


def test_a_deleted_one_is_not_found_but_for_who_knows_its_number(glossaries: Glossaries) -> None:
    first = glossaries.put("radio", "one")

    glossaries.delete("radio")

    for asking in (glossaries.find, glossaries.revisions, glossaries.delete):
        with pytest.raises(NotFound):
            asking("radio")
    assert glossaries.find("radio", 1) == first


def test_one_that_comes_back_goes_on_counting(glossaries: Glossaries) -> None:
    glossaries.put("radio", "one")
    glossaries.delete("radio")

    assert glossaries.put("radio", "one").number == 3


def test_hangul_written_in_two_ways_is_one_name(glossaries: Glossaries) -> None:
    glossaries.put(unicodedata.normalize("NFD", "무전"), "one")

    assert glossaries.find("무전").content == "one"


@pytest.mark.parametrize("number", [0, 2, -1])
def test_a_state_that_never_was_is_not_found(glossaries: Glossaries, number: int) -> None:
    glossaries.put("radio", "one")

    with pytest.raises(NotFound):
        glossaries.find("radio", number)


@quickly_in_both
def test_of_two_that_change_the_same_state_one_looks_again(glossaries: Glossaries) -> None:
    glossaries.put("radio", "one", base=0)
    second = glossaries.put("radio", "two", base=1)

    for base in (0, 1, 3):
        with pytest.raises(Stale) as stale:
            glossaries.put("radio", "three", base=base)
        assert stale.value.current == 2
    assert glossaries.find("radio") == second
    glossaries.delete("radio")
    with pytest.raises(Stale):
        glossaries.put("radio", "three", base=3)
    assert glossaries.put("radio", "three", base=0).number == 4

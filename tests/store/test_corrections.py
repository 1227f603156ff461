"""A corrected utterance says how it came to be, and claims nothing that nobody heard."""

from dataclasses import replace
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st
from store.kept import utterance

from malgwi.store import Correction
from malgwi.store.corrections import RULE, corrected
from malgwi.types import Change, Utterance, Word, written

SAID = replace(
    utterance(0, "unit for at the north gate"),
    text="unit four at the north gate",
    changes=(Change("glossary", 5, 8, "for", "four"),),
)
ID = SAID.id


def replayed(each: Utterance) -> str:
    return reduce(lambda text, change: change.apply(text), each.changes, each.raw_text)


def test_the_text_is_that_of_the_correction_and_the_raw_text_stays() -> None:
    new = corrected(SAID, Correction(ID, " unit five at the north gate\n"))

    assert new.text == "unit five at the north gate" == written(new.words)
    assert new.raw_text == SAID.raw_text
    assert new.changes == (*SAID.changes, Change(RULE, 6, 9, "our", "ive"))


@given(text=st.text("nort gaeh북문 ", max_size=20))
def test_the_changes_lead_from_the_raw_text_to_the_corrected_one(text: str) -> None:
    new = corrected(SAID, Correction(ID, text))

    assert replayed(new) == new.text == text.strip()


def test_the_confidence_is_that_of_the_words_that_were_recognised() -> None:
    sure = replace(SAID, words=(*SAID.words[:-1], replace(SAID.words[-1], confidence=1.0)))

    assert corrected(sure, Correction(ID, "somewhere gate")).confidence == 1.0
    assert corrected(sure, Correction(ID, "nothing of it")).confidence is None


def test_where_no_words_were_timed_no_times_are_made_up() -> None:
    untimed = replace(SAID, words=())

    assert corrected(untimed, Correction(ID, "unit five")).words == ()


def test_what_was_said_where_nothing_was_recognised_has_the_time_of_the_utterance() -> None:
    silent = replace(SAID, text="", raw_text="", words=(), changes=())

    new = corrected(silent, Correction(ID, "hello"))

    assert new.words == (Word("hello", SAID.span),)


def test_a_speaker_is_given_taken_and_left() -> None:
    known = corrected(SAID, Correction(ID, speaker="Kim"))

    assert known == replace(SAID, speaker="Kim")
    assert corrected(known, Correction(ID, text="other words")).speaker == "Kim"
    assert corrected(known, Correction(ID, speaker="")).speaker is None


def test_the_same_text_changes_nothing() -> None:
    assert corrected(SAID, Correction(ID, SAID.text)) == SAID
    assert corrected(SAID, Correction(ID)) == SAID


def test_what_somebody_wrote_is_suppressed_no_more() -> None:
    loop = replace(SAID, suppressed="loop")

    assert corrected(loop, Correction(ID, "unit five")).suppressed is None
    assert corrected(loop, Correction(ID, loop.text)) == SAID
    assert corrected(loop, Correction(ID, speaker="Kim")).suppressed == "loop"

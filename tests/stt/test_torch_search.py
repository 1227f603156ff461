"""What Whisper may write next, and which of its hypotheses is the best."""

from collections.abc import Mapping
from math import exp, log
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is in no lock file: pip install torch")

from malgwi.stt.torch_search import Rules, search  # noqa: E402 (needs torch)

A, B, C, END, UNTIMED, TIME = range(6)  # and more times behind
SIZE = TIME + 60
RULES = Rules(END, TIME, never=[C])


def logits(*rows: Mapping[int, float]) -> Any:
    """Of these probabilities; all others are next to nothing."""
    table = torch.full((len(rows), SIZE), log(1e-6))
    for row, probabilities in enumerate(rows):
        for token, probability in probabilities.items():
            table[row, token] = log(probability)
    return table


def allowed(probabilities: Mapping[int, float], *written: int) -> set[int]:
    """What may follow on `written`."""
    [row] = RULES.log_probabilities(logits(probabilities), [written])
    return {token for token in range(SIZE) if row[token] > -torch.inf}


def test_it_begins_with_a_time_in_the_first_second() -> None:
    assert allowed({A: 0.9}) == set(range(TIME, TIME + 51))


def test_text_follows_on_a_time_that_begins_something() -> None:
    assert allowed({A: 0.9}, TIME) == {A, B, END}
    assert allowed({A: 0.9}, TIME, A, TIME + 2, TIME + 2) == {A, B, END}


def test_a_time_that_ends_something_is_followed_by_the_next_or_by_the_end() -> None:
    assert allowed({END: 0.9}, TIME, A, TIME + 58) == {END, TIME + 58, TIME + 59}


def test_times_go_on_from_what_was_said() -> None:
    assert allowed({A: 0.9}, TIME + 57, A) == {A, B, END, TIME + 58, TIME + 59}


def test_a_time_is_taken_where_all_times_together_are_likelier_than_any_word() -> None:
    times = {TIME + 10: 0.2, TIME + 11: 0.2, TIME + 12: 0.2}

    assert allowed({A: 0.5, **times}, TIME, A) == set(range(TIME + 1, SIZE))
    assert A in allowed({A: 0.7, **times}, TIME, A)


def searched(chain: Mapping[int, Mapping[int, float]], beam: int, most: int = 8) -> Any:
    """The best way through a chain, from the probabilities after each token."""

    def step(rows: list[int], tokens: list[int]) -> Any:
        return logits(*(chain.get(token, {END: 1.0}) for token in tokens))

    [best] = search(logits({TIME: 1.0}), step, RULES, beam, most)
    return best


GARDEN_PATH = {
    TIME: {A: 0.6, B: 0.4},
    A: {A: 0.5, END: 0.3, B: 0.2},
    B: {END: 0.95, A: 0.05},
}


def test_a_beam_of_one_takes_the_likeliest_token_each_time() -> None:
    best = searched({**GARDEN_PATH, A: {END: 1.0}}, beam=1)

    assert best.tokens == (TIME, A)
    assert best.ended
    assert exp(best.score) == pytest.approx(0.6, abs=1e-3)
    assert best.mean == pytest.approx(best.score / 2)


def test_a_wider_beam_finds_what_begins_less_likely() -> None:
    assert searched(GARDEN_PATH, beam=3).tokens == (TIME, B)


def test_what_does_not_end_is_cut_off() -> None:
    best = searched({TIME: {A: 1.0}, A: {A: 1.0}}, beam=1, most=4)

    assert best.tokens == (TIME, A, A, A)
    assert not best.ended


def test_pieces_of_a_batch_end_when_they_do() -> None:
    chain = {TIME: {A: 1.0}, TIME + 1: {END: 1.0}, A: {B: 1.0}, B: {END: 1.0}}
    alive = []

    def step(rows: list[int], tokens: list[int]) -> Any:
        alive.append(rows)
        return logits(*(chain.get(token, {END: 1.0}) for token in tokens))

    first, second = search(logits({TIME: 1.0}, {TIME + 1: 1.0}), step, RULES, 1, 8)

    assert (first.tokens, second.tokens) == ((TIME, A, B), (TIME + 1,))
    assert alive == [[0, 1], [0], [0]]


def test_no_numbers_are_no_text() -> None:
    with pytest.raises(ValueError):
        search(torch.full((1, SIZE), torch.nan), lambda _rows, _tokens: None, RULES, 1, 8)
